"""What this node still has to write to the log: one frame is under way, the next one gathers.

While a frame waits for its answer, whatever comes gathers for the following one: the slower
the engine, the fewer and larger the frames.  And after a cut no more than one is in doubt.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from chatops.cluster.frames import LARGEST, Codec

MOST = 4 << 20                 # bytes that wait at most
OLDEST = 120.0                 # seconds that they wait: an engine that stands still for a minute
                               # is found again some seconds later
KEPT = 5.0                     # seconds that one is kept after it was written: an engine that has
KEPT_MOST = 1 << 20            # lost what it kept may have done so before others had read it
SEALED = 5.0                   # seconds after which a frame that gathers is closed


class Sealed(NamedTuple):
    """A frame that has its number."""

    seq: int
    began: float               # monotonic, when its first item came
    closed: float              # and when it was closed,
    at: float                  # which is this by the wall clock
    items: Sequence[bytes]
    size: int                  # bytes of these


class FrameQueue:
    """Bounded in bytes and in age; the oldest goes first, and its number is left out, by which
    the others know.  Sans-I/O; `now` is monotonic, `at` wall clock, both in seconds.
    """

    def __init__(self, codec: Codec, *, most: int = MOST,
                 largest: Callable[[], int] = lambda: LARGEST) -> None:
        """A frame has `largest` bytes now, or one item."""
        self._codec = codec
        self._largest = largest
        self._most = most
        self._items: list[bytes] = []  # of the frame that gathers
        self._size = 0
        self._began = 0.0
        self._sealed: deque[Sealed] = deque()
        self._waiting = 0              # bytes of `_sealed`
        self._flying: Sealed | None = None
        self._latest = b"", 0.0        # that was sent, and when it was closed: wall clock
        self._kept: deque[tuple[float, Sealed]] = deque()      # when they were written, in order
        self._kept_size = 0
        self._seq = 0
        self.dropped = 0               # frames, so far

    def __len__(self) -> int:
        """Bytes that have not been acknowledged."""
        return self._size + self._waiting + (self._flying.size if self._flying else 0)

    def __repr__(self) -> str:
        return f"<FrameQueue {len(self)} bytes, frame {self._seq}, {self.dropped} dropped>"

    @property
    def written(self) -> int:
        """Frames that were closed, so far."""
        return self._seq

    def add(self, item: bytes, now: float, at: float) -> None:
        """An item for the next frame."""
        if self._items and (self._size + len(item) > self._largest()
                            or now - self._began >= SEALED):
            self._seal(now, at)
        if not self._items:
            self._began = now
        self._items.append(item)
        self._size += len(item)

    def next(self, now: float, at: float) -> bytes | None:
        """The frame to write now, if there is one and none is under way."""
        self.expire(now)
        if self._flying is not None:
            return None
        if not self._sealed and self._items:
            self._seal(now, at)
        if not self._sealed:
            return None
        self._flying = self._sealed.popleft()
        self._waiting -= self._flying.size
        return self._packed(self._flying, now)

    def again(self, now: float) -> bytes | None:
        """The frame of which nobody knows whether it has arrived."""
        return self._packed(self._flying, now) if self._flying is not None else None

    def _packed(self, frame: Sealed, now: float) -> bytes:
        """As it is written now: it says how long it has waited."""
        data = self._codec.seal(frame.seq, frame.at, frame.items, now - frame.closed)
        self._latest = data, frame.at
        return data

    def sent_at(self, data: bytes) -> float | None:
        """When the latest frame was closed, if this is it: by the wall clock."""
        latest, at = self._latest
        return at if latest == data else None

    def acknowledge(self, now: float) -> None:
        """The frame that was under way is in the log."""
        if self._flying is not None:
            self._kept.append((now, self._flying))
            self._kept_size += self._flying.size
            self._flying = None

    def rewind(self) -> None:
        """The log is lost: what was written lately is written again, under the numbers that it
        has, by which those who have read it know.
        """
        frames = [frame for _, frame in self._kept]
        if self._flying is not None:
            frames.append(self._flying)
        self._sealed.extendleft(reversed(frames))
        self._waiting += sum([frame.size for frame in frames])
        self._kept.clear()
        self._kept_size, self._flying = 0, None

    def expire(self, now: float) -> None:
        """Drop what has waited for too long, or is too much."""
        while self._kept and (now - self._kept[0][0] > KEPT or self._kept_size > KEPT_MOST):
            self._kept_size -= self._kept.popleft()[1].size
        while self._sealed and (now - self._sealed[0].began > OLDEST
                                or self._size + self._waiting > self._most):
            self._waiting -= self._sealed.popleft().size
            self.dropped += 1

    def _seal(self, now: float, at: float) -> None:
        self._seq += 1
        self._sealed.append(Sealed(self._seq, self._began, now, at, self._items, self._size))
        self._waiting += self._size
        self._items, self._size = [], 0
        self.expire(self._began)
