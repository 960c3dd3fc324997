"""What becomes of people's lines while nodes and their engine are killed, or stand still.

    python -m chatops.bench.nodes_soak storm      # 2 minutes, three nodes of 100 clients
    python -m chatops.bench.nodes_soak freeze     # a minute for a node, and one for the engine

Ends with 1 when a line was lost or doubled where it must not be.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from tempfile import TemporaryDirectory

import click

from chatops.bench.fleet import Fleet, NodeProcess
from chatops.bench.nodes import lacking
from chatops.bench.runner import BenchError
from chatops.bench.talkers import Talker, Talkers, meet
from chatops.storage.history_file import entries, reading

PATIENCE = 60.0                # seconds until all must have arrived in the end
RESTART = 5.0                  # seconds between two ends of a node
ENGINE_ENDS = 20.0             # and of the engine,
ENGINE_AWAY = 1.0              # for so long
CONTEST = 2.0                  # between two contests for one nick
RIVALS = 2                     # of a node, after its talkers


@click.group()
def main() -> None:
    """Several nodes under what can happen to them."""
    if why := lacking():
        raise click.ClickException(why)


# -- the storm

@main.command()
@click.option("--seconds", default=120.0, help="For how long.", show_default=True)
@click.option("--clients", default=100, help="Of each node.", show_default=True)
@click.option("--rate", default=30.0, help="Lines a second, of all.", show_default=True)
@click.option("--history", is_flag=True, help="Each node keeps one, and these are looked at, too.")
def storm(seconds: float, clients: int, rate: float, history: bool) -> None:
    """One node ends every five seconds, by a signal or at once; the engine is killed, and comes
    back empty, every twenty.
    """
    with (TemporaryDirectory() as place,
          standing(clients, rate, place if history else "") as (fleet, crowd)):
        weather = _Weather(fleet, crowd, clients)
        before = {talker: talker.sent for talker in crowd.open}
        stay = [talker for talker in crowd.open if talker.node != "c"]
        crowd.run(seconds, until=weather.change)
        weather.clear()
        arrived = crowd.run(PATIENCE, silent=True, until=lambda: not crowd.lacking(stay, stay))
        alike, twice = _same_names(fleet, crowd)
        ledger = crowd.ledger
        said = sum([talker.sent for talker in stay])
        click.echo(f"3 nodes of {clients} clients, {seconds:.0f} s: {weather}")
        click.echo(f"  {said:,} lines of the {len(stay)} who stayed, {ledger.heard:,} heard in "
                   f"all: {ledger.lost + crowd.lacking(stay, stay):,} lost, {ledger.doubled:,} "
                   f"doubled or out of order, {ledger.told} notices of missing lines")
        click.echo(f"  nicks: {'the same on all nodes' if alike else 'not the same on all nodes'}"
                   f", {twice} of two owners; to the own node p50 {_way(ledger.ways, 50)}, "
                   f"p99 {_way(ledger.ways, 99)}")
        wrong = _histories(fleet, crowd, {talker: before[talker] for talker in stay},
                           forgotten=weather.engines > 0)
        if not arrived or ledger.lost:
            _explain(crowd, stay)
    sys.exit(not (arrived and alike) or bool(ledger.lost or ledger.doubled or twice or wrong))


def _histories(fleet: Fleet, crowd: Talkers, since: Mapping[Talker, int], *, forgotten: bool
               ) -> bool:
    """Whether one has a line of these twice, or lacks one; only who was away when the engine has
    `forgotten` the log may do that.
    """
    lines = [f"{talker.name.decode()} {number}" for talker, first in since.items()
             for number in range(first, talker.sent)]
    nodes = [node for node in fleet.nodes if node.history]
    must_have = nodes[:-1] if forgotten else nodes
    crowd.run(PATIENCE, silent=True, until=_now_and_then(
        lambda: not any(_kept(node, lines)[0] for node in must_have)))
    wrong = False
    for node in nodes:
        lost, doubled = _kept(node, lines)
        click.echo(f"  history of node {node.name}: {len(lines):,} lines, {lost:,} lost, "
                   f"{doubled:,} doubled")
        wrong |= bool(doubled or (lost and node in must_have))
    return wrong


def _kept(node: NodeProcess, lines: Sequence[str]) -> tuple[int, int]:
    """How many of these its history has not, and has too often."""
    with reading(node.history) as database:
        kept = Counter([entry.line.partition(": ")[2] for entry in entries(database)])
    counts = [kept[line] for line in lines]
    return counts.count(0), sum([max(0, count - 1) for count in counts])


class _Weather:
    """What happens when; asked at each tick."""

    def __init__(self, fleet: Fleet, crowd: Talkers, clients: int) -> None:
        self.ended = self.killed = self.engines = 0
        self._fleet = fleet
        self._crowd = crowd
        self._clients = clients
        self._contests = 0
        now = time.perf_counter()
        self._restart_at, self._engine_at = now + RESTART, now + ENGINE_ENDS / 2
        self._engine_back = 0.0
        self._contest_at = now
        self._ends = False             # the node was asked to end
        self._awaited = False          # it has been begun, and has no clients yet

    def __str__(self) -> str:
        return (f"a node ended {self.ended} times, {self.killed} of them killed, "
                f"the engine killed {self.engines} times")

    def change(self) -> bool:
        now = time.perf_counter()
        node, engine = self._fleet.nodes[-1], self._fleet.engine
        if self._ends:
            self._ends = not node.has_ended()      # nobody listens to the others while we wait
            if not self._ends:
                self._begin(node)
        elif self._awaited:
            self._awaited = not _listens(node)
            if not self._awaited:
                self._crowd.come(node.name, node.began, node.port, self._clients)
                self._restart_at = max(self._restart_at, now + RESTART / 2)
        elif now >= self._restart_at:
            self._restart_at = now + RESTART
            self._end(node)
        if self._engine_back and now >= self._engine_back:
            self._engine_back = 0.0
            engine.begin()
        elif now >= self._engine_at:
            self._engine_at, self._engine_back = now + ENGINE_ENDS, now + ENGINE_AWAY
            self.engines += 1
            engine.kill()
        if now >= self._contest_at:
            self._contest_at = now + CONTEST
            self._contests += 1
            for each in self._rivals():
                each.send(b"/nick star%d\n" % (self._contests % 5))
        for each_node in self._fleet.nodes[:-1]:
            each_node.check()
        return False

    def clear(self) -> None:
        """All come back, and nothing happens any more."""
        if self._engine_back:
            self._fleet.engine.begin()
        node = self._fleet.nodes[-1]
        if self._ends:
            self._crowd.run(PATIENCE, silent=True, until=node.has_ended)
            node.close()
            self._begin(node)
        if self._awaited:
            self._crowd.run(PATIENCE, silent=True, until=lambda: _listens(node))

    def _end(self, node: NodeProcess) -> None:
        self.ended += 1
        if self.ended % 2:
            node.ask_to_end()
            self._ends = True
        else:
            self.killed += 1
            node.kill()
            self._begin(node)

    def _begin(self, node: NodeProcess) -> None:
        node.begin()
        self._ends, self._awaited = False, True

    def _rivals(self) -> Iterator[Talker]:
        for node in self._fleet.nodes:
            here = [talker for talker in self._crowd.open if talker.node == node.name]
            yield from here[-RIVALS:]


def _listens(node: NodeProcess) -> bool:
    node.check()
    try:
        socket.create_connection(("127.0.0.1", node.port), 1.0).close()
    except OSError:
        return False
    return True


# -- the freeze

@main.command()
@click.option("--seconds", default=60.0, help="For how long each stands still.",
              show_default=True)
@click.option("--clients", default=10, help="Of each node.", show_default=True)
@click.option("--rate", default=60.0, help="Lines a second, of all.", show_default=True)
@click.option("--what", type=click.Choice(["node", "engine", "both"]), default="both",
              show_default=True)
def freeze(seconds: float, clients: int, rate: float, what: str) -> None:
    """One node stands still, and then the engine: SIGSTOP, and SIGCONT after a while."""
    fine = True
    for which in ("node", "engine") if what == "both" else (what,):
        with standing(clients, rate) as (fleet, crowd):
            fine &= _frozen(fleet, crowd, seconds, which)
    sys.exit(not fine)


def _frozen(fleet: Fleet, crowd: Talkers, seconds: float, which: str) -> bool:
    ledger = crowd.ledger
    healthy = [talker for talker in crowd.open if which == "engine" or talker.node != "c"]
    others = [talker for talker in crowd.open if talker not in healthy]
    ways: list[list[float]] = []
    pid = fleet.engine.pid if which == "engine" else fleet.nodes[-1].pid

    def phase(length: float) -> None:
        crowd.run(length)
        ways.append(ledger.ways[:])
        ledger.ways.clear()

    phase(min(seconds, 15.0))
    with stopped(pid):
        crowd.open = healthy[:]        # whose node stands still is not to speak
        phase(seconds)
    phase(min(seconds, 15.0))
    crowd.open += others
    began = time.perf_counter()
    arrived = crowd.run(PATIENCE, silent=True,
                        until=lambda: not crowd.lacking(healthy, healthy))
    caught_up = crowd.run(PATIENCE, silent=True,
                          until=lambda: not crowd.lacking(others, healthy))
    took = time.perf_counter() - began
    told = ledger.told
    click.echo(f"{'the engine' if which == 'engine' else 'one node'} stood still for "
               f"{seconds:.0f} s, 3 nodes of {len(crowd.open) // 3} clients")
    for name, way in zip(("before", "meanwhile", "after"), ways, strict=True):
        click.echo(f"  to the own node, {name:<10} p50 {_way(way, 50)}, p99 {_way(way, 99)}, "
                   f"{len(way):,} lines")
    lost = ledger.lost + crowd.lacking(healthy, healthy)
    click.echo(f"  on the healthy ones {lost:,} lost, {ledger.doubled:,} doubled, {told} notices "
               f"of missing lines; all had all {took:.1f} s after the last line was said")
    if others:
        click.echo("  on the frozen one: "
                   f"{'all caught up' if caught_up else 'lines are lacking'}")
    if lost:
        _explain(crowd, healthy)
    return arrived and not lost and not ledger.doubled and (caught_up or told > 0)


def _explain(crowd: Talkers, whom: Sequence[Talker]) -> None:
    for line in crowd.account(whom, whom):
        click.echo(f"  {line}")


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """It stands still meanwhile."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


# -- what both need

@contextmanager
def standing(clients: int, rate: float, histories: str = "") -> Iterator[tuple[Fleet, Talkers]]:
    """Three nodes that know each other, each with so many clients."""
    with Fleet(histories) as fleet, closing(Talkers(rate)) as crowd:
        deadline = time.monotonic() + PATIENCE
        for node in fleet.nodes:
            while not _listens(node):
                if time.monotonic() > deadline:
                    raise BenchError(f"node {node.name} never listened")
                time.sleep(0.05)
            crowd.come(node.name, node.began, node.port, clients)
        meet(crowd, PATIENCE)
        yield fleet, crowd


def _same_names(fleet: Fleet, crowd: Talkers) -> tuple[bool, int]:
    """Whether all nodes list the same people in the end, and how many of them twice."""
    listed: list[list[str]] = []

    def alike() -> bool:
        listed[:] = [names_on(node) for node in fleet.nodes]
        return all(sorted(names) == sorted(listed[0]) for names in listed) and bool(listed[0])

    same = crowd.run(PATIENCE, silent=True, until=_now_and_then(alike))
    return same, sum([len(names) - len(set(names)) for names in listed])


def _now_and_then(holds: Callable[[], bool]) -> Callable[[], bool]:
    looked = 0.0

    def look() -> bool:
        nonlocal looked
        now = time.perf_counter()
        if now < looked + 1.0:
            return False
        looked = now
        return holds()

    return look


def names_on(node: NodeProcess) -> list[str]:
    """Who is in the lobby, as an IRC client is told."""
    with socket.create_connection(("127.0.0.1", node.irc_port), PATIENCE) as sock:
        nick = f"census{node.name}"    # the last one's, on another node, may not be free yet
        sock.sendall(f"NICK {nick}\r\nUSER x 0 * :x\r\nNAMES #lobby\r\n".encode())
        data = b""
        while b" 366 " not in data:
            more = sock.recv(1 << 16)
            if not more:
                break
            data += more
    return [name.lstrip("@+") for line in data.decode().splitlines() if " 353 " in line
            for name in line.partition(" :")[2].split()]


def _way(ways: Sequence[float], percent: int) -> str:
    if not ways:
        return "-"
    return f"{sorted(ways)[len(ways) * percent // 100] * 1e3:.2f} ms"


if __name__ == "__main__":
    main()
