"""Which nodes are there: by what they write, and by the leases that they hold."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from msgspec import Raw

from chatops.api.events import NodeGone
from chatops.chat import abroad
from chatops.chat.elsewhere import Person
from chatops.chat.groups import Sender
from chatops.chat.hub import Hub
from chatops.cluster.frames import VERSION, Here, Item, NodeFrame, RosterWanted, pack
from chatops.cluster.link import Pace
from chatops.cluster.numbers import Numbers
from chatops.cluster.reading import FORGOTTEN, Reader

PACE = Pace()


class Node:
    """Node a, which reads what the others have written; no engine, no socket, no clock."""

    def __init__(self) -> None:
        self.hub = Hub()
        abroad.begin(self.hub, "a")
        self.said: list[Any] = []
        self.sent: list[Item] = []
        self.rosters = 0
        self.reactor = SimpleNamespace(now=0.0)
        self.reader = Reader(cast(Any, SimpleNamespace(
            hub=self.hub, reactor=self.reactor, wall=lambda: 0.0, say=self.said.append)),
            "a", PACE, self.sent.append, self._owe)
        self._numbers = Numbers()
        self.reader.grace(0.0)

    def _owe(self) -> None:
        self.rosters += 1

    def reads(self, seq: int, *items: Item, boot: str = "x") -> None:
        frame = NodeFrame(VERSION, "b", boot, seq, 0.0, [Raw(pack(item)) for item in items])
        self.reader.take(frame, self._numbers.see("b", boot, seq))

    def called(self, at: float, **boots: str) -> str:
        """The roll is called at this moment; how node b stands after it."""
        self.reactor.now = at
        self.reader.called(boots)
        peer = self.reader.peers.get("b")
        return peer.state if peer is not None else "unknown"


BOB = Here(Person(Sender(1, "bob"), ("lobby",), guest=False))


def test_a_lease_that_has_run_out_says_nothing_until_others_have_had_time_to_come_back() -> None:
    node = Node()
    node.reads(1, BOB)
    assert node.called(PACE.lease - 1) == "up"         # the engine may just have been restarted
    assert node.called(PACE.lease + 1) == "gone"
    assert [type(event) for event in node.said] == [NodeGone]
    assert node.hub.lobby.elsewhere == 0


def test_who_holds_its_lease_is_there_and_another_boot_of_it_is_not_it() -> None:
    node = Node()
    node.reads(1, BOB)
    assert node.called(100.0, b="x") == "up"
    assert node.called(101.0, b="y") == "gone"


def test_a_node_that_was_gone_and_writes_again_is_asked_who_is_there() -> None:
    node = Node()
    node.reads(1, BOB)
    node.called(100.0)
    node.reads(2)
    assert node.reader.peers["b"].state == "up"
    assert node.sent == [RosterWanted("b")]


def test_another_boot_takes_nobody_over_and_is_told_who_is_here() -> None:
    node = Node()
    node.reads(1, BOB)
    node.reads(1, boot="y")
    assert node.hub.lobby.elsewhere == 0
    assert node.rosters == 2


def test_a_gap_in_the_numbers_is_counted_and_its_node_asked_who_is_there() -> None:
    node = Node()
    node.reads(1, BOB)
    node.reads(4)
    assert node.reader.peers["b"].missing == 2
    assert node.sent == [RosterWanted("b")]


def test_a_node_that_has_long_been_gone_is_forgotten() -> None:
    node = Node()
    node.reads(1)
    assert node.called(100.0) == "gone"
    assert node.called(FORGOTTEN - 1) == "gone"
    assert node.called(FORGOTTEN + 1) == "unknown"
