"""Frames between nodes: each is heard once and in order, whatever the log does to them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatops.chat.elsewhere import Elsewhere, Person
from chatops.chat.groups import Group, Sender
from chatops.cluster.frame_queue import KEPT, KEPT_MOST, OLDEST, FrameQueue
from chatops.cluster.frames import (
    LARGEST,
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
    unpack,
)
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


# -- the outbox


class Log:
    """An engine that takes frames, and may fall silent before or after it has."""

    def __init__(self, outbox: FrameQueue) -> None:
        self.outbox = outbox
        self.frames: list[bytes] = []

    def write(self, now: float, fate: str) -> None:
        frame = self.outbox.again(now) or self.outbox.next(now, now)
        if frame is None or fate == "lost":
            return
        self.frames.append(frame)
        if fate == "kept":
            self.outbox.acknowledge(now)


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["kept", "lost", "unanswered"]))))
def test_whatever_answers_are_lost_every_item_is_heard_once_and_in_order(
        turns: list[tuple[int, str]]) -> None:
    outbox = FrameQueue(codec())
    log = Log(outbox)
    said = 0
    for now, (count, fate) in enumerate([*turns, (0, "kept"), (0, "kept"), (0, "kept")]):
        for _ in range(count):
            said += 1
            outbox.add(pack(Heard(str(said), [])), now, now)
        log.write(now, fate)
    while len(outbox):
        log.write(len(turns), "kept")
    numbers = Numbers()
    heard: list[str] = []
    for data in log.frames:
        frame = codec().open(data)
        if numbers.see(frame.node, frame.boot, frame.seq).new:
            heard += [item.room for raw in frame.items if isinstance(item := unpack(raw), Heard)]
    assert heard == [str(n) for n in range(1, said + 1)]
    assert numbers.missing == 0


class Listener:
    """A node that reads the log when it comes to it."""

    def __init__(self) -> None:
        self.numbers = Numbers()
        self.heard: list[str] = []
        self.cursor = 0

    def read(self, frames: list[bytes]) -> None:
        for data in frames[self.cursor:]:
            frame = codec().open(data)
            if self.numbers.see(frame.node, frame.boot, frame.seq).new:
                self.heard += [item.room for raw in frame.items
                               if isinstance(item := unpack(raw), Heard)]
        self.cursor = len(frames)


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(
    ["kept", "lost", "unanswered", "forgotten", "first reads", "second reads"]))))
def test_an_engine_that_forgets_loses_nothing_that_was_said_lately_whoever_has_read_it(
        turns: list[tuple[int, str]]) -> None:
    outbox = FrameQueue(codec())
    log = Log(outbox)
    first, second = Listener(), Listener()
    for each in (first, second):
        each.numbers.see("a", "boot", 0)       # it knows the node from before
    said = 0
    for turn, (count, fate) in enumerate(turns):
        now = turn * KEPT / (len(turns) + 1)
        for _ in range(count):
            said += 1
            outbox.add(pack(Heard(str(said), [])), now, now)
        if fate.endswith("reads"):
            (first if fate.startswith("first") else second).read(log.frames)
        elif fate == "forgotten":
            log.frames.clear()
            first.cursor = second.cursor = 0
            outbox.rewind()
        else:
            log.write(now, fate)
    while len(outbox):
        log.write(KEPT, "kept")
    for each in (first, second):
        each.read(log.frames)
        assert each.heard == [str(n) for n in range(1, said + 1)]
        assert each.numbers.missing == 0


def test_one_frame_is_under_way_and_what_comes_meanwhile_makes_one_more() -> None:
    outbox = FrameQueue(codec())
    outbox.add(b"\x01", 0.0, 0.0)
    assert outbox.next(0.0, 0.0) is not None
    for _ in range(100):
        outbox.add(b"\x02", 0.0, 0.0)
    assert outbox.next(0.0, 0.0) is None
    outbox.acknowledge(0.0)
    frame = outbox.next(0.0, 0.0)
    assert frame is not None
    assert len(codec().open(frame).items) == 100


def test_a_frame_of_ours_is_known_by_its_bytes_alone() -> None:
    queue = FrameQueue(codec())
    queue.add(b"\xc0", 1.0, 5.0)
    frame = queue.next(1.0, 7.0)
    assert frame is not None
    assert queue.sent_at(b"") is None
    assert queue.sent_at(frame) == 7.0
    queue.acknowledge(1.0)             # its echo may come before or after that
    assert queue.sent_at(bytes(bytearray(frame))) == 7.0


def test_what_was_written_lately_is_written_again_under_its_numbers_and_no_more_than_that() -> None:
    queue = FrameQueue(codec())
    frames = []
    for number in range(4):
        queue.add(b"\xc0", float(number), 0.0)
        frames.append(queue.next(float(number), 0.0))
        if number < 3:
            queue.acknowledge(float(number))
    queue.add(b"\xc0", 3.0, 0.0)       # and one that gathers
    queue.expire(KEPT + 0.5)           # the first is older than that
    queue.rewind()
    again = []
    while (frame := queue.next(KEPT + 0.5, 0.0)) is not None:
        again.append(frame)
        queue.acknowledge(KEPT + 0.5)
    for frame, before in zip(again, frames[1:], strict=False):
        assert before is not None
        assert codec().open(frame).items == codec().open(before).items
    assert [codec().open(frame).seq for frame in again] == [2, 3, 4, 5]
    assert len(queue) == 0


def test_what_has_waited_for_long_is_kept_from_when_it_was_written() -> None:
    queue = FrameQueue(codec())
    queue.add(b"\xc0", 0.0, 0.0)       # said while the engine was away
    assert queue.next(60.0, 0.0) is not None
    queue.acknowledge(60.0)
    assert queue.next(60.0 + KEPT / 2, 0.0) is None
    queue.rewind()                     # an engine came in its place, with nothing
    assert queue.next(60.0 + KEPT / 2, 0.0) is not None


def test_what_is_kept_of_what_was_written_is_bounded() -> None:
    queue = FrameQueue(codec())
    for _ in range(12):
        queue.add(pack(Heard("x" * (LARGEST // 2), [])), 0.0, 0.0)
        queue.next(0.0, 0.0)
        queue.acknowledge(0.0)
    queue.expire(0.0)
    queue.rewind()
    assert LARGEST < len(queue) <= KEPT_MOST


def test_no_frame_is_larger_than_it_may_be() -> None:
    outbox = FrameQueue(codec(b"secret"))
    item = msgspec.msgpack.encode(b"x" * 10_000)
    for _ in range(100):
        outbox.add(item, 0.0, 0.0)
    sizes = []
    while (frame := outbox.next(0.0, 0.0)) is not None:
        sizes.append(len(frame))
        outbox.acknowledge(0.0)
    assert max(sizes) <= LARGEST + 100         # and its head
    assert sum(sizes) > 1_000_000


@pytest.mark.parametrize(("count", "wait"), [(100, 0.0), (3, OLDEST + 1)], ids=["bytes", "age"])
def test_what_is_too_much_or_too_old_goes_and_its_numbers_say_so(count: int, wait: float) -> None:
    outbox = FrameQueue(codec(), most=1 << 20)
    item = msgspec.msgpack.encode(b"x" * 200_000)
    for _ in range(count):
        outbox.add(item, 0.0, 0.0)
        assert len(outbox) <= (1 << 20) + 2 * LARGEST
    outbox.add(item, wait, wait)
    numbers = Numbers()
    numbers.see("a", "boot", 0)                # the others have heard all before
    while (frame := outbox.next(wait, wait)) is not None:
        opened_ = codec().open(frame)
        numbers.see(opened_.node, opened_.boot, opened_.seq)
        outbox.acknowledge(wait)
    assert outbox.dropped == numbers.missing > 0


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
