"""Rates divide by the time that really passed, and fall to nothing with a sleeping server."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from chatops.api.snapshot import Pulse, Snapshot
from tests.tui.feed import BEGAN, Feed
from tui.model.pulses import PulseMeter
from tui.model.rates import ASLEEP_AFTER, ASLEEP_AT_MOST, SAMPLE, Meter


def snapshot(mono: float, lines: int = 0, turns: int = 0) -> Snapshot:
    """Of a server whose only client has said so many lines by then."""
    base = Feed(clients=1).snapshot()
    client = replace(base.clients[0], lines_in=lines, lines_out=2 * lines, bytes_in=10 * lines)
    loop = replace(base.loop, turns=turns, ready=2 * turns, worked=turns * 0.001)
    return replace(base, mono=mono, clients=(client,), loop=loop, lines_in=lines,
                   lines_out=2 * lines)


def test_a_rate_divides_by_the_servers_time_not_by_the_consoles() -> None:
    meter = Meter()
    meter.feed(snapshot(BEGAN, 0), 50.0)
    late = snapshot(BEGAN + 4.0, 100)
    meter.feed(late, 50.1)
    assert meter.table.of(late.clients[0]).lines_in == pytest.approx(25.0)
    assert meter.now.lines_in == pytest.approx(25.0)


def test_a_rate_looks_back_about_a_second() -> None:
    meter = Meter()
    for tenth in range(101):           # ten lines a second for ten seconds
        shown = snapshot(BEGAN + tenth / 10, tenth)
        meter.feed(shown, tenth / 10)
    for tenth in range(20):            # and a hundred a second for two more
        shown = snapshot(BEGAN + 10 + tenth / 10, 100 + tenth * 10)
        meter.feed(shown, 10 + tenth / 10)
    assert meter.table.of(shown.clients[0]).lines_in == pytest.approx(100.0)


def test_a_client_that_came_within_the_second_counts_from_nothing() -> None:
    meter = Meter()
    empty = replace(snapshot(BEGAN), clients=())
    meter.feed(empty, 0.0)
    full = snapshot(BEGAN + 0.5, 10)
    meter.feed(full, 0.5)
    assert meter.table.of(full.clients[0]).lines_in == pytest.approx(20.0)


def test_a_descriptor_that_was_used_again_has_no_past() -> None:
    meter = Meter()
    one = snapshot(BEGAN)
    meter.feed(one, 0.0)
    key = replace(one.keys[2], fires=3, registered_at=BEGAN + 0.4)
    meter.feed(replace(snapshot(BEGAN + 1.0), keys=(key,)), 1.0)
    assert meter.table.fires(key) == pytest.approx(3.0)


def test_a_silent_server_is_asleep_after_a_second_and_its_rates_are_nothing() -> None:
    meter = Meter()
    meter.feed(snapshot(BEGAN, 0), 0.0)
    busy = snapshot(BEGAN + 0.1, 50)
    meter.feed(busy, 0.1)
    meter.feed(None, 0.5)
    assert meter.now.lines_in > 0
    meter.feed(None, 0.1 + ASLEEP_AFTER)
    assert meter.asleep
    assert meter.now.lines_in == 0
    assert meter.table.of(busy.clients[0]).lines_in == 0


def test_a_slow_server_is_not_taken_for_a_sleeping_one() -> None:
    meter = Meter()
    for second in range(4):
        meter.feed(snapshot(BEGAN + 0.8 * second, 10 * second), 0.8 * second)
    meter.feed(None, 0.8 * 3 + 1.5)
    assert not meter.asleep


def test_waking_up_divides_by_the_last_second_not_by_the_sleep() -> None:
    meter = Meter()
    meter.feed(snapshot(BEGAN, 0), 0.0)
    meter.feed(None, 2.0)
    meter.feed(None, 60.0)
    meter.feed(snapshot(BEGAN + 60.1, 5), 60.1)
    assert meter.now.lines_in == pytest.approx(5.0)


def test_the_bars_go_on_empty_while_the_server_sleeps() -> None:
    meter = Meter()
    for tenth in range(21):
        meter.feed(snapshot(BEGAN + tenth / 10, tenth), tenth / 10)
    before = len(meter.series["lines_in"])
    meter.feed(None, 3.1)
    meter.feed(None, 3.1 + 4 * SAMPLE)
    assert len(meter.series["lines_in"]) >= before + 4
    assert meter.series["lines_in"][-1] == 0


def test_a_bar_is_a_rate_whatever_the_time_between_snapshots() -> None:
    meter = Meter()
    for step in range(10):             # a snapshot every 2 s, 10 lines/s
        meter.feed(snapshot(BEGAN + 2 * step, 20 * step), 2 * step)
    assert set(meter.series["lines_in"]) == {10.0}
    assert len(meter.series["lines_in"]) == 18 / SAMPLE


def test_a_server_that_was_started_anew_begins_from_nothing() -> None:
    meter = Meter()
    meter.feed(snapshot(BEGAN, 500), 0.0)
    again = replace(snapshot(BEGAN + 1.0, 3), started_at=BEGAN + 0.9)
    meter.feed(again, 1.0)
    assert meter.now.lines_in == 0


def test_wake_ups_and_events_per_wake_up_come_from_the_loops_counters() -> None:
    meter = Meter()
    meter.feed(snapshot(BEGAN, turns=0), 0.0)
    meter.feed(snapshot(BEGAN + 1.0, turns=200), 1.0)
    assert meter.now.wakeups == pytest.approx(200)
    assert meter.now.ready == pytest.approx(2.0)
    assert meter.now.busy == pytest.approx(0.2)


@pytest.mark.parametrize("first", range(30, 37))
@pytest.mark.parametrize(("pulses", "every"), [(False, 60), (True, 60), (True, 17)])
def test_a_moment_between_two_sleeps_is_drawn_where_it_was_and_all_of_it(
        pulses: bool, first: int, every: int) -> None:
    meter, said = Meter(), 0
    for tenth in range(601):           # ten lines and ten turns at once, now and then
        now, shown = tenth / 10, None
        if tenth == 0 or (tenth >= first and (tenth - first) % every == 0):
            said += 10 if tenth else 0
            shown = snapshot(BEGAN + now, said, said)
        elif tenth == 1:
            shown = snapshot(BEGAN + now)
        pulse = Pulse(BEGAN + now, said, 2 * said, 0.0, said * 0.001, 0, False)
        meter.feed(shown, now, pulse if pulses else None)
    drawn = {name: list(meter.series[name]) for name in ("wakeups", "lines_in")}
    for name, bars in drawn.items():
        # The last moment may not be over yet.
        assert abs(len(bars) - 60 / SAMPLE) <= ASLEEP_AT_MOST / SAMPLE + 1, name
        assert 0 <= said - sum(bars) * SAMPLE <= 10.01, name


@pytest.mark.parametrize("apart", [0.1, 0.2, 0.3, 0.4, 0.7])
def test_a_minute_has_as_many_bars_however_far_apart_its_pictures_and_pulses_lie(
        apart: float) -> None:
    feed, meter, pulses, drawn = Feed(), Meter(), PulseMeter(1.0, 0.25, SAMPLE), 0
    for step in range(round(60 / apart) + 1):
        meter.feed(replace(feed.snapshot(), mono=BEGAN + step * apart, turn=step), step * apart)
        bar = pulses.feed(Pulse(BEGAN + step * apart, step, step, 0.0, 0.0, 0, False))
        drawn += bar[1] if bar is not None else 0
    assert len(meter.series["wakeups"]) == pytest.approx(60 / SAMPLE, abs=2)
    assert drawn == pytest.approx(60 / SAMPLE, abs=2)
