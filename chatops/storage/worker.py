"""The journal: the thread that waits for disks, so that the reactor never does."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Protocol, TextIO

import msgspec

from chatops.api import events
from chatops.loop.bus import EventBus


def line_of(event: events.Event) -> str:
    """One line, whatever the strings in it hold: `2026-01-31T12:00:00 kicked id=3 …`."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(event.at))
    fields = msgspec.structs.asdict(event)
    words = [f"{name}={_value(value)}" for name, value in fields.items() if name != "at"]
    return " ".join([stamp, type(event).__name__, *words])


def _value(value: object) -> str:
    if isinstance(value, str):
        return msgspec.json.encode(value).decode()   # quotes, and escapes what is not a line
    return f"{value:.6g}" if isinstance(value, float) else str(value)


class Log(Protocol):
    """What lines are written to: a stream, or an `EventLog`."""

    def write(self, text: str, /) -> object: ...
    def flush(self) -> None: ...
    def close(self) -> None: ...


class Journal:
    """Writes events to a stream and does what else must wait for a disk, in a thread.

    A disk that is full or gone costs log lines, never the chat: the failure is reported
    once with `report`, and writing is tried again with the next event.
    """

    def __init__(self, bus: EventBus[events.Event], stream: Log | None, *,
                 report: Callable[[str], None] = lambda text: None) -> None:
        """`report` is called on the journal's thread."""
        self._bus = bus
        self._stream = stream
        self._report = report
        self._subscription = bus.subscribe(wake=True, backlog=True)
        self._jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._closing = False
        self._failing: set[str] = set()    # what has been reported and not worked since
        self._dropped = 0
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def later(self, job: Callable[[], None]) -> None:
        """Have this done in the journal's thread.  From any thread; never waits."""
        self._jobs.put(job)
        self._subscription.wakeup.set()

    def close(self, timeout: float = 2.0) -> None:
        """Write what is left, for at most `timeout` seconds."""
        self._closing = True
        self._subscription.wakeup.set()
        if self._thread.is_alive():
            self._thread.join(timeout)
        self._bus.unsubscribe(self._subscription)

    def _run(self) -> None:
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
        while True:
            try:
                job = self._jobs.get_nowait()
            except Empty:
                break
            self._attempt("the ban file", job)
        lines = [line_of(event) for event in self._subscription.drain()
                 if type(event) not in events.TALK]
        dropped = self._subscription.dropped - self._dropped
        if dropped:
            self._dropped += dropped
            lines.append(f"({dropped} events were not logged: the disk was too slow)")
        if lines and self._stream is not None:
            self._attempt("the log", lambda: self._write("\n".join(lines) + "\n"))

    def _write(self, text: str) -> None:
        assert self._stream is not None
        self._stream.write(text)
        self._stream.flush()

    def _attempt(self, what: str, job: Callable[[], None]) -> None:
        try:
            job()
        except (OSError, ValueError) as error:
            if what not in self._failing:
                self._failing.add(what)
                why = getattr(error, "strerror", None) or error
                self._report(f"cannot write {what}: {why}")
        else:
            self._failing.discard(what)


def open_log(path: str) -> TextIO:
    """A log file to append to; `-` is standard error.  Raises OSError."""
    if path == "-":
        return sys.stderr
    return open(path, "a", encoding="utf-8", errors="backslashreplace")


def close_log(stream: Log) -> None:
    """Close what `open_log` opened; standard error stays."""
    if stream is not sys.stderr:
        try:
            stream.close()
        except OSError:
            pass               # what it still held has been reported as unwritable
