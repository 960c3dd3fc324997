"""Bars and plots: exact widths, and nothing that is there is drawn as nothing."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.model.pressure import level
from tui.widgets.gauge import (
    bar,
    columns,
    gauge,
    resample,
    scale_top,
    sparkline,
)

shares = st.floats(0, 1)
values = st.lists(st.floats(0, 1e12), max_size=300)


@given(share=shares, width=st.integers(0, 80))
def test_a_bar_is_exactly_as_wide_as_asked_for(share: float, width: int) -> None:
    assert cell_len(bar(share, width)) == width


def test_a_bar_shows_a_tiny_share_and_keeps_the_last_eighth_for_a_full_one() -> None:
    assert bar(0.0001, 8) == "▏·······"
    assert bar(0.0, 8) == "········"
    assert bar(0.9999, 4) == "███▉"
    assert bar(1.0, 4) == bar(7.0, 4) == "████"
    assert bar(math.nan, 2) == "··"


@given(values, st.integers(0, 80))
def test_a_sparkline_is_exactly_as_wide_as_asked_for(series: list[float], width: int) -> None:
    assert cell_len(sparkline(series, width)) == width


def test_a_steady_series_is_not_drawn_as_an_empty_one() -> None:
    assert sparkline([5, 5, 5], 3) == "███"
    assert sparkline([0, 0, 0], 3) == "▁▁▁"
    assert sparkline([0, 1e-9, 100], 3) == "▁▂█"


def test_values_that_are_missing_are_blank_on_the_left() -> None:
    assert sparkline([1], 3) == "  █"
    assert [math.isnan(v) for v in resample([1], 2)] == [True, False]


@given(values, st.integers(1, 60), st.integers(1, 6))
def test_a_plot_fills_its_rectangle_and_marks_every_value(
        series: list[float], width: int, height: int) -> None:
    rows = columns(series, width, height, scale_top(series))
    assert [cell_len(row) for row in rows] == [width] * height
    assert sum(cell != " " for cell in rows[-1]) == min(width, len(series))


@given(values)
def test_the_scale_is_round_and_not_exceeded(series: list[float]) -> None:
    top = scale_top(series)
    assert top >= max(series, default=0)
    assert f"{top:e}"[0] in "125"


@pytest.mark.parametrize(("share", "word"), [(0, "ok"), (0.5, "filling"), (0.9, "full"),
                                             (1.5, "full")])
def test_a_level_has_a_word_so_that_colour_is_not_the_only_signal(
        share: float, word: str) -> None:
    assert level(share) == word


def test_a_gauge_shows_the_value_the_limit_and_a_mark() -> None:
    assert gauge(60000, 65536, 8).plain == "███████▍ 58.6K/64K !"
    assert gauge(123, 0, 8).plain == "123 (no limit)"
