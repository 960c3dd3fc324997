"""The file that events are written to, for as long as somebody else may move it away.

Two ways to rotate a log are common: the file is renamed, or deleted, and whoever writes it is
told to open it again; or it is copied and truncated, which asks nothing of the writer as long
as it appends (logrotate(8): `create` with `postrotate`, and `copytruncate`).

A log may be a pipe to a collector, also where it is standard error, and a collector that hangs
must not hold whoever writes for ever.  `O_NONBLOCK` is no way out of that: it belongs to the open
file, which standard error shares with the shell and all that it has started.  But a pipe of which
poll(2) says that it can be written to takes PIPE_BUF bytes at once (pipe(7)), so it is asked
before each piece of that size.
"""

from __future__ import annotations

import errno
import os
import select
import stat
from contextlib import suppress
from typing import TextIO

from chatops.storage.worker import LogError, close_log, open_log

PIECE = select.PIPE_BUF        # bytes that a pipe takes whole or not at all
STALL = 1.0                    # seconds that whoever reads a pipe may take for what it holds


class EventLog:
    """Belongs to the journal's thread once it has been made; every method may wait for a disk.

    It has what the journal needs of a stream.  A file that no longer stands under its name is
    noticed at the next line, for a `stat` on that thread costs about a microsecond.
    """

    def __init__(self, path: str) -> None:
        """Open it; `-` is standard error.  Raises OSError."""
        self.path = path
        self._stream: TextIO = open_log(path)
        self._watched = path != "-" and _is_file(self._stream)
        self._stalled = False          # whoever reads it has not for a while
        self._mid_line = False         # and has half a line of ours

    @property
    def is_named(self) -> bool:
        """Whether there is a file to open again."""
        return self.path != "-"

    def write(self, text: str) -> None:
        """Append lines, to a file of that name.  Raises OSError; where only that cannot be
        opened again they have been written to the old one, and the next lines try again.
        """
        lost: OSError | None = None
        if self._watched and not self._in_place():
            try:
                self.reopen()
            except OSError as error:
                lost = error
        self._write_all(text.encode(errors="backslashreplace"))
        if lost is not None:
            raise LogError(lost.errno, f"{self.path} was moved away and cannot be opened again "
                                       f"({lost.strerror}); the old file goes on", 0)

    def _write_all(self, data: bytes) -> None:
        """Nothing is buffered: what could not be written is lost, and not written later."""
        fd = self._stream.fileno()
        ready = _readiness(fd) if _can_stall(self._stream) else None
        size = os.fstat(fd).st_size if self.is_named or self._mid_line else 0
        # After half a line of ours; a file may have been truncated meanwhile.
        mended = self._mid_line and (ready is not None or size > 0)
        left = whole = memoryview(b"\n" + data if mended else data)
        while left:
            if ready is not None and not ready.poll(0 if self._stalled else STALL * 1000):
                self._stalled = True
                raise LogError(errno.EAGAIN, "whoever reads it has stopped reading",
                               bytes(left[-len(data):]).count(b"\n"))
            try:
                written = os.write(fd, left if ready is None else left[:PIECE])
            except OSError as error:
                if self._mid_line and ready is None and self.is_named:
                    self._take_back(fd, size, bytes(whole[:-len(left)]))
                raise LogError(error.errno, f"{self.path}: {error.strerror}",
                               bytes(left[-len(data):]).count(b"\n")) from None
            self._mid_line = left[written - 1] != 0x0a
            left = left[written:]
        self._stalled = False

    def _take_back(self, fd: int, size: int, written: bytes) -> None:
        """The half line with which a disk became full, which no collector could read; unless
        somebody else has written there, too.
        """
        ends = size + written.rfind(b"\n") + 1
        if os.fstat(fd).st_size == size + len(written) > ends:
            with suppress(OSError):
                os.ftruncate(fd, ends)
                self._mid_line = False

    def flush(self) -> None:
        """Nothing waits here."""

    def reopen(self) -> None:
        """Open the file of that name, whatever became of the one that was.  Raises OSError, and
        then the old one stays.
        """
        if not self.is_named:
            return
        fresh = open_log(self.path)
        old, self._stream = self._stream, fresh
        self._watched = _is_file(fresh)
        self._stalled = self._mid_line = False
        close_log(old)

    def close(self) -> None:
        """Raises nothing."""
        close_log(self._stream)

    def _in_place(self) -> bool:
        try:
            return os.path.samestat(os.stat(self.path), os.fstat(self._stream.fileno()))
        except OSError:
            return False


def _readiness(fd: int) -> select.poll:
    """What says whether a pipe, a terminal or a socket takes anything just now."""
    ready = select.poll()
    ready.register(fd, select.POLLOUT)
    return ready


def _can_stall(stream: TextIO) -> bool:
    """Whether writing waits for a reader, and not for a disk alone."""
    try:
        mode = os.fstat(stream.fileno()).st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or stat.S_ISCHR(mode)


def _is_file(stream: TextIO) -> bool:
    """Whether it can be moved away: a FIFO or a device is left alone."""
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):
        return False
