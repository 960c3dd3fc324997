"""What another node tells, where a turn is not enough for it or it never ends."""

from __future__ import annotations

from typing import Any, cast

import msgspec
import pytest
from msgspec import Raw

from chatops.api.commands import Answer, Broadcast, Kick
from chatops.chat.effects import Deliver
from chatops.chat.elsewhere import Person
from chatops.chat.groups import Group, Sender
from chatops.chat.intake import Intake
from chatops.cluster import reading
from chatops.cluster.frames import (
    VERSION,
    BadFrame,
    Heard,
    Here,
    NodeFrame,
    Order,
    Roster,
    RosterWanted,
    pack,
)
from chatops.cluster.items import WRONG
from chatops.cluster.reading import PORTION
from chatops.server.orders import Ordered
from tests.unit.test_cluster_peers import BOB, PACE, Node

# -- a turn that is not enough

class Tired:
    """A turn has enough after so many steps."""

    def __init__(self, node: Node, steps: int) -> None:
        self._steps = self.left = steps
        node.reader.spent = self._spent

    def _spent(self) -> bool:
        self.left -= 1
        return self.left <= 0

    def rests(self) -> None:
        self.left = self._steps


def turns(node: Node, tired: Tired) -> int:
    """In how many more turns the rest of a frame is read."""
    count = 0
    while node.reader.unfinished:
        tired.rests()
        node.reader.go_on()
        count += 1
    return count


def test_a_frame_that_is_too_much_for_a_turn_is_read_in_several_and_in_its_order() -> None:
    node = Node()
    done: list[str] = []
    node.reader.obeys = lambda asker, what, answer: done.append(cast(Any, what).text)
    tired = Tired(node, 10)
    node.reads(1, *[Order("a", "", 0, Broadcast(str(n))) for n in range(100)])
    assert node.reader.unfinished
    assert len(done) == 10
    assert turns(node, tired) == 9
    assert done == [str(n) for n in range(100)]


def test_a_crowd_comes_in_several_turns_and_each_room_is_told_once() -> None:
    node = Node()
    Intake(node.hub).connect(1, 7, "peer")
    node.hub.flush()
    node.hub.effects.clear()
    crowd = [Person(Sender(n, f"n{n}"), ("lobby",), guest=False) for n in range(2000)]
    tired = Tired(node, 5)
    node.reads(1, Roster(crowd, last=False), Roster([], first=False))
    assert 0 < node.hub.lobby.elsewhere < 2000
    assert not node.reader.peers["b"].introduced
    assert turns(node, tired) >= 2000 // 100 // 5 - 1
    assert node.hub.lobby.elsewhere == 2000
    node.hub.flush()
    told = [group.text for effect in node.hub.effects if isinstance(effect, Deliver)
            for group in effect.groups if group.kind == "server"]
    assert told == [b"node b is there, and 2,000 members of lobby with it"]


def test_of_a_node_that_is_gone_meanwhile_the_rest_of_a_frame_is_not_read() -> None:
    node = Node()
    Tired(node, 1)
    node.reads(1, *[Here(Person(Sender(n, f"n{n}"), ("lobby",))) for n in range(1, 9)])
    assert node.called(PACE.lease + 1) == "gone"
    while node.reader.unfinished:
        node.reader.go_on()
    assert node.hub.lobby.elsewhere == 0


def test_who_said_much_in_one_turn_is_heard_in_parts_and_in_order() -> None:
    node = Node()
    Intake(node.hub).connect(1, 7, "peer")
    node.hub.flush()
    node.hub.effects.clear()
    tired = Tired(node, 1)
    node.reads(1, Heard("lobby", [Group(BOB.person.who, "talk", b"%d" % n)
                                  for n in range(3 * PORTION)]))
    assert len(node.hub.lobby.pending) == PORTION
    assert turns(node, tired) == 3
    assert [group.text for group in node.hub.lobby.pending] == [
        b"%d" % n for n in range(3 * PORTION)]


# -- rosters

def test_what_no_roster_has_begun_is_not_kept() -> None:
    node = Node()
    for seq in range(1, 5):
        node.reads(seq, Roster([BOB.person], first=False, last=False))
        assert node.reader.peers["b"].gathering is None
    node.reads(5, Roster([], first=False))
    assert node.reader.absent == {"b"}                 # it has not told who is there


def test_a_roster_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PEOPLE", 10)
    node = Node()
    node.reads(1, Roster([BOB.person] * 6, last=False))
    with pytest.raises(BadFrame, match="more than 10 people"):
        node.reads(2, Roster([BOB.person] * 6, first=False, last=False))
    assert node.reader.peers["b"].gathering is None
    assert node.sent == [RosterWanted("b")]
    node.reads(3, Roster([BOB.person] * 6, last=False))
    assert node.called(PACE.lease + 1) == "gone"
    assert node.reader.peers["b"].gathering is None


def test_what_goes_wrong_with_one_item_costs_no_other() -> None:
    node = Node()

    def fails(_asker: str, _what: Ordered, _answer: Answer) -> None:
        raise ValueError("nobody had thought of that")

    node.reader.obeys = fails
    node.reads(1, Order("a", "", 0, Kick(("#7",))), BOB)
    assert node.hub.lobby.elsewhere == 1
    assert node.mishaps == ["Reader.take"]


def test_after_many_items_that_mean_nothing_the_rest_of_a_frame_means_nothing() -> None:
    node = Node()
    frame = NodeFrame(VERSION, "b", "x", 1, 0.0, 0.0, [
        *[Raw(msgspec.msgpack.encode(None))] * WRONG, Raw(pack(BOB))])
    with pytest.raises(BadFrame):
        node.reader.take(frame, node._numbers.see("b", "x", 1))
    assert node.hub.lobby.elsewhere == 0
