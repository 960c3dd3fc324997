"""Blocking or not, synchronous or not: two questions, four combinations, four real calls."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import msgspec

from chatops.lab.experiments.late import SIZE, LateData

LATE = 0.15                    # seconds
INSTANT = 0.02                 # seconds: a call that took less did not wait for the data


class FirstCall(msgspec.Struct, frozen=True):
    """A call made when nothing has come yet.  Seconds since it was made."""

    name: str
    returned: float            # when the call came back
    answer: str                # what it came back with
    settled: bool              # was that the whole answer, with nothing left to come or do?
    data_at: float             # when the process had the data, by whatever further calls
    then: str                  # those further calls

    @property
    def blocking(self) -> bool:
        return self.returned > INSTANT


class Combinations(msgspec.Struct, frozen=True):
    late: float
    calls: tuple[FirstCall, ...]

    def call(self, name: str) -> FirstCall:
        return next(call for call in self.calls if call.name == name)

    def combination(self, *, blocking: bool, synchronous: bool) -> FirstCall:
        return next(c for c in self.calls
                    if c.blocking is blocking and c.settled is synchronous)


def measure(late: float = LATE) -> Combinations:
    return Combinations(late, tuple(_made(late, call) for call in (
        _recv_blocking, _recv_nonblocking, _select_call, _submitted)))


def _made(late: float, call: Callable[[LateData], FirstCall]) -> FirstCall:
    with LateData(late) as line:
        return call(line)


def _recv_blocking(line: LateData) -> FirstCall:
    line.begin()
    data = line.reader.recv(SIZE)
    returned = line.elapsed()
    return FirstCall("recv(), blocking", returned, f"{len(data):,} bytes", True, returned,
                     "nothing")


def _recv_nonblocking(line: LateData) -> FirstCall:
    """`EAGAIN` is a whole answer: no operation is left under way in the kernel."""
    line.reader.setblocking(False)
    line.begin()
    answer = _read_now(line.reader)
    returned = line.elapsed()
    select.select([line.reader], [], [])
    line.reader.recv(SIZE)
    return FirstCall("recv(), non-blocking", returned, answer, True, line.elapsed(),
                     "ask again later: nothing is under way")


def _read_now(reader: socket.socket) -> str:
    try:
        return f"{len(reader.recv(SIZE)):,} bytes"
    except BlockingIOError:
        return "EAGAIN: not now"


def _select_call(line: LateData) -> FirstCall:
    """It waits, and when it is back the data is still in the kernel."""
    line.reader.setblocking(False)
    line.begin()
    select.select([line.reader], [], [])
    returned = line.elapsed()
    line.reader.recv(SIZE)
    return FirstCall("select()", returned, "it is readable, but no data", False, line.elapsed(),
                     "recv(), which does not wait")


def _submitted(line: LateData) -> FirstCall:
    """A thread waits in our place: a completion, as far as the caller can see."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()  # or the thread would be made in the call that is timed
        line.begin()
        future = pool.submit(line.reader.recv, SIZE)
        returned = line.elapsed()
        settled = future.done()
        size = len(future.result())
        return FirstCall("submit(recv)", returned, "a future, not done", settled, line.elapsed(),
                         f"nothing: it fills itself ({size:,} bytes)")
