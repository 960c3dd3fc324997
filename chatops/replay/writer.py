"""Writing recordings: all of the past that is held (`save`), or all that comes (`Recorder`).

The format is described in `chatops.replay.recording`.
"""

from __future__ import annotations

import os
import platform
import queue
import re
import threading
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, cast

import msgspec
from msgspec.structs import replace

import chatops
from chatops.api.events import AnyEvent, Crashed, Event, ThreadDied
from chatops.api.snapshot import ClientRow, KeyRow, Snapshot
from chatops.replay.recording import (
    FORMAT,
    MAGIC,
    Frame,
    Header,
    RecordingError,
    Row,
    client_id,
    key_fd,
)

# On snapshots zlib's level 6 takes three times as long as this one and saves 5 %.
LEVEL = 1
QUEUE = 64                     # moments that may wait for the disk: six seconds
CLOSE_WAIT = 5.0               # seconds that `close` waits for a disk that hangs

_SOURCE_FOLDER = re.compile(r'File "[^"\n]*[/\\]')


def save(path: str | os.PathLike[str],
         moments: Iterable[tuple[Snapshot, Sequence[Event]]]) -> int:
    """Write a new recording, as of `TurnHistory.frames()`; returns its size in bytes.

    An existing file is left alone.  Raises `RecordingError`, and leaves nothing behind.
    """
    writer: _Writer | None = None
    try:
        for snapshot, events in moments:
            if writer is None:
                writer = _Writer(path, snapshot.loop.backend)
            writer.write(snapshot, events)
        if writer is None:
            raise RecordingError("nothing is held of the past yet")
        return writer.finish()
    except OSError as error:
        if writer is not None:
            writer.abandon()
        raise _cannot_write(path, error) from error


class Recorder:
    """Writes what comes, on a thread of its own; `add` never waits.

    A disk that cannot keep up loses moments (`dropped`); one that fails ends the
    recording, `error` says why in one line, and what was written stays readable.
    All methods belong to the console's thread.
    """

    def __init__(self, path: str | os.PathLike[str], selector: str = "") -> None:
        """Begin a new file.  Raises `RecordingError`; an existing file is left alone."""
        self.path = Path(path)
        self.error = ""
        self.dropped = 0           # snapshots
        self._events: deque[Event] = deque(maxlen=8192)
        self._last: Snapshot | None = None
        self._behind = False       # the newest snapshot was dropped
        self._queue: queue.Queue[tuple[Snapshot, Sequence[Event]] | None] = queue.Queue(QUEUE)
        self._closing = threading.Event()
        try:
            self._writer = _Writer(path, selector)
        except OSError as error:
            raise _cannot_write(path, error) from error
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    @property
    def active(self) -> bool:
        """Whether it still records; when not, `error` may say why."""
        return not self.error and not self._closing.is_set()

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._writer.size

    def add(self, snapshot: Snapshot | None, events: Iterable[Event] = ()) -> None:
        """Record what a link gave; events without a snapshot wait for the next one."""
        if not self.active:
            return
        self._events.extend(events)
        if snapshot is not None:
            self._last = snapshot
            self._put(snapshot)

    def close(self) -> None:
        """Write what waits and end the file.  Idempotent; `error` may be set by it."""
        if self._closing.is_set():
            return
        if self._last is not None and (self._events or self._behind) and not self.error:
            self._put(self._last, wait=CLOSE_WAIT)
        self._closing.set()
        with suppress(queue.Full):     # then it looks at the flag when it has emptied the queue
            self._queue.put_nowait(None)
        self._thread.join(CLOSE_WAIT)
        if self._thread.is_alive():
            self.error = f"recording to {self.path.name} is not finished: the disk hangs"

    def _put(self, snapshot: Snapshot, wait: float = 0.0) -> None:
        try:
            self._queue.put((snapshot, tuple(self._events)), block=wait > 0, timeout=wait)
        except queue.Full:
            self.dropped += 1      # its events go with the next one
            self._behind = True
        else:
            self._events.clear()
            self._behind = False

    def _run(self) -> None:
        """The recorder's thread."""
        try:
            while not (self._closing.is_set() and self._queue.empty()):
                moment = self._queue.get()
                if moment is not None:
                    self._writer.write(*moment)
            self._writer.finish()
        except BaseException as error:     # whatever it is, the console must hear of it
            why = _cannot_write(self.path, error) if isinstance(error, OSError) else repr(error)
            self.error = f"recording stopped: {why}"
            self._writer.stop()


class _Writer:
    """One file being written.  Raises OSError."""

    def __init__(self, path: str | os.PathLike[str], selector: str) -> None:
        header = msgspec.msgpack.encode(Header(
            made_at=time.time(), chatops=chatops.__version__, selector=selector,
            python=platform.python_version(),
            system=f"{platform.system()} {platform.machine()}"))
        self._path = path
        self._zlib = zlib.compressobj(LEVEL)
        self._clients: tuple[ClientRow, ...] = ()
        self._keys: tuple[KeyRow, ...] = ()
        self.size = 0
        self._file: BinaryIO = open(path, "xb", buffering=0)  # noqa: SIM115  # closed by finish
        try:
            self._append(MAGIC + FORMAT.to_bytes(2) + len(header).to_bytes(2) + header)
        except OSError:
            self.abandon()             # or an empty file is in the way of the next attempt
            raise

    def write(self, snapshot: Snapshot, events: Sequence[Event]) -> None:
        """Append one frame; it can be read as soon as this returns."""
        clients, ids = _changes(self._clients, snapshot.clients, client_id)
        keys, fds = _changes(self._keys, snapshot.keys, key_fd)
        self._clients, self._keys = snapshot.clients, snapshot.keys
        shown: tuple[AnyEvent, ...] = tuple(map(_for_others, events))
        payload = msgspec.msgpack.encode(
            Frame(replace(snapshot, clients=clients, keys=keys), shown, ids, fds))
        head = len(payload).to_bytes(4) + zlib.crc32(payload).to_bytes(4)
        self._append(self._zlib.compress(head + payload) + self._zlib.flush(zlib.Z_SYNC_FLUSH))

    def finish(self) -> int:
        """End the stream and the file; returns its size."""
        self._append(self._zlib.flush())
        self._file.close()
        return self.size

    def stop(self) -> None:
        """Let go of the file as it is."""
        with suppress(OSError):    # the disk has other troubles, which are being told
            self._file.close()

    def abandon(self) -> None:
        """Let go of the file and remove it."""
        self.stop()
        with suppress(OSError):
            os.unlink(self._path)

    def _append(self, data: bytes) -> None:
        # Unbuffered, so that a full disk is noticed here; it may take a part first.
        rest = memoryview(data)
        while rest:
            written = self._file.write(rest)
            self.size += written
            rest = rest[written:]


def _changes(before: tuple[Row, ...], now: tuple[Row, ...], key: Callable[[Row], int],
             ) -> tuple[tuple[Row, ...], tuple[int, ...] | None]:
    """The rows that are new or changed, and the order of all where it is another one."""
    old = {key(row): row for row in before}
    changed = tuple([row for row in now
                     if (held := old.get(key(row))) is not row and held != row])
    order = tuple(map(key, now))
    return changed, None if order == tuple(old) else order


def _for_others(event: Event) -> AnyEvent:
    """The event as a stranger may have it: a traceback names files, not where they are."""
    if isinstance(event, Crashed | ThreadDied):
        return replace(event, traceback=_SOURCE_FOLDER.sub('File "', event.traceback))
    return cast("AnyEvent", event)


def _cannot_write(path: str | os.PathLike[str], error: OSError) -> RecordingError:
    return RecordingError(f"cannot write {path}: {error.strerror or error}")
