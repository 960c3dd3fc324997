"""What another node tells is made safe when it is opened; what no node says means nothing."""

from __future__ import annotations

from math import inf, nan
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from chatops.api import commands
from chatops.chat.dialect import PLAIN
from chatops.chat.effects import Kill, Wallops
from chatops.chat.elsewhere import Person
from chatops.chat.groups import Group, Kind, Sender
from chatops.chat.irc.capabilities import Form
from chatops.chat.irc.message import BODY
from chatops.chat.irc.tongue import LEAST, Tongue
from chatops.chat.moderation import MaskEntry
from chatops.chat.room_state import RoomState
from chatops.cluster.frames import (
    LARGEST,
    VERSION,
    BadFrame,
    Changed,
    Codec,
    Heard,
    Here,
    Item,
    NodeFrame,
    Order,
    OrderDone,
    RoomsStand,
    Roster,
    Whisper,
    pack,
    packed,
)
from chatops.cluster.items import WRONG, items_of, unpack
from chatops.server.orders import Rulings
from chatops.server.rulings import Ruling

BOB = Sender(1, "bob", "b", "host")
HOSTILE = "\x1b[2J\u202ehi"


def opened(item: Item) -> Any:
    return unpack(Raw(pack(item)))


def heard(text: bytes, kind: Kind = "talk", **fields: Any) -> Group:
    [group] = opened(Heard("lobby", [Group(BOB, kind, text, **fields)])).groups
    assert isinstance(group, Group)
    return group


def means_nothing(item: Item) -> bool:
    try:
        opened(item)
    except BadFrame:
        return True
    return False


# -- what is said

@pytest.mark.parametrize("kind", ["talk", "action", "notice", "topic", "part", "ctcp"])
def test_what_is_said_elsewhere_can_hurt_no_terminal(kind: Kind) -> None:
    assert heard(HOSTILE.encode(), kind).text == b"hi"
    assert heard(b"x", kind, plain=HOSTILE.encode()).plain == b"hi"


@pytest.mark.parametrize(("kind", "text"), [
    ("talk", "h\u00e9llo\nyou".encode()), ("talk", "\U0001f44d\U0001f3fd".encode()),
    ("action", "w\u00e4ves".encode()), ("ctcp", b"\x01VERSION\x01"), ("notice", b"\x01PING 1\x01"),
    ("notice", b"\x02bold\x02 \x0304,05red"), ("topic", b"a \x1dtopic"), ("nick", b"ada"),
    ("host", b"u@host"), ("tag", b"")])
def test_what_clients_may_say_stays_as_it_is(kind: Kind, text: bytes) -> None:
    group = Group(BOB, kind, text, 1 + text.count(b"\n"), tags=b"+typing=active")
    assert opened(Heard("lobby", [group])).groups == [group]


@pytest.mark.parametrize("kind", ["talk", "action", "notice", "topic", "quit"])
def test_text_that_is_no_utf_8_means_nothing(kind: Kind) -> None:
    assert means_nothing(Heard("lobby", [Group(BOB, kind, b"\xff\xfe")]))
    assert means_nothing(Changed(("lobby",), Group(BOB, kind, b"\xff\xfe")))
    assert means_nothing(Whisper("a", 3, Group(BOB, kind, b"\xff\xfe")))


@given(st.text(), st.sampled_from(["talk", "action", "notice", "topic", "kick", "setname"]),
       st.integers(-5, 5))
def test_whatever_is_said_is_lines_that_can_be_shown(text: str, kind: Kind, lines: int) -> None:
    group = heard(text.encode("utf-8", "replace"), kind, lines=lines)
    for dialect in (PLAIN, Tongue("here", "x").speaking(Form(0))):
        rendered = dialect.render("lobby", [group])
        assert rendered.lines == rendered.chunk.count(b"\n")
        assert all(char >= " " or char in "\r\n\x01\x02\x03\x04\x0f\x11\x16\x1d\x1e\x1f"
                   for char in rendered.chunk.decode())
    assert group.lines == 1 + group.text.count(b"\n")
    assert kind == "talk" or b"\n" not in group.text


@pytest.mark.parametrize("sender", [
    Sender(1, "x" * 129), Sender(1, "a b"), Sender(1, "\x1b[2J"), Sender(1, "a!b@c"),
    Sender(1, "bob", "u s"), Sender(1, "bob", "u", "h\nx"), Sender(1, "bob", "u", "h", "a b"),
    Sender(1, "bob", "u@v"), Sender(1, "\u00e9" * 65), Sender(1, ":x"), Sender(1, "b", "x" * 300)])
def test_nobody_is_called_what_nobody_may_be_called(sender: Sender) -> None:
    group = Group(sender, "talk", b"hi")
    for item in (Heard("lobby", [group]), Whisper("a", 3, group), Changed(("lobby",), group),
                 Here(Person(sender)), Roster([Person(BOB), Person(sender)]),
                 Order("", "", 0, Wallops(sender, "hi"))):
        assert means_nothing(item)


def test_hosts_and_nicks_that_there_are_may_be() -> None:
    for sender in (Sender(1, "guest-b1", "~u", "::1"), Sender(1, "z\u00fcrich^"), Sender(0, ""),
                   Sender(1, "[a]\\|`", "u", "a/b.c", "acc")):
        assert opened(Heard("lobby", [Group(sender, "talk", b"hi")])).groups[0].sender == sender


@pytest.mark.parametrize("item", [
    Heard("\x1b", []), Heard("LOBBY", []), Heard("x" * 33, []), Heard("lobby", [], "\x1b"),
    Changed(("lobby", "lobby"), Group(BOB, "quit")), Changed(("a b",), Group(BOB, "quit")),
    Changed(tuple([f"r{n}" for n in range(300)]), Group(BOB, "quit")),
    Here(Person(BOB, tuple([f"r{n}" for n in range(300)]))), Here(Person(BOB, ("a", "a"))),
    Here(Person(BOB, ("a",), ranks=(("b", "@"),))), Here(Person(BOB, away="x" * 5000)),
    Heard("lobby", [Group(BOB, "topic", b"\n" * 250_000)]),
    Heard("lobby", [Group(BOB, "talk", b"\n" * 250_000, 250_001)]),
    Heard("lobby", [Group(BOB, "talk", b"hi", at=nan)]),
    Changed(("lobby",), Group(BOB, "nick", b"a b")),
    Roster([Person(BOB)] * 5000)])
def test_what_is_no_room_or_too_much_means_nothing(item: Item) -> None:
    assert means_nothing(item)


def test_of_a_line_of_talk_nothing_is_made_anew() -> None:
    """It is most of what nodes tell, and each has its microseconds."""
    group = Group(BOB, "talk", b"hello\nyou", 2, 5.0)
    again = opened(Heard("lobby", [group]))
    assert again == Heard("lobby", [group])


# -- orders and rooms

@pytest.mark.parametrize("seconds", [nan, inf, -1.0, 1e300])
def test_nobody_is_muted_for_a_time_that_is_none(seconds: float) -> None:
    assert means_nothing(Order("a", "", 0, commands.Mute(("plain",), seconds)))
    assert not means_nothing(Order("a", "", 0, commands.Mute(("plain",), 60.0)))


@pytest.mark.parametrize("ruling", [
    Ruling("10.9.9.9", 5.0, inf), Ruling("10.9.9.9", nan), Ruling("10.9.9.9", 5.0, 1e300),
    Ruling("not a net", 5.0), Ruling("[red]", 5.0, lifted=True)])
def test_a_ruling_that_cannot_be_held_to_is_left_out(ruling: Ruling) -> None:
    good = Ruling("10.0.0.0/8", 5.0, 9.0, "why")
    assert opened(Order("", "", 0, Rulings((good, ruling)))).what == Rulings((good,))
    assert means_nothing(Order("", "", 0, Rulings((ruling,))))


def test_words_of_admins_and_operators_are_safe() -> None:
    assert opened(Order("", "", 0, Kill(3, BOB, HOSTILE))).what == Kill(3, BOB, "hi")
    assert opened(Order("", "", 0, Wallops(BOB, HOSTILE))).what == Wallops(BOB, "hi")
    assert opened(OrderDone("a", "x", 1, True, HOSTILE)).text == "hi"
    ruling = Ruling("10.9.9.9", 5.0, 0.0, HOSTILE)
    assert opened(Order("", "", 0, Rulings((ruling,)))).what.rulings[0].reason == "hi"


def state(**fields: Any) -> RoomState:
    return msgspec.structs.replace(
        RoomState("lobby", 1.0, "b#1", "", "bob", 2.0, 3.0, "nt", "", 0, {}), **fields)


def test_of_how_a_room_stands_nothing_is_taken_that_is_no_mode() -> None:
    good = state(topic="\x02tea\x02", key="sesame",
                 lists={"b": [MaskEntry("~m:*!*@x", "bob!b@host", 1.0)]})
    assert opened(RoomsStand([good])).states == [good]
    assert opened(RoomsStand([state(topic=HOSTILE)])).states == [state(topic="hi")]
    for bad in (state(room="a b"), state(key="a b"), state(topic_at=inf), state(topic_by="\x1b[2J"),
                state(op_accounts=("ada", "bob"), op_since=(1.0,)), state(op_since=(1.0,)),
                state(lists={"b": [MaskEntry(f"*{n}", "x", 1.0) for n in range(900)]})):
        assert means_nothing(RoomsStand([bad]))


# -- frames

def frame(*items: Item | Raw) -> NodeFrame:
    return NodeFrame(VERSION, "b", "x", 1, 0.0, 0.0, [
        item if isinstance(item, Raw) else Raw(pack(item)) for item in items])


def test_of_items_that_mean_nothing_not_all_are_looked_at() -> None:
    nothing = Raw(msgspec.msgpack.encode(None))
    found, bad = items_of(frame(Here(Person(BOB)), nothing, Here(Person(BOB))))
    assert len(found) == 2
    assert bad is not None
    found, bad = items_of(frame(*[nothing] * WRONG, Here(Person(BOB))))
    assert found == []


def test_why_an_item_means_nothing_is_said_in_words_that_hurt_no_terminal() -> None:
    with pytest.raises(BadFrame) as caught:
        unpack(Raw(msgspec.msgpack.encode([f"{HOSTILE}", 1])))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(("node", "boot"), [
    ("", "x"), ("\x1b[2J", "x"), ("n" * 17, "x"), ("A", "x"), ("9a", "x"), ("b", "\x1b"),
    ("b", "x" * 100)])
def test_a_node_is_called_what_a_node_may_be_called(node: str, boot: str) -> None:
    for version in (VERSION, VERSION + 1, VERSION - 1):
        data = msgspec.msgpack.encode([version, node, boot, 1, 0.0, 0.0, []])
        with pytest.raises(BadFrame) as caught:
            Codec("a", "boot").open(data)
        assert str(caught.value).isprintable()


@pytest.mark.parametrize("at", [nan, inf, -inf, 1e300])
def test_a_frame_was_written_at_some_time(at: float) -> None:
    for times in ((at, 0.0, 0.0), (0.0, at, 0.0), (0.0, 0.0, at)):
        data = msgspec.msgpack.encode([VERSION, "b", "x", 1, times[0], times[1], [], times[2]])
        with pytest.raises(BadFrame):
            Codec("a", "boot").open(data)


def test_a_frame_of_a_million_items_is_not_taken_apart() -> None:
    items = b"\xdd" + (900_000).to_bytes(4, "big") + b"\xc0" * 900_000
    data = msgspec.msgpack.encode([VERSION, "b", "x", 1, 0.0, 0.0, Raw(items)])
    with pytest.raises(BadFrame, match="length"):
        Codec("a", "boot").open(data)


def test_what_a_room_hears_in_a_turn_is_told_in_items_that_fit_into_frames() -> None:
    groups = [Group(BOB, "talk", b"x" * 4000, number=n) for n in range(300)]
    parts = packed(Heard("lobby", groups, "kept"))
    assert all(len(part) <= LARGEST for part in parts)
    items = [unpack(Raw(part)) for part in parts]
    assert [group for item in items if isinstance(item, Heard) for group in item.groups] == groups
    assert {(item.room, item.kept_as) for item in items if isinstance(item, Heard)} == {
        ("lobby", "kept")}


# -- lines of IRC

@pytest.mark.parametrize("form", [Form(0), Form.TIME | Form.TAGS])
@pytest.mark.parametrize("kind", ["talk", "action", "notice", "server"])
@pytest.mark.parametrize("size", [100, 250, 600, 100_000])
def test_however_long_the_names_before_it_a_text_is_no_more_lines_than_it_fills(
        kind: Kind, size: int, form: Form) -> None:
    dialect = Tongue("chatops.local", "x").speaking(form)
    name, text = "n" * size, b"hello there " * 400
    sender = Sender(1, name, name, name, name)
    chunk = dialect.private(BOB, Group(sender, kind, text, target=name))
    assert chunk.count(b"\n") <= 2 * len(text) // LEAST
    lines = [line.partition(b" ")[2] if line[:1] == b"@" else line for line in chunk.split(b"\r\n")]
    assert max(map(len, lines)) <= BODY


def test_who_has_a_long_name_is_heard_without_its_user_and_host() -> None:
    nick = "n" * 128
    chunk = Tongue("chatops.local", "x").speaking(Form(0)).private(
        BOB, Group(Sender(1, nick, nick, "h" * 200), "talk", b"hello", target="m" * 128))
    assert chunk == f":{nick} PRIVMSG {'m' * 128} :hello\r\n".encode()
    assert len(chunk) <= BODY + 2
