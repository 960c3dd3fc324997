"""The frames that a node has to write: each is written until it is in the log, in its order."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatops.cluster.frame_queue import KEPT, KEPT_MOST, OLDEST, FrameQueue
from chatops.cluster.frames import LARGEST, Codec, Heard, pack
from chatops.cluster.items import unpack
from chatops.cluster.numbers import Numbers


def codec(secret: bytes = b"") -> Codec:
    return Codec("a", "boot", secret)


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
