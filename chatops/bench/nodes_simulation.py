"""What 10, 100 and 1,000 nodes would cost, without a socket, a clock or an engine.

    python -m chatops.bench.nodes_simulation

The nodes' own parts are the real ones: what is said becomes items, frames and numbers as in
`chatops.cluster`, one frame of a node is under way, rosters are told when `Introductions` says.
The engine is a model of one thread with the costs that were measured here, the network a delay.
All nodes begin at once and meet, and then people talk.  One seed, one result.

Readers are all alike: they wait at the end of the log, a new entry wakes all of them, and each
then asks for what has come meanwhile.  So they are one reader whose costs are the engine's
times their number.
"""

from __future__ import annotations

import heapq
import itertools
import tracemalloc
from collections.abc import Callable, Sequence
from functools import partial
from random import Random

import click
import msgspec

from chatops.chat.elsewhere import Elsewhere, Person
from chatops.chat.groups import Group, Sender
from chatops.cluster.engine import AT_ONCE
from chatops.cluster.frame_queue import FrameQueue
from chatops.cluster.frames import AllTold, Codec, Heard, Roster, pack
from chatops.cluster.introductions import Introductions
from chatops.cluster.items import unpack
from chatops.cluster.numbers import Numbers
from chatops.cluster.peers import Peer

# Redis 7.0.15 on this project's 2-core machine: CPU seconds, of `redis-server` alone.
WRITE, WRITE_BYTE = 20e-6, 1.3e-9      # a frame is added to the log
READ, READ_FRAME, READ_BYTE = 12e-6, 0.2e-6, 0.33e-9   # a reader is woken or asks; and what it gets
DELAY = 250e-6                 # of the network, one way
TURN = 300e-6                  # that a node takes before it asks for what comes next
BEGIN = 1.0                    # seconds within which all nodes begin
SECRET = b"of this simulation"
TEXT = b"a line as people write them, of about sixty bytes in the end"


class SimulationOutcome(msgspec.Struct, frozen=True):
    """Of one simulation.  Times in seconds, bytes of memory and on the wire."""

    nodes: int
    clients: int                       # of each node
    lines: float                       # a second, of all
    met: float                         # after the last node had begun
    meeting_frames: float              # that each node wrote until then
    frames: float                      # a second, of each node, while people talk
    lines_a_frame: float
    engine: float                      # share of its one CPU, while people talk
    out: float                         # bytes a second that it sends
    late: tuple[float, float]          # of a line on another node: median and 99th percentile
    lost: int                          # frames that a node had to drop
    memory: int                        # of a node, for all that it knows of the others


class _Node:
    """What it writes."""

    def __init__(self, number: int, clients: int) -> None:
        self.name = f"n{number}"
        self.codec = Codec(self.name, "boot", SECRET)
        self.queue = FrameQueue(self.codec)
        self.introductions = Introductions()
        self.people = people_of(self.name, clients)
        self.began = False
        self.asks_later = False


class Simulation:
    """The log, its engine, and who writes to it and reads."""

    def __init__(self, nodes: int, clients: int, rate: float, seed: int) -> None:
        """People of all nodes say `rate` lines a second, in one room."""
        self.nodes = [_Node(number, clients) for number in range(nodes)]
        self.by_name = {node.name: node for node in self.nodes}
        self.now = 0.0
        self._clients = clients
        self._rate = rate
        self._random = Random(seed)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._busy_until = 0.0         # the engine's only thread
        self._log: list[tuple[_Node, bytes]] = []
        self._read = 0                 # entries that readers have been sent
        self._waiting = False          # they wait at the end of the log
        self._unmet = {node.name: {each.name for each in self.nodes if each is not node}
                       for node in self.nodes}     # who has not had its roster yet
        self._unknown = {name: set(others) for name, others in self._unmet.items()}
        self.met = 0.0
        self.ways: list[float] = []
        self.used = 0.0                # seconds of the engine's CPU
        self.sent = self.written = self.lines = 0
        self.numbers = Numbers()

    # -- the run

    def run(self, seconds: float) -> SimulationOutcome:
        """Let all begin and meet, then talk for so long."""
        for node in self.nodes:
            self._at(self._random.uniform(0.0, BEGIN), partial(self._begin, node))
        self._at(0.0, self._ask)
        self._go(lambda: not any(self._unmet.values()))
        self.met = self.now
        meeting = self.written
        self._go(lambda: self.now > self.met + 1.0)    # what is still under way
        began, used, sent, written, lines = (self.now, self.used, self.sent, self.written,
                                             self.lines)
        self._talk()
        self._go(lambda: self.now >= began + seconds)
        took = self.now - began
        frames = self.written - written
        self.ways.sort()
        return SimulationOutcome(
            len(self.nodes), self._clients, self._rate, max(0.0, self.met - BEGIN),
            meeting / len(self.nodes), frames / took / len(self.nodes),
            (self.lines - lines) / max(1, frames), (self.used - used) / took,
            (self.sent - sent) / took,
            (self.ways[len(self.ways) // 2], self.ways[len(self.ways) * 99 // 100]),
            sum([node.queue.dropped for node in self.nodes]),
            memory_of(len(self.nodes), self._clients))

    def _at(self, when: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when, next(self._order), what))

    def _go(self, until: Callable[[], bool]) -> None:
        while self._events and not until():
            self.now, _, what = heapq.heappop(self._events)
            what()

    # -- nodes

    def _begin(self, node: _Node) -> None:
        node.began = True
        self._flush(node)

    def _flush(self, node: _Node) -> None:
        """The end of a turn, as in `chatops.cluster.member`."""
        wait = node.introductions.wait(self.now)
        if node.introductions.owed and not node.asks_later:
            if wait:
                node.asks_later = True
                self._at(self.now + wait, lambda: self._later(node))
            else:
                node.introductions.told(self.now, len(self.nodes) - 1)
                for item in (Roster(node.people), AllTold()):
                    node.queue.add(pack(item), self.now, self.now)
        frame = node.queue.next(self.now, self.now)
        if frame is not None:
            self._at(self.now + DELAY, lambda: self._write(node, frame))

    def _later(self, node: _Node) -> None:
        node.asks_later = False
        self._flush(node)

    def _talk(self) -> None:
        """Somebody says something, and somebody else after that."""
        node = self._random.choice(self.nodes)
        person = self._random.choice(node.people)
        self.lines += 1
        node.queue.add(pack(Heard("lobby", [Group(person.who, "talk", TEXT, at=self.now)])),
                       self.now, self.now)
        self._flush(node)
        self._at(self.now + self._random.expovariate(self._rate), self._talk)

    # -- the engine

    def _work(self, seconds: float) -> float:
        """It is at this when all before is done; when it has finished."""
        self.used += seconds
        self._busy_until = max(self._busy_until, self.now) + seconds
        return self._busy_until

    def _write(self, node: _Node, frame: bytes) -> None:
        done = self._work(WRITE + len(frame) * WRITE_BYTE)
        self._log.append((node, frame))
        self.written += 1
        self._at(done + DELAY, lambda: self._acknowledged(node))
        if self._waiting:
            self._send()

    def _acknowledged(self, node: _Node) -> None:
        node.queue.acknowledge(self.now)
        self._flush(node)

    def _ask(self) -> None:
        """All readers ask for what comes next."""
        self._waiting = True
        if self._read < len(self._log):
            self._send()

    def _send(self) -> None:
        """As much as fits into an answer, to each reader; then each asks again."""
        self._waiting = False
        found = self._log[self._read:self._read + AT_ONCE]
        self._read += len(found)
        size = sum([len(frame) for _, frame in found])
        readers = sum([node.began for node in self.nodes])
        self.sent += readers * size
        done = self._work(readers * (READ + len(found) * READ_FRAME + size * READ_BYTE))
        self._at(done + DELAY, lambda: self._heard(found))
        self._at(done + 2 * DELAY + TURN, self._ask)

    # -- readers

    def _heard(self, found: Sequence[tuple[_Node, bytes]]) -> None:
        for writer, data in found:
            frame = writer.codec.open(data)
            assert self.numbers.see(frame.node, frame.boot, frame.seq).new
            self._known(writer.name)
            for raw in frame.items:
                match unpack(raw):
                    case Heard(_, groups):
                        self.ways += [self.now - group.at for group in groups]
                    case Roster():
                        self._unmet[writer.name] -= {name for name in self._unmet[writer.name]
                                                     if self.by_name[name].began}

    def _known(self, writer: str) -> None:
        """Those to whom it is new tell it who they are."""
        strangers = self._unknown[writer]
        if strangers:
            told = {name for name in strangers if self.by_name[name].began}
            strangers -= told
            for name in sorted(told):
                node = self.by_name[name]
                node.introductions.owed = True
                self._flush(node)


def people_of(node: str, count: int) -> list[Person]:
    """So many, in one room."""
    return [Person(Sender(number, f"{node}-{number}", node=node), ("lobby",), guest=False)
            for number in range(count)]


def memory_of(nodes: int, clients: int) -> int:
    """Bytes that a node keeps of so many others."""
    tracemalloc.start()
    try:
        there, numbers = Elsewhere("here"), Numbers()
        peers = {}
        for number in range(nodes - 1):
            name = f"n{number}"
            numbers.see(name, "boot", 1)
            peers[name] = Peer(name, "boot")
            there.replace(name, people_of(name, clients))
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


def table(outcomes: Sequence[SimulationOutcome]) -> list[str]:
    """As it is printed."""
    head = (f"{'nodes':>6}{'people':>8}{'lines/s':>9}{'met after':>11}{'frames':>8}"
            f"{'frames/s':>10}{'lines/frame':>13}{'engine':>8}{'MB/s out':>10}{'p50 ms':>9}"
            f"{'p99 ms':>9}{'lost':>6}{'memory':>9}")
    return [head, *[
        f"{each.nodes:>6,}{each.nodes * each.clients:>8,}{each.lines:>9,.0f}"
        f"{each.met:>9.2f} s{each.meeting_frames:>8.1f}{each.frames:>10.2f}"
        f"{each.lines_a_frame:>13.1f}{each.engine:>8.0%}{each.out / 1e6:>10.2f}"
        f"{each.late[0] * 1e3:>9,.1f}{each.late[1] * 1e3:>9,.1f}{each.lost:>6}"
        f"{each.memory / 1e6:>6.1f} MB" for each in outcomes]]


@click.command()
@click.option("--nodes", default="3,10,100,1000", help="How many.", show_default=True)
@click.option("--clients", default=10, help="Of each node.", show_default=True)
@click.option("--rate", default=0.1, help="Lines a second of each client.", show_default=True)
@click.option("--seconds", default=10.0, help="That they talk.", show_default=True)
@click.option("--seed", default=1, show_default=True)
def main(nodes: str, clients: int, rate: float, seconds: float, seed: int) -> None:
    """A table of what so many nodes cost.  Frames are of each node: until all have met, and then
    a second; the engine's share is of one CPU."""
    outcomes = []
    for count in map(int, nodes.split(",")):
        outcomes.append(Simulation(count, clients, count * clients * rate, seed).run(seconds))
        click.echo(table(outcomes)[-1] if outcomes[1:] else "\n".join(table(outcomes)))


if __name__ == "__main__":
    main()
