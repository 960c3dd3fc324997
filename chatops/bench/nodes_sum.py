"""What a delivery costs three nodes and their engine, over what it costs a server alone.

    python -m chatops.bench.nodes_sum

CPU seconds are counted, of all server processes together: on machines with a CPU for each node,
the sum of deliveries is by so much less than three times one server's.  One room in which
everybody is, where each line goes to all nodes; and rooms of one member each, in which nobody
elsewhere would hear it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing

import click
import msgspec

from chatops.bench import usage
from chatops.bench.contenders import CHATOPS
from chatops.bench.nodes import lacking
from chatops.bench.nodes_soak import standing
from chatops.bench.runner import BenchError, ServerProcess
from chatops.bench.talkers import Talkers

PATIENCE = 60.0                # seconds until all are where they are to be
WARM_UP = 1.0


class DeliveryCost(msgspec.Struct, frozen=True):
    """Of one crowd.  CPU in seconds."""

    deliveries: int
    servers: float
    engine: float = 0.0
    lost: int = 0

    @property
    def each(self) -> float:
        """Microseconds of a delivery, the engine's too."""
        return (self.servers + self.engine) / self.deliveries * 1e6


def alone(clients: int, rate: float, seconds: float, *, apart: bool) -> DeliveryCost:
    """A server by itself."""
    with ServerProcess(CHATOPS) as server, closing(Talkers(rate)) as crowd:
        crowd.come("a", 1, server.port, clients)
        return _cost(crowd, [server.pid], 0, seconds, apart=apart)


def together(clients: int, rate: float, seconds: float, *, apart: bool) -> DeliveryCost:
    """Three nodes, with a third of the clients each."""
    with standing(clients // 3, rate) as (fleet, crowd):
        return _cost(crowd, [node.pid for node in fleet.nodes], fleet.engine.pid, seconds,
                     apart=apart)


def _cost(crowd: Talkers, servers: Sequence[int], engine: int, seconds: float, *, apart: bool
          ) -> DeliveryCost:
    if apart:
        _move_apart(crowd)
    crowd.run(WARM_UP)
    before = [_cpu(pid) for pid in (*servers, engine)]
    heard, lost = crowd.ledger.heard, crowd.ledger.lost
    crowd.run(seconds)
    *spent, of_engine = [_cpu(pid) - was for pid, was in zip((*servers, engine), before,
                                                           strict=True)]
    return DeliveryCost(crowd.ledger.heard - heard, sum(spent), of_engine, crowd.ledger.lost - lost)


def _move_apart(crowd: Talkers) -> None:
    """Each into a room of its own."""
    for number, talker in enumerate(crowd.open):
        talker.send(b"/join r%d\n" % number)
        if not number % 50:
            crowd.run(0.0 if number else WARM_UP, silent=True)
    crowd.run(WARM_UP, silent=True)
    before = {talker.name: dict(talker.heard) for talker in crowd.open}

    def alone() -> bool:
        return all(talker.heard.get(talker.name) == talker.sent - 1 > before[talker.name].get(
            talker.name, -1) for talker in crowd.open)

    for talker in crowd.open:
        talker.say()
    if not crowd.run(PATIENCE, silent=True, until=alone):
        raise BenchError(f"not everybody was in a room of its own within {PATIENCE:.0f} s")


def _cpu(pid: int) -> float:
    spent = usage.cpu_seconds(pid) if pid else 0.0
    if spent is None:
        raise BenchError("this system does not say what another process has used")
    return spent


def lines_of(title: str, one: Sequence[DeliveryCost], three: Sequence[DeliveryCost]) -> list[str]:
    """As it is printed: the medians, and their ratio."""
    def middle(costs: Sequence[DeliveryCost], figure: Callable[[DeliveryCost], float]) -> float:
        return sorted(map(figure, costs))[len(costs) // 2]

    mine, theirs = middle(one, lambda cost: cost.each), middle(three, lambda cost: cost.each)
    share = middle(three, lambda cost: cost.engine / (cost.servers + cost.engine))
    return [f"{title}",
            f"  a server alone {mine:8.2f} us of CPU a delivery",
            f"  three nodes    {theirs:8.2f} us, {share:.0%} of it the engine's; deliveries for "
            f"the same CPU: {mine / theirs:.2f} of one server's; {sum(c.lost for c in three)} lost"]


@click.command()
@click.option("--clients", default=300, help="In one room.", show_default=True)
@click.option("--rooms", default=999, help="Of one member each.", show_default=True)
@click.option("--rate", default=100.0, help="Lines a second, of all.", show_default=True)
@click.option("--seconds", default=4.0, help="Of each measurement.", show_default=True)
@click.option("--rounds", default=3, help="In turn; the middle counts.", show_default=True)
def main(clients: int, rooms: int, rate: float, seconds: float, rounds: int) -> None:
    """What three nodes cost over one server."""
    if why := lacking():
        raise click.ClickException(why)
    usage.raise_descriptor_limit()
    began = time.monotonic()
    for title, count, apart in ((f"one room of {clients:,}", clients, False),
                                (f"{rooms:,} rooms of one member", rooms, True)):
        one, three = [], []
        for _ in range(rounds):
            one.append(alone(count, rate, seconds, apart=apart))
            three.append(together(count, rate, seconds, apart=apart))
        click.echo("\n".join(lines_of(title, one, three)))
    click.echo(f"in {time.monotonic() - began:.0f} s, {rate:g} lines/s", file=sys.stderr)


if __name__ == "__main__":
    main()
