"""Which nodes are there: by what they write, and by the leases that they hold."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from msgspec import Raw

from chatops.api.commands import Answer, CommandResult, Kick
from chatops.api.events import NodeGone, Warned
from chatops.chat import abroad
from chatops.chat.elsewhere import Person
from chatops.chat.groups import Group, Sender
from chatops.chat.hub import Hub
from chatops.cluster import standing
from chatops.cluster.catching_up import CatchingUp
from chatops.cluster.frames import (
    LARGEST,
    STALE,
    VERSION,
    BadFrame,
    Changed,
    Codec,
    Here,
    Item,
    NodeEnds,
    NodeFrame,
    Order,
    OrderDone,
    OtherVersion,
    Roster,
    RosterWanted,
    pack,
)
from chatops.cluster.numbers import Numbers
from chatops.cluster.orders import Orders
from chatops.cluster.pace import Pace
from chatops.cluster.reading import FORGOTTEN, Reader
from chatops.server.bans import BanEntry
from chatops.server.orders import NodeAnswer, Ordered, Rulings
from chatops.server.rulings import of_ban

PACE = Pace()


class Node:
    """Node a, which reads what the others have written; no engine, no socket, no clock."""

    def __init__(self) -> None:
        self.hub = Hub()
        abroad.begin(self.hub, "a")
        self.said: list[Any] = []
        self.sent: list[Item] = []
        self.rosters = 0
        self.later: list[Callable[[], None]] = []
        self.reactor = SimpleNamespace(now=0.0)
        self.orders = Orders(self.sent.append, lambda: self.reader.peers,
                             lambda seconds, call: self.later.append(call), PACE.order)
        state = cast(Any, SimpleNamespace(
            hub=self.hub, reactor=self.reactor, wall=lambda: 0.0, say=self.said.append,
            mishap=lambda name, *_: self.mishaps.append(name)))
        self.mishaps: list[str] = []
        self.reader = Reader(state, Codec("a", "boot"), PACE, self.orders, self.sent.append,
                             self._owe, CatchingUp(state, "a", None, None))
        self._numbers = Numbers()
        self.reader.grace(0.0)

    def _owe(self) -> None:
        self.rosters += 1

    def reads(self, seq: int, *items: Item, boot: str = "x") -> None:
        frame = NodeFrame(VERSION, "b", boot, seq, 0.0, 0.0, [Raw(pack(item)) for item in items])
        self.reader.take(frame, self._numbers.see("b", boot, seq))

    def called(self, at: float, left: float = PACE.lease, **boots: str) -> str:
        """The roll is called at this moment, and leases have so much left; how node b stands after
        it.
        """
        self.reactor.now = at
        self.reader.called({name: (boot, left) for name, boot in boots.items()})
        peer = self.reader.peers.get("b")
        return peer.state if peer is not None else "unknown"


BOB = Here(Person(Sender(1, "bob"), ("lobby",), guest=False))
SAID = Group(Sender(1, "bob"), "away", b"tea")


def test_what_is_said_travels_to_a_node_until_it_has_told_who_is_there() -> None:
    node = Node()
    node.reads(1, Changed(("lobby",), SAID))
    assert node.reader.absent == {"b"}                 # who is there has come before we began
    node.reads(2, Roster([BOB.person], first=True, last=False))
    assert node.reader.absent == {"b"}
    node.reads(3, Roster([], first=False, last=True))
    assert not node.reader.absent
    assert node.called(PACE.lease + 1) == "gone"
    node.reads(4, Changed(("lobby",), SAID))           # it stood still, and is back
    assert node.reader.peers["b"].state == "up"
    assert node.reader.absent == {"b"}
    node.reads(5, Roster([BOB.person], first=True, last=True))
    assert not node.reader.absent
    node.reads(6, NodeEnds())
    assert not node.reader.absent


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


def test_a_lease_that_nobody_renews_is_no_word_of_its_node() -> None:
    node = Node()
    node.reads(1, BOB)
    node.called(100.0, b="x")                          # renewed just now
    for later in (4.0, 9.0, 14.0):
        assert node.called(100.0 + later, PACE.lease - later, b="x") == "up"
        assert node.reader.peers["b"].seen == 100.0
    assert node.called(116.0) == "gone"
    assert node.reader.peers["b"].seen == 100.0


def test_a_frame_is_a_later_word_than_a_lease() -> None:
    node = Node()
    node.reactor.now = 100.0
    node.reads(1, BOB)
    node.called(101.0, PACE.lease - 5.0, b="x")
    assert node.reader.peers["b"].seen == 100.0


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


def test_a_frame_of_a_boot_that_another_has_followed_brings_nobody_back() -> None:
    node = Node()
    node.reads(1, BOB)
    node.reads(1, boot="y")
    gone = len([event for event in node.said if isinstance(event, NodeGone)])
    node.reads(2, BOB)                 # it was frozen, and has written its last words
    node.reads(1, BOB)                 # somebody repeats what it wrote
    assert node.reader.peers["b"].boot == "y"
    assert node.hub.lobby.elsewhere == 0
    assert len([event for event in node.said if isinstance(event, NodeGone)]) == gone


def test_frames_of_a_node_that_lost_its_lease_and_has_it_again_count_once() -> None:
    node = Node()
    node.reads(1, BOB)
    assert node.called(100.0) == "gone"
    node.reads(1, BOB)                 # a repeated frame is no sign of life
    assert [peer.state for peer in node.reader.peers.values()] == ["gone"]
    node.reads(2, BOB)
    node.reads(2, BOB)
    assert node.called(101.0, b="x") == "up"
    assert node.reader.peers["b"].doubled == 2


def test_an_order_is_done_once_however_often_it_is_asked_for_and_answered_each_time() -> None:
    node, done = Node(), []

    def obeys(asker: str, what: Ordered, answer: Answer) -> None:
        done.append((asker, what))
        answer(CommandResult(True, "kicked #7 ada"))

    node.reader.obeys = obeys
    order = Order("a", "boot", 5, Kick(("#7",)))
    node.reads(1, order)
    node.reads(2, order)
    node.reads(3, Order("a", "an earlier boot", 6, Kick(("#7",))))
    assert done == [("b", Kick(("#7",)))]
    assert [item for item in node.sent if isinstance(item, OrderDone)] == [
        OrderDone("b", "x", 5, True, "kicked #7 ada")] * 2


def test_who_has_not_answered_is_asked_again_when_it_is_back_but_no_later_boot_of_it() -> None:
    node = Node()
    answers: list[NodeAnswer] = []
    node.reads(1, BOB)
    node.orders.give("b", Kick(("#1",)), answers.extend)
    node.later.pop()()
    assert [answer.text for answer in answers] == [
        "did not answer; it will be done when it is back"]
    asked = [item for item in node.sent if isinstance(item, Order)]
    node.reads(2, RosterWanted("a"))
    assert [item for item in node.sent if isinstance(item, Order)] == asked * 2 != []
    node.reads(1, RosterWanted("a"), boot="y")
    assert [item for item in node.sent if isinstance(item, Order)] == asked * 2


def test_a_node_that_comes_back_in_another_version_is_named_once_and_its_people_are_gone() -> None:
    node = Node()
    node.reads(1, BOB)
    newer = OtherVersion("b", VERSION + 1)
    for _ in range(3):
        node.reader.unreadable(newer)
    assert [type(event) for event in node.said] == [NodeGone, Warned]
    assert node.hub.lobby.elsewhere == 0
    assert node.called(PACE.lease + 1, b="y") == "other version"
    assert node.reader.peers["b"].seen == PACE.lease + 1
    node.reads(1, BOB, boot="z")
    assert node.called(PACE.lease + 2, b="z") == "up"
    assert node.hub.lobby.elsewhere == 1


def written(node: Node, boot: str, at: float, seq: int = 1) -> str:
    """A frame of this boot of node b, written at this second of the engine's; which boot is known
    to be there after it.
    """
    frame = NodeFrame(VERSION, "b", boot, seq, 0.0, 0.0, [Raw(pack(BOB))], 0.0, at)
    node.reader.take(frame, node._numbers.see("b", boot, seq))
    return node.reader.peers["b"].boot


def test_an_earlier_boot_that_is_put_into_the_log_again_is_not_taken_for_a_new_one() -> None:
    node = Node()
    assert written(node, "second", 1000.0) == "second"
    assert written(node, "first", 900.0) == "second"       # signed it is, and was once
    assert written(node, "second", 1001.0, 2) == "second"
    assert node.said == []
    assert written(node, "third", 999.0) == "third"        # clocks of two boots may differ a little
    node = Node()
    assert written(node, "second", 1000.0) == "second"
    assert written(node, "third", 1000.0 - 2 * STALE) == "third"   # the engine's was set back


def test_nothing_that_is_said_travels_to_a_node_of_another_version() -> None:
    node = Node()
    node.reads(1, Roster([BOB.person], first=True, last=True))
    assert node.called(PACE.lease + 1) == "gone"
    assert node.reader.absent == {"b"}
    node.reader.unreadable(OtherVersion("b", VERSION + 1))
    assert not node.reader.absent


def test_an_item_that_means_nothing_costs_no_other_and_its_node_is_asked_once_who_is_there(
        ) -> None:
    node = Node()
    eve = Here(Person(Sender(2, "eve"), ("lobby",), guest=False))
    nothing = Raw(msgspec.msgpack.encode(["zz", 1]))
    for seq in (1, 2):
        frame = NodeFrame(VERSION, "b", "x", seq, 0.0, 0.0, [Raw(pack(BOB)), nothing,
                                                            Raw(pack(eve))])
        with pytest.raises(BadFrame):
            node.reader.take(frame, node._numbers.see("b", "x", seq))
    assert node.hub.lobby.elsewhere == 2
    assert node.sent == [RosterWanted("b")]


def test_of_nodes_that_never_come_back_no_orders_are_remembered() -> None:
    node = Node()
    node.reader.obeys = lambda asker, what, answer: answer(CommandResult(True, ""))
    node.reads(1, Order("a", "boot", 1, Kick(("#7",))))
    node.orders.give("b", Kick(("#1",)), lambda answers: None)
    assert node.called(PACE.lease + 1) == "gone"
    assert node.called(PACE.lease + 2 + FORGOTTEN) == "unknown"
    assert not node.orders._done
    assert not node.orders._owed


def test_a_great_many_bans_are_told_in_items_that_frames_can_carry() -> None:
    bans = tuple([of_ban(BanEntry(f"10.0.{n // 250}.{n % 250}/32", 0.0, 0.0, "x" * 4000))
                  for n in range(300)])
    hub = Hub()
    told = [item.what.rulings for item in standing.everything(hub, bans, 0.0)
            if isinstance(item, Order) and isinstance(item.what, Rulings)]
    assert [ruling for part in told for ruling in part] == list(bans)
    assert max(len(pack(Order("", "", 0, Rulings(part)))) for part in told) < LARGEST / 2
    node, answers = Node(), list[NodeAnswer]()
    node.reads(1, BOB)
    node.orders.give("b", Rulings(bans), answers.extend)
    orders = [item for item in node.sent if isinstance(item, Order)]
    assert sum(len(cast(Rulings, order.what).rulings) for order in orders) == 300
    assert [order.number for order in orders if order.number] == [1]
    assert max(len(pack(order)) for order in orders) < LARGEST / 2
    node.reads(2, OrderDone("a", "boot", 1, True, "done"))
    assert [answer.text for answer in answers] == ["done"]


def test_what_a_node_has_written_in_another_version_itself_is_no_news() -> None:
    node = Node()
    node.reader.unreadable(OtherVersion("a", VERSION - 1))
    assert not node.said
    assert not node.reader.peers
