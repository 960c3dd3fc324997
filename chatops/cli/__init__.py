"""The `chatops` command: the composition root, where core and console meet."""

from __future__ import annotations

import errno
import sys
from importlib import import_module
from typing import Any

import click
from msgspec.structs import replace

from chatops.cli.options import is_anything_typed, reread, server_options, settings_of
from chatops.cli.parts import (
    ascii_option,
    check_terminal,
    fail,
    let_ctrl_c_interrupt,
    let_signals_end_it,
    look_of_console,
)
from chatops.cli.running import fail_if_dead, started
from chatops.settings import USUAL, Settings, SettingsError
from chatops.system import streams
from chatops.system.version import __version__

IRC_PORT = 6667                # where clients look for it
# Loopback swallows megabytes before a queue shows, and a slow reader is soon evicted: with
# these the demo has a queue to look at within half a minute, and for a while.
DEMO = Settings(sndbuf=4 << 10, outbox=64 << 10, stall=600.0)


# Each is imported when it is run: where it is, and what `--help` says.
COMMANDS = {
    "account": ("chatops.accounts.cli", "Add, change, list and remove accounts of clients."),
    "attach": ("chatops.cli.attach", "Open the console on a server in another process."),
    "bench": ("chatops.bench.cli", "Measure the server, and an asyncio-streams relay beside it."),
    "ctl": ("chatops.control.ctl", "One command to a running server, for scripts."),
    "history": ("chatops.control.history", "Read what was said, while the server runs or not."),
    "lab": ("chatops.cli.lab", "Run one of the lab's six servers here, without the console."),
    "metrics": ("chatops.metrics.cli", "List what `--metrics` tells; make a dashboard of it."),
    "replay": ("chatops.cli.replay", "Open the console on a recording, made with `:record` or "
               "`:save`."),
    "serve": ("chatops.cli.serve", "Run the server with no console; log to standard error."),
    "watch": ("chatops.cli.watch", "Look into any Python program's event loop, in this console."),
    "web": ("chatops.web.cli", "Serve the console of a running server to browsers."),
}
# Those that take Ctrl-C as an exception; it ends the others as they are, or they answer it.
INTERRUPTED = ("account", "bench", "ctl", "history", "lab")


class _Commands(click.Group):
    """Which are imported only when they are asked for."""

    def main(self, *args: Any, **options: Any) -> Any:
        """As click's own, but a setting that cannot be, or help that cannot be written, is told
        in a line.
        """
        streams.prepare()
        try:
            return super().main(*args, **options)
        except SettingsError as error:
            fail(str(error), 2)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            fail(f"cannot write: {error.strerror}")

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(COMMANDS[name][0]), name)
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in sorted(COMMANDS.items())])


@click.group(cls=_Commands, invoke_without_command=True, context_settings={
    "help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="chatops")
@click.option("--demo", is_flag=True, help="bring built-in clients, chatty ones and a slow one; "
              "queues are small unless set otherwise")
@ascii_option
@server_options
@click.pass_context
def main(context: click.Context, /, demo: bool, plain: bool, **_: object) -> None:
    """A group-chat server you can see inside.

    Without a command: the full-screen console, with the server running in it.
    """
    if context.invoked_subcommand is not None:
        if is_anything_typed(context):
            fail(f"options go after '{context.invoked_subcommand}'", 2)
        if context.invoked_subcommand in INTERRUPTED:
            let_ctrl_c_interrupt()
        return
    let_signals_end_it()
    defaults = DEMO if demo else USUAL
    settings = settings_of(context, defaults)
    if demo and settings.tls_cert:
        fail("--demo brings clients that do not speak TLS; leave --tls-cert away", 2)
    check_terminal()
    from chatops.links.local import LocalLink
    from tui.process import run_console

    shown = look_of_console(plain)
    if demo and settings.irc_port is None and _is_free(settings.host, IRC_PORT):
        settings = replace(settings, irc_port=IRC_PORT)
    thread = started(settings, settings.log_file,      # the console lets signals through
                     reread(context, defaults))
    link = LocalLink(thread)
    if demo:
        link.demo()
    try:
        server = thread.server
        greeting = _how_to_come_in(*server.address, server.intake.irc_port) if demo else ""
        status = run_console(link, greeting=greeting, **shown)
    finally:
        link.close()
        thread.close()
    fail_if_dead(thread)
    sys.exit(status)


def _how_to_come_in(host: str, port: int, irc_port: int) -> str:
    """As clients, from other terminals."""
    ways = [f"nc {host} {port}"]
    if irc_port:
        ways.append(f"irssi -c {host} -p {irc_port}")
    return "come in:  " + "  or  ".join(ways)


def _is_free(host: str, port: int) -> bool:
    """Whether something could listen there now."""
    from chatops.net.listener import listen

    try:
        socks, _ = listen(host, port)
    except (OSError, UnicodeError):
        return False
    for sock in socks:
        sock.close()
    return True
