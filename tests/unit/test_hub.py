"""The hub decides and leaves effects: no socket, no clock, one chunk per room and turn."""

from __future__ import annotations

from math import inf
from typing import NamedTuple

import pytest

from chatops.api import events
from chatops.chat import abroad
from chatops.chat.dialect import PLAIN
from chatops.chat.effects import Answer, CloseConnection, Deliver, Effect, Enter, Leave, Tell
from chatops.chat.elsewhere import Person
from chatops.chat.groups import Sender
from chatops.chat.hub import Hub
from chatops.chat.intake import Intake
from chatops.chat.limits import ChatLimits
from chatops.chat.names import InvalidName
from chatops.chat.session import Session


class Heard(NamedTuple):
    """A `Deliver` as plain clients get it."""

    room: str
    chunk: bytes
    lines: int


class Chat:
    """A hub, what it decided, and what each member would see of it."""

    def __init__(self, **limits: object) -> None:
        self.hub = Hub(ChatLimits(**limits))  # type: ignore[arg-type]  # named as its fields
        self.intake = Intake(self.hub)
        self.hub.now = 100.0
        self.seen: dict[int, str] = {}
        self._rooms: dict[int, str] = {}

    def join(self, count: int = 1) -> list[Session]:
        """So many newcomers; what they were told is forgotten."""
        first = len(self.seen) + 1
        sessions = [self.intake.connect(n, n + 10, f"peer:{n}")
                    for n in range(first, first + count)]
        self.turn()
        self.seen = dict.fromkeys(self.seen, "")
        return sessions

    def turn(self) -> list[Effect]:
        """The end of a turn: carry out the effects as the server would, in order."""
        self.hub.flush()
        effects, self.hub.effects = self.hub.effects, []
        for effect in effects:
            match effect:
                case Enter(who, room):
                    self._rooms[who] = room
                case Leave(who, _):
                    self._rooms.pop(who)
                case Tell(who, data, _):
                    self.seen[who] = self.seen.get(who, "") + data.decode()
                case Deliver(room, groups, _):
                    chunk = PLAIN.render(room, groups).chunk
                    for who, place in self._rooms.items():
                        if place == room:
                            self.seen[who] = self.seen.get(who, "") + chunk.decode()
                case CloseConnection(who, _, words):
                    self.seen[who] = self.seen.get(who, "") + words.decode()
        return effects

    def heard(self, effects: list[Effect]) -> list[Heard]:
        """What rooms are to hear by these, in plain words."""
        return [Heard(effect.room, rendered.chunk, rendered.lines) for effect in effects
                if isinstance(effect, Deliver)
                for rendered in (PLAIN.render(effect.room, effect.groups),)]

    def says(self, session: Session, data: bytes) -> list[Effect]:
        self.intake.receive(session, data)
        return self.turn()


def kinds(effects: list[Effect]) -> list[type[Effect]]:
    return [type(effect) for effect in effects]


# -- one chunk per room and turn


def test_all_that_is_said_in_a_turn_is_one_chunk() -> None:
    chat = Chat()
    alice, bob, _ = chat.join(3)
    chat.intake.receive(alice, b"one\ntwo\n")
    chat.intake.receive(bob, b"three\n")
    assert chat.heard(chat.turn()) == [
        Heard("lobby", b"guest-1: one\nguest-1: two\nguest-2: three\n", 3)]


def test_what_is_told_to_one_comes_after_what_its_room_was_told_before() -> None:
    chat = Chat()
    alice, bob = chat.join(2)
    chat.intake.receive(alice, b"before\n")
    chat.hub.notice(bob, "for you")
    chat.intake.receive(alice, b"after\n")
    chat.turn()
    assert chat.seen[2] == "guest-1: before\n*** for you\nguest-1: after\n"
    assert chat.seen[1] == "guest-1: before\nguest-1: after\n"


def test_a_newcomer_hears_nothing_of_what_was_said_before_it_came() -> None:
    chat = Chat()
    (alice,) = chat.join()
    chat.intake.receive(alice, b"too early\n")
    chat.intake.connect(2, 12, "peer:2")
    chat.intake.receive(alice, b"in time\n")
    chat.turn()
    assert chat.seen[1] == "guest-1: too early\n*** guest-2 joined\nguest-1: in time\n"
    assert chat.seen[2].split("\n", 1)[1] == "guest-1: in time\n"


def test_whoever_goes_to_another_room_hears_the_old_one_to_the_end() -> None:
    chat = Chat()
    alice, bob = chat.join(2)
    chat.intake.receive(alice, b"one\n")
    chat.intake.receive(bob, b"/join kitchen\n")
    chat.intake.receive(alice, b"two\n")
    chat.turn()
    assert chat.seen[2] == "guest-1: one\n*** you are in kitchen with 0 others\n"
    assert chat.seen[1] == "guest-1: one\n*** guest-2 went to kitchen\nguest-1: two\n"


# -- coming and going


def test_coming_and_going_are_events_and_leave_nothing_behind() -> None:
    chat = Chat()
    session = chat.intake.connect(1, 7, "127.0.0.1:5")
    effects = chat.turn()
    assert effects[0] == events.Connected(0.0, 1, 7, "guest-1", "127.0.0.1:5")
    assert kinds(effects) == [events.Connected, Tell, Enter]
    chat.hub.leave(session, "left", "bye")
    assert chat.turn() == [Leave(1, "lobby"), CloseConnection(1, "left", b"*** bye\n")]
    hub = chat.hub
    assert (hub.sessions, hub.lobby.members) == ({}, {})
    assert hub.nicks.find("guest-1") is None


def test_a_connection_that_is_lost_twice_leaves_once() -> None:
    chat = Chat()
    alice, bob = chat.join(2)
    chat.hub.disconnect(alice, "peer reset")
    chat.hub.disconnect(alice, "peer reset")
    chat.turn()
    assert chat.seen[bob.id] == "*** guest-1 left (peer reset)\n"


def test_the_last_line_needs_no_newline_and_may_be_quit() -> None:
    chat = Chat()
    alice, bob, carol = chat.join(3)
    chat.intake.receive(alice, b"hello")
    chat.intake.end(alice)
    chat.intake.receive(bob, b"quit")
    chat.intake.end(bob)
    chat.turn()
    assert chat.seen[carol.id] == "guest-1: hello\n*** guest-1 left\n*** guest-2 left\n"
    assert chat.seen[bob.id].endswith("*** bye\n")


def test_a_large_room_is_not_told_who_comes_and_goes_but_the_renamed_one_is() -> None:
    chat = Chat(announce_up_to=2)
    first, *_, last = chat.join(4)
    chat.hub.leave(last, "left")
    chat.says(first, b"/nick ada\n")
    assert chat.seen[1] == "*** guest-1 is now ada\n"
    assert chat.seen[2] == ""


def test_a_small_room_is_told_no_more_than_its_rate_of_comings_and_goings() -> None:
    chat = Chat(announce_rate=10.0)
    (listener,) = chat.join()
    for n in range(100, 200):
        chat.hub.disconnect(chat.intake.connect(n, n, "peer"), "left")
    chat.turn()
    assert chat.seen[listener.id].count("joined") + chat.seen[listener.id].count("left") < 30
    chat.seen[listener.id] = ""
    chat.hub.now += 10.0
    chat.intake.connect(300, 300, "peer")
    chat.turn()
    assert chat.seen[listener.id] == "*** guest-300 joined\n"


def test_no_more_rooms_are_made_than_allowed_and_empty_ones_go() -> None:
    chat = Chat(rooms=3)
    sessions = chat.join(4)
    for n, session in enumerate(sessions):
        chat.says(session, b"/join room-%d\n" % n)
    assert chat.seen[4].endswith("*** error: there are 3 rooms already; /rooms lists them\n")
    chat.says(sessions[0], b"/join lobby\n")
    assert sorted(chat.hub.rooms) == ["lobby", "room-1"]


# -- names


def test_a_name_is_free_again_when_its_owner_changes_it_or_leaves() -> None:
    chat = Chat()
    alice, bob, carol = chat.join(3)
    chat.hub.rename(alice, "ada")
    with pytest.raises(InvalidName, match="'ADA' is taken, or looks like 'ada'"):
        chat.hub.rename(bob, "ADA")
    chat.hub.rename(alice, "eve")
    chat.hub.rename(bob, "ADA")
    chat.hub.leave(alice, "left")
    chat.hub.rename(carol, "Eve")
    assert chat.hub.nicks.find("eve") is carol
    assert chat.hub.nicks.find("ada") is bob
    assert chat.hub.nicks.find("guest-1") is None


def test_one_may_write_the_own_name_differently() -> None:
    chat = Chat()
    (alice,) = chat.join()
    chat.hub.rename(alice, "ada")
    chat.hub.rename(alice, "Ada")
    assert chat.hub.nicks.find("ADA") is alice


# -- the admin, and bad input


def test_a_mute_ends_at_its_time_or_never() -> None:
    chat = Chat()
    (alice,) = chat.join()
    chat.hub.mute(alice, 0.0)
    assert alice.muted_until == inf
    chat.hub.mute(alice, 10.0)
    chat.hub.now += 9.9
    chat.says(alice, b"too early\n")
    chat.hub.now += 0.2
    chat.says(alice, b"in time\n")
    assert "too early" not in chat.seen[1]
    assert chat.seen[1].endswith("guest-1: in time\n")


def test_who_is_muted_for_ever_already_is_not_told_again() -> None:
    chat = Chat()
    (alice,) = chat.join()
    assert chat.hub.mute(alice, 0.0)
    chat.turn()
    chat.seen = {1: ""}
    assert not chat.hub.mute(alice, 0.0)
    chat.turn()
    assert chat.seen == {1: ""}


def test_a_broadcast_reaches_every_room_once_and_is_cleaned() -> None:
    chat = Chat()
    alice, bob = chat.join(2)
    chat.says(bob, b"/join kitchen\n")
    chat.seen = {1: "", 2: ""}
    assert chat.hub.broadcast("tea\n\x1b[2Jnow") == 2
    effects = chat.turn()
    assert kinds(effects) == [Deliver, Deliver]
    assert chat.seen == {alice.id: "*** [admin] teanow\n", bob.id: "*** [admin] teanow\n"}


def test_what_is_private_is_an_event_without_its_text() -> None:
    chat = Chat()
    alice, _ = chat.join(2)
    effects = chat.says(alice, b"/msg guest-2 secret\n")
    (whispered,) = [effect for effect in effects if isinstance(effect, events.Whispered)]
    assert (whispered.nick, whispered.to_nick) == ("guest-1", "guest-2")
    assert "secret" not in repr([e for e in effects if isinstance(e, events.Event)])


def test_what_is_private_for_another_node_names_it_and_who_is_meant_there() -> None:
    chat = Chat()
    alice, _ = chat.join(2)
    abroad.whisper(chat.hub, alice, Person(Sender(4, "eve", node="b")), "secret")
    (whispered,) = [effect for effect in chat.turn() if isinstance(effect, events.Whispered)]
    assert (whispered.to_node, whispered.to_id, whispered.to_nick) == ("b", 4, "eve")


def test_bad_input_is_reported_at_each_doubling_and_telnet_is_answered() -> None:
    chat = Chat()
    (alice,) = chat.join()
    effects = chat.says(alice, b"\xff\xfd\x06")
    assert Answer(1, b"\xff\xfb\x06") in effects
    for _ in range(100):
        effects += chat.says(alice, b"\x07x\n")
    counts = [effect.count for effect in effects if isinstance(effect, events.BadInput)
              and effect.kind == "control characters"]
    assert counts == [1, 2, 4, 8, 16, 32, 64]
