"""Several nodes on one engine: what a line takes to another node, and whether any is lost.

Three nodes, a server that stands alone beside them, and an engine of their own, each a process.
A line is sent when all have heard the one before, to the nodes and to the server alone in turn,
now the one first and now the other: so a machine's noise meets both alike.

In life the engine and the other nodes have CPUs of their own; here they would take those of the
node whose own clients are timed.  So that is done once more while they yield to everybody, and
with the servers on one CPU and the clients on another: or who wakes up whom decides which of them
share one, and a node that the engine wakes up as well is moved to and fro.
"""

from __future__ import annotations

import importlib.util
import select
import shutil
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from statistics import median
from typing import NamedTuple

import msgspec

from chatops.bench import usage
from chatops.bench.contenders import CHATOPS, Contender
from chatops.bench.ears import PATIENCE, Ear, meet, timed
from chatops.bench.runner import ServerProcess

NAMES = ("a", "b", "c")
ENGINES = ("redis-server", "valkey-server")
RATE = 5000                    # lines a second from one client
BATCH = 50                     # of them at once
PACE = 0.002                   # seconds between two lines whose way is timed
WARM_UP = 20                   # lines that are not counted
WINDOWS = 10                   # into which those that are counted are divided


Percentiles = tuple[float, float]


class NodesCost(msgspec.Struct, frozen=True):
    """Microseconds of a line's way, median and 99th percentile, and what became of a stream."""

    alone: Percentiles                 # to another client of a server that stands alone
    own: Percentiles                   # of the same node
    other: Percentiles                 # of another node, either of two,
    later: Percentiles                 # and the later one of them
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


def measure_nodes(lines: int, seconds: float, cpus: tuple[int, int] | None = None) -> NodesCost:
    """Time so many lines, then send for so many seconds.  Raises `BenchError`."""
    with ExitStack() as stack:
        started, processes = begin_nodes(stack, len(NAMES))
        ports = [process.port for process in processes]
        alone = stack.enter_context(ServerProcess(CHATOPS))
        sender, *hearers = (stack.enter_context(Ear(port)) for port in (ports[0], *ports))
        by_itself = [stack.enter_context(Ear(alone.port)) for _ in range(2)]
        meet(sender, hearers)
        ways = _ways(sender, hearers, by_itself, lines)
        served_on, heard_on = cpus or (None, None)
        away = [started.pid, *[process.pid for process in processes[1:]]]
        with (usage.pinned([*away, processes[0].pid, alone.pid], served_on),
              usage.pinned([0], heard_on), usage.yielding(away) as can):
            apart = _ways(sender, hearers[:1], by_itself, lines) if can else None
        stream = _stream(sender, hearers[1:], seconds)
        return NodesCost(
            _of(ways.alone), _of(ways.own), _of(ways.other), _of(ways.later), *stream,
            apart=(_of(apart.alone), _of(apart.own)) if apart is not None else (),
            over=_over(ways), over_apart=_over(apart) if apart is not None else (0.0, 0.0))


def begin_nodes(stack: ExitStack, count: int, cpu: int | None = None
                ) -> tuple[ServerProcess, list[ServerProcess]]:
    """An engine and so many nodes, all on this CPU, until the end of the stack."""
    program = engine_program()
    assert program is not None
    engine = stack.enter_context(ServerProcess(Contender("engine", "the engine", (
        program, "--bind", "127.0.0.1", "--port", "{port}", "--save", "", "--appendonly", "no")),
        cpu))
    url = f"redis://127.0.0.1:{engine.port}/0"
    return engine, [stack.enter_context(ServerProcess(replace(
        CHATOPS, name=name, title=f"node {name}",
        command=(*CHATOPS.command, "--cluster", url, "--node", name)), cpu))
        for name in NAMES[:count]]


class _Ways(NamedTuple):
    """Microseconds that each line took."""

    alone: list[float]
    own: list[float]
    other: list[float]
    later: list[float]


def _ways(sender: Ear, hearers: Sequence[Ear], alone: Sequence[Ear], lines: int) -> _Ways:
    """Say so many lines to each; the first of `hearers` is on the sender's node."""
    ways = _Ways([], [], [], [])
    for number in range(lines + WARM_UP):
        turns = [(alone[0], alone[1:]), (sender, hearers)]
        for speaker, ears in turns if number % 2 else reversed(turns):
            time.sleep(PACE)           # or it would be timed how the one before is finished
            first, *others = [way * 1e6 for way in timed(speaker, ears, f"line {number}")]
            if number >= WARM_UP:
                (ways.own if speaker is sender else ways.alone).append(first)
                if others:
                    ways.other.extend(others)
                    ways.later.append(max(others))
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


def _stream(sender: Ear, hearers: Sequence[Ear], seconds: float
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
            _row("client of another node", cost.other),
            _row("  the later one of two", cost.later)]
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
