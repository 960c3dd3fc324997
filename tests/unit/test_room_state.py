"""What holds in a room that several nodes have, and who its operators are."""

from __future__ import annotations

from chatops.chat import abroad
from chatops.chat.effects import Deliver
from chatops.chat.elsewhere import Person
from chatops.chat.groups import Sender
from chatops.chat.hub import Hub
from chatops.chat.intake import Intake
from chatops.chat.moderation import MaskEntry
from chatops.chat.room_state import RoomState, settle, state_of
from chatops.chat.session import Room


def node(name: str, at: float) -> tuple[Hub, Room]:
    """A node, on which a client has made the room dev at this moment."""
    hub = Hub()
    abroad.begin(hub, name)
    client = Intake(hub).connect(1, 11, "peer:1")
    hub.at = at
    hub.move(client, "dev")
    return hub, hub.rooms.open("dev")


def keyed(hub: Hub, room: Room, key: str, at: float) -> RoomState:
    hub.at = at
    room.rules.key = key
    hub.set_modes(Sender(1, "ada"), room, f"+k {key}")
    return state_of(room)


def test_of_two_sets_of_modes_the_later_holds_whichever_room_is_older() -> None:
    (one, older), (two, younger) = node("a", 10.0), node("b", 20.0)
    first, second = keyed(one, older, "tea", 30.0), keyed(two, younger, "milk", 40.0)
    settle(one, second)
    settle(two, first)
    assert older.rules.key == younger.rules.key == "milk"


def test_a_room_that_was_made_open_does_not_open_one_that_has_a_key() -> None:
    (one, locked), (two, open_) = node("a", 10.0), node("b", 5.0)
    state = keyed(one, locked, "tea", 30.0)
    settle(one, state_of(open_))
    settle(two, state)
    assert locked.rules.key == open_.rules.key == "tea"


def test_the_makers_of_the_younger_room_are_its_operators_no_more_and_are_told() -> None:
    (one, older), (two, younger) = node("a", 10.0), node("b", 20.0)
    settle(one, state_of(younger))
    settle(two, state_of(older))
    assert older.rules.ops
    assert not younger.rules.ops
    two.flush()
    told = [effect.groups for effect in two.effects if isinstance(effect, Deliver)]
    assert any(group.kind == "mode" and group.text.startswith(b"-o ") for group in told[-1])
    assert younger.rules.created_at == 10.0


def test_what_comes_back_from_another_node_changes_nothing_however_clocks_have_drifted() -> None:
    hub, room = node("a", 10.0)
    settle(hub, state_of(room).shifted(-0.3))
    assert room.rules.ops
    assert room.rules.created_at == 10.0


def test_bans_and_who_may_speak_come_with_the_modes() -> None:
    (one, here), (two, there) = node("a", 10.0), node("b", 20.0)
    here.rules.lists["b"] = {"eve!*@*": MaskEntry("eve!*@*", "ada", 1.0)}
    here.rules.flags.add("m")
    one.at = 30.0
    one.set_modes(Sender(1, "ada"), here, "+mb eve!*@*")
    settle(two, state_of(here).shifted(100.0))
    assert there.guarded
    assert there.rules.lists["b"]["eve!*@*"].at == 101.0
    assert there.rules.barred(Sender(9, "eve"), 1) == "banned"


def test_a_state_of_a_room_that_nobody_knows_is_of_no_account() -> None:
    _, room = node("a", 10.0)
    state = state_of(room)
    other = Hub()
    abroad.begin(other, "b")
    settle(other, state)
    assert "dev" not in other.rooms


def test_a_room_that_has_members_elsewhere_alone_keeps_its_rules_here() -> None:
    hub, _ = node("a", 10.0)
    assert hub.elsewhere is not None
    abroad.count(hub, hub.elsewhere.put(Person(Sender(1, "bob", node="b"), ("locked",))))
    rules, there = hub.rules_of("locked")
    assert there == 1
    assert rules is hub.rooms.open("locked").rules
