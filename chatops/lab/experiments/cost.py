"""What a wake-up costs: one descriptor ready, more and more that are idle beside it.

The ready one is registered last and has the highest number, as the newest client of a chat
would: select and poll pass all others on the way to it.  The calls may wait, as a loop's
do, so each also puts itself into the wait queue of every idle descriptor and out again.
The idle ones are duplicates of one socket: they cost no memory, and are kinder to the
processor's cache than real clients, so that the truth is steeper still.
"""

from __future__ import annotations

import os
import resource
import select
import socket
import statistics
import time
from collections.abc import Callable

import msgspec

from chatops.lab.experiments.late import tcp_pair
from chatops.loop.backends import SELECT_LIMIT

IDLE = (1, 3, 10, 30, 100, 300, 3_000, 10_000, 30_000, 100_000)
BUDGET = 0.03                  # seconds for one point of a curve
FEWEST, MOST = 15, 3_000       # calls timed for one point
SPARE = 32                     # descriptors left to the rest of the process
LARGEST = 100_000
LEAST = 30                     # idle descriptors without which no curve is seen to grow


class CostPoint(msgspec.Struct, frozen=True):
    mechanism: str
    idle: int
    median: float              # seconds a call
    calls: int                 # timed


class CostCurve(msgspec.Struct, frozen=True):
    points: tuple[CostPoint, ...]
    limit: int                 # descriptors this process may have
    send: float                # the yardstick: seconds of one send() of a line on loopback

    def cost(self, mechanism: str, idle: int) -> float:
        """Seconds a call.  Raises StopIteration where it was not measured."""
        return next(p.median for p in self.points
                    if p.mechanism == mechanism and p.idle == idle)

    def counts(self, mechanism: str) -> tuple[int, ...]:
        """Numbers of idle descriptors it was measured with, ascending."""
        return tuple(p.idle for p in self.points if p.mechanism == mechanism)

    def growth(self, mechanism: str) -> float:
        """How many times dearer its largest set is than ten idle descriptors."""
        return self.cost(mechanism, self.counts(mechanism)[-1]) / self.cost(mechanism, 10)


def measure(largest: int = LARGEST) -> CostCurve:
    """Up to the limit on descriptors (the hard one: the soft one is raised meanwhile).

    Raises OSError where that leaves too few for a curve.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = max(soft, min(LARGEST, hard) if hard != resource.RLIM_INFINITY else LARGEST)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    try:
        with _IdleCrowd() as crowd:
            return CostCurve(tuple(_points(crowd, min(largest, limit))), limit, _one_send())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _points(crowd: _IdleCrowd, limit: int) -> list[CostPoint]:
    points: list[CostPoint] = []
    taken = crowd.next_fd() + SPARE
    room = limit - taken
    if room < LEAST:
        raise OSError(f"this process may have {limit:,} descriptors, and the curve needs "
                      f"{taken + LEAST:,} (ulimit -n)")
    # select's last point is the fullest set it can take, its highest bit the ready one.
    selectable = SELECT_LIMIT - 1 - crowd.next_fd()
    for idle in sorted({n for n in (*IDLE, selectable, room) if 0 < n <= room}):
        crowd.grow(idle)
        points += crowd.timed()
    return points


class _IdleCrowd:
    """Idle descriptors, watched by every mechanism at hand, and one that is ready."""

    def __init__(self) -> None:
        self._idle, self._idle_peer = socket.socketpair()
        self._ready, self._ready_peer = socket.socketpair()
        self._ready_peer.send(b".")
        self._fds: list[int] = []
        self._poll = select.poll() if hasattr(select, "poll") else None
        self._epoll = select.epoll() if hasattr(select, "epoll") else None

    def __enter__(self) -> _IdleCrowd:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._epoll is not None:
            self._epoll.close()
        for fd in self._fds:
            os.close(fd)
        for sock in (self._idle, self._idle_peer, self._ready, self._ready_peer):
            sock.close()

    def next_fd(self) -> int:
        """The number that the next descriptor will get."""
        fd = os.dup(self._idle.fileno())
        os.close(fd)
        return fd

    def grow(self, idle: int) -> None:
        while len(self._fds) < idle:
            fd = os.dup(self._idle.fileno())
            self._fds.append(fd)
            if self._poll is not None:
                self._poll.register(fd, select.POLLIN)
            if self._epoll is not None:
                self._epoll.register(fd, select.EPOLLIN)

    def timed(self) -> list[CostPoint]:
        """A point for each mechanism that can hold this many."""
        ready = os.dup(self._ready.fileno())
        watched = [*self._fds, ready]
        points = []
        try:
            if ready < SELECT_LIMIT:
                points.append(self._point("select", lambda: select.select(watched, [], [])))
            if self._poll is not None:
                self._poll.register(ready, select.POLLIN)
                points.append(self._point("poll", self._poll.poll))
                self._poll.unregister(ready)
            if self._epoll is not None:
                self._epoll.register(ready, select.EPOLLIN)
                points.append(self._point("epoll", self._epoll.poll))
                self._epoll.unregister(ready)
        finally:
            os.close(ready)
        return points

    def _point(self, mechanism: str, call: Callable[[], object]) -> CostPoint:
        return CostPoint(mechanism, len(self._fds), *_median(call))


def _one_send() -> float:
    line = b"a line of chat, as people write it\n"
    near, far = tcp_pair()
    with near, far:
        # Or the kernel would collect the lines, and most calls only append to a buffer.
        near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return _median(lambda: near.send(line), between=lambda: far.recv(len(line)))[0]


def _median(call: Callable[[], object],
            between: Callable[[], object] = lambda: None) -> tuple[float, int]:
    """Seconds a call takes, and how many were timed; the first, which is cold, is not.

    What is done `between` two calls is not timed.
    """
    call()
    clock = time.perf_counter
    times: list[float] = []
    until = clock() + BUDGET
    while len(times) < MOST:
        between()
        began = clock()
        call()
        ended = clock()
        times.append(ended - began)
        if ended >= until and len(times) >= FEWEST:
            break
    return statistics.median(times), len(times)
