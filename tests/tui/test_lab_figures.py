"""The pictures of the lessons: what they show, at the sizes that terminals have."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from chatops.lab.lessons import LESSONS
from chatops.lab.lessons.figures import (
    Bar,
    Lane,
    LinePlot,
    PlotLine,
    Quantities,
    Quantity,
    Table,
    Timeline,
)
from tests.tui.lab_scenes import RESULTS
from tui.lab.axis import Axis, ruler, tick_text
from tui.lab.pictures import draw, pages


def text(figure: LinePlot | Timeline | Quantities | Table, width: int = 70, height: int = 20
         ) -> str:
    return "\n".join(line.plain.rstrip() for line in draw(figure, width, height))


@pytest.mark.parametrize("size", [(55, 11), (75, 19), (100, 35)], ids=str)
@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_no_line_of_a_picture_is_wider_than_its_page(lesson: object, size: tuple[int, int]) -> None:
    width, height = size
    found = next(one for one in LESSONS if one is lesson)
    for page in pages(found.figures(RESULTS[found.name]), width, height):
        assert max(cell_len(line.plain) for line in page) <= width


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_every_picture_fits_a_terminal_of_80_by_24(lesson: object) -> None:
    found = next(one for one in LESSONS if one is lesson)
    made = pages(found.figures(RESULTS[found.name]), 75, 19)
    assert max(map(len, made)) <= 20


def test_a_logarithmic_axis_gives_each_decade_the_same_room() -> None:
    axis = Axis(1.0, 10_000.0, log=True)
    assert [round(axis.share(x), 3) for x in (1, 10, 100, 1_000, 10_000)] == [
        0, 0.25, 0.5, 0.75, 1]
    assert axis.ticks() == [1, 10, 100, 1_000, 10_000]


@pytest.mark.parametrize(("low", "high", "values"), [
    (1.2, 8.0, [2, 5]), (0.5, 8.0, [0.5, 1, 2, 5]), (20, 45, [20, 30, 40]),
    (2.1, 2.9, [2.2, 2.4, 2.6]), (1.2, 4000, [10, 100, 1000])])
def test_a_logarithmic_axis_of_a_decade_or_less_has_ticks_too(
        low: float, high: float, values: list[float]) -> None:
    assert Axis(low, high, log=True).ticks()[: len(values)] == pytest.approx(values)


def test_a_tick_that_is_no_whole_number_is_not_written_as_one() -> None:
    assert list(map(tick_text, (0, 0.1, 1, 1.5, 99.5, 100, 20_000))) == [
        "0", "0.1", "1", "1.5", "99.5", "100", "20,000"]


def test_what_lies_beyond_an_axis_stands_at_its_end() -> None:
    assert Axis(0.0, 10.0, log=False).share(-5) == 0
    assert Axis(0.0, 10.0, log=False).share(50) == 1


def test_the_values_of_a_ruler_do_not_run_into_each_other() -> None:
    line, values = ruler(Axis(0.1, 1e7, log=True), 30, "ms")
    assert len(line) == len(values) == 30
    assert values.split()[0] == "0.1"
    assert line.count("┴") == 9


def curve(*series: PlotLine) -> LinePlot:
    return LinePlot("Cost", "idle", "median", "us", True, True, series)


def test_a_plot_whose_values_lie_between_two_powers_of_ten_is_drawn_with_ticks() -> None:
    shown = text(curve(PlotLine("poll", ((1, 2.2), (10, 2.5), (100, 2.9)))))
    assert "2.5 ┤" in shown


def test_each_line_of_a_plot_is_named_at_its_end_with_its_own_mark() -> None:
    shown = text(curve(PlotLine("poll", ((1, 1), (10, 10), (100, 100))),
                       PlotLine("epoll", ((1, 1), (10, 1), (100, 1)))))
    assert "poll ●" in shown
    assert "epoll ◆" in shown
    assert "both axes logarithmic" in shown


def test_a_line_that_grows_climbs_and_a_flat_one_does_not() -> None:
    rows = text(curve(PlotLine("poll", ((1, 1), (10, 10), (100, 100))),
                      PlotLine("epoll", ((1, 1), (10, 1), (100, 1))))).splitlines()
    heights = [at for at, row in enumerate(rows) if "●" in row]
    assert heights[0] < 4
    assert len(heights) >= 3
    assert len([row for row in rows if "◆" in row]) == 1


def test_a_yardstick_is_dashed_and_has_no_marks() -> None:
    shown = text(curve(PlotLine("poll", ((1, 1), (10, 10), (100, 100))),
                       PlotLine("one send()", ((1, 5), (100, 5)))))
    assert "one send()" in shown
    assert "◆" not in shown


def lanes(*found: Lane) -> Timeline:
    return Timeline("Ways", "ms", 0.0, 300.0, found, 299.0, "the data came")


def test_every_kind_of_doing_has_a_pattern_of_its_own_and_stands_in_the_legend() -> None:
    shown = text(lanes(Lane("a", (Bar(0, 299, "asleep", "wait"), Bar(299, 300, "copying", "")))
                       , Lane("b", (Bar(0, 299, "asking", ""), Bar(299, 300, "free", "")))))
    for sign, name in (("░░░", "asleep"), ("×××", "asking"), ("───", "doing other work"),
                       ("███", "copying")):
        assert f"{sign} {name}" in shown


def test_a_bar_keeps_a_cell_however_short_it_is() -> None:
    rows = text(lanes(Lane("a", (Bar(0, 299.9, "asleep", "wait"),
                                 Bar(299.9, 300, "copying", "copy"))))).splitlines()
    assert rows[2].endswith("░█")


def test_the_moment_that_is_marked_is_named_over_its_place() -> None:
    rows = text(lanes(Lane("a", (Bar(0, 299, "asleep", "wait"),), "a note"))).splitlines()
    assert rows[1].endswith("the data came ▼")
    assert rows[3].index("┊") == rows[1].index("▼")


def test_a_long_note_is_folded_and_not_cut() -> None:
    note = "the boundary is the sender's clock, which the call does not show, and nor can we"
    shown = text(lanes(Lane("a", (Bar(0, 299, "asleep", ""),), note)), width=50)
    assert " ".join(shown.replace("┊", " ").split()).count("and nor can we") == 1


def test_nothing_has_no_bar_and_says_that_it_is_nothing() -> None:
    shown = text(Quantities("Wake-ups", "1/s", True, (
        Quantity("read", 0.0, "0", "good"), Quantity("both", 200_000.0, "200,000", "bad"))))
    none, many = shown.splitlines()[1:3]
    assert "█" not in none
    assert none.endswith("0 ✓")
    assert "██████" in many
    assert many.endswith("200,000 !")


def test_a_table_too_wide_is_folded_and_loses_nothing() -> None:
    words = "as epoll, for more kinds of events than one can count"
    shown = text(Table("T", ("class", "what"), (("  KqueueSelector", words),)), width=36)
    assert "  KqueueSelector" in shown
    assert set(words.split()) <= set(shown.split())


def test_figures_of_a_table_are_aligned_at_the_right() -> None:
    rows = text(Table("T", ("idle", "cost"), (("1", "0.7 us"), ("19,960", "3,378 us")))
                ).splitlines()
    assert rows[3] == "     1    0.7 us"
    assert rows[4] == "19,960  3,378 us"
