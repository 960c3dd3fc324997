"""The journal: the thread that waits for disks, so that the reactor never does."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import NamedTuple, Protocol, TextIO

from chatops.api import events
from chatops.loop.bus import EventBus
from chatops.loop.naming import callback_name
from chatops.storage.log_lines import PLAIN, LogForm
from chatops.system.files import append_to
from chatops.units import they_were


class Log(Protocol):
    """What lines are written to: a stream, or an `EventLog`."""

    def write(self, text: str, /) -> object: ...
    def flush(self) -> None: ...
    def close(self) -> None: ...


class JournalDied(Exception):  # noqa: N818  (it is what happened)
    """What was asked of the journal was not done: its thread is no more."""


class LogError(OSError):
    """A log did not go as it should; `lost` lines were not written."""

    def __init__(self, number: int | None, text: str, lost: int) -> None:
        super().__init__(number, text)
        self.lost = lost


class Job(NamedTuple):
    """Something to do that waits for a disk."""

    run: Callable[[], None]
    name: str                                  # after "cannot": `write the ban file`
    failed: Callable[[Exception], None] | None # told of any failure, on whatever thread


class Journal:
    """Writes events to a stream and does what else must wait for a disk, in a thread.

    A disk that is full or gone costs log lines, never the chat: the failure is reported
    once with `report`, and writing is tried again with the next event.  Whatever a job
    raises ends that job and nothing else.
    """

    def __init__(self, bus: EventBus[events.Event], stream: Log | None, *,
                 report: Callable[[str], None] = lambda text: None,
                 mishap: Callable[[str, Exception], None] = lambda name, error: None,
                 died: Callable[[str], None] = lambda traceback: None,
                 form: LogForm = PLAIN) -> None:
        """`report` is told in words what cannot be done; `mishap` is given what no disk is
        to blame for, to be logged; `died` the traceback that ended the thread.  All are
        called on the journal's thread.
        """
        self._bus = bus
        self._stream = stream
        self._report = report
        self._mishap = mishap
        self._died = died
        self._form = form
        self.log_fault = ""        # why the log cannot be written, as long as it cannot
        self._subscription = bus.subscribe(wake=True, backlog=True)
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._closing = False
        self._dead = False
        self._failing: set[str] = set()    # what has been reported and not worked since
        self._dropped = 0
        self._lost = 0                     # lines that the log did not take
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)

    @property
    def backlog(self) -> int:
        """Jobs and events that wait; near enough, from any thread."""
        return self._jobs.qsize() + self._subscription.pending

    def start(self) -> None:
        self._thread.start()

    def later(self, job: Callable[[], None], name: str = "",
              failed: Callable[[Exception], None] | None = None) -> None:
        """Have this done in the journal's thread.  From any thread; never waits.

        `name` says what is done, for an error that reads `cannot write the ban file`.
        Whoever waits for the job is told by `failed` when it raised, whatever that was, or
        when the thread is dead; on the journal's thread, or in the second case on this one.
        """
        self._jobs.put(Job(job, name or f"do {callback_name(job)}", failed))
        self._subscription.wakeup.set()
        if self._dead:
            self._refuse_jobs()

    def close(self, timeout: float = 2.0) -> None:
        """Write what is left, for at most `timeout` seconds."""
        self._closing = True
        self._subscription.wakeup.set()
        if self._thread.is_alive():
            self._thread.join(timeout)
        self._bus.unsubscribe(self._subscription)

    def _run(self) -> None:
        try:
            self._turns()
        except BaseException:
            last = traceback.format_exc()
            self._dead = True
            with suppress(Exception):
                self._log([events.ThreadDied(time.time(), "journal", last)])
            self._died(last)
            self._refuse_jobs()

    def _turns(self) -> None:
        while True:
            self._subscription.wakeup.wait()
            self._subscription.wakeup.clear()
            closing = self._closing
            self._work()
            if closing:
                if self._stream is not None:
                    close_log(self._stream)
                return

    def _work(self) -> None:
        while (job := self._next_job()) is not None:
            self._attempt(job)
        fresh = self._subscription.drain()
        self._attempt(Job(lambda: self._log_or_say(fresh), "write the log", None))

    def _log_or_say(self, fresh: list[events.Event]) -> None:
        """So that whoever is told of the failure finds it in the snapshot, too."""
        try:
            self._log(fresh)
        except Exception as error:
            self.log_fault = reason(error)
            raise

    def _next_job(self) -> Job | None:
        try:
            return self._jobs.get_nowait()
        except Empty:
            return None

    def _refuse_jobs(self) -> None:
        """Nobody does them any more.  On any thread: each job is taken out once."""
        while (job := self._next_job()) is not None:
            if job.failed is not None:
                job.failed(JournalDied("the journal's thread died"))

    def _log(self, fresh: list[events.Event]) -> None:
        lines = self._form.lines(fresh)
        dropped = self._subscription.dropped - self._dropped
        if dropped:
            self._dropped += dropped
            lines.append(self._form.remark(
                f"{they_were(dropped, 'event')} not logged: the disk was too slow"))
        if self._stream is None or not (lines or self._lost):
            return             # with lines lost, nothing to say is no sign that it works again
        count = len(lines)
        if self._lost:
            missing = f"{they_were(self._lost, 'line')} not logged: {self.log_fault}"
            lines = [self._form.remark(missing), *lines]
        try:
            self._stream.write("\n".join(lines) + "\n")
            self._stream.flush()
        except OSError as error:
            lost = error.lost if isinstance(error, LogError) else len(lines)
            # Where the remark has been written, what was lost before has been told.
            self._lost = lost if self._lost and lost <= count else self._lost + min(lost, count)
            raise
        self._lost, self.log_fault = 0, ""

    def _attempt(self, job: Job) -> None:
        try:
            job.run()
        except Exception as error:
            if job.name not in self._failing:
                self._failing.add(job.name)
                self._report(f"cannot {job.name}: {reason(error)}")
                if not isinstance(error, OSError):     # no disk did that
                    self._mishap(job.name, error)
            if job.failed is not None:
                job.failed(error)
        else:
            self._failing.discard(job.name)


def reason(error: Exception) -> str:
    """Why it failed, in a line for an operator."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error) if isinstance(error, ValueError | JournalDied) else repr(error)


def open_log(path: str) -> TextIO:
    """A log file to append to; `-` is standard error.  Raises OSError."""
    if path == "-":
        return sys.stderr
    return append_to(path)


def close_log(stream: Log) -> None:
    """Close what `open_log` opened; standard error stays."""
    if stream is not sys.stderr:
        try:
            stream.close()
        except OSError:
            pass               # what it still held has been reported as unwritable
