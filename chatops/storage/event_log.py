"""The file that events are written to, for as long as somebody else may move it away.

Two ways to rotate a log are common: the file is renamed, or deleted, and whoever writes it is
told to open it again; or it is copied and truncated, which asks nothing of the writer as long
as it appends (logrotate(8): `create` with `postrotate`, and `copytruncate`).
"""

from __future__ import annotations

import os
import stat
from typing import TextIO

from chatops.storage.worker import close_log, open_log


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
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError as error:
            raise OSError(error.errno, f"{self.path}: {error.strerror}") from None
        if lost is not None:
            raise OSError(lost.errno, f"{self.path} was moved away and cannot be opened again "
                                      f"({lost.strerror}); the old file goes on")

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
        close_log(old)

    def close(self) -> None:
        """Raises nothing."""
        close_log(self._stream)

    def _in_place(self) -> bool:
        try:
            return os.path.samestat(os.stat(self.path), os.fstat(self._stream.fileno()))
        except OSError:
            return False


def _is_file(stream: TextIO) -> bool:
    """Whether it can be moved away: a FIFO or a device is left alone."""
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):
        return False
