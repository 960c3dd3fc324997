"""The `chatops` command: the composition root, where core and console meet."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import click
from msgspec.structs import replace

from chatops import __version__
from chatops.accounts.cli import account
from chatops.api.commands import Reload
from chatops.bench.cli import bench
from chatops.control.client import find
from chatops.control.ctl import ctl
from chatops.control.socket_path import ControlError
from chatops.net.listener import listen
from chatops.service import ServerThread, StartError, tune_collector
from chatops.settings import SETTINGS, USUAL, Setting, Settings, SettingsError, load
from chatops.system import streams
from chatops.system.streams import say

LEAST_COLUMNS, LEAST_LINES = 60, 16
IRC_PORT = 6667                # where clients look for it
SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
# Loopback swallows megabytes before a queue shows, and a slow reader is soon evicted: with
# these the demo has a queue to look at within half a minute, and for a while.
DEMO = Settings(sndbuf=4 << 10, outbox=64 << 10, stall=600.0)


def _option(setting: Setting) -> Callable[[Any], Any]:
    default = setting.write(getattr(USUAL, setting.field)) or "none"
    return click.option(f"--{setting.name}", setting.field, metavar="VALUE",
                        help=f"{setting.why}  [{default}]")


def server_options(command: Any) -> Any:
    """A flag for every setting, and where the settings file is."""
    for setting in reversed(SETTINGS):
        command = _option(setting)(command)
    return click.option("--config", metavar="FILE",
                        help="TOML file with any of these; flags and CHATOPS_… win")(command)


def fail(text: str, status: int = 1) -> NoReturn:
    """One line, no traceback, and a status that scripts can see."""
    say(f"chatops: {text}")
    sys.exit(status)


def _settings(config: str | None, flags: dict[str, Any], defaults: Settings = USUAL) -> Settings:
    try:
        return load(flags, config=config, defaults=defaults)
    except SettingsError as error:
        fail(str(error), 2)


def _let_signals_end_it() -> None:
    """While it starts.  Python's own handler waits for the system call to end that it came in,
    and looking up the name of a host may take a minute.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def _hold_signals() -> None:
    """Until somebody is there to answer them: one that comes between the first client and that
    moment would end the process as it is, and nobody would be told.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    # Whoever rotates logs may be early, and that must not end it.
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)


def _started(settings: Settings, log: str) -> ServerThread:
    """With the signals held, for whoever answers them to let them through."""
    thread = ServerThread(settings, log=log)
    try:
        thread.start(_hold_signals)
    except StartError as error:
        fail(str(error))
    signal.signal(signal.SIGUSR1, lambda _signum, _frame: thread.reopen_log())
    return thread


@click.group(invoke_without_command=True, context_settings={
    "help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="chatops")
@click.option("--demo", is_flag=True, help="bring built-in clients, chatty ones and a slow one; "
              "queues are small unless set otherwise")
@server_options
@click.pass_context
def main(context: click.Context, /, demo: bool, config: str | None, **flags: Any) -> None:
    """A group-chat server you can see inside.

    Without a command: the full-screen console, with the server running in it.
    """
    streams.prepare()
    if context.invoked_subcommand is not None:
        if any(value is not None for value in [config, *flags.values()]) or demo:
            fail(f"options go after '{context.invoked_subcommand}'", 2)
        return
    _let_signals_end_it()
    settings = _settings(config, flags, DEMO if demo else USUAL)
    if demo and settings.tls_cert:
        fail("--demo brings clients that do not speak TLS; leave --tls-cert away", 2)
    _check_terminal()
    from chatops.links.local import LocalLink
    from tui.app import run_console

    if demo and settings.irc_port is None and _is_free(settings.host, IRC_PORT):
        settings = replace(settings, irc_port=IRC_PORT)
    thread = _started(settings, settings.log_file)     # the console lets signals through
    link = LocalLink(thread)
    if demo:
        link.demo()
    try:
        status = run_console(link)
    finally:
        link.close()
        thread.close()
    _fail_if_dead(thread)
    sys.exit(status)


def _is_free(host: str, port: int) -> bool:
    """Whether something could listen there now."""
    try:
        listen(host, port).close()
    except (OSError, UnicodeError):
        return False
    return True


def _fail_if_dead(thread: ServerThread) -> None:
    """Show what threads have died of, and leave with a failure; else do nothing."""
    dead = {"server": thread.crash} if thread.crash is not None else {}
    dead |= thread.dead_threads
    if dead:
        for traceback in dead.values():
            say(traceback)
        fail(f"the {' and the '.join(dead)} thread died; above is why")


def _check_terminal() -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TERM") == "dumb":
        fail("the console needs a terminal; `chatops serve` runs the server without one")
    columns, lines = os.get_terminal_size(sys.stdout.fileno())
    if 0 < columns < LEAST_COLUMNS or 0 < lines < LEAST_LINES:
        fail(f"the terminal is {columns}×{lines}; the console needs at least "
             f"{LEAST_COLUMNS}×{LEAST_LINES}: enlarge it, or use `chatops serve`")


def _wait(thread: ServerThread, ready: str) -> None:
    """Say that it is ready, and wait until the server has ended.  Signal handlers run meanwhile.

    CPython looks for signals between two instructions of the main thread: one that arrives
    just as it begins to wait for a lock would lie there until the next.  So it waits for a
    socket, into which signals and the end of the server write a byte.
    """
    news, writer = socket.socketpair()
    with news, writer:
        writer.setblocking(False)
        thread.on_end = lambda: writer.send(b"\0")
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        say(ready)             # from here on no descriptor is needed that clients may take
        while thread.alive:
            news.recv(64)
        signal.set_wakeup_fd(-1)
        thread.close()


@main.command()
@server_options
def serve(config: str | None, **flags: Any) -> None:
    """Run the server with no console; log to standard error."""
    _let_signals_end_it()
    settings = _settings(config, flags)
    thread = _started(settings, settings.log_file or "-")

    def stop(_signum: int, _frame: Any) -> None:
        thread.stop()

    def reload(_signum: int, _frame: Any) -> None:
        thread.reopen_log()
        if settings.tls_cert or settings.ban_file:
            thread.submit(Reload())

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    # A terminal that goes sends it too, and takes nobody along.
    signal.signal(signal.SIGHUP, reload)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    tune_collector()
    host, port = thread.server.address[:2]
    spoken = f"{thread.server.selector.backend}{', TLS' if settings.tls_cert else ''}"
    irc = "".join([f", IRC on {door.listener.sock.getsockname()[1]}"
                   for door in thread.server.doors[1:]])
    _wait(thread, f"chatops: listening on {host}:{port} ({spoken}{irc})")
    _fail_if_dead(thread)
    say("chatops: stopped")


@main.command()
@click.argument("path", default="", metavar="[PATH]")
@click.option("--port", type=click.IntRange(1, 65535), help="the server on this port")
def attach(path: str, port: int | None) -> None:
    """Open the console on a server in another process.

    PATH is the control socket of a server of this user; with one running there is no need
    to say which.  Leaving with Detach leaves the server alone.
    """
    from chatops.links.remote import RemoteLink
    from tui.app import run_console

    _check_terminal()
    try:
        link = RemoteLink(find(path, port))
    except ControlError as error:
        fail(str(error))
    status = run_console(link, attached=True)
    if link.status.failed or link.status.dropped:
        fail(link.status.detail)
    sys.exit(status)


@main.command()
@click.argument("file", type=click.Path())
def replay(file: str) -> None:
    """Open the console on a recording, made with `:record` or `:save`."""
    from chatops.links.replay import ReplayLink
    from chatops.replay.recording import RecordingError, read
    from chatops.system.paths import PathError, expand
    from tui.app import run_console

    try:
        recording = read(expand(file))
    except (PathError, RecordingError) as error:
        fail(str(error))
    _check_terminal()
    if recording.warning:
        say(f"chatops: {recording.warning}")
    sys.exit(run_console(ReplayLink(recording), replay=True))


@main.command()
@click.argument("stage", type=click.IntRange(1, 5))
@click.option("--host", default="127.0.0.1", show_default=True, help="address to listen on")
@click.option("--port", default=0, type=click.IntRange(0, 65535), show_default="any",
              help="port to listen on")
def lab(stage: int, host: str, port: int) -> None:
    """Run one of the lab's five servers here, without the console.

    \b
    1  listen      a connection that nobody watches
    2  echo        an end of file that nobody notices
    3  broadcast   one client that does not read stops everybody
    4  queues      a loop that never sleeps
    5  on demand   how it is done
    """
    from chatops.lab.stages.terminal import run_stage

    try:
        run_stage(stage, host, port)
    except StartError as error:
        fail(str(error))


main.add_command(account)
main.add_command(bench)
main.add_command(ctl)
