"""Many deadlines of one duration: each expires once, in its time, with one timer for all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chatops.loop.deadlines import Deadlines
from tests.unit.ticking import Ticking


@pytest.fixture
def ticking() -> Iterator[Ticking]:
    with Ticking() as ticking:
        yield ticking


def test_each_expires_after_its_time_in_the_order_of_starting(ticking: Ticking) -> None:
    expired: list[str] = []
    deadlines = Deadlines[str](ticking.reactor, 10.0, expired.append)
    deadlines.start("a")
    ticking.turn_at(4.0)
    deadlines.start("b")
    ticking.turn_at(9.9)
    assert expired == []
    ticking.turn_at(10.0)
    assert expired == ["a"]
    ticking.turn_at(14.0)
    assert expired == ["a", "b"]
    ticking.turn_at(99.0)
    assert expired == ["a", "b"]


def test_starting_again_begins_the_time_again(ticking: Ticking) -> None:
    expired: list[str] = []
    deadlines = Deadlines[str](ticking.reactor, 10.0, expired.append)
    for second in range(0, 50, 5):
        ticking.turn_at(second)
        deadlines.start("a")
    assert expired == []
    assert len(deadlines) == 1
    ticking.turn_at(55.0)
    assert expired == ["a"]


def test_stopping_forgets_and_is_harmless_twice(ticking: Ticking) -> None:
    expired: list[str] = []
    deadlines = Deadlines[str](ticking.reactor, 10.0, expired.append)
    deadlines.start("a")
    assert "a" in deadlines
    deadlines.stop("a")
    deadlines.stop("a")
    assert "a" not in deadlines
    ticking.turn_at(20.0)
    assert expired == []


def test_a_thousand_of_them_are_one_timer_and_none_is_no_timer(ticking: Ticking) -> None:
    deadlines = Deadlines[int](ticking.reactor, 10.0, lambda key: None)
    for key in range(1000):
        deadlines.start(key)
    assert ticking.reactor.timers == 1
    ticking.turn_at(10.0)
    assert ticking.reactor.timers == 0


def test_no_seconds_means_never(ticking: Ticking) -> None:
    deadlines = Deadlines[str](ticking.reactor, 0.0, lambda key: None)
    deadlines.start("a")
    assert len(deadlines) == 0
    assert ticking.reactor.timers == 0


@pytest.mark.parametrize("seconds", [3.0, 30.0])
def test_another_duration_holds_for_those_who_wait_counted_from_now(ticking: Ticking,
                                                                    seconds: float) -> None:
    expired: list[str] = []
    deadlines = Deadlines[str](ticking.reactor, 10.0, expired.append)
    deadlines.start("a")
    ticking.turn_at(5.0)
    deadlines.change(seconds)
    ticking.turn_at(4.9 + seconds)
    assert expired == []
    ticking.turn_at(5.0 + seconds)
    assert expired == ["a"]
    assert ticking.reactor.timers == 0


def test_switching_off_lets_everybody_go(ticking: Ticking) -> None:
    expired: list[str] = []
    deadlines = Deadlines[str](ticking.reactor, 10.0, expired.append)
    deadlines.start("a")
    deadlines.change(0.0)
    ticking.turn_at(50.0)
    assert expired == []
    assert ticking.reactor.timers == 0


def test_one_that_expires_may_be_started_again_at_once(ticking: Ticking) -> None:
    expired: list[str] = []
    deadlines: Deadlines[str]

    def again(key: str) -> None:
        expired.append(key)
        deadlines.start(key)

    deadlines = Deadlines(ticking.reactor, 10.0, again)
    deadlines.start("a")
    deadlines.start("b")
    for second in (10.0, 20.0, 30.0):
        ticking.turn_at(second)
        assert ticking.reactor.timers == 1
    assert expired == ["a", "b"] * 3


def test_one_whose_end_is_a_fault_does_not_take_the_others_along(ticking: Ticking) -> None:
    expired: list[str] = []

    def bad(key: str) -> None:
        expired.append(key)
        if key == "a":
            raise RuntimeError("a fault put there by the test")

    ticking.reactor.on_failure = lambda key, error: None
    deadlines = Deadlines[str](ticking.reactor, 10.0, bad)
    deadlines.start("a")
    deadlines.start("b")
    ticking.turn_at(10.0)
    ticking.turn_at(10.0)
    assert expired == ["a", "b"]


def test_with_a_grain_thousands_wake_the_loop_once_each_and_none_of_them_early(
        ticking: Ticking) -> None:
    expired: dict[int, float] = {}
    now = 0.0
    deadlines = Deadlines[int](ticking.reactor, 120.0, lambda key: expired.update({key: now}),
                               grain=1.0)
    for key in range(1000):            # 83 a second, as 10,000 that are asked every two minutes
        now = key / 83
        ticking.turn_at(now)
        deadlines.start(key)
    woken = 0
    while (left := ticking.reactor.next_deadline) is not None:
        now += left
        woken += 1
        ticking.turn_at(now)
    assert set(expired) == set(range(1000))
    assert all(120.0 <= at - key / 83 < 121.0 for key, at in expired.items())
    assert woken <= 1000 / 83 + 2
