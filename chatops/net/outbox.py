"""What waits to be sent to one client: whole chunks, shared with everybody else's outbox."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable
from itertools import islice

from chatops.api.words import SlowConsumer

Policy = SlowConsumer
Notice = Callable[[int], bytes]

IOV = 64                       # chunks per sendmsg; far below IOV_MAX, far above one
NOTICE = 128                   # bytes that a notice about lost lines may take


class Outbox:
    """A queue of (chunk, lines), with its size and the lines in it kept up to date.

    A chunk ends with a newline and is never cut inside a line: one whose beginning has gone
    out goes on to the end of the line, so no reader ever sees a glued one.  Chunks are
    immutable bytes; a thousand outboxes that hold the same one hold it once.

    Where lines were dropped stands a notice that says how many.  Its count of lines is
    negative: minus the lines that it tells of, so that notices can be put together.
    """

    __slots__ = ("_chunks", "_sent", "high_water", "high_water_at", "lines", "since", "size")

    def __init__(self, now: float) -> None:
        self._chunks: deque[tuple[bytes, int]] = deque()
        self._sent = 0             # bytes of the first chunk that have gone out
        self.size = 0              # bytes that wait
        self.lines = 0             # lines that wait, all those of a chunk begun included
        self.high_water = 0
        self.high_water_at = now
        self.since = now           # when it last began to fill

    def __bool__(self) -> bool:
        return self.size > 0

    def __repr__(self) -> str:
        return f"<Outbox {self.size} bytes, {self.lines} lines>"

    @property
    def unsent_lines(self) -> int:
        """Lines of which the last byte has not gone out."""
        if not self._sent:
            return self.lines
        chunk, lines = self._chunks[0]
        return self.lines - (chunk.count(b"\n", 0, self._sent) if lines > 0 else 0)

    def push(self, chunk: bytes, lines: int, offset: int, now: float) -> None:
        """Add a chunk of which the first `offset` bytes have gone out already.

        An offset is for the first chunk only, the one that the kernel took a part of.
        """
        if not self._chunks:
            self._sent = offset
            self.since = now
        self._chunks.append((chunk, lines))
        self.size += len(chunk) - offset
        self.lines += lines
        if self.size > self.high_water:
            self.high_water = self.size
            self.high_water_at = now

    def send(self, sock: socket.socket) -> None:
        """Hand the kernel as much as it takes.  Raises OSError when the connection is gone."""
        while self._chunks:
            batch: list[bytes | memoryview] = [chunk for chunk, _ in islice(self._chunks, IOV)]
            if self._sent:
                batch[0] = memoryview(batch[0])[self._sent:]
            offered = sum(map(len, batch))
            try:
                taken = sock.sendmsg(batch)
            except (BlockingIOError, InterruptedError):
                return
            self._took(taken)
            if taken < offered:
                return

    def _took(self, count: int) -> None:
        self.size -= count
        count += self._sent
        chunks = self._chunks
        while chunks and count >= len(chunks[0][0]):
            chunk, lines = chunks.popleft()
            count -= len(chunk)
            self.lines -= max(0, lines)
        self._sent = count

    # -- losing lines

    def drop_oldest(self, room: int, notice: Notice) -> int:
        """Make room for this many bytes; returns the lines dropped.

        The chunk at the head stays when a part of it has gone out.
        """
        head = self._chunks.popleft() if self._sent else None
        dropped, told = self._drop(room + NOTICE)
        if dropped + told:
            self._put_first(notice, dropped + told)
        if head is not None:
            self._chunks.appendleft(head)
        return dropped

    def squeeze(self, chunk: bytes, lines: int, limit: int, *, oldest: bool, notice: Notice,
                now: float) -> int:
        """Add a chunk that does not fit into so many bytes: by dropping the `oldest` ones,
        or else itself; returns the lines dropped.  The reader finds a notice in their place.
        """
        size, dropped = len(chunk), 0
        if oldest:
            dropped = self.drop_oldest(self.size + size - limit, notice)
        if self.size + size <= limit:
            self.push(chunk, lines, 0, now)
        elif lines:                    # too large for any outbox, or it must give way itself
            self.lose(lines, notice)
            dropped += lines
        return dropped

    def lose(self, lines: int, notice: Notice) -> None:
        """So many lines found no room here, after all that waits."""
        chunks = self._chunks
        if chunks and chunks[-1][1] < 0 and not (self._sent and len(chunks) == 1):
            words, told = chunks.pop()
            self.size -= len(words)
            lines -= told
        words = notice(lines)
        chunks.append((words, -lines))
        self.size += len(words)

    def discard(self, notice: Notice) -> int:
        """Throw everything away, but for the rest of a line that has begun to go out and
        the notices; returns the lines dropped.
        """
        head = self._chunks.popleft() if self._sent else None
        dropped, told = self._drop(self.size + NOTICE)
        if told:
            self._put_first(notice, told)
        if head is not None:
            chunk, lines = head
            end = chunk.find(b"\n", self._sent) + 1 or len(chunk)
            rest = chunk[self._sent - 1:end]       # begun still, but no more is kept
            self.size -= len(chunk) - end
            if lines > 0:
                cut = chunk.count(b"\n", end)
                left = rest.count(b"\n")
                self.lines -= lines - left
                lines, dropped = left, dropped + cut
            self._chunks.appendleft((rest, lines))
            self._sent = 1
        return dropped

    def _drop(self, room: int) -> tuple[int, int]:
        """Lines dropped from the front, and lines that the dropped notices told of."""
        freed = dropped = told = 0
        while self._chunks and freed < room:
            chunk, lines = self._chunks.popleft()
            freed += len(chunk)
            if lines < 0:
                told -= lines
            else:
                dropped += lines
        self.size -= freed
        self.lines -= dropped
        return dropped, told

    def _put_first(self, notice: Notice, lines: int) -> None:
        words = notice(lines)
        self._chunks.appendleft((words, -lines))
        self.size += len(words)
