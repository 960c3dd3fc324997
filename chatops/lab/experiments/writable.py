"""A socket is nearly always writable: how often a loop wakes that asks about it."""

from __future__ import annotations

import selectors
import socket
import time

import msgspec

from chatops.lab.experiments.late import tcp_pair

WATCHED = 0.25                 # seconds each loop is watched
CHUNK = bytes(64 * 1024)
FILL_AT_MOST = 1 << 26         # bytes


class Watched(msgspec.Struct, frozen=True):
    """A loop whose one client neither talks nor is talked to."""

    interest: str
    seconds: float
    wakeups: int
    cpu: float                 # seconds

    @property
    def per_second(self) -> float:
        return self.wakeups / self.seconds


class Writable(msgspec.Struct, frozen=True):
    loops: tuple[Watched, ...]
    taken: int                 # bytes the kernels took from us before send() said EAGAIN
    writable_when_full: bool
    drained: int               # bytes the peer then read, until we were writable again

    def loop(self, interest: str) -> Watched:
        return next(loop for loop in self.loops if loop.interest == interest)


def measure(seconds: float = WATCHED) -> Writable:
    near, far = tcp_pair()
    with near, far, selectors.DefaultSelector() as selector:
        near.setblocking(False)
        selector.register(near, selectors.EVENT_READ | selectors.EVENT_WRITE)
        always = _watch(selector, "read and write", seconds)
        selector.modify(near, selectors.EVENT_READ)
        on_demand = _watch(selector, "read only", seconds)

        selector.modify(near, selectors.EVENT_WRITE)
        taken = _fill(near)
        return Writable((on_demand, always), taken, bool(selector.select(0)),
                        _drain(far, selector, taken))


def _watch(selector: selectors.BaseSelector, interest: str, seconds: float) -> Watched:
    clock, wakeups = time.perf_counter, 0
    cpu = time.thread_time()
    began = now = clock()
    until = began + seconds
    while now < until:
        wakeups += bool(selector.select(until - now))
        now = clock()
    return Watched(interest, now - began, wakeups, time.thread_time() - cpu)


def _fill(sock: socket.socket) -> int:
    """Send to a peer that does not read, until the kernel takes no more.

    The peer's kernel takes in what was sent a moment after it was: only silence for a while
    means that both buffers are full.
    """
    taken = 0
    with selectors.DefaultSelector() as settled:
        settled.register(sock, selectors.EVENT_WRITE)
        while taken < FILL_AT_MOST and settled.select(0.05):
            try:
                taken += sock.send(CHUNK)
            except BlockingIOError:
                pass           # writable a moment ago, and another segment went in since
    return taken


def _drain(peer: socket.socket, selector: selectors.BaseSelector, at_most: int) -> int:
    drained = 0
    while drained < at_most:
        drained += len(peer.recv(len(CHUNK)))
        if selector.select(0.002):
            break
    return drained
