"""The console's link to a program that it has started itself (chatops.api.link.ConsoleLink)."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from msgspec.structs import replace

from chatops.api import events
from chatops.api.commands import Command, CommandResult, Quit
from chatops.api.link import LinkStatus
from chatops.api.program import Program
from chatops.api.snapshot import LoopFigures, Snapshot
from chatops.chat.sanitize import clean_text
from chatops.control.socket_path import ControlError
from chatops.links.remote import RemoteLink
from chatops.watch.launch import Launch, LaunchError
from chatops.watch.output import Output

PR_SET_PDEATHSIG = 1
KEPT = 8192                    # events that wait for the console
AGAIN = 0.5                    # seconds until the next attempt to be greeted
STARTS, ENDED = "the program starts", "the program has ended"    # where there is no picture
UNSEEN = "nothing is seen of it: is it a Python, and without -I, -S and -E?"
REFUSED = "the program cannot be observed"     # so begins what says why
LAST_CHANCE = 3.0              # seconds between asking a program to end and ending it


def _end_with(parent: int) -> Callable[[], None] | None:
    """Have the program hang up when its console is gone, however that went (prctl(2))."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl

    def begin() -> None:               # in the child, between fork and exec
        prctl(PR_SET_PDEATHSIG, signal.SIGHUP)
        if os.getppid() != parent:
            os._exit(1)

    return begin


class WatchLink:
    """Starts the program, and knows how it ended.  Belongs to the console's thread."""

    in_process = False

    def __init__(self, launch: Launch, name: str) -> None:
        """Raises `LaunchError` when it cannot be started."""
        self._launch = launch
        self._name = name
        self._began = time.monotonic()
        self._happened: deque[events.Event] = deque(maxlen=KEPT)
        self._dropped = 0
        self._remote: RemoteLink | None = None
        self._attempt: Future[RemoteLink | str] | None = None
        self._unseen = ""              # why nothing answers, once that has been told
        self._greeted_as = ""          # its command line when it was seen
        self._nothing_yet = ""         # why there is no picture, as it has been shown
        self._pictured = False
        self._status = LinkStatus(True)
        try:
            self.process = subprocess.Popen(
                launch.argv, env=launch.environment, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, pass_fds=launch.handed,
                start_new_session=True, preexec_fn=_end_with(os.getpid()))
        except OSError as error:
            raise LaunchError(f"cannot start {launch.argv[0]}: {error.strerror}") from None
        finally:
            launch.abandon()
            launch.place.sock.close()  # it is the program's now
        assert self.process.stdout is not None
        self._output = Output(self.process.stdout.fileno())

    # -- chatops.api.link.ConsoleLink

    @property
    def status(self) -> LinkStatus:
        """The program's.  One that runs and is out of sight is alive, with the reason.  From any
        thread, so that who waits for its end need not look.
        """
        if self._status.alive and self.process.poll() is not None:
            return self._ended()
        remote = self._remote.status if self._remote is not None else self._status
        if self._status.alive and not remote.alive:
            now = _command_of(self.process.pid)
            return LinkStatus(True, f"out of sight: it has become another program, {now}"
                              if now and self._greeted_as not in ("", now) else
                              f"out of sight, and looked for: {remote.detail}")
        return replace(self._status, pulse=remote.pulse) if self._status.alive else self._status

    @property
    def events_dropped(self) -> int:
        there = self._remote.events_dropped if self._remote is not None else 0
        return self._dropped + self._output.dropped + there

    def submit(self, command: Command) -> Future[CommandResult]:
        if isinstance(command, Quit):
            return _now(self._end(command.how))
        if self._remote is None or not self._remote.status.alive:
            return _now(CommandResult(False, "the program does not answer"))
        return self._remote.submit(command)

    def drain(self, limit: int | None = None) -> list[events.Event]:
        if self._remote is not None:
            self._say(self._remote.drain())
        happened = list(self._happened)
        self._happened.clear()
        if limit is not None and len(happened) > limit:
            self._dropped += len(happened) - limit
            happened = happened[-limit:]
        return happened

    def poll(self) -> Snapshot | None:
        self._say(self._output.read(time.monotonic()))
        self._look_at_process()
        if self._remote is None and self._status.alive:
            self._connect()
        found = self._remote.poll() if self._remote is not None else None
        self._pictured |= found is not None
        why = (self._unseen or STARTS) if self._status.alive else ENDED
        if self._pictured or why == self._nothing_yet:
            return found
        self._nothing_yet = why
        return self._nothing(why)

    def report(self, event: events.Event) -> None:
        """Into the console's own log: the program has none of ours."""
        self._happened.append(event)

    def close(self) -> None:
        """End the program, if it has not ended."""
        if self._remote is not None:
            self._remote.close()
        if self.process.poll() is None:
            self._signal(signal.SIGTERM)
            try:
                self.process.wait(LAST_CHANCE)
            except subprocess.TimeoutExpired:
                self._signal(signal.SIGKILL)
                self.process.wait()
        self._output.read_the_rest()
        self._output.close()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._launch.place.close()

    @property
    def exit_status(self) -> int:
        """The program's, as a shell would say it."""
        code = self.process.poll()
        return 0 if code is None else code if code >= 0 else 128 - code

    @property
    def last_words(self) -> tuple[str, ...]:
        """The last lines that it wrote, if it has failed: the console took them along."""
        return tuple(self._output.last) if self.exit_status else ()

    # -- inside

    def _say(self, happened: list[events.Printed] | list[events.Event]) -> None:
        room = KEPT - len(self._happened)
        self._dropped += max(0, len(happened) - room)
        self._happened.extend(happened)

    def _look_at_process(self) -> None:
        if not self._status.alive or self.process.poll() is None:
            return
        self._say(self._output.read_the_rest())
        self._happened.append(events.ProgramEnded(time.time(), self.exit_status))
        self._status = self._ended()

    def _ended(self) -> LinkStatus:
        return LinkStatus(False, f"the program has ended with status {self.exit_status}")

    def _connect(self) -> None:
        """The socket is there already; whether anybody answers is another question, and a
        thread waits for that.
        """
        attempt = self._attempt
        if attempt is None:
            self._attempt = attempt = Future()
            threading.Thread(target=_greet, args=(self._launch.place.path, attempt),
                             name="greeting", daemon=True).start()
        if not attempt.done():
            return
        self._attempt = None
        found = attempt.result()
        if isinstance(found, RemoteLink):
            self._remote, self._greeted_as = found, _command_of(self.process.pid)
        elif not self._unseen:
            refused = found.startswith(REFUSED)
            self._unseen = found if refused else UNSEEN
            self._happened.append(events.Warned(
                time.time(), found if refused else f"{UNSEEN} ({found})"))

    def _nothing(self, why: str) -> Snapshot:
        return Snapshot(
            turn=0, at=time.time(), mono=time.monotonic(), started_at=self._began, host="", port=0,
            phase="running",
            loop=LoopFigures("-", "on-demand", "evict", 0, 0, 0, 0.0, 0.0, 0.0, "", 0.0, 0.0, 0, 0),
            clients=(), keys=(), rooms=(), threads=(),
            program=Program(clean_text(self._name), self.process.pid, "", "",
                            unseen=why))

    def _end(self, how: str) -> CommandResult:
        if self.process.poll() is not None:
            return CommandResult(True, "the program has ended")
        self._signal(signal.SIGKILL if how == "now" else signal.SIGINT)
        return CommandResult(True, "killed" if how == "now" else "told to end (SIGINT)")

    def _signal(self, number: signal.Signals) -> None:
        try:
            self.process.send_signal(number)
        except OSError:
            pass


def _command_of(pid: int) -> str:
    """What a process is called with now, "" where that is not told (proc_pid_cmdline(5))."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
    except OSError:
        return ""
    return clean_text(b" ".join(words).decode("utf-8", "replace"))[:60]


def _greet(path: Path, attempt: Future[RemoteLink | str]) -> None:
    """Connect, on a thread of its own; a program that is starting answers late."""
    try:
        attempt.set_result(RemoteLink(path, reconnect=True))
    except ControlError as error:
        time.sleep(AGAIN)
        attempt.set_result(str(error))


def _now(result: CommandResult) -> Future[CommandResult]:
    future: Future[CommandResult] = Future()
    future.set_result(result)
    return future
