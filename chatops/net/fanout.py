"""The same bytes to many connections: one system call each, and next to nothing besides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

from chatops.net.connection import Connection
from chatops.net.state import reason_of

S = TypeVar("S")


class FanOut(Generic[S]):
    """Connections that all get every chunk, exactly once and in order.

    Members with an empty outbox are kept apart from those with a queue: the loop over the
    former does nothing but `send`.  What a member has been handed is the difference of
    two totals, so counting costs nothing per member.
    """

    __slots__ = ("_backed", "_clear", "bytes", "lines", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.bytes = 0             # handed to each member, since the beginning
        self.lines = 0
        self._clear: dict[Connection[S], Callable[[bytes], int]] = {}
        self._backed: dict[Connection[S], None] = {}

    def __len__(self) -> int:
        return len(self._clear) + len(self._backed)

    def __iter__(self) -> Iterator[Connection[S]]:
        yield from self._clear
        yield from self._backed

    def __repr__(self) -> str:
        return f"<FanOut {self.name} {len(self)} members, {len(self._backed)} backed up>"

    def add(self, connection: Connection[S]) -> None:
        """From now on it gets what the others get.  Harmless when it is a member already."""
        if self in connection.fans:
            return
        connection.fans[self] = (self.bytes, self.lines)
        if connection.outbox:
            self._backed[connection] = None
        else:
            self._clear[connection] = connection.send

    def discard(self, connection: Connection[S]) -> None:
        """It gets no more.  Harmless when it is not a member."""
        before = connection.fans.pop(self, None)
        if before is None:
            return
        connection.bytes_direct += self.bytes - before[0]
        connection.lines_direct += self.lines - before[1]
        self._clear.pop(connection, None)
        self._backed.pop(connection, None)

    def back(self, connection: Connection[S]) -> None:
        """Its outbox began to fill: what comes is queued behind it."""
        self._clear.pop(connection, None)
        self._backed[connection] = None

    def clear(self, connection: Connection[S]) -> None:
        """Its outbox is empty: what comes is sent at once."""
        self._backed.pop(connection, None)
        self._clear[connection] = connection.send

    def send_apart(self, chunk: bytes, lines: int,
                   own: Mapping[Connection[S], tuple[bytes, int]]) -> None:
        """As `send`, but some members get a chunk of their own in its place."""
        apart = [connection for connection in own if self in connection.fans]
        for connection in apart:           # it stays a member, who has not got this chunk
            before, lines_before = connection.fans[self]
            connection.fans[self] = (before + len(chunk), lines_before + lines)
            self._clear.pop(connection, None)
            self._backed.pop(connection, None)
        self.send(chunk, lines)
        for connection in apart:
            if self not in connection.fans:        # it has been sent away meanwhile
                continue
            if connection.outbox:
                self._backed[connection] = None
            else:
                self._clear[connection] = connection.send
            data, count = own[connection]
            if data:
                connection.write(data, count)

    def send(self, chunk: bytes, lines: int) -> None:
        """One chunk, of this many lines, to every member."""
        size = len(chunk)
        self.bytes += size
        self.lines += lines
        short: list[tuple[Connection[S], int]] = []
        broken: list[tuple[Connection[S], str]] = []
        backed = list(self._backed)
        for connection, send in self._clear.items():
            try:
                taken = send(chunk)
            except (BlockingIOError, InterruptedError):
                taken = 0
            except OSError as error:
                broken.append((connection, reason_of(error)))
                continue
            if taken != size:
                short.append((connection, taken))
        for connection in backed:
            connection.enqueue(chunk, lines)
        for connection, taken in short:
            connection.enqueue(chunk, lines, taken)
        for connection, reason in broken:
            connection.fail(chunk, lines, reason)
