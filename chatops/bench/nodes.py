"""Several nodes on one engine: what a line takes to another node, and whether any is lost.

Three nodes, a server that stands alone beside them, and an engine of their own, each a process.
A line is sent when all have heard the one before, to the nodes and to the server alone in turn,
now the one first and now the other: so a machine's noise meets both alike.

In life the engine and the other nodes have CPUs of their own; here they would take those of the
node whose own clients are timed.  So that is done once more while they yield to everybody.
"""

from __future__ import annotations

import importlib.util
import select
import shutil
import socket
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from statistics import median
from typing import NamedTuple

import msgspec

from chatops.bench import usage
from chatops.bench.contenders import CHATOPS, Contender
from chatops.bench.runner import BenchError, ServerProcess

NAMES = ("a", "b", "c")
ENGINES = ("redis-server", "valkey-server")
RATE = 5000                    # lines a second from one client
BATCH = 50                     # of them at once
PACE = 0.002                   # seconds between two lines whose way is timed
PATIENCE = 10.0                # seconds until a line must have come
WARM_UP = 20                   # lines that are not counted
WINDOWS = 10                   # into which those that are counted are divided


Percentiles = tuple[float, float]


class NodesCost(msgspec.Struct, frozen=True):
    """Microseconds of a line's way, median and 99th percentile, and what became of a stream."""

    alone: Percentiles                 # to another client of a server that stands alone
    own: Percentiles                   # of the same node
    other: Percentiles                 # of another node, the later one of two
    sent: int = 0                      # lines, at `RATE`
    heard: tuple[int, ...] = ()        # of them, by a client of each other node
    seconds: float = 0.0               # until the last of them had come
    # The first two again, while engine and other nodes yield; empty where they cannot.
    apart: tuple[Percentiles, ...] = ()
    over: Percentiles = (0.0, 0.0)     # the node's over the server's: the median of windows,
    over_apart: Percentiles = (0.0, 0.0)   # so that a moment's noise is one window's


def engine_program() -> str | None:
    """Where an engine is installed, if one is."""
    return next((found for name in ENGINES if (found := shutil.which(name))), None)


def lacking() -> str:
    """Why this cannot be measured here; "" if it can."""
    if importlib.util.find_spec("hiredis") is None:
        return "hiredis is not installed (chatops[cluster])"
    return "" if engine_program() else "neither redis-server nor valkey-server is installed"


def measure_nodes(lines: int, seconds: float) -> NodesCost:
    """Time so many lines, then send for so many seconds.  Raises `BenchError`."""
    program = engine_program()
    assert program is not None
    engine = Contender("engine", "the engine", (
        program, "--bind", "127.0.0.1", "--port", "{port}", "--save", "", "--appendonly", "no"))
    with ExitStack() as stack:
        started = stack.enter_context(ServerProcess(engine))
        url = f"redis://127.0.0.1:{started.port}/0"
        processes = [stack.enter_context(ServerProcess(_node(url, name))) for name in NAMES]
        ports = [process.port for process in processes]
        alone = stack.enter_context(ServerProcess(CHATOPS)).port
        sender, *hearers = (stack.enter_context(_Ear(port)) for port in (ports[0], *ports))
        by_itself = [stack.enter_context(_Ear(alone)) for _ in range(2)]
        _meet(sender, hearers)
        ways = _ways(sender, hearers, by_itself, lines)
        with usage.yielding([started.pid, *[process.pid for process in processes[1:]]]) as can:
            apart = _ways(sender, hearers[:1], by_itself, lines) if can else None
        stream = _stream(sender, hearers[1:], seconds)
        return NodesCost(
            _of(ways.alone), _of(ways.own), _of(ways.other), *stream,
            apart=(_of(apart.alone), _of(apart.own)) if apart is not None else (),
            over=_over(ways), over_apart=_over(apart) if apart is not None else (0.0, 0.0))


def _node(url: str, name: str) -> Contender:
    return replace(CHATOPS, name=name, title=f"node {name}",
                   command=(*CHATOPS.command, "--cluster", url, "--node", name))


class _Ways(NamedTuple):
    """Microseconds that each line took."""

    alone: list[float]
    own: list[float]
    other: list[float]


def _ways(sender: _Ear, hearers: Sequence[_Ear], alone: Sequence[_Ear], lines: int) -> _Ways:
    """Say so many lines to each; the first of `hearers` is on the sender's node."""
    ways = _Ways([], [], [])
    for number in range(lines + WARM_UP):
        turns = [(alone[0], alone[1:]), (sender, hearers)]
        for speaker, ears in turns if number % 2 else reversed(turns):
            time.sleep(PACE)           # or it would be timed how the one before is finished
            first, *others = [way * 1e6 for way in _timed(speaker, ears, f"line {number}")]
            if number >= WARM_UP:
                (ways.own if speaker is sender else ways.alone).append(first)
                if others:
                    ways.other.append(max(others))
    return ways


def _of(ways: Sequence[float]) -> Percentiles:
    ways = sorted(ways)
    return ways[len(ways) // 2], ways[len(ways) * 99 // 100]


def _over(ways: _Ways) -> Percentiles:
    size = max(1, len(ways.own) // WINDOWS)
    ratios = [(own[0] / alone[0], own[1] / alone[1]) for own, alone in (
        (_of(ways.own[n:n + size]), _of(ways.alone[n:n + size]))
        for n in range(0, len(ways.own), size))]
    return median([p50 for p50, _ in ratios]), median([p99 for _, p99 in ratios])


class _Ear:
    """A client that says lines, and knows which have come."""

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.heard = b""

    def __enter__(self) -> _Ear:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def fileno(self) -> int:
        return self.sock.fileno()

    def listen(self) -> None:
        data = self.sock.recv(1 << 20)
        if not data:
            raise BenchError("a node has closed a connection")
        self.heard += data


def _meet(sender: _Ear, hearers: Sequence[_Ear]) -> None:
    """Until each node hears the first; what it said before they were joined is no loss."""
    deadline = time.monotonic() + PATIENCE
    for number in range(1 << 20):
        sender.sock.sendall(f"there {number}\n".encode())
        ready, _, _ = select.select(hearers, [], [], 0.1)
        for ear in ready:
            ear.listen()
        if all(b": there " in ear.heard for ear in hearers):
            break
        if time.monotonic() > deadline:
            raise BenchError(f"the nodes did not find each other within {PATIENCE:.0f} s")
    _timed(sender, hearers, "all are there")


def _timed(sender: _Ear, hearers: Sequence[_Ear], text: str) -> list[float]:
    """Seconds until each has heard this line."""
    wanted = f": {text}\n".encode()
    ways = dict.fromkeys(hearers, 0.0)
    for ear in hearers:
        ear.heard = b""
    began = time.perf_counter()
    sender.sock.sendall(f"{text}\n".encode())
    waiting = list(hearers)
    while waiting:
        ready, _, _ = select.select(waiting, [], [], PATIENCE)
        if not ready:
            raise BenchError(f"a line did not come within {PATIENCE:.0f} s")
        for ear in ready:
            ear.listen()
            if wanted in ear.heard:    # not at its end: who comes and goes is told as well
                ways[ear] = time.perf_counter() - began
                waiting.remove(ear)
    _quiet(sender)
    return list(ways.values())


def _quiet(ear: _Ear) -> None:
    """What it hears of itself is read and forgotten, or its own node would wait for it."""
    while select.select([ear], [], [], 0)[0]:
        ear.listen()
    ear.heard = b""


def _stream(sender: _Ear, hearers: Sequence[_Ear], seconds: float
            ) -> tuple[int, tuple[int, ...], float]:
    """Lines at `RATE`: how many were sent and heard by each, and the seconds that took."""
    batches = max(1, int(seconds * RATE / BATCH))
    for ear in hearers:
        ear.heard = b""
    began = time.perf_counter()
    batch = b"".join([b"%060d\n" % number for number in range(BATCH)])
    for number in range(batches):
        sender.sock.sendall(batch)
        wait = began + (number + 1) * BATCH / RATE - time.perf_counter()
        for ear in select.select([sender, *hearers], [], [], max(0.0, wait))[0]:
            ear.listen()
        time.sleep(max(0.0, began + (number + 1) * BATCH / RATE - time.perf_counter()))
    sender.sock.sendall(b"over\n")
    last, left = time.perf_counter() + PATIENCE, list(hearers)
    while left and time.perf_counter() < last:
        for ear in select.select([*left, sender], [], [], 0.1)[0]:
            ear.listen()
        left = [ear for ear in left if not ear.heard.endswith(b": over\n")]
    return (batches * BATCH, tuple(ear.heard.count(b": 0000") for ear in hearers),
            time.perf_counter() - began)


def nodes_lines(cost: NodesCost | None, why: str) -> list[str]:
    """As it is printed."""
    if cost is None:
        return [f"several nodes: {why}"]
    rows = [_row("a server alone", cost.alone),
            _row("client of the same node", cost.own, cost.over),
            _row("client of another node", cost.other)]
    if cost.apart:
        alone, own = cost.apart
        rows += ["  while the others yield", _row("  a server alone", alone),
                 _row("  client of the same node", own, cost.over_apart)]
    lost = [cost.sent - heard for heard in cost.heard]
    return [f"several nodes{'':<15}{'p50 us':>8}{'p99 us':>8}",
            *rows,
            f"  {cost.sent:,} lines at {RATE:,}/s, heard on {len(lost)} other nodes in "
            f"{cost.seconds:.2f} s: {sum(lost):,} lost"]


def _row(name: str, way: Percentiles, over: Percentiles | None = None) -> str:
    ratios = "".join([f"{each:>7.2f} x" for each in over or ()])
    return f"  {name:<26}{way[0]:>8,.0f}{way[1]:>8,.0f}{ratios}"
