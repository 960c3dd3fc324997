"""What several nodes and their engine deliver on one CPU, over one server alone on it.

All of a room hear all that is said in it.  Either they are spread over the nodes, and so many
lines are under way that no node waits for the engine; or each node has a room of its own people,
and nobody elsewhere would hear what is said there: then lines do not travel.  The CPU is what there
is too little of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from statistics import median

import msgspec

from chatops.bench.contenders import CHATOPS
from chatops.bench.ears import Ear, meet
from chatops.bench.in_turn import InTurnResult, InTurnSpec, Served, Turns
from chatops.bench.load import LoadResult, LoadSpec
from chatops.bench.nodes import NAMES, begin_nodes
from chatops.bench.runner import BenchError, Load, ServerProcess, run_loads

CLIENTS = 999                  # in one room, on all nodes together; or as many in all rooms
SENDERS = 30
WINDOW = 1024                  # lines under way
WARM_UP = 1.0                  # seconds
SLICES = 4                     # of a round's seconds, as long as one is loaded before the next
Cpus = tuple[int, int] | None


class NodesFlow(msgspec.Struct, frozen=True):
    """Of one server, or of several nodes together: a median of rounds."""

    nodes: int
    deliveries_per_s: float
    over: float                # the same of a server alone, just then: the median
    lost: int = 0              # deliveries that never came, of all rounds
    over_apart: float = 1.0    # as `over`, where each node has a room of its own


def measure_flow(rounds: int, seconds: float, cpus: Cpus) -> tuple[NodesFlow, ...]:
    """A server alone, two nodes and three, in turn.  Raises `BenchError`."""
    counts = range(1, len(NAMES) + 1)
    found = _spread(counts, rounds * SLICES, seconds / SLICES, cpus)
    apart = [[(1.0, 0), *[_apart(count, seconds, cpus) for count in counts[1:]]]
             for _ in range(rounds)]
    alone = found[0].deliveries_per_s
    return tuple([NodesFlow(
        count, median(here.deliveries_per_s),
        median([each / by_itself for each, by_itself in
                zip(here.deliveries_per_s, alone, strict=True)]),
        here.lost + sum(each[n][1] for each in apart),
        median(each[n][0] for each in apart))
        for n, (count, here) in enumerate(zip(counts, found, strict=True))])


def _spread(counts: Sequence[int], times: int, seconds: float, cpus: Cpus) -> Sequence[Turns]:
    """One room, everywhere on so many nodes, which are loaded in turn: what came of each."""
    with ExitStack() as stack:
        served = [stack.enter_context(_standing(count, cpus)) for count in counts]
        for first, *others in served:
            with ExitStack() as listening:
                meet(*_ears(listening, [first, *others]))
        load = stack.enter_context(Load("chatops.bench.in_turn", InTurnSpec(
            served=tuple([Served(tuple(ports)) for ports in served]), clients=CLIENTS,
            senders=SENDERS, window=WINDOW, times=times, seconds=seconds,
            cpu=cpus[1] if cpus is not None else None), InTurnResult))
        turns = load.result().turns
    if closed := sum(each.closed for each in turns):
        raise BenchError(f"of {CLIENTS * len(turns)} clients {closed} were closed")
    return turns


def _apart(count: int, seconds: float, cpus: Cpus) -> tuple[float, int]:
    """A room on each node, over as many rooms of one server; and how many deliveries were lost."""
    sums = []
    for nodes in (1, count):
        with _standing(nodes, cpus) as ports:
            sums.append(_sum(run_loads([_timed(LoadSpec(
                port=ports[number % nodes], clients=CLIENTS // count, senders=SENDERS // count,
                window=WINDOW // count, room=f"r{number}"), seconds, cpus)
                for number in range(count)])))
    (alone, lost), (together, lost_too) = sums
    return together / alone, lost + lost_too


@contextmanager
def _standing(count: int, cpus: Cpus) -> Iterator[list[int]]:
    """The ports of so many nodes, or of a server alone."""
    server_cpu = cpus[0] if cpus is not None else None
    with ExitStack() as stack:
        nodes = ([stack.enter_context(ServerProcess(CHATOPS, server_cpu))] if count == 1
                 else begin_nodes(stack, count, server_cpu)[1])
        yield [node.port for node in nodes]


def _timed(spec: LoadSpec, seconds: float, cpus: Cpus) -> LoadSpec:
    return msgspec.structs.replace(
        spec, warm_up=WARM_UP, seconds=seconds, latency_seconds=0.0,
        cpu=cpus[1] if cpus is not None else None)


def _sum(results: Sequence[LoadResult]) -> tuple[float, int]:
    """Deliveries a second of all loads, and how many were lost."""
    if any(result.throughput is None or result.closed for result in results):
        raise BenchError(f"of {CLIENTS} clients {sum(each.closed for each in results)} were closed")
    return (sum(each.throughput.deliveries_per_s for each in results if each.throughput),
            sum(each.lost for each in results))


def _ears(stack: ExitStack, ports: Sequence[int]) -> tuple[Ear, list[Ear]]:
    """One who speaks at the first, and one who listens at each."""
    return (stack.enter_context(Ear(ports[0])),
            [stack.enter_context(Ear(port)) for port in ports])


def flow_lines(flows: Sequence[NodesFlow]) -> list[str]:
    """As it is printed."""
    alone, *several = flows
    spread = ", ".join([f"{each.nodes} nodes {each.over:.2f} x" for each in several])
    apart = ", ".join([f"{each.nodes} nodes {each.over_apart:.2f} x" for each in several])
    return [f"  {CLIENTS} in one room, {WINDOW:,} lines under way, all servers on one CPU: alone "
            f"{alone.deliveries_per_s / 1e6:,.1f} M deliveries/s, {spread}; "
            f"{sum(each.lost for each in flows):,} lost",
            f"  the same people in a room of each node's own: {apart}"]
