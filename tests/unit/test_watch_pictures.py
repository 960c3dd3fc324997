"""When an observed program is looked at, and how little of its loop's time that takes."""

from __future__ import annotations

import asyncio
import selectors
import sys
from collections.abc import Iterator
from typing import Any, cast

import pytest

from chatops.api.events import Event, LoopHeld
from chatops.api.program import Held, Program
from chatops.api.snapshot import Snapshot
from chatops.loop import backends
from chatops.loop.observed import ObservedSelector
from chatops.loop.reactor import Reactor
from chatops.watch.loops import Loops
from chatops.watch.pictures import FIRST, LONGEST, LOST, SHARE, SLICE, TICK, ProgramPictures
from chatops.watch.selector import WatchedSelector
from chatops.watch.watchdog import Watchdog

PROGRAM = Program("program.py", 1, "3.11.0", "")


class Clock:
    """Time that passes only as the test says."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Rig:
    """An observer, and a loop that turns when the test does."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.said: list[Event] = []
        self.reactor = Reactor(ObservedSelector(backends.make("select"), clock=self.clock),
                               clock=self.clock)
        self.selector = WatchedSelector(backends.make("select"))
        self.selector.clock = self.clock
        self.loops = Loops()
        self.pictures = ProgramPictures(self.reactor, self.loops, PROGRAM, self.said.append, "")
        self.slices: list[float] = []

    def close(self) -> None:
        self.reactor.close()
        self.selector.close()

    def painting(self, steps: int, each: float) -> Iterator[Snapshot | None]:
        """A picture that takes so many steps of so long."""
        for _ in range(steps):
            self.clock.now += each
            yield None
        yield self.pictures._nothing(self.clock.now)

    def turn(self) -> float:
        """One safe point of the loop; seconds that it took."""
        began = self.clock.now
        self.selector.select(0)
        return self.clock.now - began


def test_a_picture_of_very_much_holds_the_loop_for_a_slice_at_a_time() -> None:
    rig = Rig()
    try:
        rig.loops.shown = rig.selector
        view = rig.pictures.view()
        rig.pictures._views.append(view)
        took = []
        for share in (FIRST, SHARE):
            rig.pictures._paint(rig.selector, rig.painting(100, 0.0005))
            began, slices = rig.clock.now, []
            while rig.pictures._painting is not None:
                slices.append(rig.turn())
                rig.reactor.waker.wake()
                rig.reactor.turn()
                rig.clock.now += 0.001
            took.append(rig.clock.now - began)
            assert max(slices) <= SLICE + 0.0005
            assert sum(slices) >= 0.05
            # So far apart that it had no more than its share of the time.
            assert sum(slices) <= 2 * share * took[-1] + SLICE
            assert view.latest is not None
            assert view.latest.built_in >= 0.05
        # Somebody waits for the first one.
        assert took[0] < took[1] / 4
    finally:
        rig.close()


def test_nothing_is_asked_of_a_loop_while_nobody_looks() -> None:
    rig = Rig()
    try:
        assert rig.reactor.timers == 0
        view = rig.pictures.view()
        rig.pictures.begin(view)
        assert rig.reactor.timers == 1
        rig.pictures.end(view)
        assert rig.reactor.timers == 0
        rig.turn()
        assert not rig.selector.watched
    finally:
        rig.close()


def test_calls_are_timed_also_where_asyncio_is_imported_after_somebody_has_begun_to_look(
        monkeypatch: pytest.MonkeyPatch) -> None:
    before = asyncio.events.Handle.__dict__["_run"]
    rig = Rig()
    try:
        view = rig.pictures.view()
        with monkeypatch.context() as not_yet:
            not_yet.delitem(sys.modules, "asyncio.events")
            rig.pictures.begin(view)
        assert asyncio.events.Handle.__dict__["_run"] is before
        rig.clock.now += TICK
        rig.reactor.waker.wake()
        rig.reactor.turn()
        assert asyncio.events.Handle.__dict__["_run"] is not before
        rig.pictures.end(view)
        assert asyncio.events.Handle.__dict__["_run"] is before
    finally:
        rig.close()


def test_a_picture_that_takes_long_in_all_is_not_given_up_and_begun_again(
        monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig()
    begun: list[float] = []

    def paint(_program: Program, _since: int) -> Iterator[Snapshot | None]:
        begun.append(rig.clock.now)
        return rig.painting(2000, 0.001)

    try:
        rig.turn()
        rig.loops.settle()
        assert rig.loops.shown is rig.selector
        assert rig.loops.painter is not None
        monkeypatch.setattr(rig.loops.painter, "paint", paint)
        view = rig.pictures.view()
        view.wanted = True
        rig.pictures.begin(view)
        while view.latest is None and rig.clock.now < begun[0] + 20 * LOST:
            rig.clock.now += 0.01
            rig.turn()
            rig.reactor.waker.wake()
            rig.reactor.turn()
        assert view.latest is not None
        assert len(begun) == 1
        assert rig.clock.now - begun[0] > 2 * LOST
        rig.pictures.end(view)
    finally:
        rig.close()


def test_of_several_loops_the_one_with_something_in_it_is_shown() -> None:
    rig = Rig()
    other = WatchedSelector(backends.make("select"))
    reader: Any = rig.reactor.waker
    try:
        other.register(reader, selectors.EVENT_READ)
        other.select(0)
        rig.loops.settle()
        assert rig.loops.shown is other
        other.close()
        assert rig.loops.settle()
        assert rig.loops.shown is rig.selector
    finally:
        rig.close()


def test_a_hold_that_is_over_has_taken_what_the_loop_knows_not_what_was_seen_of_it() -> None:
    rig = Rig()
    rig.loops.settle()
    watchdog = Watchdog(rig.selector)
    try:
        rig.selector.watched = True
        rig.turn()
        began = rig.clock.now
        held = Held(0.3, began, "report (program.py:3)", "time.sleep(0.4)")
        rig.clock.now += 0.4
        rig.turn()
        rig.clock.now += 0.1
        over = watchdog.let_go(held, rig.clock.now)
        assert over.seconds == pytest.approx(0.4)
        # What cannot have been this one is not taken for it.
        assert watchdog.let_go(held, began + 0.35) == held
    finally:
        rig.close()


def test_what_packing_took_never_brings_a_picture_forward() -> None:
    rig = Rig()
    try:
        rig.loops.shown = rig.selector
        rig.pictures._paint(rig.selector, rig.painting(1, 4 * LONGEST * SHARE))
        while not rig.pictures._next_at:
            rig.turn()
            rig.reactor.waker.wake()
            rig.reactor.turn()
            rig.clock.now += 1.0
        due = rig.pictures._next_at
        assert due >= rig.clock.now + 3 * LONGEST      # by what it cost itself
        rig.pictures.charge(1.0)
        assert rig.pictures._next_at == due
        rig.clock.now = due
        rig.pictures.charge(1.0)                       # packing alone, not for ever
        assert rig.pictures._next_at == due + LONGEST
    finally:
        rig.close()


def test_a_hold_is_told_to_be_over_before_the_next_one_begins() -> None:
    """Between two looks one turn may end and another be held: a reader pairs them in order."""
    rig = Rig()
    try:
        found = [Held(0.1, 100.0, "a", "x"), Held(0.1, 100.3, "b", "y"), None]

        class Seen:
            def look(self, now: float) -> Held | None:
                return found.pop(0)

            def let_go(self, held: Held, now: float) -> Held:
                return held

        rig.loops.watchdog = cast(Watchdog, Seen())
        for _ in range(3):
            rig.pictures._guard(rig.clock())
        assert [(event.where, event.over) for event in rig.said if isinstance(event, LoopHeld)] == [
            ("a", False), ("a", True), ("b", False), ("b", True)]
    finally:
        rig.close()
