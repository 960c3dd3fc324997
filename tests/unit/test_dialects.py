"""Several dialects in one chat: each is rendered once, and each hears what it must."""

from __future__ import annotations

from itertools import combinations
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatops.api import events
from chatops.chat.dialect import PLAIN, without, without_each
from chatops.chat.effects import Tell
from chatops.chat.groups import ADMIN, SERVER, Group, Kind, Sender
from chatops.chat.hub import Hub
from chatops.chat.intake import Intake
from chatops.chat.session import Session
from chatops.server.backpressure import Backpressure
from chatops.server.effects import EffectRunner
from chatops.server.state import ServerState
from tests.unit.tracking import Tracking, TrackingDoor
from tests.unit.wire import Net, Wire


class Chat:
    """A hub with two doors, and connections on wires that get what it decides."""

    def __init__(self) -> None:
        self.net = Net(limit=1 << 20)
        self.hub = Hub()
        self.doors = {"plain": Intake(self.hub), "tracking": TrackingDoor(self.hub)}
        self.connections: dict[int, Any] = {}
        self.wires: dict[int, Wire] = {}
        self.selector = SimpleNamespace(watched=False)
        self.history = None
        self.others: Any = None
        self.context = self.net.context
        self.bus = SimpleNamespace(publish=lambda event: None)
        self.named = lambda _id, _nick: None
        state = cast(ServerState, self)
        self.delivery = EffectRunner(state, lambda: None, Backpressure(state))

    def say(self, _event: events.Event) -> None:
        pass

    def mishap(self, _name: str, _fd: int, error: Exception, _culprit: Any) -> None:
        raise error

    def come(self, door: str, *rooms: str) -> Session:
        connection, wire = self.net.connect()
        session = self.doors[door].connect(connection.client_id, 7, "peer")
        self.connections[session.id], self.wires[session.id] = connection, wire
        for name in rooms:
            self.hub.enter(session, self.hub.rooms.open(name))
        return session

    def heard(self, *sessions: Session) -> list[list[str]]:
        """What each has got since this was last asked, at the end of a turn."""
        self.delivery.flush()
        lines = []
        for session in sessions:
            wire = self.wires[session.id]
            lines.append(wire.out.decode().splitlines())
            wire.out = b""
        return lines

    def settle(self) -> None:
        self.heard(*self.hub.sessions.values())


def test_each_dialect_is_rendered_once_for_all_who_speak_it() -> None:
    chat = Chat()
    ada, *others = [chat.come("tracking", "lobby") for _ in range(3)]
    talker, bob = chat.come("plain"), chat.come("plain")
    chat.settle()
    tracking = ada.dialect
    assert isinstance(tracking, Tracking)
    before = tracking.rendered
    chat.doors["plain"].receive(talker, b"one\ntwo\n")
    one, two, *rest = chat.heard(bob, ada, *others)
    assert one == [f"{talker.nick}: one", f"{talker.nick}: two"]
    assert two == [f"talk {talker.nick} lobby one", f"talk {talker.nick} lobby two"]
    assert rest == [two, two]
    assert tracking.rendered - before == 1


def test_who_is_in_two_rooms_hears_both_and_its_counts_stay_exact() -> None:
    chat = Chat()
    ada = chat.come("tracking", "tea", "zoo")
    one, other = chat.come("tracking", "tea"), chat.come("tracking", "zoo")
    chat.hub.talk(one, b"in tea")
    chat.hub.talk(other, b"in zoo\nagain", 2)
    connection, wire = chat.connections[ada.id], chat.wires[ada.id]
    chat.delivery.flush()
    assert b"in tea" in wire.out
    assert b"in zoo" in wire.out
    assert connection.bytes_out == len(wire.out)
    assert connection.lines_out == wire.out.count(b"\n")
    chat.hub.part(ada, chat.hub.rooms.open("zoo"))
    chat.hub.talk(other, b"alone")
    chat.hub.talk(one, b"still")
    chat.delivery.flush()
    assert b"alone" not in wire.out
    assert b"still" in wire.out
    assert (connection.bytes_out, connection.lines_out) == (len(wire.out), wire.out.count(b"\n"))
    assert ada.where == "tea"


def test_a_line_client_that_joins_a_room_moves_there() -> None:
    chat = Chat()
    bob = chat.come("plain")
    chat.doors["plain"].receive(bob, b"/join tea\n")
    assert (list(bob.rooms), bob.where) == (["tea"], "tea")


def test_without_echo_one_hears_the_others_between_its_own_lines_and_nothing_else() -> None:
    chat = Chat()
    mute, other = chat.come("tracking", "tea"), chat.come("tracking", "tea")
    chat.hub.speak(mute, mute.dialect, echo=False)
    chat.settle()
    for speaker, text in ((other, b"1"), (mute, b"2\n3"), (other, b"4"), (mute, b"5")):
        chat.hub.talk(speaker, text, text.count(b"\n") + 1)
    everything, rest = chat.heard(other, mute)
    assert [line[-1] for line in everything] == ["1", "2", "3", "4", "5"]
    assert [line[-1] for line in rest] == ["1", "4"]
    connection, wire = chat.connections[mute.id], chat.wires[mute.id]
    before = connection.bytes_out, connection.lines_out
    chat.hub.talk(mute, b"6")
    assert chat.heard(mute) == [[]]
    assert (connection.bytes_out, connection.lines_out) == before
    chat.hub.talk(other, b"7")
    chat.delivery.flush()
    assert connection.bytes_out - before[0] == len(wire.out)


def test_what_is_left_without_ones_own_does_not_lack_what_one_caused() -> None:
    ada, bob = Sender(1, "ada"), Sender(2, "bob")
    groups = [Group(ada, "talk", b"x"), Group(ada, "nick", b"eve"), Group(bob, "action", b"waves"),
              Group(Sender(1, "far", node="b"), "talk", b"hello")]
    left, lines = without(PLAIN.render("tea", groups), groups, 1)
    assert left == b"*** ada is now eve\n* bob waves\nfar: hello\n"
    assert lines == 3


@pytest.mark.parametrize("away", ["rename", "disconnect"])
def test_peers_hear_of_one_in_three_rooms_once_whichever_of_them_they_share(away: str) -> None:
    chat = Chat()
    rooms = ("one", "two", "three")
    ada = chat.come("tracking", *rooms)
    shared = [subset for count in (1, 2, 3) for subset in combinations(rooms, count)]
    peers = [chat.come("tracking", *subset) for subset in shared]
    stranger = chat.come("tracking", "elsewhere")
    chat.come("tracking", "three")                     # one of the rooms is the largest
    chat.settle()
    if away == "rename":
        chat.hub.rename(ada, "eve")
        assert [len(lines) for lines in chat.heard(ada)] == [1]
    else:
        chat.hub.disconnect(ada, "peer reset")
    assert [len(lines) for lines in chat.heard(*peers)] == [1] * len(peers)
    assert chat.heard(stranger) == [[]]


def test_line_clients_hear_of_one_in_several_rooms_in_theirs() -> None:
    chat = Chat()
    ada = chat.come("tracking", "lobby", "tea")
    bob, carol = chat.come("plain"), chat.come("plain")
    chat.doors["plain"].receive(carol, b"/join tea\n")
    chat.settle()
    chat.hub.rename(ada, "eve")
    assert chat.heard(bob, carol) == [["*** guest-1 is now eve"], ["*** guest-1 is now eve"]]


def test_who_follows_hears_of_each_who_comes_where_line_clients_are_spared_it() -> None:
    chat = Chat()
    chat.hub.limits.announce_up_to = 1
    bob, ada = chat.come("plain"), chat.come("tracking", "lobby")
    chat.settle()
    newcomer = chat.come("plain")
    chat.hub.disconnect(newcomer, "left")
    assert chat.heard(bob, ada) == [
        [], [f"join {newcomer.nick} lobby", f"quit {newcomer.nick} lobby"]]


def test_in_a_loud_room_of_line_clients_nothing_is_gathered_for_nobody() -> None:
    chat = Chat()
    chat.hub.limits.announce_up_to = 1
    chat.come("plain"), chat.come("plain")
    chat.settle()
    chat.come("plain")
    assert not chat.hub.lobby.pending


def test_each_gets_the_admins_words_once_in_its_own_tongue() -> None:
    chat = Chat()
    bob = chat.come("plain")
    ada, nowhere = chat.come("tracking", "one", "two"), chat.come("tracking")
    chat.settle()
    assert chat.hub.broadcast("tea") == 3
    assert chat.heard(bob, ada, nowhere) == [
        ["*** [admin] tea"], [f"broadcast admin {ada.nick} tea"],
        [f"broadcast admin {nowhere.nick} tea"]]


def test_errors_notices_and_private_words_are_in_the_tongue_of_who_gets_them() -> None:
    chat = Chat()
    bob, ada = chat.come("plain"), chat.come("tracking")
    chat.settle()
    chat.hub.whisper(bob, ada, "psst")
    chat.hub.whisper(ada, bob, "yes?")
    chat.hub.error(ada, "no")
    chat.hub.notice(bob, "so", "it is")
    assert chat.heard(bob, ada) == [
        [f"[you -> {ada.nick}] psst", f"[{ada.nick} -> you] yes?", "*** so", "*** it is"],
        [f"talk {bob.nick} {ada.nick} psst", "error no"]]


def test_what_one_is_told_comes_after_what_all_its_rooms_were_told_before() -> None:
    chat = Chat()
    ada, other = chat.come("tracking", "tea", "zoo"), chat.come("tracking", "tea", "zoo")
    chat.settle()
    for room in ("tea", "zoo"):
        chat.hub.talk(other, b"first", room=chat.hub.rooms.open(room))
    chat.hub.notice(ada, "then")
    assert chat.heard(ada)[0][-1] == "notice then"


def test_another_dialect_is_spoken_from_where_it_was_chosen() -> None:
    chat = Chat()
    ada, other = chat.come("tracking", "tea"), chat.come("tracking", "tea")
    chat.settle()
    chat.hub.talk(other, b"before")
    chat.hub.speak(ada, PLAIN)
    chat.hub.talk(other, b"after")
    assert chat.heard(ada) == [[f"talk {other.nick} tea before", f"{other.nick}: after"]]
    assert chat.hub.rooms.open("tea").followers == 1
    chat.hub.disconnect(other, "left")
    assert chat.hub.rooms.open("tea").followers == 0


def test_a_turn_can_be_sent_to_another_node_and_heard_there() -> None:
    here, there = Chat(), Chat()
    ada, bob = here.come("tracking", "lobby"), there.come("plain")
    there.settle()
    here.hub.rename(ada, "ada")
    here.hub.talk(ada, b"one\ntwo", 2)
    groups = [*here.hub.lobby.pending]
    sent = msgspec.msgpack.decode(msgspec.msgpack.encode(groups), type=list[Group])
    assert sent == groups
    there.hub.hear("lobby", sent)
    there.hub.hear("nobody is there", sent)
    assert there.heard(bob)[0][-2:] == ["ada: one", "ada: two"]
    assert list(there.hub.rooms) == ["lobby"]


def test_lines_are_numbered_through_and_none_twice() -> None:
    chat = Chat()
    ada = chat.come("tracking", "lobby")
    chat.hub.talk(ada, b"a\nb", 2)
    chat.hub.act(ada, "waves")
    chat.hub.talk(ada, b"c")
    numbers = [number for group in chat.hub.lobby.pending
               for number in range(group.number, group.number + group.lines)]
    assert len(set(numbers)) == len(numbers) == 4
    assert numbers == sorted(numbers)


@pytest.mark.parametrize(("group", "words"), [
    (Group(ADMIN, "broadcast", b"tea"), "*** [admin] tea\n"),
    (Group(SERVER, "server", b"so"), "*** so\n"),
    (Group(Sender(1, "ada"), "notice", b"ping"), "-ada- ping\n"),
    (Group(Sender(1, "ada"), "kick", b"loud", target="bob"),
     "*** bob was kicked by ada: loud\n"),
    (Group(Sender(1, "ada"), "topic", b"tea"), "*** ada set the topic: tea\n"),
    (Group(Sender(1, "ada"), "talk", b"\x02tea", plain=b"tea"), "ada: tea\n"),
    (Group(Sender(1, "ada"), "away", b"out"), ""),
    (Group(Sender(1, "ada"), "tag", b""), ""),
])
def test_plain_clients_read_every_kind_or_nothing_of_it(group: Group, words: str) -> None:
    rendered = PLAIN.render("tea", [group])
    assert rendered.chunk == words.encode()
    assert rendered.lines == words.count("\n")


def test_nothing_is_told_where_a_dialect_has_no_words_for_it() -> None:
    chat = Chat()
    ada = chat.come("tracking")
    chat.hub.effects.clear()
    chat.hub.tell(ada, b"")
    assert not any(isinstance(effect, Tell) for effect in chat.hub.effects)


@given(st.lists(st.tuples(st.integers(1, 4), st.sampled_from(["talk", "join", "action"]),
                          st.integers(1, 3)), max_size=12))
def test_each_speaker_is_left_with_what_the_others_said(
        said: list[tuple[int, Kind, int]]) -> None:
    groups = [Group(Sender(who, f"u{who}"), kind, b"\n".join([b"x%d" % n] * lines), lines)
              for n, (who, kind, lines) in enumerate(said)
              if kind == "talk" or lines == 1]
    left = without_each(PLAIN.render("tea", groups), groups, (1, 2, 5))
    for speaker in (1, 2, 5):
        others = [group for group in groups if group.sender.id != speaker or group.kind == "join"]
        expected = PLAIN.render("tea", others)
        assert left[speaker] == (expected.chunk, expected.lines)
