"""The server in a thread of its own, from start to stop."""

from __future__ import annotations

import gc
import os
import socket
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

from chatops import __version__
from chatops.accounts.authenticator import Authenticator
from chatops.accounts.passwords import hasher
from chatops.accounts.store import AccountError, AccountStore
from chatops.api import events
from chatops.api.commands import Answer, Command, CommandResult, Quit, Reopen
from chatops.control.listener import Control
from chatops.loop.backends import BackendError, resolve
from chatops.loop.bus import EventBus
from chatops.net.kernel import raise_descriptor_limit
from chatops.net.tls import CertificateError
from chatops.server import bans
from chatops.server.admin import Admin
from chatops.server.ban_file import BanFile, BanKeeper
from chatops.server.certificates import CertificateReloader, configured, configured_for_irc
from chatops.server.logins import Logins
from chatops.server.reloading import SettingsFile
from chatops.server.server import ChatServer
from chatops.server.snapshots import SnapshotPublisher
from chatops.service import past, room, together
from chatops.service.openings import (
    open_chat,
    open_cluster,
    open_control,
    open_irc,
    open_metrics,
)
from chatops.settings import Settings
from chatops.settings.kinds import keep_of
from chatops.storage.chat_history import ChatHistory, Keep
from chatops.storage.event_log import EventLog
from chatops.storage.history_writer import HistoryWriter
from chatops.storage.log_lines import LogForm
from chatops.storage.worker import Journal, close_log
from chatops.supervision.inherited import Inherited
from chatops.system.addresses import with_port
from chatops.system.errors import StartError

__all__ = ["ServerThread", "StartError", "last_words", "tune_collector"]

if TYPE_CHECKING:
    from chatops.metrics.exporter import Exporter


class ServerThread:
    """Starts the server, and knows how it ended."""

    def __init__(self, settings: Settings, *, log: str = "",
                 inherited: Inherited | None = None,
                 reread: tuple[str, Callable[[], Settings]] | None = None) -> None:
        """`log` is a path for the event log, `-` standard error, "" none; `inherited` are
        sockets that are listened on in place of those that the settings name; `reread` is the
        settings file, and what puts the settings together anew.
        """
        self.settings = settings
        self.bus: EventBus[events.Event] = EventBus()
        self.crash: str | None = None      # the traceback, once the thread has died of one
        self.dead_threads: dict[str, str] = {}     # what others have died of, by their name
        self.on_end: Callable[[], object] = lambda: None    # called on the reactor's thread
        self.history: HistoryWriter | None = None
        self.logins: Logins | None = None
        self._log = log
        self._inherited = inherited or Inherited()
        self._reread = reread
        self._thread = threading.Thread(target=self._run, name="reactor", daemon=True)
        self._ended = threading.Event()
        self._stop_requests = 0

    def start(self, hold: Callable[[], object] = lambda: None) -> tuple[str, int]:
        """Listen and go; returns host and port.  Raises `StartError`, and then nothing runs.

        `hold` is called once nothing is left that may wait, as for a disk or for the name of
        a host, and before anybody is let in: until then a signal may end the process as it is.
        """
        with ExitStack() as undo:
            self._prepare(undo, hold)
            undo.pop_all()
        self.journal.start()
        self._thread.start()
        if self.exporter is not None:
            self.exporter.start()
        return self.server.address

    def _prepare(self, undo: ExitStack, hold: Callable[[], object]) -> None:
        """Open and make all that there is, but start nothing; `undo` closes it again."""
        settings = self.settings
        together.check(settings)
        descriptors = raise_descriptor_limit()
        try:
            tls = configured(settings)
            irc_tls = configured_for_irc(settings, tls)
            resolve(settings.selector)
            file = BanFile(Path(settings.ban_file)) if settings.ban_file else None
            known = bans.BanList(file.load() if file is not None else None)
            past.check_place_of(settings.history)
            recent = past.recent(settings)
            since, unknown = past.archived(settings)
            if settings.accounts:
                hasher()
                with closing(AccountStore(settings.accounts)) as store:
                    store.all()
            stream = EventLog(self._log) if self._log else None
        except (AccountError, BackendError, bans.BanError, CertificateError,
                past.HistoryError) as error:
            raise StartError(str(error)) from None
        except OSError as error:
            raise StartError(f"cannot write the log {self._log}: {error.strerror}") from None
        if stream is not None:
            undo.callback(close_log, stream)
        socks, lacking = open_chat(settings, self._inherited, undo)
        irc = open_irc(settings, irc_tls, undo)
        measured = open_metrics(settings, self._inherited, undo)
        joining = open_cluster(settings, undo)
        hold()
        place, warning = open_control(settings, socks[0].getsockname()[1])
        if place is not None:
            undo.callback(place.close)
        self.server = ChatServer(
            settings, socks, self.bus, bans=known, tls=tls, irc=irc,
            descriptors=room.left(settings, descriptors, measured=bool(measured)),
            metrics=with_port(*measured[0].getsockname()[:2]) if measured else "")
        self.survey = SnapshotPublisher(self.server)
        self.journal = Journal(self.server.state.log, stream, report=self._warn,
                               mishap=self._mishap,
                               died=lambda last: self.thread_died("journal", last),
                               form=LogForm(settings.log_format == "json", settings.log_level))
        self.server.state.log_fault = lambda: self.journal.log_fault
        if settings.accounts:
            self.logins = Logins(self.server.state, Authenticator(
                AccountStore(settings.accounts), self._hand_over), settings.registration)
            undo.callback(self.logins.close)
            self.server.use_accounts(self.logins)
        if settings.history:
            self.history = HistoryWriter(
                ChatHistory(settings.history), self.journal, self.server.hub,
                self.server.reactor, recent=recent, keep=Keep(*keep_of(settings.history_keep)),
                token=self.server.token)
            self.server.use_history(self.history)
            self.history.begin()
        if joining is not None:
            if unknown:
                self.server.say(events.Warned(self.server.hub.at, "the history lacks what was said "
                                              f"while this node was away: {unknown}"))
            member = joining.member(self.server.state, self.journal, self._hand_over, self.history,
                                    since, self.logins)
            self.server.reactor.submit(member.begin)
        renewal = CertificateReloader(settings, self.server.speaking_tls, self.journal,
                                      self._hand_over)
        keeper = (BanKeeper(file, self.server.state, self.journal, self._hand_over)
                  if file is not None else None)
        reloads = [renewal.ask] if tls is not None else []
        if self._reread is not None:
            path, read = self._reread
            reloads.insert(0, SettingsFile(self.server, path, read, self.journal,
                                           self._hand_over).ask)
        self.admin = Admin(self.server, keeper, reloads,
                           self._reopen(stream) if stream and stream.is_named else None,
                           lambda: self.control.restore() if self.control is not None else None)
        self.control: Control | None = None
        if place is not None:
            self.control = Control(place, self.server, self.survey, self.admin.carry_out)
        elif warning:
            self.server.say(events.Warned(self.server.hub.at, f"no control socket: {warning}"))
        for each in lacking:
            self.server.say(events.Warned(self.server.hub.at, f"not listening on {each.address}: "
                                                              f"{each.strerror}"))
        self.exporter = (self._exporting(measured, room.metrics_places(descriptors))
                         if measured else None)

    def _exporting(self, socks: Sequence[socket.socket], places: int) -> Exporter:
        from chatops.metrics.exporter import Exporter  # its library is an extra

        return Exporter(socks, self.server, self.survey, version=__version__,
                        places=places, backlog=lambda: self.journal.backlog,
                        alive=lambda: self.alive, mishap=self._mishap,
                        died=lambda last: self.thread_died("metrics", last))

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
        if self.exporter is not None:
            self.exporter.close()

    def _run(self) -> None:
        reason = "stopped"
        try:
            self.server.state.log.flush()      # what was at the start waits for no first turn
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
            if self.history is not None:
                self.history.close(self.server.say)
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
            self.admin.carry_out(command, future.set_result, os.getuid())
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

    @property
    def reloads(self) -> bool:
        """Whether there is anything to read again, or a control socket that is gone."""
        return bool(self._reread or self.settings.tls_cert or self.settings.ban_file
                    or (self.control is not None and self.control.is_lost))

    @property
    def reopens(self) -> bool:
        """Whether the log is a file, which may have been moved away."""
        return self._log not in ("", "-")

    def reopen_log(self) -> None:
        """Open the log again if it is a file.  For signal handlers."""
        if self.reopens:
            self.submit(Reopen())


def last_words(crash: str, thread: str = "server") -> str:
    """The traceback of a thread's death in one line, for an operator."""
    last = crash.strip().rpartition("\n")[2]
    return f"the {thread} thread died: {last}"


def tune_collector() -> None:
    """Keep the garbage collector off the hot path: freeze what is there, collect rarely.

    The server's own objects are freed by reference counts; a collection in the middle of a
    turn is a pause for every client.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)
