"""A room in which some never read, and the same with all reading: what do the others lose?

This is asked of each policy for a full queue.  With `evict` the queues are nearly full at the
beginning, so the eviction is a part of what is measured; with the others they are full, and
lines have to be dropped from the first to the last moment.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chatops.bench.contenders import CHATOPS, Contender
from chatops.bench.figures import DISTURBANCE, median, number, row
from chatops.bench.nonreaders import ServerPort, StalledSpec
from chatops.bench.plan import Plan, Stalling

POLICIES = ("evict", "drop-oldest", "drop-newest")
WIDTHS = (-15, 12, 12, 8, 8, 9, 16)
SHARE = 100                    # one of so many never reads
TURNS = 4                      # a round, of each server
AROUND = 10                    # bytes that a line is longer than its message: nick, newline

# What the kernel keeps for a client is twice this (socket(7)), and the queue behind it holds
# 1 MiB by default.  A fill of so many bytes ends before, or beyond, the limit of both.
SNDBUF = "128K"
NEARLY_FULL, FULL = 1_000_000, 2_000_000


class Stall(msgspec.Struct, frozen=True):
    """The medians of the turns under one policy; None where nothing was measured."""

    policy: str
    reading: float | None = None       # lines/s that each of those who read gets, when all do
    stalling: float | None = None      # and when some do not
    kept: float | None = None          # of the latter over the former, within each turn
    cost: float | None = None          # of the server's CPU seconds a delivery, likewise
    stalled: int = 0                   # clients that do not read
    began: int = 0                     # of these, in the room at the beginning
    evicted: int | None = None         # of those, by the end
    lines_lost: float | None = None    # each
    lost: int = 0                      # deliveries to readers
    closed: int = 0                    # readers
    disturbed: bool = False
    error: str = ""


def contender(policy: str) -> Contender:
    """This server with a policy, and a kernel that keeps little for each client."""
    return Contender(policy, f"chatops, {policy}", (
        *CHATOPS.command, "--sndbuf", SNDBUF, "--slow-consumer", policy))


def spec(plan: Plan, policy: str) -> StalledSpec:
    """The load for two servers with this policy; where to find them comes later."""
    fill = NEARLY_FULL if policy == "evict" else FULL
    return StalledSpec(
        ServerPort(0), ServerPort(0), clients=plan.room, stalled=max(1, plan.room // SHARE),
        ahead=fill // (plan.size + AROUND), senders=min(plan.senders, plan.room // 2),
        size=plan.size, window=plan.window, turns=TURNS * plan.rounds,
        seconds=plan.seconds / TURNS)


def stalls(found: Sequence[Stalling]) -> list[Stall]:
    """One for each policy."""
    return [_stall(each) for each in found]


def _stall(found: Stalling) -> Stall:
    few, result = found.spec.stalled, found.result
    if result is None:
        return Stall(found.policy, stalled=few, error=found.error)
    readers = found.spec.clients
    speeds = [(turn.reading.deliveries_per_s / readers,
               turn.stalling.deliveries_per_s / (readers - few)) for turn in result.turns]
    costs = [(turn.reading.cpu_per_delivery, turn.stalling.cpu_per_delivery)
             for turn in result.turns]
    return Stall(
        found.policy, median(whole for whole, _ in speeds), median(rest for _, rest in speeds),
        median(rest / whole for whole, rest in speeds if whole),
        median(rest / whole for whole, rest in costs if whole and rest),
        few, result.began, result.began - result.stayed, result.lines_lost / few,
        result.lost, result.closed,
        2 * sum(turn.reading.disturbed or turn.stalling.disturbed for turn in result.turns)
        > len(result.turns))


def stalled_lines(measured: Sequence[Stalling]) -> list[str]:
    """A row for each policy."""
    found = stalls(measured)
    few, clients = measured[0].spec.stalled, measured[0].spec.clients
    text = [f"a room of {clients:,}, of whom {few} never read: lines/s to each of the others", "",
            row(("  queue full", "all read", f"{few} do not", "kept", "x CPU", "evicted",
                 "lines lost each"), WIDTHS)]
    for each in found:
        text.append(row((
            f"  {each.policy}", number(each.reading, "{:,.0f}"), number(each.stalling, "{:,.0f}"),
            number(each.kept, "{:.2f}"), number(each.cost, "{:.2f}"),
            number(each.evicted, "{:.0f}"), number(each.lines_lost, "{:,.0f}")), WIDTHS))
        if each.error:
            text.append(f"{'':9}failed: {each.error}")
        elif each.began < few:
            text.append(f"{'':9}only {each.began} of the {few} were left when it began")
        if each.lost or each.closed:
            text.append(f"{'':9}{each.lost:,} deliveries lost, {each.closed:,} readers closed")
    text.append(f"{'':9}kept: 1 is no loss; x CPU: what a delivery costs the server, likewise")
    if any(each.disturbed for each in found):
        text.append(f"{'':9}{DISTURBANCE}")
    return [*text, ""]
