"""Frames between nodes: each is heard once and in order, whatever the log does to them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatops.chat.elsewhere import Elsewhere, Person
from chatops.chat.groups import Group, Sender
from chatops.cluster.frames import (
    READ,
    VERSION,
    BadFrame,
    Changed,
    Codec,
    Heard,
    Item,
    OtherVersion,
    Roster,
    pack,
)
from chatops.cluster.items import unpack
from chatops.cluster.numbers import NODES, REMEMBERED, Numbers

ADA = Sender(7, "ada", node="a")


def codec(secret: bytes = b"", node: str = "a") -> Codec:
    return Codec(node, "boot", secret)


def opened(data: bytes, secret: bytes = b"") -> list[Item]:
    return [unpack(raw) for raw in codec(secret).open(data).items]


@pytest.mark.parametrize("item", [
    Heard("lobby", [Group(ADA, "talk", "hé\nho".encode(), 2, 1.5, 9)]),
    Changed(("lobby", "dev"), Group(ADA, "quit", b"bye")),
    Roster([Person(ADA, ("lobby",), "tea", "Ada L", False)], first=False),
])
def test_what_is_packed_is_what_is_unpacked(item: Item) -> None:
    assert opened(codec().seal(1, 2.0, [pack(item)])) == [item]


def test_a_frame_that_was_signed_by_nobody_we_know_is_refused() -> None:
    item = pack(Heard("lobby", []))
    signed = codec(b"secret").seal(1, 2.0, [item])
    assert opened(signed, b"secret") == [Heard("lobby", [])]
    for data, secret in ((signed, b"other"), (codec().seal(1, 2.0, [item]), b"secret"),
                         (signed[:-1] + b"\x01", b"secret"), (signed, b"")):
        with pytest.raises(BadFrame):
            codec(secret).open(data)


def test_a_node_without_a_secret_says_so_of_what_is_signed() -> None:
    signed = codec(b"secret").seal(1, 2.0, [pack(Heard("lobby", []))])
    with pytest.raises(BadFrame, match="this node has no --cluster-secret"):
        codec().open(signed)


def test_a_frame_of_another_version_is_told_from_garbage() -> None:
    newer = msgspec.msgpack.encode([VERSION + 1, "b", {"quite": "different"}])
    with pytest.raises(OtherVersion) as caught:
        codec().open(newer)
    assert caught.value.node == "b"


@given(st.binary(max_size=200))
def test_garbage_is_no_frame_and_raises_nothing_else(data: bytes) -> None:
    with pytest.raises(BadFrame):
        codec().open(data)


def test_ten_megabytes_of_garbage_are_not_even_looked_at() -> None:
    with pytest.raises(BadFrame, match="bytes are no frame"):
        codec().open(b"\x9a" * (READ + 1))


def test_an_item_that_means_nothing_is_a_bad_frame() -> None:
    with pytest.raises(BadFrame):
        unpack(msgspec.Raw(msgspec.msgpack.encode(["?", 1])))


# -- numbers


@given(st.data())
def test_each_frame_counts_once_and_what_never_came_is_counted(data: Any) -> None:
    """A log that loses and repeats: it never puts a new frame before an older new one."""
    kept = data.draw(st.sets(st.integers(1, 30), min_size=1).map(sorted))
    log = [seq for seq in kept for _ in range(data.draw(st.integers(1, 3)))]
    again = data.draw(st.lists(st.sampled_from(kept)))
    numbers = Numbers()
    told = [(seq, numbers.see("b", "boot", seq)) for seq in log + again]
    assert [seq for seq, seen in told if seen.new] == kept
    assert numbers.doubled == len(log) + len(again) - len(kept)
    assert numbers.missing == kept[-1] - kept[0] + 1 - len(kept)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), st.integers(1, 9))))
def test_whatever_the_order_no_frame_is_heard_twice_nor_before_an_older_one(
        log: list[tuple[str, str, int]]) -> None:
    numbers = Numbers()
    heard: dict[tuple[str, str], list[int]] = {}
    for node, boot, seq in log:
        if numbers.see(node, boot, seq).new:
            heard.setdefault((node, boot), []).append(seq)
    assert all(seqs == sorted(set(seqs)) for seqs in heard.values())


def test_another_boot_of_a_node_counts_anew() -> None:
    numbers = Numbers()
    assert numbers.see("b", "x", 9).first
    seen = numbers.see("b", "y", 1)
    assert (seen.new, seen.missing, seen.first) == (True, 0, True)


def test_the_boots_that_are_remembered_are_bounded_and_the_oldest_goes() -> None:
    numbers = Numbers()
    numbers.see("quiet", "x", 5)               # lives, and has said nothing since
    for boot in range(REMEMBERED + 2):
        numbers.see("b", str(boot), 5)
    assert len(numbers.last) == REMEMBERED + 2
    assert ("b", "0") not in numbers.last
    assert not numbers.see("quiet", "x", 5).new


def test_of_a_thousand_nodes_no_frame_is_heard_again() -> None:
    numbers = Numbers()
    last = {(f"n{n}", "boot"): 7 for n in range(500)}
    numbers.load(last)
    for n in range(500, 1000):
        assert numbers.see(f"n{n}", "boot", 7).first
    assert not any(numbers.see(f"n{n}", "boot", 7).new for n in range(1000))
    assert numbers.see("n0", "boot", 9).missing == 1


def test_nodes_whose_names_are_never_used_again_are_forgotten() -> None:
    numbers = Numbers()
    for n in range(NODES + REMEMBERED + 5):
        numbers.see(f"n{n}", "boot", 1)
    assert len(numbers.last) == NODES + REMEMBERED


# -- who is elsewhere


def person(id: int, nick: str, *rooms: str, node: str = "b") -> Person:  # noqa: A002
    return Person(Sender(id, nick, node=node), rooms, guest=nick.startswith("guest"))


def test_people_are_found_by_nick_by_look_and_by_room() -> None:
    there = Elsewhere("a")
    there.put(person(1, "Ada", "lobby", "dev"))
    assert there.find("aDA") is there.alike("ada") is not None
    moves = there.put(person(1, "Bob", "lobby"))
    assert there.find("ada") is None
    assert [room for _, room in moves.left] == ["dev"]
    assert [each.who.nick for each in there.inside("lobby")] == ["Bob"]
    assert list(there.inside("dev")) == []


def test_a_new_roster_of_a_node_says_who_has_come_and_gone_and_spares_other_nodes() -> None:
    there = Elsewhere("a")
    there.replace("b", [person(1, "ada", "lobby"), person(2, "bob", "lobby")])
    there.put(person(1, "eve", "lobby", node="c"))
    moves = there.replace("b", [person(2, "bob", "lobby"), person(3, "cat", "dev")])
    assert [(each.who.nick, room) for each, room in moves.entered] == [("cat", "dev")]
    assert [(each.who.nick, room) for each, room in moves.left] == [("ada", "lobby")]
    assert {each.who.nick for each in there.inside("lobby")} == {"bob", "eve"}


Step = st.tuples(st.sampled_from("bc"), st.integers(1, 3), st.sampled_from(["ann", "bee", "cid"]),
                 st.sets(st.sampled_from(["x", "y"])), st.booleans())


@given(st.lists(Step))
def test_nothing_stays_of_people_who_are_gone(steps: list[Any]) -> None:
    there = Elsewhere("a")
    for node, ident, nick, rooms, stays in steps:
        if stays:
            there.put(person(ident, nick, *rooms, node=node))
        else:
            there.take(node, ident)
        inside = {key for room in there.rooms.values() for key in room}
        assert inside <= set(there.people)
    for node in "bc":
        there.replace(node, [])
    assert not there.people
    assert not there.rooms
    assert all(there.find(nick) is None and there.alike(nick) is None
               for nick in ("ann", "bee", "cid"))


def test_who_is_on_a_node_is_found_without_looking_at_those_of_others() -> None:
    """4,000 nodes of one person each, whose leases ended together, held the loop for seconds."""
    there = Elsewhere("a")
    for n in range(500):
        there.put(person(1, f"p{n}", "lobby", node=f"n{n}"))

    class Watched(dict[Any, Any]):
        def items(self) -> Any:
            raise AssertionError("everybody was looked at")

        __iter__ = values = keys = items

    there.people = Watched(there.people)
    for n in range(500):
        assert [each.who.nick for each in there.of(f"n{n}")] == [f"p{n}"]
        there.replace(f"n{n}", ())
        assert there.of(f"n{n}") == []


def test_a_roster_is_followed_in_steps_that_say_together_what_one_would() -> None:
    some = [person(n, f"p{n}", "lobby") for n in range(250)]
    others = [person(n, f"q{n}", "dev") for n in range(200, 500)]
    once, steps = Elsewhere("a"), Elsewhere("a")
    for there in (once, steps):
        there.replace("b", some)
    moves = once.replace("b", others)
    parts = list(steps.replacing("b", others))
    assert len(parts) > 4
    assert [each for part in parts for each in part.entered] == moves.entered
    assert [each for part in parts for each in part.left] == moves.left
    assert steps.people == once.people
    assert steps.rooms == once.rooms
