"""Recordings: the past of a server as a file that can be handed out and replayed.

A `.chatops` file, format 1.  Numbers are big-endian.

    8 bytes   magic: b"CHATOPS" and 0x1A
    2 bytes   format version
    2 bytes   length of the header
    header    a `Header`, in MessagePack; it stays readable whatever comes after it
    the rest  one zlib stream (RFC 1950) of frames:
                4 bytes  length of the frame, at most MAX_FRAME
                4 bytes  CRC-32 of the frame
                frame    a `Frame`, in MessagePack

A frame is one snapshot with the events that led to it.  Of its clients and keys it has
only the rows that are new or changed since the frame before, and the order of all of them
where that changed; the first has everything.  With 100 clients of whom ten do something
this takes 0.9 KB a frame instead of 9 KB, with 10,000 clients 25 KB instead of 700 KB.
The end of the zlib stream is the end of the recording; the writer flushes after every
frame, so a file without its end is whole up to the last moments.

Structs are written as maps with the names of `snapshot` and `events`: a field that a
reader does not know is passed over, one with a default may be missing.  Anything else
that changes makes a new format version.

A file from elsewhere is hostile until shown otherwise: types, lengths, totals and clocks
are checked, and its texts pass the same sanitiser as those of clients.
"""

from __future__ import annotations

import math
import os
import re
import stat
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeVar

import msgspec
from msgspec.structs import replace

from chatops.api.events import AnyEvent, Event
from chatops.api.snapshot import ClientRow, KeyRow, Snapshot
from chatops.chat.sanitize import clean_text
from chatops.system.errors import ChatopsError
from chatops.units import format_seconds, format_size

MAGIC = b"CHATOPS\x1a"
FORMAT = 1
MAX_HEADER = 4096
MAX_FRAME = 32 << 20           # 10,000 clients take 6 MB
MAX_BYTES = 512 << 20          # of all frames, unpacked
MAX_ROWS = 20_000_000          # of all snapshots, each counting as FRAME_ROWS more
FRAME_ROWS = 64
LAST_SECOND = 253_000_000_000  # in the year 9987: beyond it there are no dates
CHUNK = 1 << 16

Row = TypeVar("Row", ClientRow, KeyRow)


class RecordingError(ChatopsError):
    """It cannot be read or written; the message is one line and names the file."""


class Header(msgspec.Struct, frozen=True):
    """Where a recording comes from."""

    made_at: float             # seconds since the epoch
    chatops: str               # version of the program that wrote it
    python: str                # "3.11.9"
    system: str                # "Linux x86_64"
    selector: str = ""         # "epoll"


class Frame(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A snapshot with only its new and changed rows; see the module."""

    snapshot: Snapshot
    events: tuple[AnyEvent, ...] = ()
    client_ids: tuple[int, ...] | None = None   # all of them in order; None: as before
    fds: tuple[int, ...] | None = None


class Moment(NamedTuple):
    """A snapshot and the events that led to it."""

    snapshot: Snapshot
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Recording:
    """A file as it was read.  `warning` says what could not be: one line, or nothing."""

    header: Header
    moments: tuple[Moment, ...]            # never empty; their `mono` never goes back
    warning: str = ""

    @property
    def duration(self) -> float:
        """Seconds from the first snapshot to the last."""
        return self.moments[-1].snapshot.mono - self.moments[0].snapshot.mono


def read(path: str | os.PathLike[str]) -> Recording:
    """Everything in a recording that is whole.  Raises `RecordingError`."""
    try:
        # A pipe or a device could be waited for without end.
        if not stat.S_ISREG(os.stat(path).st_mode) and not os.path.isdir(path):
            raise RecordingError(f"{path} is not a file")
        with open(path, "rb") as file:
            header = _read_header(file, path)
            return _read_frames(file, header, Path(path))
    except OSError as error:
        raise RecordingError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:            # a NUL in the path
        raise RecordingError(f"cannot read {path}: {error}") from error


def _read_header(file: BinaryIO, path: str | os.PathLike[str]) -> Header:
    start = file.read(12)
    if not start:
        raise RecordingError(f"{path} is empty")
    if not start.startswith(MAGIC):
        raise RecordingError(f"{path} is not a chatops recording")
    version, size = int.from_bytes(start[8:10]), int.from_bytes(start[10:12])
    raw = file.read(min(size, MAX_HEADER))
    if len(start) < 12 or len(raw) < size:
        raise RecordingError(f"{path} ends, or is damaged, within its header")
    try:
        header = msgspec.convert(_cleaned(msgspec.msgpack.decode(raw)), Header)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        header = None
    if version > FORMAT:
        by = f", made by chatops {header.chatops[:20]}" if header is not None else ""
        raise RecordingError(f"{path} needs a newer chatops: it is of format {version}{by}; "
                             f"this one reads up to format {FORMAT}")
    if header is None or version < 1 or not 0 <= header.made_at < LAST_SECOND:
        raise RecordingError(f"the header of {path} is damaged")
    return header


def _read_frames(file: BinaryIO, header: Header, path: Path) -> Recording:
    moments: list[Moment] = []
    assembly = _Assembly()
    stream = _Inflating(file)
    problem = ""
    try:
        while (payload := stream.frame()) is not None:
            moments.append(assembly.moment(payload))
    except (_DamageError, zlib.error, msgspec.MsgspecError, UnicodeDecodeError,
            RecursionError) as error:
        problem = str(error) if isinstance(error, _DamageError) else "is damaged"
    if not moments:
        raise RecordingError(f"{path} {problem}: nothing of it can be shown" if problem else
                             f"{path} holds no snapshot")
    recording = Recording(header, tuple(moments))
    if not problem:
        return recording
    return Recording(header, recording.moments, f"{path.name} {problem}: the first "
                     f"{format_seconds(recording.duration)} are shown "
                     f"({len(moments):,} snapshots)")


class _DamageError(Exception):
    """What is wrong with the file, as the rest of a sentence about it."""


class _Inflating:
    """The frames out of the zlib stream, never unpacking more than one at a time."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._zlib = zlib.decompressobj()
        self._held = bytearray()
        self._total = 0

    def frame(self) -> bytes | None:
        """The next frame, None after the last.  Raises `_DamageError` and zlib.error."""
        if not self._fill(8):
            if self._held:
                raise _DamageError("is damaged")
            return None
        size, crc = int.from_bytes(self._held[:4]), int.from_bytes(self._held[4:8])
        if size > MAX_FRAME:
            raise _DamageError(f"is damaged (a frame of {format_size(size)})")
        self._total += size
        if self._total > MAX_BYTES:
            raise _DamageError("is too long")
        if not self._fill(8 + size):
            raise _DamageError("is damaged")
        payload = bytes(self._held[8:8 + size])
        del self._held[:8 + size]
        if zlib.crc32(payload) != crc:
            raise _DamageError("is damaged")
        return payload

    def _fill(self, size: int) -> bool:
        """Have so many bytes at hand; False at the end of the recording."""
        while len(self._held) < size:
            if self._zlib.eof:
                return False
            packed = self._zlib.unconsumed_tail or self._file.read(CHUNK)
            unpacked = self._zlib.decompress(packed, CHUNK)
            if not packed and not unpacked:
                raise _DamageError("ends early")
            self._held += unpacked
        return True


class _Assembly:
    """Whole snapshots out of frames."""

    def __init__(self) -> None:
        self._decoder = msgspec.msgpack.Decoder(Frame)
        self._clients: tuple[ClientRow, ...] = ()
        self._keys: tuple[KeyRow, ...] = ()
        self._mono = -math.inf
        self._rows = 0

    def moment(self, payload: bytes) -> Moment:
        frame = _vetted(self._decoder.decode(payload))
        snapshot = frame.snapshot
        times = (snapshot.at, snapshot.mono, *(event.at for event in frame.events))
        if snapshot.mono < self._mono or not all(0 <= at < LAST_SECOND for at in times):
            raise _DamageError("is damaged (its clock is wrong)")
        if snapshot.turn < 0 or any(turn.repeats < 0 for turn in snapshot.turns):
            raise _DamageError("is damaged (its turns are wrong)")
        self._mono = snapshot.mono
        clients = _assembled(self._clients, snapshot.clients, frame.client_ids, client_id)
        keys = _assembled(self._keys, snapshot.keys, frame.fds, key_fd)
        self._rows += FRAME_ROWS
        self._rows += len(clients) if clients is not self._clients else 0
        self._rows += len(keys) if keys is not self._keys else 0
        if self._rows > MAX_ROWS:
            raise _DamageError("is too long")
        self._clients, self._keys = clients, keys
        return Moment(replace(snapshot, clients=clients, keys=keys), frame.events)


def _assembled(before: tuple[Row, ...], changed: Iterable[Row], order: tuple[int, ...] | None,
               key: Callable[[Row], int]) -> tuple[Row, ...]:
    """All rows: those of before, with the changed ones over them, in this order."""
    new = {key(row): row for row in changed}
    if order is None and not new:
        return before
    rows = {key(row): row for row in before} | new
    if order is None:
        return tuple(rows.values())
    if len(set(order)) != len(order) or not rows.keys() >= set(order):
        raise _DamageError("is damaged (its rows do not fit)")
    return tuple([rows[ident] for ident in order])


def client_id(row: ClientRow) -> int:
    """What tells clients apart."""
    return row.id


def key_fd(row: KeyRow) -> int:
    """What tells entries of the selector's map apart."""
    return row.fd


# JSON shows what MessagePack hides: it escapes control characters, and NaN is null in it.
_CONTROLS = re.compile(r"\\[ubfrt]")
# Only a key's closing quote follows a letter: within a text it follows a backslash.  The
# literal comes first, because `re` then finds it fifty times faster.
_ENDLESS = re.compile(r'":null(?<=[a-z_0-9]":null)(?<!"cost":null)(?<!"cpu":null)'
                      r'(?<!"timeout":null)(?<!"next_deadline":null)'
                      r'(?<!"program":null)(?<!"held":null)(?<!"was_held":null)(?<!"executor":null)'
                      r'(?<!"engine":null)')


def _vetted(frame: Frame) -> Frame:
    """The frame with clean texts.  Raises `_DamageError` for NaN where a number belongs."""
    text = msgspec.json.encode(frame).decode()
    plain = (text.isascii() and "\x7f" not in text) or text.isprintable()
    if not plain or _CONTROLS.search(text):
        frame = msgspec.convert(_cleaned(msgspec.to_builtins(frame)), Frame)
        text = msgspec.json.encode(frame).decode()
    if _ENDLESS.search(text):
        raise _DamageError("is damaged (a number is NaN)")
    return frame


def _cleaned(value: object) -> object:
    """The same with every text in it made safe for a terminal, line by line."""
    if isinstance(value, str):
        return "\n".join(map(clean_text, value.split("\n")))
    if isinstance(value, list | tuple):
        return [_cleaned(item) for item in value]
    if isinstance(value, dict):
        return {key: _cleaned(item) for key, item in value.items()}
    return value
