"""What several nodes and their engine deliver on one CPU, over one server alone on it.

All of a room hear all that is said in it, wherever they are.  So many lines are under way that
no node waits for the engine: the CPU is what there is too little of.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from statistics import median

import msgspec

from chatops.bench.contenders import CHATOPS
from chatops.bench.ears import Ear, meet
from chatops.bench.load import LoadSpec
from chatops.bench.nodes import NAMES, begin_nodes
from chatops.bench.runner import BenchError, ServerProcess, run_load

CLIENTS = 300                  # in one room, on all nodes together
SENDERS = 30
WINDOW = 1024                  # lines under way
WARM_UP = 1.0                  # seconds
Cpus = tuple[int, int] | None


class NodesFlow(msgspec.Struct, frozen=True):
    """Of one server, or of several nodes together: a median of rounds."""

    nodes: int
    deliveries_per_s: float
    over: float                # the same of a server alone, in the same round: the median
    lost: int = 0              # deliveries that never came, of all rounds


def measure_flow(rounds: int, seconds: float, cpus: Cpus) -> tuple[NodesFlow, ...]:
    """A server alone, two nodes and three, in turn.  Raises `BenchError`."""
    counts = range(1, len(NAMES) + 1)
    found = [[_once(count, seconds, cpus) for count in counts] for _ in range(rounds)]
    return tuple([NodesFlow(
        count, median(each[count - 1][0] for each in found),
        median(each[count - 1][0] / each[0][0] for each in found),
        sum(each[count - 1][1] for each in found)) for count in counts])


def _once(count: int, seconds: float, cpus: Cpus) -> tuple[float, int]:
    """Deliveries a second, and how many were lost."""
    server_cpu, load_cpu = cpus or (None, None)
    with ExitStack() as stack:
        if count == 1:
            nodes = [stack.enter_context(ServerProcess(CHATOPS, server_cpu))]
        else:
            _, nodes = begin_nodes(stack, count, server_cpu)
        first, *others = ports = [node.port for node in nodes]
        with ExitStack() as listening:
            meet(*_ears(listening, ports))
        result = run_load(LoadSpec(
            port=first, more_ports=tuple(others), clients=CLIENTS, senders=SENDERS, window=WINDOW,
            warm_up=WARM_UP, seconds=seconds, latency_seconds=0.0, cpu=load_cpu))
    if result.throughput is None or result.closed:
        raise BenchError(f"of {CLIENTS} clients {result.closed} were closed")
    return result.throughput.deliveries_per_s, result.lost


def _ears(stack: ExitStack, ports: Sequence[int]) -> tuple[Ear, list[Ear]]:
    """One who speaks at the first, and one who listens at each."""
    return (stack.enter_context(Ear(ports[0])),
            [stack.enter_context(Ear(port)) for port in ports])


def flow_lines(flows: Sequence[NodesFlow]) -> list[str]:
    """As it is printed."""
    alone, *several = flows
    ratios = ", ".join([f"{each.nodes} nodes {each.over:.2f} x" for each in several])
    return [f"  {CLIENTS} in one room, {WINDOW:,} lines under way, all servers on one CPU: alone "
            f"{alone.deliveries_per_s / 1e6:,.1f} M deliveries/s, {ratios}; "
            f"{sum(each.lost for each in flows):,} lost"]
