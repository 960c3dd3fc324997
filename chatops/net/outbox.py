"""What waits to be sent to one client: whole chunks, shared with everybody else's outbox."""

from __future__ import annotations

import socket
from collections import deque
from itertools import islice
from typing import Literal

Policy = Literal["evict", "drop-oldest", "drop-newest"]

IOV = 64                       # chunks per sendmsg; far below IOV_MAX, far above one


class Outbox:
    """A queue of (chunk, lines), its size kept up to date, its limit enforced by `push`.

    A chunk ends with a newline and is never cut by a policy: one whose beginning has gone
    out goes out to its end, so no reader ever sees a glued line.  Chunks are immutable
    bytes; a thousand outboxes that hold the same one hold it once.
    """

    __slots__ = ("_chunks", "_sent", "high_water", "high_water_at", "lines", "lost", "since",
                 "size")

    def __init__(self, now: float) -> None:
        self._chunks: deque[tuple[bytes, int]] = deque()
        self._sent = 0             # bytes of the first chunk that have gone out
        self.size = 0              # bytes that wait
        self.lines = 0             # lines that wait, one begun included
        self.lost = 0              # lines dropped by policy and not yet told to the client
        self.high_water = 0
        self.high_water_at = now
        self.since = now           # when it last began to fill

    def __bool__(self) -> bool:
        return self.size > 0

    def __repr__(self) -> str:
        return f"<Outbox {self.size} bytes, {self.lines} lines>"

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

    def send(self, sock: socket.socket) -> int:
        """Hand the kernel as much as it takes; returns the bytes it took.

        Raises OSError when the connection is gone; a full kernel buffer takes 0.
        """
        total = 0
        while self._chunks:
            batch: list[bytes | memoryview] = [chunk for chunk, _ in islice(self._chunks, IOV)]
            if self._sent:
                batch[0] = memoryview(batch[0])[self._sent:]
            offered = sum(map(len, batch))
            try:
                taken = sock.sendmsg(batch)
            except (BlockingIOError, InterruptedError):
                break
            total += taken
            self._took(taken)
            if taken < offered:
                break
        return total

    def _took(self, count: int) -> None:
        self.size -= count
        count += self._sent
        chunks = self._chunks
        while chunks and count >= len(chunks[0][0]):
            chunk, lines = chunks.popleft()
            count -= len(chunk)
            self.lines -= lines
        self._sent = count

    def drop_oldest(self, room: int) -> int:
        """Make room for this many bytes; returns the lines dropped.

        The chunk at the head stays when a part of it has gone out.
        """
        keep = 1 if self._sent else 0
        dropped = freed = 0
        head = self._chunks.popleft() if keep and self._chunks else None
        while self._chunks and freed < room:
            chunk, lines = self._chunks.popleft()
            freed += len(chunk)
            dropped += lines
        if head is not None:
            self._chunks.appendleft(head)
        self.size -= freed
        self.lines -= dropped
        self.lost += dropped
        return dropped

    def clear(self) -> int:
        """Forget everything; returns the lines that are lost with it."""
        lines = self.lines
        self._chunks.clear()
        self.size = self.lines = self._sent = 0
        return lines
