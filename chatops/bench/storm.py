"""A join storm: so many clients connect and join one room at once.  What is one join's cost?

The server's CPU is what is looked at: how many joins there are in a second depends as much
on the load, which shares the machine.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chatops.bench.figures import median, number, row
from chatops.bench.load import LoadSpec
from chatops.bench.plan import BenchRun

SIZES = 4                      # storms, each of twice as many as the one before
ROOM = "storm"
WIDTHS = (7, 12, 21, 10)


class Storm(msgspec.Struct, frozen=True):
    """The medians of the storms of so many clients; None where nothing was measured."""

    clients: int
    joins_per_s: float | None = None
    cpu: float | None = None       # seconds of the server's for one join
    growth: float | None = None    # of that over the smallest storm, within each round
    error: str = ""


def doublings(largest: int) -> list[int]:
    """The sizes of the storms, smallest first."""
    return [size for power in reversed(range(SIZES)) if (size := largest >> power)]


def spec(clients: int) -> LoadSpec:
    """Connect, join, be answered; nothing is said."""
    return LoadSpec(port=0, clients=clients, room=ROOM, seconds=0.0, latency_seconds=0.0)


def storms(runs: Sequence[BenchRun]) -> list[Storm]:
    """One for each size, smallest first."""
    sizes = sorted({run.clients for run in runs})
    least = {run.round: cost for run in runs if run.clients == sizes[0] and (cost := _cost(run))}
    return [_storm([run for run in runs if run.clients == size], least) for size in sizes]


def _storm(runs: list[BenchRun], least: dict[int, float]) -> Storm:
    clients = runs[0].clients
    costs = {run.round: cost for run in runs if (cost := _cost(run))}
    return Storm(
        clients, median(clients / run.result.connect_seconds for run in runs if run.result),
        median(costs.values()),
        median(cost / least[turn] for turn, cost in costs.items() if turn in least),
        next((run.error for run in runs if run.error), ""))


def _cost(run: BenchRun) -> float | None:
    cpu = run.result.connect_cpu if run.result else None
    return None if cpu is None else cpu / run.clients


def storm_lines(runs: Sequence[BenchRun]) -> list[str]:
    """A row for each size, and what the cost of a join grew by from the first to the last."""
    if not runs:
        return []
    found = storms(runs)
    least, most = found[0], found[-1]
    text = ["join storm: all connect and join one room at once, on a fresh server each time", "",
            row(("clients", "joins/s", "server CPU µs/join", "x first"), WIDTHS)]
    for each in found:
        text.append(row((
            f"{each.clients:,}", number(each.joins_per_s, "{:,.0f}"),
            number(each.cpu, "{:,.1f}", 1e6), number(each.growth, "{:.2f}")), WIDTHS))
        if each.error:
            text.append(f"{'':9}failed: {each.error}")
    if most.growth is not None and most is not least:
        times = most.clients / least.clients
        text.append(f"{'':9}{times:.3g} times the clients: a join costs {most.growth:.2f} times "
                    f"as much (linear 1, N² {times:.3g})")
    return [*text, ""]
