"""What was held waits for a turn that has room for it, in the order of asking."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from chatops.chat.lines import cut
from chatops.server.backpressure import Backpressure


class Turns:
    """Turns of a server that each bring in so many bytes at most."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.context = SimpleNamespace(intake_left=0)
        self._soon: list[Callable[[], None]] = []
        self.pressure = Backpressure(cast(Any, SimpleNamespace(
            context=self.context, reactor=SimpleNamespace(call_soon=self._soon.append))))
        self.said: list[str] = []
        self.pressure.read_on = cast(Any, self.says)

    def says(self, talker: str) -> None:
        self.context.intake_left -= 10
        self.said.append(talker)
        if talker == "broken":
            raise ValueError(talker)

    def wants(self, talker: str) -> bool:
        """Whether it has to wait."""
        return self.pressure.comes_too_late(cast(Any, talker))

    def turn(self) -> list[str]:
        """Another turn; who has said something in it."""
        self.context.intake_left = self.room
        soon, self._soon[:] = [*self._soon], []
        for call in soon:
            call()
        said, self.said = self.said, []
        return said


def test_who_comes_too_late_is_heard_in_a_later_turn_as_many_as_there_is_room_for() -> None:
    turns = Turns(room=20)
    assert all(turns.wants(talker) for talker in "abcde")
    assert [turns.turn() for _ in range(4)] == [["a", "b"], ["c", "d"], ["e"], []]
    assert not turns.wants("f")


def test_nobody_overtakes_those_that_wait() -> None:
    turns = Turns(room=10)
    assert all(turns.wants(talker) for talker in "ab")
    assert turns.turn() == ["a"]
    turns.context.intake_left = 1000
    assert turns.wants("c")
    assert [turns.turn(), turns.turn()] == [["b"], ["c"]]


def test_one_is_heard_in_each_turn_however_full_it_is() -> None:
    turns = Turns(room=0)
    assert all(turns.wants(talker) for talker in "ab")
    assert [turns.turn(), turns.turn()] == [["a"], ["b"]]


def test_one_that_fails_does_not_keep_the_others_waiting() -> None:
    turns = Turns(room=100)
    assert all(turns.wants(talker) for talker in ("broken", "b"))
    with pytest.raises(ValueError, match="broken"):
        turns.turn()
    turns.said.clear()
    assert turns.turn() == ["b"]


class CountedSet(set[Any]):
    """Counts how often it is asked, or told, of somebody."""

    times = 0

    def __contains__(self, each: object) -> bool:
        CountedSet.times += 1
        return super().__contains__(each)

    def discard(self, each: Any) -> None:
        CountedSet.times += 1
        super().discard(each)


class Reader:
    """One whose outbox has just become half full."""

    is_open = True
    bytes_direct = own_before = 0

    def __init__(self, *rooms: str) -> None:
        self.outbox = SimpleNamespace(since=0.0, size=1)
        self.session = SimpleNamespace(rooms=rooms)


@pytest.mark.parametrize("reads", [True, False])
def test_a_reader_is_looked_for_in_its_own_rooms_however_many_are_held(
        monkeypatch: pytest.MonkeyPatch, reads: bool) -> None:
    later: list[Callable[[], None]] = []
    reactor = SimpleNamespace(now=0.0, call_later=lambda _, call: later.append(call),
                              call_soon=lambda _: None)
    state = SimpleNamespace(context=SimpleNamespace(pressed=False, intake_left=0), reactor=reactor)
    pressure = Backpressure(cast(Any, state))
    readers = [Reader(f"room {n}", f"room {n + 1}") for n in range(50)]
    for reader in readers:
        pressure.half_full(cast(Any, reader))
    for hold in pressure._holds.values():
        hold.readers = CountedSet(hold.readers)
    monkeypatch.setattr(CountedSet, "times", 0)
    reactor.now = 1.0
    if reads:
        for reader in readers:
            pressure.over(cast(Any, reader))
    else:
        for call in later:
            call()
    assert (state.context.pressed, pressure._holds, pressure._waited) == (False, {}, {})
    assert CountedSet.times <= 4 * len(readers)


@pytest.mark.parametrize(("size", "first"), [
    (0, b"one\n"), (3, b"one\n"), (4, b"one\n"), (7, b"one\n"), (8, b"one\ntwo\n"),
    (100, b"one\ntwo\nthree\n")])
def test_lines_are_cut_between_two_of_them_and_one_is_there_at_least(
        size: int, first: bytes) -> None:
    whole = b"one\ntwo\nthree\n"
    assert cut(whole, size) == (first, whole[len(first):])
    assert cut(b"", size) == (b"", b"")
