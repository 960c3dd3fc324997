"""Time travel: what `TurnHistory` reconstructs is what the selector really looked like."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from chatops.api.events import Connected, Disconnected
from chatops.api.snapshot import KeyRow, Snapshot
from chatops.replay.history import EVENTS, TurnHistory, share
from tests.unit.imagined import READ, WALL, Server, client, idle_turn, snapshot


def linear(turns: int = 100, every: int = 10) -> TurnHistory:
    """Ten turns a second, a keyframe each `every` turns."""
    history = TurnHistory()
    for end in range(every, turns + 1, every):
        history.add(snapshot(end, end / 10 + 0.01, turns=tuple(
            idle_turn(n) for n in range(end - every + 1, end + 1))))
    return history


actions = st.lists(st.tuples(
    st.sampled_from(["join", "leave", "arm", "queue", "throttle", "unthrottle"]),
    st.integers(0, 9)), max_size=2)
turns = st.lists(st.tuples(st.lists(st.integers(0, 4), max_size=2), actions | st.just([]),
                           st.booleans()), min_size=1, max_size=40)


@settings(deadline=None, max_examples=200)
@given(turns)
def test_every_turn_of_the_past_looks_as_the_selector_did(
        script: list[tuple[list[int], list[tuple[str, int]], bool]]) -> None:
    server, history = Server(), TurnHistory()
    history.add(*server.snapshot())
    for ready, acts, keyframe in script:
        server.turn(ready, acts)
        if keyframe:
            history.add(*server.snapshot())
    history.add(*server.snapshot())
    assert (history.oldest, history.newest) == (0, len(script))
    for n in range(history.newest + 1):
        seen, true = history.at(n), server.truth.get(n)
        assert seen is not None
        if true is not None:
            assert facts(seen) == facts(true)
            assert seen.mono == pytest.approx(true.mono, abs=0.02)
            assert seen.loop.waited == pytest.approx(true.loop.waited)
            assert [k.busy for k in seen.keys] == pytest.approx([k.busy for k in true.keys])


def facts(s: Snapshot) -> tuple[object, ...]:
    """All of a snapshot that the turns between two keyframes determine exactly."""
    keys = [(k.fd, k.events, k.data, k.client, k.armed_by, k.fires,
             k.last_mask, k.masks) for k in s.keys]
    clients = {c.id: (c.fd, c.nick, c.peer, c.mask, c.queued, c.masks if c.mask else "")
               for c in s.clients}
    return s.turn, s.loop.turns, s.loop.ready, s.loop.registered, s.queued, keys, clients


@settings(deadline=None, max_examples=50)
@given(turns)
def test_at_a_keyframe_the_past_is_the_keyframe_itself(
        script: list[tuple[list[int], list[tuple[str, int]], bool]]) -> None:
    server, history = Server(), TurnHistory()
    frames = [server.snapshot()]
    for ready, acts, _ in script:
        server.turn(ready, acts)
        frames.append(server.snapshot())
    for frame in frames:
        history.add(*frame)
    assert [history.at(s.turn) for s, _ in frames] == [s for s, _ in frames]


def test_a_step_goes_to_the_neighbouring_turn_and_stops_at_the_ends() -> None:
    history = linear()
    assert history.step(50, 1) == 51
    assert history.step(50, -1) == 49
    assert history.step(50, -3) == 47
    assert history.step(50, 1000) == history.newest == 100
    assert history.step(50, -1000) == history.oldest == 10


def test_a_run_of_like_turns_is_one_step_though_keyframes_fall_into_it() -> None:
    history = TurnHistory()
    history.add(snapshot(1, 0.1, turns=(idle_turn(1),)))
    history.add(snapshot(5, 0.5, turns=(idle_turn(2, repeats=3),)))
    history.add(snapshot(9, 0.9, turns=(idle_turn(2, repeats=7),)))
    history.add(snapshot(10, 1.0, turns=(idle_turn(10),)))
    assert history.step(1, 1) == 9
    assert history.step(10, -1) == 9
    assert history.step(9, -1) == 1
    assert history.turn(4) == history.turn(9) == idle_turn(2, repeats=7)
    assert history.turns_around(9, 1) == (idle_turn(1), idle_turn(2, repeats=7), idle_turn(10))
    assert history.turns_around(1, 0) == (idle_turn(1),)


def test_a_turn_inside_a_run_can_be_asked_for() -> None:
    waker = KeyRow(7, "waker", "Waker", READ, "Waker.on_ready", "-", 0, "", 0, 0, 5, 1, 0, 0)
    history = TurnHistory()
    history.add(snapshot(1, 0.1, keys=(waker,)))
    history.add(snapshot(11, 1.1, keys=(replace(waker, fires=15),),
                         turns=(idle_turn(2, repeats=9),)))
    inside = history.at(4)
    assert inside is not None
    assert inside.keys[0].fires == 8
    assert inside.keys[0].masks == "rrr"
    assert inside.mono == pytest.approx(0.4, abs=0.05)


def test_the_turn_a_snapshot_was_taken_in_is_replaced_by_its_finished_self() -> None:
    history = linear(20)
    finished = replace(idle_turn(20), worked=0.5)
    history.add(snapshot(21, 2.11, turns=(finished, idle_turn(21))))
    assert history.turn(20) == finished
    assert history.step(19, 2) == 21


def test_seeking_takes_numbers_with_and_without_commas() -> None:
    history = linear(2000)
    assert history.seek("1,204", 5) == history.seek("1204", 5) == 1204


def test_seeking_takes_times_from_where_one_is() -> None:
    history = linear()
    assert history.seek("-5s", 100) == 50
    assert history.seek("-1s", 50) == 40
    assert history.seek("+1.5s", 50) == 65
    assert history.seek("- 5 s", 100) == history.seek("-0 min 5s", 100) == 50


@pytest.mark.parametrize("ahead", [0.0, 3600.0])       # the server's clock was set
def test_seeking_takes_the_time_that_the_clock_read_and_goes_to_its_end(ahead: float) -> None:
    history = TurnHistory()
    for turn in range(0, 1001, 10):
        taken = snapshot(turn, turn / 10)
        history.add(replace(taken, at=taken.at + (ahead if turn > 500 else 0.0)))
    for turn in (60, 490, 700, 990):
        shown = history.at(turn)
        assert shown is not None
        read = datetime.fromtimestamp(shown.at)
        found = history.at(history.seek(f"{read:%H:%M:%S}", 0))
        assert found is not None
        assert f"{datetime.fromtimestamp(found.at):%H:%M:%S}" == f"{read:%H:%M:%S}"
        minute = history.at(history.seek(f"{read:%H:%M}", 0))
        assert minute is not None
        assert minute.turn >= found.turn
        assert f"{datetime.fromtimestamp(minute.at):%H:%M}" == f"{read:%H:%M}"


def test_a_second_in_which_nothing_happened_is_as_the_last_turn_before_it() -> None:
    history = TurnHistory()
    for turn, mono in ((1, 0.0), (2, 10.0), (3, 20.0)):
        history.add(snapshot(turn, mono))
    for mono, turn in ((0, 1), (5, 1), (15, 2), (20, 3)):
        assert history.seek(f"{datetime.fromtimestamp(WALL + mono):%H:%M:%S}", 0) == turn


def test_a_time_of_day_that_is_not_held_is_told_with_what_is() -> None:
    history = linear()
    first = datetime.fromtimestamp(WALL + 1)
    for wrong in (first - timedelta(minutes=1), first + timedelta(minutes=1)):
        with pytest.raises(ValueError, match=f"is not held; .* from {first:%H:%M:%S} to "):
            history.seek(f"{wrong:%H:%M:%S}", 0)
    with pytest.raises(ValueError, match="'25:00' is no time of a day"):
        history.seek("25:00", 0)


@pytest.mark.parametrize(("where", "message"), [
    ("9", "turn 9 is not held; the past reaches from 10 to 100"),
    ("101", "turn 101 is not held"),
    ("9" * 5000, "is not held"),
    ("-1m", "-1m is before what is held, which begins 9.0s earlier"),
    ("+1s", r"\+1s is after what is held"),
    ("-soon", "'-soon' is no time to go to; write -10s"),
    ("soon", "'soon' is no turn; write its number, a time as in -10s, or a clock"),
    ("", "'' is no turn"),
    ("²", "is no turn"),
])
def test_seeking_to_what_is_not_there_says_what_is(where: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        linear().seek(where, 100)


def test_an_empty_past_says_so() -> None:
    history = TurnHistory()
    assert (history.oldest, history.newest, len(history)) == (0, 0, 0)
    assert history.at(1) is None
    assert history.turn(1) is None
    assert history.step(1, -1) == 1
    with pytest.raises(ValueError, match="nothing is held of the past yet"):
        history.seek("1", 0)


def test_what_is_not_held_is_none() -> None:
    history = linear()
    assert history.at(9) is None
    assert history.at(101) is None


def test_turns_lost_on_the_way_stand_as_after_the_last_one_known() -> None:
    history = TurnHistory()
    history.add(snapshot(1, 0.1, clients=(client(1, 8),)))
    history.add(snapshot(5000, 9.0, clients=(client(1, 8, queued=9),),
                         turns=(idle_turn(4999, at=8.9), idle_turn(5000, at=8.95))))
    lost = history.at(300)
    assert lost is not None
    assert lost.clients == (client(1, 8),)
    assert lost.loop.turns == 0
    assert history.step(1, 1) == 4999


def test_the_past_is_bounded_by_keyframes() -> None:
    history = TurnHistory(keyframes=5)
    for n in range(1, 100):
        history.add(snapshot(n, n / 10, turns=(idle_turn(n),)))
    assert len(history) == 5
    assert (history.oldest, history.newest) == (95, 99)
    assert history.step(95, -1) == 95
    assert history.turn(94) is None


def test_the_past_is_bounded_by_rows_and_an_unchanged_row_is_nearly_free() -> None:
    busy, idle = TurnHistory(rows=10_000), TurnHistory(rows=10_000)
    for n in range(1, 301):
        still = tuple(client(i, i) for i in range(1000))
        moving = tuple(client(i, i, queued=n) for i in range(1000))
        busy.add(snapshot(n, n / 10, moving))
        idle.add(snapshot(n, n / 10, still))
    assert len(busy) < 11
    assert len(idle) > 290


def test_a_snapshot_of_the_same_turn_takes_the_place_of_the_one_before() -> None:
    history = linear(20)
    later = snapshot(20, 5.0)
    history.add(later, [])
    assert len(history) == 2
    assert history.at(20) == later
    assert history.turn(15) == idle_turn(15)
    middle = history.at(15)
    assert middle is not None
    assert middle.turn == 15


def test_a_server_started_anew_begins_a_new_past() -> None:
    history = linear()
    history.add(snapshot(200, 20.0, started_at=19.0))
    assert (history.oldest, history.newest, len(history)) == (200, 200, 1)
    history.add(snapshot(3, 21.0, started_at=19.0))
    assert (history.oldest, history.newest) == (3, 3)


def test_events_wait_for_the_snapshot_that_follows_them() -> None:
    history, joined = TurnHistory(), Connected(WALL, 1, 8, "bob", "10.0.0.1:1")
    history.add(None, [joined])
    assert len(history) == 0
    history.add(snapshot(1, 0.1))
    history.add(snapshot(2, 0.2))
    assert [events for _, events in history.frames()] == [(joined,), ()]


def test_who_left_while_not_registered_leaves_by_the_wall_clock() -> None:
    history = TurnHistory()
    history.add(snapshot(1, 0.1, clients=(client(1, 8, mask=0),)))
    history.add(snapshot(4, 0.5, turns=tuple(idle_turn(n) for n in (2, 3, 4))),
                [Disconnected(WALL + 0.25, 1, 8, "bob", "lobby", "", "kicked")])
    there = [len(s.clients) for n in range(1, 5) if (s := history.at(n))]
    assert there == [1, 1, 0, 0]


def test_sharing_keeps_the_objects_that_did_not_change() -> None:
    before = (client(1, 8), client(2, 9))
    rows, fresh = share(before, (client(1, 8), client(2, 9, queued=5)), lambda row: row.id)
    assert fresh == 1
    assert rows[0] is before[0]
    assert share(before, (client(1, 8), client(2, 9)), lambda row: row.id) == (before, 0)
    swapped, _ = share(before, (client(2, 9), client(1, 8)), lambda row: row.id)
    assert [row.id for row in swapped] == [2, 1]


def test_a_loop_that_is_held_takes_none_of_the_past() -> None:
    history = TurnHistory(rows=400)
    rows = tuple(client(n, n) for n in range(1, 21))
    for turn in (1, 2, 3):
        history.add(snapshot(turn, float(turn), rows, turns=(idle_turn(turn),)))
    for tick in range(100):            # each sees the same turn, and every row changed
        changed = tuple(client(n, n, queued=tick) for n in range(1, 21))
        history.add(snapshot(3, 3.0 + tick, changed, turns=(idle_turn(3),)),
                    [Connected(WALL + tick, 1, 5, "ada", "1.1.1.1:1")])
    assert (history.oldest, history.newest) == (1, 3)
    assert sum(len(events) for _, events in history.frames()) == 100


def test_of_a_loop_that_is_held_for_ever_the_newest_events_are_kept() -> None:
    history = TurnHistory()
    history.add(snapshot(1, 1.0))
    for tick in range(EVENTS + 10):
        history.add(snapshot(1, 1.0 + tick), [Connected(float(tick), 1, 5, "ada", "1.1.1.1:1")])
    _, events = list(history.frames())[-1]
    assert (len(events), events[-1].at) == (EVENTS, EVENTS + 9.0)
