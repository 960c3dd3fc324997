"""Connections without sockets: a kernel that takes as much as it is told, and a clock to turn."""

from __future__ import annotations

import errno
import heapq
import itertools
from collections import deque
from collections.abc import Callable
from selectors import EVENT_WRITE
from typing import Any, cast

from chatops.loop.reactor import Reactor, Timer
from chatops.net.connection import Connection
from chatops.net.context import ConnectionContext
from chatops.net.outbox import Policy

LINGER = 5.0
STALL = 30.0

_fds = itertools.count(100)


class Wire:
    """The socket of a connection: `room` is what its kernel still takes, `out` what it took."""

    def __init__(self, room: int = 1 << 30) -> None:
        self.fd = next(_fds)
        self.room = room
        self.out = b""
        self.incoming: deque[bytes | OSError] = deque()
        self.broken: int | None = None     # the error number of every send from now on
        self.shut = self.closed = False
        self.sends = 0

    def fileno(self) -> int:
        return self.fd

    def setblocking(self, _flag: bool) -> None:
        """It never blocks."""

    def getsockopt(self, _level: int, _option: int) -> int:
        """No error is pending."""
        return 0

    def send(self, data: bytes | memoryview) -> int:
        assert not self.shut, "sent after the end"
        self.sends += 1
        if self.broken is not None:
            raise OSError(self.broken, "broken")
        taken = min(self.room, len(data))
        if not taken:
            raise BlockingIOError(errno.EAGAIN, "full")
        self.room -= taken
        self.out += bytes(data[:taken])
        return taken

    def sendmsg(self, chunks: list[bytes | memoryview]) -> int:
        return self.send(b"".join(chunks))

    def recv(self, _size: int) -> bytes:
        if not self.incoming:
            raise BlockingIOError(errno.EAGAIN, "nothing there")
        item = self.incoming.popleft()
        if isinstance(item, OSError):
            raise item
        return item

    def shutdown(self, _how: int) -> None:
        if self.broken is not None:
            raise OSError(self.broken, "broken")
        self.shut = True

    def close(self) -> None:
        self.closed = True


class Masks:
    """A selector that only remembers what it should watch."""

    watched = False

    def __init__(self) -> None:
        self.of: dict[int, int] = {}

    def register(self, sock: Wire, mask: int, _data: object) -> None:
        assert mask
        assert sock.fd not in self.of
        self.of[sock.fd] = mask

    def modify(self, sock: Wire, mask: int, _data: object) -> None:
        assert mask
        assert sock.fd in self.of
        self.of[sock.fd] = mask

    def unregister(self, sock: Wire) -> None:
        del self.of[sock.fd]


class Timers:
    """The reactor as connections know it: a selector, the time, and calls that are due later."""

    def __init__(self) -> None:
        self.rotation = 0
        self.selector = Masks()
        self.now = 1000.0
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()

    @property
    def pending(self) -> int:
        return sum(timer.callback is not None for _, _, timer in self._timers)

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        timer = Timer(self.now + seconds, callback)
        heapq.heappush(self._timers, (timer.due, next(self._order), timer))
        return timer

    def advance(self, seconds: float) -> None:
        """Let this time pass, and do what is due in it, in order."""
        end = self.now + seconds
        while self._timers and self._timers[0][0] <= end:
            self.now, _, timer = heapq.heappop(self._timers)
            callback, timer.callback = timer.callback, None
            if callback is not None:
                callback()
        self.now = end


class Net:
    """Connections on wires, and what their owner was told.  Evicts as the server does."""

    def __init__(self, *, limit: int = 1000, policy: Policy = "evict") -> None:
        self.reactor = Timers()
        self.told: list[tuple[Any, ...]] = []
        self.evicted: dict[int, int] = {}
        self.context = ConnectionContext(cast(Reactor, self.reactor), self, limit, policy,
                                         STALL, LINGER)
        self._ids = itertools.count(1)

    def connect(self, room: int = 1 << 30) -> tuple[Connection[Any], Wire]:
        wire = Wire(room)
        return Connection(self.context, cast(Any, wire), "peer", next(self._ids)), wire

    def mask(self, wire: Wire) -> int:
        """What is watched on it; 0 for nothing."""
        return self.reactor.selector.of.get(wire.fd, 0)

    def events(self, name: str) -> list[tuple[Any, ...]]:
        """What the owner was told under this name."""
        return [told[1:] for told in self.told if told[0] == name]

    # -- chatops.net.owner.ConnectionOwner

    def received(self, connection: Connection[Any], data: bytes) -> None:
        self.told.append(("received", connection.client_id, data))

    def ended(self, connection: Connection[Any]) -> None:
        self.told.append(("ended", connection.client_id))

    def lost(self, connection: Connection[Any], reason: str) -> None:
        self.told.append(("lost", connection.client_id, reason))

    def filled(self, connection: Connection[Any]) -> None:
        self.told.append(("filled", connection.client_id))

    def emptied(self, connection: Connection[Any]) -> None:
        self.told.append(("emptied", connection.client_id))

    def half_full(self, connection: Connection[Any]) -> None:
        self.told.append(("half_full", connection.client_id))

    def waits(self, connection: Connection[Any]) -> bool:
        return False

    def overflowed(self, connection: Connection[Any], lines: int) -> None:
        self.told.append(("overflowed", connection.client_id, lines))
        if self.context.policy == "evict":
            self.evicted[connection.client_id] = lost = lines + connection.discard()
            connection.finish(self.gap(connection, lost))

    def gap(self, _connection: Connection[Any], lines: int) -> bytes:
        return b"-%d\n" % lines

    def stalled(self, connection: Connection[Any]) -> None:
        self.told.append(("stalled", connection.client_id))


def drain(connection: Connection[Any], wire: Wire, room: int = 1 << 30) -> None:
    """The peer reads: its kernel takes so much more, and the selector says so."""
    wire.room += room
    if connection.mask & EVENT_WRITE:
        connection.on_ready(EVENT_WRITE)


def accounted(out: bytes) -> int:
    """How many lines a reader knows of: those it read, and those it was told it lost.

    Fails when a line is cut, glued, out of order, there twice, or missing without a word.
    """
    assert out.endswith(b"\n")
    known = 0
    for line in out.decode().splitlines():
        if line.startswith("-"):
            known += int(line[1:])
        else:
            assert int(line) == known
            known += 1
    return known
