"""Figures over minutes: rates by the time that is known, gaps where nothing is."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from chatops.api.snapshot import Snapshot
from tests.tui.feed import BEGAN, Feed
from tui.model.series import CLIENTS_KEPT, SPANS, Plots, of_the_past
from tui.model.state import ConsoleState

START = BEGAN + 400.0          # a whole number of every bucket


def picture(mono: float, lines: int = 0, turns: int = 0, queued: int = 0,
            clients: int = 1, started_at: float = BEGAN) -> Snapshot:
    base = Feed(clients=1).snapshot()
    rows = tuple(replace(base.clients[0], id=number, lines_in=lines, lines_out=2 * lines,
                         queued=queued) for number in range(1, clients + 1))
    loop = replace(base.loop, turns=turns, worked=turns * 0.001)
    return replace(base, turn=turns, mono=mono, clients=rows, loop=loop, lines_in=lines,
                   lines_out=2 * lines, queued=queued, started_at=started_at)


def talk(seconds: int, per_second: int = 10, *, start: float = START, lines: int = 0,
         every: float = 0.5) -> Iterable[Snapshot]:
    for step in range(round(seconds / every) + 1):
        said = lines + round(step * every * per_second)
        yield picture(start + step * every, said, said)


def fed(pictures: Iterable[Snapshot]) -> Plots:
    plots = Plots()
    for one in pictures:
        plots.add(one)
    return plots


def known(values: list[float]) -> list[float]:
    return [value for value in values if not math.isnan(value)]


@pytest.mark.parametrize("span", SPANS)
def test_a_steady_rate_is_the_same_in_every_span(span: str) -> None:
    plots = fed(talk(300))
    values = plots.server.read("lines-in", span, START + 300)
    assert len(values) == SPANS[span].buckets
    assert known(values) == pytest.approx([10.0] * len(known(values)))
    assert known(plots.server.read("wake-ups", span, START + 300))[-1] == pytest.approx(10.0)
    assert known(plots.server.read("busy", span, START + 300))[-1] == pytest.approx(1.0)


def test_before_the_first_picture_there_is_a_gap_and_no_zero() -> None:
    values = fed(talk(20)).server.read("lines-in", "1m", START + 20)
    assert all(map(math.isnan, values[:39]))
    assert known(values) == pytest.approx([10.0] * 20)


def test_pictures_that_are_late_leave_a_gap() -> None:
    plots = fed([*talk(20), *talk(20, start=START + 35, lines=600)])
    values = plots.server.read("lines-in", "1m", START + 54)
    gap = values[-35:-20]
    assert len(gap) == 15
    assert all(map(math.isnan, gap))
    assert known(values) == pytest.approx([10.0] * len(known(values)))
    assert 0.0 not in values


def test_a_server_that_slept_between_two_pictures_did_nothing_and_that_is_no_gap() -> None:
    plots = fed([*talk(20), picture(START + 50, 200, 201)])
    values = plots.server.read("lines-in", "1m", START + 49.5)
    assert values[-29:] == [0.0] * 29


def test_while_no_picture_comes_the_newest_buckets_are_a_gap() -> None:
    values = fed(talk(20)).server.read("lines-in", "1m", START + 29.5)
    assert all(map(math.isnan, values[-10:]))
    assert not math.isnan(values[-11])


def test_slow_pictures_of_a_large_server_leave_no_gap() -> None:
    values = fed(talk(60, every=2.5)).server.read("lines-in", "1m", START + 59.5)
    assert known(values) == pytest.approx([10.0] * 60)


def test_a_peak_of_a_queue_is_not_averaged_away() -> None:
    plots = fed(picture(START + step / 10, turns=step, queued=9000 if step == 333 else 10)
                for step in range(600))
    for span in SPANS:
        assert max(known(plots.server.read("queued", span, START + 59))) == 9000


def test_another_server_begins_anew() -> None:
    plots = fed([*talk(20, lines=100_000), picture(START + 5, 3, 3, started_at=START)])
    assert known(plots.server.read("lines-in", "1m", START + 6)) == []


def test_a_client_has_plots_of_its_own_that_begin_when_it_came() -> None:
    plots = fed([*talk(10), *(picture(START + 10 + s / 2, 100 + s * 5, 100 + s * 5, clients=2)
                              for s in range(21))])
    old = plots.look_at(1, ()).read("lines-in", "1m", START + 19.9)
    new = plots.look_at(2, ()).read("lines-in", "1m", START + 19.9)
    assert known(old) == pytest.approx([10.0] * 20)
    assert known(new) == pytest.approx([10.0] * 10)


def test_however_many_clients_there_are_few_are_followed_and_the_looked_at_one_is_among_them(
        ) -> None:
    pictures = [picture(START + s / 2, s * 5, s, clients=CLIENTS_KEPT + 50) for s in range(21)]
    plots = fed(pictures[:-2])
    last = CLIENTS_KEPT + 50
    assert last not in plots.clients
    past = [(one, ()) for one in pictures[:-2]]
    series = plots.look_at(last, past)
    for one in pictures[-2:]:
        plots.add(one)
    assert len(plots.clients) == CLIENTS_KEPT
    assert plots.clients[last] is series
    # What the past held of it, and what has come since then.
    assert known(series.read("lines-in", "1m", START + 9.9)) == pytest.approx([10.0] * 10)


def test_looking_at_one_that_has_left_costs_no_other_its_plot_and_the_past_is_read_once() -> None:
    everybody = [picture(START + s / 2, s * 5, s, clients=CLIENTS_KEPT + 50) for s in range(21)]
    gone = CLIENTS_KEPT + 50
    without = [replace(one, clients=one.clients[:-1]) for one in (
        picture(START + s / 2, s * 5, s, clients=gone) for s in range(21, 41))]
    plots, past = fed(everybody), [(one, ()) for one in everybody]
    for one in without:
        plots.add(one)
        followed = dict(plots.clients)
        told = plots.look_at(gone, past)
        assert plots.clients == followed
        assert plots.look_at(gone, iter(())) is told
    assert known(told.read("lines-in", "1m", START + 19.9)) == pytest.approx([10.0] * 10)
    first = plots.clients[1].read("lines-in", "1m", START + 19.9)
    assert known(first) == pytest.approx([10.0] * 20)


def test_the_plot_of_one_that_was_followed_outlives_it_a_little() -> None:
    plots = fed(picture(START + s / 2, s * 5, s, clients=2 if s < 21 else 1) for s in range(31))
    assert known(plots.look_at(2, ()).read("lines-in", "1m", START + 14.9)) == pytest.approx(
        [10.0] * 10)


def test_one_that_had_not_come_when_it_was_looked_at_is_followed_once_it_has() -> None:
    plots = fed(picture(START + s / 2, s * 5, s, clients=CLIENTS_KEPT) for s in range(3))
    late = CLIENTS_KEPT + 1
    assert known(plots.look_at(late, ()).read("lines-in", "1m", START + 1)) == []
    pictures = [picture(START + s / 2, s * 5, s, clients=late) for s in range(3, 13)]
    for one in pictures:
        plots.add(one)
    series = plots.look_at(late, [(one, ()) for one in pictures])
    assert plots.clients[late] is series
    assert known(series.read("lines-in", "1m", START + 5.9)) == pytest.approx([10.0] * 5)


def test_the_memory_does_not_grow_with_time() -> None:
    plots = fed(talk(3, every=0.5))

    def size() -> int:
        arrays = [a for ring in plots.server._rings.values()
                  for a in (*ring._values, ring._known, ring._numbers)]
        return sum(map(sys.getsizeof, arrays))

    before = size()
    for one in talk(7200, every=2.0, start=START + 3, lines=30):
        plots.add(one)
    assert size() == before < 20_000
    assert len(known(plots.server.read("lines-in", "1h", START + 7203))) == SPANS["1h"].buckets


def test_clients_that_left_take_their_plots_with_them() -> None:
    plots = fed(picture(START + s, s, s, clients=20 if s < 5 else 2) for s in range(10))
    assert set(plots.clients) == {1, 2}


@pytest.mark.parametrize("span", SPANS)
def test_the_past_tells_the_same_as_what_was_seen(span: str) -> None:
    pictures = list(talk(120))
    live = fed(pictures)
    told = of_the_past(((one, ()) for one in pictures), end=START + 120, span=SPANS[span])
    for figure in ("lines-in", "wake-ups", "clients"):
        assert known(told.read(figure, span, START + 119.9)) == pytest.approx(
            known(live.server.read(figure, span, START + 119.9)), rel=0.02)


def test_a_plot_of_a_paused_console_ends_with_the_pause() -> None:
    state = ConsoleState()
    for number, one in enumerate(talk(30)):
        state.feed(one, (), number / 2)
    state.pause()
    before = state.plotted("lines-in", "1m")
    for number, one in enumerate(talk(50, per_second=100, start=START + 30.5, lines=350)):
        state.feed(one, (), 30.5 + number / 2)
    # What the rings have let go since then, the past still tells.
    assert known(state.plotted("lines-in", "1m")) == pytest.approx(known(before), abs=0.3)
    state.go_live()
    assert max(known(state.plotted("lines-in", "1m"))) == pytest.approx(100.0)


def test_a_client_has_a_plot_at_a_turn_of_the_past_too() -> None:
    state = ConsoleState()
    for number, one in enumerate(talk(30)):
        state.feed(one, (), number / 2)
    state.seek(100)
    assert known(state.plotted("lines-in", "1m", 1)) == pytest.approx([10.0] * 10, rel=0.2)
