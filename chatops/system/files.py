"""The files that people name: read and opened so that none of them can hold up a start.

A name may lead to a pipe that nobody writes, a terminal, a device without an end, or into a
directory that is not there.  All raise OSError, whose `strerror` is one line for a person.
"""

from __future__ import annotations

import codecs
import errno
import os
import select
import stat
from contextlib import suppress
from pathlib import Path
from typing import TextIO

SILENCE = 3.0                  # seconds that a pipe may say nothing
MOST = 16 << 20                # bytes; no file of settings or of bans is larger
_QUICK = os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC    # opening a pipe would wait for its other end


def read(path: str | os.PathLike[str], *, regular: bool = False) -> bytes:
    """All of it, from a pipe too, as a shell's `<(…)` is one, unless it must be `regular`:
    a file that is read again later, or written.
    """
    fd = os.open(path, os.O_RDONLY | _QUICK)
    try:
        if regular:
            _check_regular(os.fstat(fd).st_mode)
        ready = select.poll()
        ready.register(fd, select.POLLIN)
        data = bytearray()
        while len(data) <= MOST:
            if not ready.poll(SILENCE * 1000):
                raise OSError(errno.ETIMEDOUT, "nothing comes out of it")
            try:
                piece = os.read(fd, 1 << 16)
            except BlockingIOError:
                continue
            if not piece:
                return bytes(data)
            data += piece
        raise OSError(errno.EFBIG, f"it has more than {MOST >> 20} MB")
    finally:
        os.close(fd)


def text_of(data: bytes) -> str:
    """What is written there, a byte-order mark read over.  Raises UnicodeDecodeError."""
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return data.decode("utf-16" if wide else "utf-8-sig")


def check_place(path: Path) -> None:
    """See that a regular file is there or can be made there."""
    try:
        _check_regular(os.stat(path).st_mode)
    except FileNotFoundError:
        folder = Path(os.path.realpath(path)).parent   # a link may lead elsewhere
        if not folder.is_dir():
            raise FileNotFoundError(errno.ENOENT, f"there is no directory {folder}") from None


def identity(path: str) -> tuple[int, int] | None:
    """Which file has this name now, to be compared; None where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def take_along(path: str, file: tuple[int, int], *ends: str) -> None:
    """Rename `path` with each of these ends to where `file`, which had that name, has been moved.
    It must be open here, and so must they be: what others have made since is left alone.
    """
    opened: dict[tuple[int, int] | None, str] = {}
    with suppress(OSError):
        for fd in os.listdir("/proc/self/fd"):
            with suppress(OSError):
                opened[identity(f"/proc/self/fd/{fd}")] = os.readlink(f"/proc/self/fd/{fd}")
    moved = opened.get(file, "")
    if identity(moved) == file:
        for end in ends:
            with suppress(OSError):
                if opened.get(identity(path + end)) == os.path.realpath(path + end):
                    os.rename(path + end, moved + end)


def make_private(path: str) -> None:
    """Make an empty file for this user alone, if none is there; whoever opens it then says what is
    wrong with the place.  SQLite gives those that it puts beside it the same mode.
    """
    if path == ":memory:":
        return                     # SQLite's name for a database that is no file
    with suppress(OSError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def append_to(path: str) -> TextIO:
    """A text file or device to write at the end of, or a pipe that somebody reads."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _QUICK, 0o666)
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise OSError(errno.ENXIO, "nobody reads this pipe") from None
        raise
    os.set_blocking(fd, True)
    return open(fd, "a", encoding="utf-8", errors="backslashreplace")


def _check_regular(mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "not a regular file")
