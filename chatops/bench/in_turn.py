"""Several servers loaded in turn by one process, a short while each, again and again.

    python -m chatops.bench.in_turn SPEC     SPEC, and the answer on stdout, are JSON

A machine that is shared is fast in one second and slow in the next: what is measured within the
same second meets both alike, and the median over many such seconds knows which is the faster.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack

import msgspec

from chatops.bench.crowd import Crowd
from chatops.bench.flow import measure_throughput
from chatops.bench.load import main

WARM_UP = 0.05                 # seconds, each time


class Served(msgspec.Struct, frozen=True):
    """Where a crowd is served: by one server, or by several nodes."""

    ports: tuple[int, ...]


class InTurnSpec(msgspec.Struct, frozen=True):
    """What to do to these.  As in `chatops.bench.load.LoadSpec`, for each of them."""

    served: tuple[Served, ...]
    clients: int
    senders: int
    window: int
    times: int                 # that each has its turn,
    seconds: float             # and for how long
    size: int = 64
    host: str = "127.0.0.1"
    cpu: int | None = None


class Turns(msgspec.Struct, frozen=True):
    """What came of one of them."""

    deliveries_per_s: tuple[float, ...]
    lost: int                  # deliveries that were due and never arrived
    closed: int                # clients


class InTurnResult(msgspec.Struct, frozen=True):
    """In the order of the spec."""

    turns: tuple[Turns, ...]


def run(spec: InTurnSpec) -> InTurnResult:
    """Connect to all, and load one after the other."""
    with ExitStack() as stack:
        crowds = []
        for each in spec.served:
            first, *others = each.ports
            crowd = Crowd(spec.host, first, spec.senders, spec.size, more_ports=others)
            stack.callback(crowd.close)
            crowd.connect(spec.clients)
            crowd.settle()
            crowds.append(crowd)
        found: list[list[float]] = [[] for _ in crowds]
        lost = [0] * len(crowds)
        for time in range(spec.times):
            for n in _order(len(crowds), time):
                crowd = crowds[n]
                flow = measure_throughput(crowd, spec.window, WARM_UP, spec.seconds)
                found[n].append(flow.deliveries_per_s)
                lost[n] += crowd.outstanding
        return InTurnResult(tuple([
            Turns(tuple(each), missing, crowd.closed)
            for each, missing, crowd in zip(found, lost, crowds, strict=True)]))


def _order(count: int, time: int) -> range:
    """To and fro, so that none always follows the same one."""
    return range(count) if time % 2 else range(count - 1, -1, -1)


if __name__ == "__main__":
    sys.exit(main(InTurnSpec, run))
