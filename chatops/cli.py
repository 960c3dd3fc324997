"""The `chatops` command: the composition root, where core and console meet."""

from __future__ import annotations

import errno
import os
import signal
import socket
import sys
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

import click
from msgspec.structs import replace

from chatops.settings import SETTINGS, USUAL, Setting, Settings, SettingsError, load
from chatops.system import streams
from chatops.system.streams import say
from chatops.system.version import __version__

if TYPE_CHECKING:              # what only some commands need is imported by them
    from click.shell_completion import CompletionItem

    from chatops.replay.recording import Recording
    from chatops.service import ServerThread
    from chatops.supervision.inherited import Inherited

LEAST_COLUMNS, LEAST_LINES = 60, 16
Reread = tuple[str, Callable[[], Settings]]
IRC_PORT = 6667                # where clients look for it
MOST_CELLS = 400               # of a film, either way
SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
# Loopback swallows megabytes before a queue shows, and a slow reader is soon evicted: with
# these the demo has a queue to look at within half a minute, and for a while.
DEMO = Settings(sndbuf=4 << 10, outbox=64 << 10, stall=600.0)


# Commands with modules of their own, imported when they are run: where, and what `--help` says.
ELSEWHERE = {
    "account": ("chatops.accounts.cli", "Add, change, list and remove accounts of clients."),
    "bench": ("chatops.bench.cli", "Measure the server, and an asyncio-streams relay beside it."),
    "ctl": ("chatops.control.ctl", "One command to a running server, for scripts."),
    "history": ("chatops.control.history", "Read what was said, while the server runs or not."),
    "metrics": ("chatops.metrics.cli", "List what `--metrics` tells; make a dashboard of it."),
    "web": ("chatops.web.cli", "Serve the console of a running server to browsers."),
}


class _Commands(click.Group):
    """Of which some are imported only when they are asked for."""

    def main(self, *args: Any, **options: Any) -> Any:
        """As click's own, but help that cannot be written is told in a line."""
        streams.prepare()
        try:
            return super().main(*args, **options)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            fail(f"cannot write: {error.strerror}")

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted([*super().list_commands(context), *ELSEWHERE])

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name in ELSEWHERE:
            command: click.Command = getattr(import_module(ELSEWHERE[name][0]), name)
            return command
        return super().get_command(context, name)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        here = {name: command.get_short_help_str(limit=80)
                for name, command in self.commands.items()}
        rows = {**here, **{name: text for name, (_, text) in ELSEWHERE.items()}}
        with formatter.section("Commands"):
            formatter.write_dl(sorted(rows.items()))


def _completed(name: str) -> Callable[..., list[CompletionItem]]:
    """What a shell completes, by a function of `chatops.control.complete`."""
    def complete(*asked: Any) -> list[CompletionItem]:
        found: list[CompletionItem] = getattr(
            import_module("chatops.control.complete"), name)(*asked)
        return found

    return complete


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


def ascii_option(command: Any) -> Any:
    return click.option("--ascii", "plain", is_flag=True, help="draw with ASCII signs only, as is "
                        "done by itself where the locale or the terminal has no others")(command)


def fail(text: str, status: int = 1) -> NoReturn:
    """One line, no traceback, and a status that scripts can see."""
    say(f"chatops: {text}")
    sys.exit(status)


def _settings(config: str | None, flags: dict[str, Any], defaults: Settings = USUAL) -> Settings:
    try:
        return load(flags, config=config, defaults=defaults)
    except SettingsError as error:
        fail(str(error), 2)


def _reread(config: str | None, flags: dict[str, Any], defaults: Settings = USUAL
            ) -> Reread | None:
    """The settings file and what reads it again, if there is one."""
    if config is None:
        return None
    return config, lambda: load(flags, config=config, defaults=defaults)


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


def _started(settings: Settings, log: str, reread: Reread | None,
             sockets: Inherited | None = None) -> ServerThread:
    """With the signals held, for whoever answers them to let them through."""
    from chatops.service import ServerThread
    from chatops.system.errors import StartError

    thread = ServerThread(settings, log=log, inherited=sockets, reread=reread)
    try:
        thread.start(_hold_signals)
    except StartError as error:
        fail(str(error))
    signal.signal(signal.SIGUSR1, lambda _signum, _frame: thread.reopen_log())
    return thread


@click.group(cls=_Commands, invoke_without_command=True, context_settings={
    "help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="chatops")
@click.option("--demo", is_flag=True, help="bring built-in clients, chatty ones and a slow one; "
              "queues are small unless set otherwise")
@ascii_option
@server_options
@click.pass_context
def main(context: click.Context, /, demo: bool, plain: bool, config: str | None,
         **flags: Any) -> None:
    """A group-chat server you can see inside.

    Without a command: the full-screen console, with the server running in it.
    """
    if context.invoked_subcommand is not None:
        if any(value is not None for value in [config, *flags.values()]) or demo or plain:
            fail(f"options go after '{context.invoked_subcommand}'", 2)
        return
    _let_signals_end_it()
    settings = _settings(config, flags, DEMO if demo else USUAL)
    if demo and settings.tls_cert:
        fail("--demo brings clients that do not speak TLS; leave --tls-cert away", 2)
    _check_terminal()
    from chatops.links.local import LocalLink
    from tui.process import run_console

    looks = _looks(plain)
    if demo and settings.irc_port is None and _is_free(settings.host, IRC_PORT):
        settings = replace(settings, irc_port=IRC_PORT)
    thread = _started(settings, settings.log_file,     # the console lets signals through
                      _reread(config, flags, DEMO if demo else USUAL))
    link = LocalLink(thread)
    if demo:
        link.demo()
    try:
        status = run_console(link, **looks)
    finally:
        link.close()
        thread.close()
    _fail_if_dead(thread)
    sys.exit(status)


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


def _fail_if_dead(thread: ServerThread) -> None:
    """Show what threads have died of, and leave with a failure; else do nothing."""
    dead = {"server": thread.crash} if thread.crash is not None else {}
    dead |= thread.dead_threads
    if dead:
        for traceback in dead.values():
            say(traceback)
        fail(f"the {' and the '.join(dead)} thread died; above is why")


def _check_terminal(
        otherwise: str = "`chatops serve` runs the server without one") -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TERM") == "dumb":
        fail(f"the console needs a terminal; {otherwise}")
    columns, lines = os.get_terminal_size(sys.stdout.fileno())
    if 0 < columns < LEAST_COLUMNS or 0 < lines < LEAST_LINES:
        fail(f"the terminal is {columns}×{lines}; the console needs at least "
             f"{LEAST_COLUMNS}×{LEAST_LINES}: enlarge it, or use `chatops serve`")


def _looks(plain: bool) -> dict[str, Any]:
    """What the operator has made of the console, and what the terminal can show of it."""
    from tui.config import Config, ConfigError, usual_path
    from tui.terminal import look

    try:
        return {"config": Config(usual_path(os.environ)), "terminal": look(os.environ, plain=plain)}
    except ConfigError as error:
        fail(str(error), 2)


def _wait(thread: ServerThread, *tell: Callable[[], None]) -> None:
    """Tell that it is ready, and wait until the server has ended.

    Signal handlers run meanwhile.
    CPython looks for signals between two instructions of the main thread: one that arrives
    just as it begins to wait for a lock would lie there until the next.  So it waits for a
    socket, into which signals and the end of the server write a byte.
    """
    news, writer = socket.socketpair()
    with news, writer:
        writer.setblocking(False)
        thread.on_end = lambda: writer.send(b"\0")
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        for each in tell:      # from here on no descriptor is needed that clients may take
            each()
        while thread.alive:
            news.recv(64)
        signal.set_wakeup_fd(-1)
        thread.close()


@main.command()
@server_options
def serve(config: str | None, **flags: Any) -> None:
    """Run the server with no console; log to standard error."""
    from chatops.api.commands import Reload
    from chatops.service import tune_collector
    from chatops.supervision.inherited import InheritedError, inherited
    from chatops.supervision.notify import Notifier
    from chatops.supervision.reports import Reports
    from chatops.system.addresses import with_port

    _let_signals_end_it()
    notifier = Notifier()
    settings = _settings(config, flags)
    try:
        thread = _started(settings, settings.log_file or "-", _reread(config, flags),
                          inherited())
    except InheritedError as error:
        fail(str(error))
    if notifier.supervised:
        thread.server.reactor.submit(
            lambda: Reports(thread.server, thread.survey, notifier).begin())
    if os.getpid() == 1:           # then the orphans of a container are its children
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)

    def stop(_signum: int, _frame: Any) -> None:
        thread.stop()

    def reload(_signum: int, _frame: Any) -> None:
        thread.reopen_log()
        if thread.reloads:
            notifier.reloading()
            thread.submit(Reload()).add_done_callback(lambda _: notifier.tell(READY=1))

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    # A terminal that goes sends it too, and takes nobody along.
    signal.signal(signal.SIGHUP, reload)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    tune_collector()
    where = " and ".join(with_port(*address) for address in thread.server.addresses)
    spoken = f"{thread.server.selector.backend}{', TLS' if settings.tls_cert else ''}"
    spoken += "".join([f", IRC on {listener.sock.getsockname()[1]}"
                       for listener in thread.server.irc_listeners])
    if thread.exporter is not None:
        spoken += f", metrics on {'{}:{}'.format(*thread.exporter.address[:2])}"
    # Where the log is JSON, whoever reads it has events instead, and nothing else among them.
    to_people = (lambda _: None) if settings.log_format == "json" and settings.log_file in (
        "", "-") else say
    _wait(thread, lambda: to_people(f"chatops: listening on {where} ({spoken})"),
          lambda: notifier.tell(READY=1))
    notifier.tell(STOPPING=1, STATUS="stopped")
    notifier.close()
    _fail_if_dead(thread)
    to_people("chatops: stopped")


@main.command()
@click.argument("path", default="", metavar="[PATH]", shell_complete=_completed("sockets"))
@click.option("--port", type=click.IntRange(1, 65535), help="the server on this port",
              shell_complete=_completed("ports"))
@click.option("--read-only", is_flag=True,
              help="look, and change nothing: the server refuses it")
@click.option("--in-browser", is_flag=True, hidden=True)       # as `chatops web` starts it
@ascii_option
def attach(path: str, port: int | None, read_only: bool, in_browser: bool, plain: bool) -> None:
    """Open the console on a server in another process.

    PATH is the control socket of a server of this user; with one running there is no need
    to say which.  A server that is started again is found again.  Leaving with Detach leaves
    the server alone.
    """
    from chatops.control.find import find
    from chatops.control.socket_path import ControlError
    from chatops.links.remote import RemoteLink
    from tui.process import run_console

    if in_browser:
        looks: dict[str, Any] = {"in_browser": True}
    else:
        _check_terminal()
        looks = _looks(plain)
    try:
        link = RemoteLink(find(path, port), read_only=read_only, reconnect=True)
    except ControlError as error:
        fail(str(error))
    status = run_console(link, attached=True, **looks)
    if link.status.failed or link.status.dropped:
        fail(link.status.detail)
    sys.exit(status)


@main.command(context_settings={"ignore_unknown_options": True,
                                "allow_interspersed_args": False})
@click.option("-m", "module", default="", metavar="MODULE", help="a module, as `python -m` runs it")
@click.option("--serve", is_flag=True,
              help="no console here: the program keeps the terminal; `chatops attach` elsewhere")
@click.option("--children", is_flag=True,
              help="observe the Python processes that it starts too, a control socket each")
@click.option("--force-asyncio", is_flag=True,
              help="hide uvloop from it, so that it falls back to asyncio's own loop")
@click.option("--socket", "path", default="", metavar="PATH", help="where its control socket is")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="SCRIPT|COMMAND [ARG]…")
@ascii_option
def watch(module: str, serve: bool, children: bool, force_asyncio: bool, path: str,
          words: tuple[str, ...], plain: bool) -> None:
    """Look into any Python program's event loop, in this console.

    Runs a script, a module or a command such as `uvicorn app:app` as by hand, and shows its
    selector, connections, tasks and loop.  Nothing in the program changes, and its exit
    status is ours.
    """
    from chatops.watch.launch import LaunchError, command_line, prepared

    try:
        argv = command_line(words, module)
        if not serve:
            _check_terminal("`chatops watch --serve` runs the program without one")
        name = os.path.basename(module or words[0])
        launch = prepared(argv, name, children=children, force_asyncio=force_asyncio,
                          lines=not serve, path=path)
    except LaunchError as error:
        fail(str(error), 2)
    if serve:
        click.echo(f"chatops: watching {name}; chatops attach {launch.place.path}", err=True)
        sys.stderr.flush()
        try:
            # In our place: its process id, signals and exit status are what they would be.
            os.execve(launch.argv[0], launch.argv, launch.environment)
        except OSError as error:
            launch.place.close()
            fail(f"cannot start {launch.argv[0]}: {error.strerror}")
    from chatops.watch.link import WatchLink
    from tui.process import run_console

    looks = _looks(plain)
    try:
        link = WatchLink(launch, name)
    except LaunchError as error:
        launch.place.close()
        fail(str(error))
    _hold_signals()                # the program answers them; the console lets them through
    try:
        run_console(link, **looks)
    finally:
        link.close()
    sys.exit(link.exit_status)


@main.command()
@click.argument("file", type=click.Path())
@click.option("--svg", metavar="OUT", help="write it as a film, an animated picture, instead")
@click.option("--size", default="120x40", show_default=True, metavar="COLUMNSxLINES",
              help="of the film")
@click.option("--frames", default=24, show_default=True, type=click.IntRange(1, 120),
              help="of the film, at most")
@ascii_option
def replay(file: str, svg: str | None, size: str, frames: int, plain: bool) -> None:
    """Open the console on a recording, made with `:record` or `:save`."""
    from chatops.links.replay import ReplayLink
    from chatops.replay.recording import RecordingError, read
    from chatops.system.paths import PathError, expand
    from tui.process import run_console

    try:
        recording = read(expand(file))
    except (PathError, RecordingError) as error:
        fail(str(error))
    if svg is not None:
        _write_film(recording, svg, size, frames)
        return
    _check_terminal()
    if recording.warning:
        say(f"chatops: {recording.warning}")
    sys.exit(run_console(ReplayLink(recording), replay=True, **_looks(plain)))


def _write_film(recording: Recording, out: str, size: str, frames: int) -> None:
    from chatops.system.paths import PathError, expand
    from tui.film import film

    columns, _, lines = size.partition("x")
    if not (columns.isdecimal() and lines.isdecimal()
            and LEAST_COLUMNS <= int(columns) <= MOST_CELLS
            and LEAST_LINES <= int(lines) <= MOST_CELLS):
        fail(f"'{size}' is no size; write {LEAST_COLUMNS}x{LEAST_LINES} to "
             f"{MOST_CELLS}x{MOST_CELLS}", 2)
    try:
        target = expand(out)
        target.write_text(film(recording, (int(columns), int(lines)), frames), "utf-8")
    except (OSError, PathError) as error:
        fail(f"cannot write the film: {error}")


@main.command()
@click.argument("stage", type=click.IntRange(1, 6))
@click.option("--host", default="127.0.0.1", show_default=True, help="address to listen on")
@click.option("--port", default=0, type=click.IntRange(0, 65535), show_default="any",
              help="port to listen on")
def lab(stage: int, host: str, port: int) -> None:
    """Run one of the lab's six servers here, without the console.

    \b
    1  listen      a connection that nobody watches
    2  echo        an end of file that nobody notices
    3  broadcast   one client that does not read stops everybody
    4  queues      a loop that never sleeps
    5  on demand   how it is done
    6  asyncio     memory that grows because nobody awaits drain()
    """
    from chatops.lab.stages.terminal import run_stage
    from chatops.system.addresses import bare
    from chatops.system.errors import StartError

    try:
        run_stage(stage, bare(host), port)
    except StartError as error:
        fail(str(error))
