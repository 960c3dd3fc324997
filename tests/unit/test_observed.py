"""A selector seen from outside: counts, times and changes, whatever loop drives it."""

from __future__ import annotations

import selectors
import socket
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatops.loop import observed
from chatops.loop.naming import callback_name, describe, format_call_site, masks_text
from chatops.loop.observed import MASK_HISTORY, ObservedSelector
from tests.unit.scripted import Bench, ScriptedSelector

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


# -- what it counts


@pytest.mark.parametrize("watched", [False, True])
def test_it_counts_turns_events_and_fires(watched: bool) -> None:
    bench = Bench(5, 6)
    bench.selector.watch(watched)
    bench.fire([(5, READ)], [(5, READ), (6, READ | WRITE)], [], [(5, READ)])
    assert (bench.selector.turns, bench.selector.ready) == (4, 4)
    assert bench.fires() == {5: 3, 6: 1}
    assert [r.last_mask for r in bench.selector.registrations()] == [READ, READ | WRITE]


schedules = st.lists(st.dictionaries(st.integers(3, 7), st.integers(1, 3)), max_size=40)


@given(schedules, st.data())
def test_watched_and_unwatched_turns_count_alike(schedule: list[dict[int, int]],
                                                 data: st.DataObject) -> None:
    bench = Bench(3, 4, 5, 6, 7)
    for fires in schedule:
        bench.selector.watch(data.draw(st.booleans()))
        bench.fire(list(fires.items()))
    counted = Counter(fd for fires in schedule for fd in fires)
    assert bench.fires() == {fd: counted[fd] for fd in range(3, 8)}
    assert bench.selector.ready == counted.total()
    assert bench.selector.turns == len(schedule)
    assert sum(1 + turn.repeats for turn in bench.selector.ring) + before_anything(schedule) == \
        len(schedule)


def before_anything(schedule: list[dict[int, int]]) -> int:
    """Turns with nothing ready, before anything was: they say nothing and are not kept."""
    return next((n for n, fires in enumerate(schedule) if fires), len(schedule))


@given(st.lists(st.sampled_from(["fire", "replace", "leave", "enter"]), max_size=30),
       st.booleans())
def test_a_descriptor_that_is_reused_starts_from_zero(steps: list[str], watched: bool) -> None:
    bench = Bench(5)
    bench.selector.watch(watched)
    expected: int | None = 0
    for step in steps:
        if step == "fire":
            bench.fire([(5, READ)])
            expected = expected + 1 if expected is not None else None
        elif step in ("replace", "leave") and expected is not None:
            bench.selector.unregister(5)
            expected = None
        if step in ("replace", "enter") and expected is None:
            bench.selector.register(5, READ)
            expected = 0
    assert bench.fires() == ({} if expected is None else {5: expected})


def test_many_unwatched_turns_are_counted_without_being_asked() -> None:
    bench = Bench(5)
    bench.fire(*[[(5, READ)]] * (observed.FOLD_AT * 2 + 1))
    assert len(bench.selector._unfolded) < observed.FOLD_AT
    assert bench.fires() == {5: observed.FOLD_AT * 2 + 1}


def test_masks_are_remembered_while_watched_newest_last() -> None:
    bench = Bench(5)
    bench.fire([(5, READ)])
    bench.selector.watch()
    bench.fire([(5, READ)], [(5, WRITE)], [(5, READ | WRITE)])
    (registration,) = bench.selector.registrations()
    assert masks_text(registration.masks) == "rwW"
    bench.fire(*[[(5, READ)]] * 50)
    assert masks_text(registration.masks) == "r" * MASK_HISTORY
    assert masks_text(None) == ""


# -- the ring of turns


@pytest.mark.parametrize("watched", [False, True])
def test_turns_that_are_alike_are_one_record(watched: bool) -> None:
    bench = Bench(5, 6)
    bench.selector.watch(watched)
    bench.fire([(5, READ)], [(5, READ)], [(5, READ)], [(6, READ)], [(5, READ)])
    assert [(turn.n, turn.repeats) for turn in bench.selector.ring] == [(1, 2), (4, 0), (5, 0)]


def test_another_kind_of_timeout_is_another_turn_but_one_that_runs_down_is_not() -> None:
    bench = Bench(5)
    for timeout in (None, 2.0, 1.5, 1.0, 0.0, None):
        bench.fire([(5, READ)], timeout=timeout)
    assert [(turn.timeout, turn.repeats) for turn in bench.selector.ring] == [
        (None, 0), (2.0, 2), (0.0, 0), (None, 0)]


def test_a_turn_in_which_something_happened_is_not_repeated() -> None:
    bench = Bench(5)
    bench.selector.watch()
    for happen in (lambda: bench.selector.note("recv 24B"),
                   lambda: bench.selector.queue(3, 100),
                   lambda: bench.selector.modify(5, READ | WRITE),
                   lambda: None):
        bench.fire([(5, READ)])
        happen()
    bench.fire([(5, READ)])
    notes = [(turn.notes, turn.queues, turn.repeats) for turn in bench.selector.ring]
    assert notes == [(["recv 24B"], None, 0), (None, {3: 100}, 0), (None, None, 0),
                     (None, None, 1)]


def test_the_notes_of_one_turn_are_bounded() -> None:
    bench = Bench(5)
    bench.selector.watch()
    bench.fire([(5, READ)])
    for n in range(1000):
        bench.selector.note(str(n))
    notes = bench.selector.ring[-1].notes
    assert notes is not None
    assert len(notes) == 32


def test_the_ring_keeps_so_many_different_turns() -> None:
    bench = Bench(5, 6, turns=4)
    bench.fire(*[[(5, READ)], [(6, READ)]] * 10)
    assert [turn.n for turn in bench.selector.ring] == [17, 18, 19, 20]


def test_the_ring_is_bounded_in_events_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observed, "EVENTS_KEPT", 10)
    bench = Bench(*range(100, 106))
    both = [[(fd, READ) for fd in range(100, 106)], [(fd, WRITE) for fd in range(100, 106)]]
    bench.fire(*both * 20)
    assert len(bench.selector.ring) == 1
    assert bench.fires() == dict.fromkeys(range(100, 106), 40)
    bench.fire(*[[(100, READ)], [(101, READ)]] * 20)
    assert sum(len(turn.ready) for turn in bench.selector.ring) == 10


def test_changes_of_the_map_are_told_with_who_asked_for_them() -> None:
    bench = Bench(5)
    bench.selector.watch()
    bench.fire([(5, READ)])
    bench.selector.register(6, READ, "guest")
    bench.selector.modify(5, READ | WRITE, "data 5")
    bench.selector.modify(5, READ | WRITE, "other data")
    bench.selector.unregister(6)
    changes = bench.selector.ring[-1].changes
    assert changes is not None
    assert [change[:4] for change in changes] == [
        ("register", 6, 0, READ), ("modify", 5, READ, READ | WRITE), ("unregister", 6, READ, 0)]
    assert all("test_changes_of_the_map" in change[5] for change in changes)
    assert all("(test_observed.py:" in change[5] for change in changes)


# -- time


def test_waiting_and_working_are_told_apart() -> None:
    bench = Bench(5)
    bench.inner.sleeps = 2.0
    for _ in range(3):
        bench.fire([(5, READ)])
        bench.clock.now += 0.5
    bench.fire([(5, READ)])
    assert bench.selector.waited == 8.0
    assert bench.selector.worked == 1.5
    (turn,) = bench.selector.ring
    assert (turn.waited, turn.worked, turn.repeats) == (8.0, 1.5, 3)


def test_each_callback_of_a_watched_turn_is_timed() -> None:
    bench = Bench(5, 6)
    bench.selector.watch()
    for cost in (0.25, 1.0):
        bench.inner.script.append([(5, READ), (6, READ)])
        for key, _ in bench.selector.select():
            bench.clock.now += cost if key.fd == 5 else 0.125
    five, six = bench.selector.registrations()
    assert (five.busy, five.slowest) == (1.25, 1.0)
    assert (six.busy, six.slowest) == (0.25, 0.125)
    assert bench.selector.slowest[0] == 1.0
    assert list(bench.selector.costs) == [0.25, 0.125, 1.0, 0.125]
    assert bench.selector.ring[-1].costs == [1.0, 0.125]


def test_the_slowest_callback_is_forgotten_after_a_second() -> None:
    bench = Bench(5)
    bench.selector.watch()
    for cost, slowest in ((0.5, 0.5), (0.25, 0.5), (0.75, 0.75), (0.125, 0.75), (0.0625, 0.0625)):
        bench.inner.script.append([(5, READ)])
        for _ in bench.selector.select():
            bench.clock.now += cost
        assert bench.selector.slowest[0] == slowest
        bench.clock.now += 0.0625 if cost != 0.125 else 1.0


def test_a_loop_that_breaks_off_loses_nothing_but_the_last_time() -> None:
    bench = Bench(5, 6)
    bench.selector.watch()
    bench.inner.script.append([(5, READ), (6, READ)])
    for _ in bench.selector.select():
        break
    assert bench.fires() == {5: 1, 6: 1}
    assert list(bench.selector.costs) == []


def test_a_callback_may_unregister_whom_it_likes() -> None:
    bench = Bench(5, 6)
    bench.selector.watch()
    bench.inner.script.append([(5, READ), (6, READ)])
    seen = []
    for key, _ in bench.selector.select():
        seen.append(key.fd)
        if bench.selector.get_map():
            for fd in list(bench.inner.keys):
                bench.selector.unregister(fd)
    assert seen == [5, 6]
    assert bench.selector.registrations() == []


def test_since_when_and_by_whom_a_mask_is_armed() -> None:
    bench = Bench(5)
    (registration,) = bench.selector.registrations()
    bench.clock.now += 10
    bench.selector.modify(5, READ, "new data")
    assert (registration.armed_at, registration.data) == (100.0, "new data")
    bench.selector.modify(5, READ | WRITE, "new data")
    assert (registration.registered_at, registration.armed_at) == (100.0, 110.0)
    assert registration.events == READ | WRITE
    assert "test_since_when_and_by_whom" in format_call_site(registration.armed_by)


def test_what_the_backend_let_go_of_is_not_shown_any_more() -> None:
    bench = Bench(5, 6)
    with pytest.raises(OSError, match="refused"):
        bench.selector.modify(5, 0)
    assert [r.fd for r in bench.selector.registrations()] == [6]


def test_a_mask_that_there_is_not_costs_what_it_costs_without_an_observer() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, ObservedSelector(selectors.SelectSelector()) as selector:
        selector.register(ours, READ)
        with pytest.raises(ValueError, match="Invalid events"):
            selector.modify(ours, 99)
        assert [r.fd for r in selector.registrations()] == [
            key.fd for key in selector.get_map().values()] == []


def test_a_refused_registration_leaves_no_trace() -> None:
    selector = ObservedSelector()
    with selector, pytest.raises(ValueError, match="events"):
        selector.register(0, 0)
    assert selector.registrations() == []


def test_what_was_registered_before_it_is_seen_too() -> None:
    inner = ScriptedSelector()
    inner.register(9, WRITE, "early")
    (registration,) = ObservedSelector(inner).registrations()
    assert (registration.fd, registration.events, registration.data) == (9, WRITE, "early")


class Unfriendly:
    """Data that can be neither hashed nor compared."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        raise TypeError("not comparable")


@pytest.mark.parametrize("watched", [False, True])
def test_data_need_be_neither_hashable_nor_comparable(watched: bool) -> None:
    bench = Bench()
    bench.selector.register(5, READ, Unfriendly())
    bench.selector.register(6, READ, {"a": []})
    bench.selector.watch(watched)
    bench.fire([(5, READ), (6, READ)], [(5, READ), (6, READ)])
    bench.selector.modify(5, READ, Unfriendly())
    bench.fire([(5, READ), (6, READ)])
    assert bench.fires() == {5: 3, 6: 3}


# -- names


def module_level_callback() -> None:
    """Something to register."""


class Labelled:
    label = "#3 bob"

    def on_ready(self) -> None:
        """Something to register."""


@pytest.mark.parametrize(("data", "name", "whose"), [
    (None, "-", "int"),
    (Labelled().on_ready, "Labelled.on_ready", "#3 bob"),
    (Labelled(), "Labelled", "#3 bob"),
    (module_level_callback, "module_level_callback", "function"),
    ((module_level_callback, [1]), "module_level_callback", "function, list"),
    ({"a": 1}, "dict", "dict"),
    ("text", "str", "str"),
])
def test_data_is_named_for_people(data: object, name: str, whose: str) -> None:
    assert callback_name(data) == name
    assert describe(data, 5) == whose


def test_its_repr_shows_what_it_is() -> None:
    bench = Bench(5, 6)
    bench.fire([(5, READ)])
    assert repr(bench.selector) == "<ObservedSelector ScriptedSelector fds=2 turns=1>"
    bench.selector.watch()
    assert repr(bench.selector).endswith(" watched>")
