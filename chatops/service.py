"""The server in a thread of its own, from start to stop."""

from __future__ import annotations

import errno
import gc
import ssl
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from chatops.accounts.authenticator import Authenticator
from chatops.accounts.passwords import hasher
from chatops.accounts.store import AccountError, AccountStore
from chatops.api import events
from chatops.api.commands import Answer, Command, CommandResult, Quit, Reopen
from chatops.control.listener import Control
from chatops.control.socket_path import ControlError, Place, default_path
from chatops.loop.backends import BackendError, resolve
from chatops.loop.bus import EventBus
from chatops.net.kernel import raise_descriptor_limit
from chatops.net.listener import listen
from chatops.net.tls import CertificateError
from chatops.server import bans
from chatops.server.admin import Admin
from chatops.server.ban_file import BanFile, BanKeeper
from chatops.server.certificates import Renewal, configured
from chatops.server.irc import IrcSocket
from chatops.server.logins import Logins
from chatops.server.server import ChatServer
from chatops.server.snapshots import Survey
from chatops.settings import Settings
from chatops.storage.chat_history import Archive
from chatops.storage.event_log import EventLog
from chatops.storage.history_writer import Scribe
from chatops.storage.worker import Journal, close_log
from chatops.system import paths
from chatops.system.files import check_place


class HistoryError(Exception):
    """The history cannot be kept where it is to be; one line."""


class StartError(Exception):
    """The server cannot start; one line that says what to do."""


class ServerThread:
    """Starts the server, and knows how it ended."""

    def __init__(self, settings: Settings, *, log: str = "") -> None:
        """`log` is a path for the event log, `-` standard error, "" none."""
        self.settings = settings
        self.bus: EventBus[events.Event] = EventBus()
        self.crash: str | None = None      # the traceback, once the thread has died of one
        self.dead_threads: dict[str, str] = {}     # what others have died of, by their name
        self.on_end: Callable[[], object] = lambda: None    # called on the reactor's thread
        self._log = log
        self._thread = threading.Thread(target=self._run, name="reactor", daemon=True)
        self._ended = threading.Event()
        self._stop_requests = 0
        self.logins: Logins | None = None

    def start(self, hold: Callable[[], object] = lambda: None) -> tuple[str, int]:
        """Listen and go; returns host and port.  Raises `StartError`, and then nothing runs.

        `hold` is called once nothing is left that may wait, as for a disk or for the name of
        a host, and before anybody is let in: until then a signal may end the process as it is.
        """
        settings = self.settings
        descriptors = raise_descriptor_limit()
        try:
            tls = configured(settings)
            resolve(settings.selector)
            file = BanFile(Path(settings.ban_file)) if settings.ban_file else None
            known = bans.Bans(file.load() if file is not None else None)
            _check_history(settings.history)
            if settings.accounts:
                hasher()
                AccountStore(settings.accounts).all()
            stream = EventLog(self._log) if self._log else None
        except (AccountError, BackendError, bans.BanError, CertificateError, HistoryError) as error:
            raise StartError(str(error)) from None
        except OSError as error:
            raise StartError(f"cannot write the log {self._log}: {error.strerror}") from None
        try:
            sock = listen(settings.host, settings.port, sndbuf=settings.sndbuf)
        except (OSError, UnicodeError) as error:
            if stream is not None:
                close_log(stream)
            raise StartError(explain(error, settings.host, settings.port)) from None
        try:
            irc = irc_sockets(settings, tls)
        except StartError:
            sock.close()
            if stream is not None:
                close_log(stream)
            raise
        hold()
        try:
            place, warning = self._place(sock.getsockname()[1])
        except ControlError as error:
            for listening in (sock, *(entrance.sock for entrance in irc)):
                listening.close()
            if stream is not None:
                close_log(stream)
            raise StartError(str(error)) from None
        self.server = ChatServer(settings, sock, self.bus, bans=known, descriptors=descriptors,
                                 tls=tls, irc=irc)
        self.survey = Survey(self.server)
        self.journal = Journal(self.server.log, stream, report=self._warn, mishap=self._mishap,
                               died=lambda last: self.thread_died("journal", last))
        if settings.accounts:
            self.logins = Logins(self.server, Authenticator(
                AccountStore(settings.accounts), self._hand_over), settings.registration)
            self.server.use_accounts(self.logins)
        if settings.history:
            scribe = Scribe(Archive(settings.history), self.server, self.journal)
            self.server.delivery.scribe = scribe
            scribe.begin()
        renewal = Renewal(settings, self.server.speaking_tls, self.journal, self._hand_over)
        keeper = (BanKeeper(file, self.server, self.journal, self._hand_over)
                  if file is not None else None)
        self.admin = Admin(self.server, keeper, [renewal.ask] if tls is not None else [],
                           self._reopen(stream) if stream and stream.is_named else None)
        self.control = None
        if place is not None:
            self.control = Control(place, self.server, self.survey, self.admin.carry_out)
        elif warning:
            self.server.say(events.Warned(self.server.hub.at, f"no control socket: {warning}"))
        self.journal.start()
        self._thread.start()
        return str(self.server.address[0]), self.server.address[1]

    def _place(self, port: int) -> tuple[Place | None, str]:
        """The control socket, or why there is none.  Raises `ControlError` where the
        operator has named one; the usual one is a comfort, and the chat goes on without.
        """
        match self.settings.control:
            case "off":
                return None, ""
            case "auto":
                try:
                    return Place(default_path(port)), ""
                except ControlError as error:
                    return None, str(error)
            case path:
                try:
                    return Place(paths.absolute(path)), ""
                except paths.PathError as error:
                    raise ControlError(str(error)) from None

    @property
    def alive(self) -> bool:
        """Whether the reactor is turning."""
        return self._thread.is_alive() and not self._ended.is_set()

    def submit(self, command: Command) -> Future[CommandResult]:
        """Have a command carried out.  From any thread; resolves at once with a failure
        when the server is gone.
        """
        future: Future[CommandResult] = Future()
        self._hand_over(lambda: self._carry_out(command, future))
        return future

    def _hand_over(self, call: Callable[[], None]) -> None:
        """Have it run on the reactor's thread, or here when that has ended."""
        self.server.reactor.submit(call)
        if not self.alive:
            self.server.reactor.run_left()

    def stop(self) -> None:
        """Drain, or when that has been asked for already, stop at once.  For signal handlers."""
        self._stop_requests += 1
        self.submit(Quit("drain" if self._stop_requests == 1 else "now"))

    def wait(self, timeout: float | None = None) -> bool:
        """Until the server has ended; whether it has."""
        self._ended.wait(timeout)
        return self._ended.is_set()

    def close(self, timeout: float = 2.0) -> None:
        """Stop at once if it still runs, and write what is left of the log."""
        if self.alive:
            self.submit(Quit("now"))
        self._thread.join(timeout)
        if self.logins is not None:
            self.logins.close()
        self.journal.close()

    def _run(self) -> None:
        reason = "stopped"
        try:
            self.server.reactor.run()
        except BaseException:
            self.crash = traceback.format_exc()
            reason = "crashed"
            self.server.say(events.Crashed(time.time(), self.crash))
        finally:
            try:
                if self.crash is None:
                    self.survey.fill()
                self.server.close(reason)
            except Exception:
                self.crash = self.crash or traceback.format_exc()
            if self.server.delivery.scribe is not None:
                self.server.delivery.scribe.close()
            self._say_bye()
            self._ended.set()
            self.on_end()
            self.server.reactor.run_left()     # whoever asked too late is told so

    def _say_bye(self) -> None:
        """Tell the consoles in other processes how it ended."""
        if self.control is None:
            return
        detail = last_words(self.crash) if self.crash is not None else "the server has stopped"
        try:
            self.control.finish(detail, failed=self.crash is not None)
        except Exception:
            self.crash = self.crash or traceback.format_exc()

    def _carry_out(self, command: Command, future: Future[CommandResult]) -> None:
        if not future.set_running_or_notify_cancel():
            return
        if self._ended.is_set():
            future.set_result(CommandResult(False, "the server is not running"))
            return
        try:
            self.admin.carry_out(command, future.set_result)
        except Exception as error:
            future.set_result(CommandResult(False, f"internal error: {error!r}"))
            raise

    def thread_died(self, name: str, last: str) -> None:
        """Have everybody told, and the exit status too.  From any thread."""
        self.dead_threads[name] = last
        self.say(events.ThreadDied(time.time(), name, last))

    def say(self, event: events.Event) -> None:
        """Publish an event, and log it.  From any thread."""
        self.server.reactor.submit(lambda: self.server.hub.effects.append(event))

    def died_of(self) -> str:
        """Which of its threads are no more, and why, in one line; "" while all work."""
        dead = [("server", self.crash)] if self.crash is not None else []
        return "; ".join(last_words(last, name) for name, last in
                         [*dead, *self.dead_threads.items()])

    def _mishap(self, name: str, error: Exception) -> None:
        self.server.reactor.submit(lambda: self.server.mishap(name, -1, error, None))

    def _warn(self, text: str) -> None:
        self.say(events.Warned(time.time(), text))

    def _reopen(self, log: EventLog) -> Callable[[Answer], None]:
        """Has the log opened again on the journal's thread, for whoever asks."""
        def ask(answer: Answer) -> None:
            def reopen() -> None:
                try:
                    log.reopen()
                except OSError as error:
                    result = CommandResult(False, f"cannot open {log.path} again: "
                                                  f"{error.strerror}; the old file goes on")
                else:
                    result = CommandResult(True, f"the log goes on in {log.path}")
                self._hand_over(lambda: answer(result))

            self.journal.later(reopen, "open the log again", lambda error: self._hand_over(
                lambda: answer(CommandResult(False, f"the log was not opened again: {error}"))))
        return ask

    def reopen_log(self) -> None:
        """Open the log again if it is a file.  For signal handlers."""
        if self._log not in ("", "-"):
            self.submit(Reopen())


def irc_sockets(settings: Settings, tls: ssl.SSLContext | None) -> list[IrcSocket]:
    """Those that IRC clients come by, if any.  Raises `StartError`, and none is left open."""
    wanted: list[tuple[int | None, ssl.SSLContext | None, str]] = [
        (settings.irc_port, None, "--irc-port")]
    if settings.irc_tls_port is not None:
        if tls is None:
            raise StartError("--irc-tls-port needs --tls-cert")
        wanted.append((settings.irc_tls_port, tls, "--irc-tls-port"))
    sockets: list[IrcSocket] = []
    for port, context, flag in wanted:
        if port is None:
            continue
        try:
            sockets.append(IrcSocket(listen(settings.host, port, sndbuf=settings.sndbuf), context))
        except OSError as error:
            for opened in sockets:
                opened.sock.close()
            raise StartError(explain(error, settings.host, port).replace("--port", flag)) from None
    return sockets


def _check_history(path: str) -> None:
    """That there is a place for it: SQLite would find out when the first line is said."""
    if path and path != ":memory:":
        try:
            check_place(Path(path))
        except OSError as error:
            raise HistoryError(f"{path}: {error.strerror}") from None


def last_words(crash: str, thread: str = "server") -> str:
    """The traceback of a thread's death in one line, for an operator."""
    last = crash.strip().rpartition("\n")[2]
    return f"the {thread} thread died: {last}"


def explain(error: OSError | UnicodeError, host: str, port: int) -> str:
    """Why it cannot listen, and what to do about it."""
    where = f"{host}:{port}"
    if isinstance(error, UnicodeError):
        return f"'{host}' is not the name of a host; 127.0.0.1 or 0.0.0.0 is, with --host"
    match error.errno:
        case errno.EADDRINUSE:
            return (f"{where} is in use by another program; choose another port with --port, "
                    "or --port 0 for any")
        case errno.EACCES:
            return f"{where} needs privileges (ports below 1024 do); choose one above with --port"
        case errno.EADDRNOTAVAIL:
            return f"{host} is not an address of this machine; 127.0.0.1 or 0.0.0.0 is, with --host"
        case _:
            return f"cannot listen on {where}: {error.strerror or error}"


def tune_collector() -> None:
    """Keep the garbage collector off the hot path: freeze what is there, collect rarely.

    The server's own objects are freed by reference counts; a collection in the middle of a
    turn is a pause for every client.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)
