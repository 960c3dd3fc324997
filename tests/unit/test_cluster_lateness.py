"""How old is what another node has said: by how long it waited and lay in the log."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec import Raw
from msgspec.structs import replace

from chatops.api.events import Warned
from chatops.chat import abroad
from chatops.chat.dialect import PLAIN
from chatops.chat.effects import Deliver
from chatops.chat.elsewhere import Person
from chatops.chat.groups import Group, Kind, Sender, dated
from chatops.chat.hub import Hub
from chatops.chat.intake import Intake
from chatops.chat.irc.capabilities import Form
from chatops.chat.irc.tongue import Tongue
from chatops.cluster.catching_up import MORE, CatchingUp
from chatops.cluster.frame_queue import SEALED, FrameQueue
from chatops.cluster.frames import VERSION, Codec, Heard, Here, NodeFrame, Whisper, pack
from chatops.cluster.lateness import Lag
from chatops.cluster.numbers import Numbers
from chatops.cluster.orders import Orders
from chatops.cluster.pace import Pace
from chatops.cluster.reading import Reader
from chatops.storage.chat_history import Chunk, Cursor

MOST = Pace().late
BOB = Sender(1, "bob")
TIME = re.compile(r"\[\d\d:\d\d\] ")


class Archive:
    fault = ""

    def __init__(self) -> None:
        self.past: list[Chunk] = []

    def unheard(self, chunk: Chunk) -> None:
        self.past.append(chunk)

    def archived(self, cursor: Cursor) -> None:
        """Of no interest here."""


class Node:
    """Node a, on which ada is in the lobby, and which reads what bob says on node b."""

    def __init__(self, archive: Archive | None = None) -> None:
        self.hub = Hub()
        abroad.begin(self.hub, "a")
        self.said: list[Any] = []
        self.later: list[Any] = []
        Intake(self.hub).connect(1, 7, "peer")
        self.hub.at = 1000.0
        state = self.state = cast(Any, SimpleNamespace(
            hub=self.hub, say=self.said.append, wall=lambda: self.hub.at,
            reactor=SimpleNamespace(now=0.0, call_later=lambda _, call: self.later.append(call))))
        self.past = CatchingUp(state, "a", archive, None)
        orders = Orders(self.said.append, dict, state.reactor.call_later, 1.0)
        self.reader = Reader(state, Codec("a", "boot"), Pace(), orders, self.said.append,
                             lambda: None, self.past)
        self._numbers = Numbers()
        self._read = 0
        self.reads(Here(Person(BOB, ("lobby",), guest=False)))
        self.past.over()

    def reads(self, *items: Any, lag: float = 0.0) -> None:
        self._read += 1
        frame = NodeFrame(VERSION, "b", "x", self._read, 1000.0, 0.0,
                          [Raw(pack(item)) for item in items])
        self.reader.take(frame, self._numbers.see("b", "x", self._read), lag)

    def hears(self, *groups: Group, lag: float = 0.0) -> list[Group]:
        """What the lobby does of what bob says."""
        self.reads(Heard("lobby", list(groups)), lag=lag)
        self.hub.flush()
        effects, self.hub.effects = self.hub.effects, []
        return [group for effect in effects if isinstance(effect, Deliver)
                for group in effect.groups]


def talk(text: str, ago: float = 0.0, kind: Kind = "talk") -> Group:
    """Said so many seconds before its frame was closed."""
    return Group(BOB, kind, text.encode(), at=1000.0 - ago)


@pytest.mark.parametrize(("lag", "ago", "late"), [
    (0.0, 0.0, False), (MOST - 1, 0.0, False), (MOST + 1, 0.0, True),
    (0.0, MOST + 1, True), (MOST / 2 + 1, MOST / 2, True), (MOST / 2 - 1, MOST / 2, False)])
def test_the_age_of_what_was_said_is_that_of_its_frame_and_what_it_waited_for_that_to_be_closed(
        lag: float, ago: float, late: bool) -> None:
    assert Lag(lag, 1000.0).late(talk("hello", ago), MOST) is late


def test_what_is_late_goes_to_the_history_and_what_is_not_is_heard_each_of_them_once() -> None:
    archive = Archive()
    node = Node(archive)
    heard = node.hears(talk("old", MOST), talk("new"), lag=1.0)
    assert [(group.text, group.late) for group in heard] == [(b"new", False)]
    assert [(chunk.data, chunk.at) for chunk in archive.past] == [(b"bob: old\n", 1000.0 - MOST)]


def test_where_no_history_is_kept_or_it_cannot_be_written_what_is_late_is_heard_with_its_time(
        ) -> None:
    broken = Archive()
    broken.fault = "the disk is full"
    for archive in (None, broken):
        node = Node(archive)
        heard = node.hears(talk("old", MOST), talk("new"), lag=1.0)
        assert [(group.text, group.late) for group in heard] == [(b"old", True), (b"new", False)]


def test_what_nobody_says_is_never_late() -> None:
    topic = talk("tea", MOST, kind="topic")
    assert node_hears(Archive(), topic) == [b"tea"]
    assert node_hears(None, topic) == [b"tea"]


def node_hears(archive: Archive | None, *groups: Group) -> list[bytes]:
    heard = Node(archive).hears(*groups, lag=1.0)
    assert not any(group.late for group in heard)
    return [group.text for group in heard]


def test_a_room_is_told_once_how_much_came_late_when_no_more_of_it_comes() -> None:
    node = Node(Archive())
    for _ in range(3):
        node.hears(talk("old", 60.0), lag=1.0)
        assert len(node.later) == 1
        node.later.pop()()
        assert not node.hub.dirty              # for more may follow
    while node.later:
        node.later.pop()()
    node.hub.flush()
    [notice] = [group for effect in node.hub.effects if isinstance(effect, Deliver)
                for group in effect.groups]
    assert notice.text.startswith(b"3 lines of lobby, said elsewhere up to 1m ago, came only now")
    assert notice.sender.node == "a"           # or it would be told on other nodes as well
    assert len([event for event in node.said if isinstance(event, Warned)]) == 1


def test_a_room_is_told_although_more_comes_for_ever() -> None:
    node = Node(Archive())
    for _ in range(MORE):
        node.hears(talk("old", 60.0), lag=1.0)
        node.later.pop()()
    assert [event for event in node.said if isinstance(event, Warned)]


def test_what_is_whispered_late_is_told_with_its_time() -> None:
    node = Node(Archive())
    for lag, text in ((0.0, "[bob -> you] hello"), (MOST + 1, "[bob -> you] [] hello")):
        node.reads(Whisper("a", 1, talk("hello")), lag=lag)
        told = node.hub.effects.pop()
        assert TIME.sub("[] ", told.data.decode()) == f"{text}\n"      # type: ignore[union-attr]


def test_a_frame_says_how_long_it_has_waited_and_so_it_does_when_it_is_written_again() -> None:
    queue = FrameQueue(Codec("a", "boot"))

    def waited(data: bytes | None) -> float:
        assert data is not None
        return Codec("a", "boot").open(data).waited

    queue.add(b"\x01", 0.0, 0.0)
    queue.add(b"\x02", SEALED, SEALED)         # closes the one before
    assert waited(queue.next(60.0, 60.0)) == 60.0 - SEALED
    assert waited(queue.again(70.0)) == 70.0 - SEALED
    queue.acknowledge(70.0)
    assert waited(queue.next(70.0, 70.0)) == 0.0       # it was open until now


@pytest.mark.parametrize("kind", ["talk", "action", "notice"])
def test_each_line_that_is_late_has_its_time_for_all_but_those_who_are_told_it_anyway(
        kind: Kind) -> None:
    group = Group(BOB, kind, b"one\ntwo" if kind == "talk" else b"one", 2, at=1000.0, late=True)
    tongue = Tongue("chat", "t")
    for dialect in (PLAIN, tongue.speaking(Form(0)), tongue.speaking(Form.TAGS)):
        chunk = dialect.render("lobby", [group]).chunk.decode()
        assert len(TIME.findall(chunk)) == len(chunk.splitlines())
        now = dialect.render("lobby", [replace(group, late=False)]).chunk.decode()
        assert TIME.sub("", chunk) == now
    chunk = tongue.speaking(Form.TIME).render("lobby", [group]).chunk.decode()
    assert chunk.startswith("@time=1970")
    assert not TIME.search(chunk)


def test_formatting_and_words_without_it_are_both_dated() -> None:
    group = dated(Group(BOB, "talk", b"\x02hi", at=1000.0, plain=b"hi", late=True))
    assert TIME.sub("", group.text.decode()) == "\x02hi"
    assert group.plain is not None
    assert TIME.sub("", group.plain.decode()) == "hi"


def test_what_a_closed_room_missed_is_told_under_its_name_and_not_where_it_is_kept() -> None:
    archive = Archive()
    node = Node(archive)
    node.past = CatchingUp(node.state, "a", archive, None)
    node.past.unheard(Heard("lobby", [talk("hello")], "lobby 5f3a9c0d11223344"), "b", 0.0)
    node.past.over()
    node.hub.flush()
    [notice] = [group for effect in node.hub.effects if isinstance(effect, Deliver)
                for group in effect.groups]
    assert notice.text == b"1 line of lobby was said while this node was away; /history shows it"
    [warned] = [event for event in node.said if isinstance(event, Warned)]
    assert warned.text.startswith("1 line of lobby was said")
    assert [chunk.room for chunk in archive.past] == ["lobby 5f3a9c0d11223344"]
