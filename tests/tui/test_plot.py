"""A figure over minutes: its axes, what a gap looks like, and the ways to it."""

from __future__ import annotations

import math
import re

import pytest
from textual.widgets import Static

from chatops.api.command_table import PLOT_SPANS, PLOTS
from tests.tui.press import begin, echo, kind, on_screen, press, write
from tests.tui.shots import Rig
from tui.model.series import CLIENT, SERVER, SPANS, figure_of
from tui.screens.details import DetailsScreen
from tui.screens.main import MainScreen
from tui.screens.plot import PlotScreen, _legend
from tui.widgets.history_plot import GAP, draw, spread
from tui.widgets.status_bar import Place, StatusBar, figure_at

SIZES = [(60, 16), (80, 24), (120, 40), (200, 60)]


def test_every_figure_and_span_that_can_be_typed_can_be_drawn() -> None:
    assert tuple(figure.name for figure in SERVER) == PLOTS
    assert {figure.name for figure in CLIENT} <= set(PLOTS)
    assert tuple(SPANS) == PLOT_SPANS


@pytest.mark.parametrize("width", [24, 60, 76, 116, 196])
@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize("figure", PLOTS)
def test_a_plot_is_as_wide_as_it_is_told_and_marks_its_ends(figure: str, span: str,
                                                          width: int) -> None:
    one = figure_of(figure, client=False)
    values = [float(n * 1000) for n in range(SPANS[span].buckets)]
    lines = draw(values, one, SPANS[span], width, 8)
    assert len(lines) == 8 + 3
    assert max(line.cell_length for line in lines) <= width
    assert lines[-1].plain.rstrip().endswith("now")
    assert lines[-1].plain.split()[0] == {"1m": "-1m", "5m": "-5m", "1h": "-1h"}[span]


def test_a_gap_is_a_dot_on_the_ground_and_a_zero_is_a_line() -> None:
    span = SPANS["1m"]
    values = [math.nan] * 30 + [0.0] * 30
    *_, ground, _axis, _times = draw(values, SERVER[0], span, 68, 4)
    assert ground.plain[8:].startswith(GAP * 30 + "▁" * 30)


def test_a_peak_is_seen_however_narrow_the_plot_is() -> None:
    values = [0.0] * 119 + [7.0]
    values[50] = 99.0
    assert max(spread(values, 17)) == 99.0
    assert spread(values, 17)[-1] == 7.0
    assert spread([1.0, math.nan, 3.0], 9)[3:6] == pytest.approx([math.nan] * 3, nan_ok=True)


async def test_a_key_opens_the_plot_and_arrows_and_tab_go_through_it() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot, 130.0)
        await press(rig, pilot, "g")
        assert kind(rig) is PlotScreen
        assert "wake-ups per second" in on_screen(rig)
        await press(rig, pilot, "right")
        assert echo(rig).strip().startswith(":plot lines-in")
        await press(rig, pilot, "tab")
        assert "[1h]" in on_screen(rig)
        assert "-1h" in on_screen(rig)
        await press(rig, pilot, "shift+tab", "shift+tab")
        assert "[1m]" in on_screen(rig)
        assert "lines in per second" in on_screen(rig)
        await press(rig, pilot, "escape")
        assert kind(rig) is MainScreen


@pytest.mark.parametrize("size", SIZES)
async def test_a_plot_has_room_in_every_layout(size: tuple[int, int]) -> None:
    rig = Rig()
    async with rig.app.run_test(size=size) as pilot:
        await begin(rig, pilot, 70.0)
        await press(rig, pilot, "g")
        text = on_screen(rig)
        assert "┴" in text
        assert "now" in text
        assert "wake-ups per second" in text
        assert not rig.app.screen.query_one(".box").show_vertical_scrollbar


async def test_a_clients_plot_is_asked_for_by_name() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot, 30.0)
        await press(rig, pilot, "colon")
        await write(rig, pilot, "plot queued 1m bob")
        await press(rig, pilot, "enter")
        assert "queued: #2 bob" in on_screen(rig)
        rig.feed.leave(2)
        rig.run(1.0)
        await pilot.pause()
        assert "bob  has left" in on_screen(rig)


async def test_a_figure_that_clients_do_not_have_is_said_to_be_none() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "colon")
        await write(rig, pilot, "plot busy 1m bob")
        await press(rig, pilot, "enter")
        assert kind(rig) is MainScreen
        assert "no plot of 'busy' for a client" in echo(rig)


async def test_a_click_on_a_figure_of_the_header_shows_its_plot() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await begin(rig, pilot)
        assert await pilot.click(StatusBar, offset=(40, 2))
        await pilot.pause()
        assert kind(rig) is PlotScreen
        assert figure_at(40, 2, 120) == "lines-out"
        assert "lines out per second" in on_screen(rig)
        page = rig.app.screen.query_one(".page", Static)
        assert await pilot.click(page, offset=(2, 0))       # the first of the figures
        await pilot.pause()
        rig.run(0.2)
        await pilot.pause()
        assert "wake-ups per second" in on_screen(rig)


@pytest.mark.parametrize("width", [60, 80, 110, 200])
def test_every_metric_of_the_header_has_a_plot(width: int) -> None:
    seen = {figure_at(x, y, width) for y in range(4) for x in range(width)} - {""} | {"clients"}
    assert seen == set(PLOTS) if width > 60 else seen <= set(PLOTS)


async def test_details_lead_to_the_clients_plots() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await begin(rig, pilot, 30.0)
        await press(rig, pilot, "home", "enter")
        assert kind(rig) is DetailsScreen
        await press(rig, pilot, "g")
        assert kind(rig) is PlotScreen
        assert "queued: #2 bob" in on_screen(rig)


@pytest.mark.parametrize("size", SIZES)
async def test_a_key_goes_through_every_figure_of_the_header_and_enter_plots_it(
        size: tuple[int, int]) -> None:
    rig = Rig()
    async with rig.app.run_test(size=size) as pilot:
        await begin(rig, pilot, 20.0)
        await press(rig, pilot, "G")
        assert rig.app.screen.focused is rig.app.screen.query_one(StatusBar)
        assert ">wake/s" in on_screen(rig)
        plotted = []
        for _ in range(9):
            await press(rig, pilot, "enter")
            assert kind(rig) is PlotScreen
            plotted += re.findall(r"([\w-]+): the server", on_screen(rig))
            await press(rig, pilot, "escape", "right")
        columns = 4 if size[0] > 60 else 3
        assert plotted[:columns * 2 + 1] == [
            *("wake-ups", "wake-ups", "busy", "busy")[:columns],
            *("lines-in", "lines-out", "queued", "kernel")[:columns], "clients"]


async def test_the_headers_arrows_end_at_its_edges_and_escape_goes_back_to_the_pane() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await begin(rig, pilot, 5.0)
        before = rig.app.screen.focused
        await press(rig, pilot, "G", "up", "up")
        assert ">clients" in on_screen(rig)
        await press(rig, pilot, "down", "down", "down")
        assert ">in/s" in on_screen(rig)
        await press(rig, pilot, "left")
        assert ">slowest" in on_screen(rig)
        await press(rig, pilot, "escape")
        assert rig.app.screen.focused is before
        assert ">clients" not in on_screen(rig)
        await press(rig, pilot, "enter")
        assert kind(rig) is DetailsScreen


@pytest.mark.parametrize("columns", [3, 4])
def test_steps_to_the_right_come_by_every_figure_once(columns: int) -> None:
    places = [Place(0, 0)]
    for _ in range(2 * columns):
        places.append(places[-1].step(1, 0, columns))
    assert places == [Place(0, 0), *(Place(line, n) for line in (1, 2) for n in range(columns))]
    assert places[-1].step(1, 0, columns) == places[0]
    assert [place.step(1, 0, columns).step(-1, 0, columns) for place in places] == places


@pytest.mark.parametrize(("seconds", "span", "said"), [
    (20.0, "[1m]", "no data yet"), (130.0, "[5m]", "no data yet"), (310.0, "[5m]", "")])
async def test_a_fresh_plot_is_of_a_minute_and_says_that_there_is_no_more_yet(
        seconds: float, span: str, said: str) -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot, seconds)
        await press(rig, pilot, "g")
        text = on_screen(rig)
        assert span in text
        assert said in text
        assert "no picture came" not in text
        await press(rig, pilot, "escape", "colon")
        await write(rig, pilot, "plot busy 5m")
        await press(rig, pilot, "enter")
        assert "[5m]" in on_screen(rig)        # as it was asked for


def test_a_gap_between_two_values_is_one_that_no_picture_came_for() -> None:
    gap = math.nan
    for values, said in (([gap, gap], "no data yet"), ([gap, 1.0], "no data yet"),
                         ([1.0, gap, 2.0], "no picture came"), ([1.0, gap], "no picture came"),
                         ([gap, 1.0, gap, 2.0], "no picture came"), ([1.0], "")):
        assert _legend(values).plain.removeprefix(f"{GAP} ") == said
