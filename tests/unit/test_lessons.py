"""Lessons: pages that fit, figures that can be drawn, answers that follow what was measured.

The results are made up, so that each could have come out another way: were an answer
written down instead of computed, one of two results would be judged wrongly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import msgspec
import pytest

from chatops.lab.experiments import EXPERIMENTS
from chatops.lab.experiments.anatomy import Anatomy, SelectorStep
from chatops.lab.experiments.closed import ASKED, Aftermath, Closed
from chatops.lab.experiments.combinations import Combinations, FirstCall
from chatops.lab.experiments.cost import CostCurve, CostPoint
from chatops.lab.experiments.limits import Limits, Trial
from chatops.lab.experiments.models import IoSpan, ModelRun, Models
from chatops.lab.experiments.triggering import ReadyReports, Triggering
from chatops.lab.experiments.writable import Watched, Writable
from chatops.lab.lessons import LESSONS
from chatops.lab.lessons.figures import LinePlot, Timeline
from chatops.lab.lessons.lesson import HEIGHT, WIDTH, MeasuredLesson, bucket
from chatops.lab.lessons.wording import micros, millis, times
from chatops.loop import backends

BY_NAME = {lesson.name: lesson for lesson in LESSONS}
names = pytest.mark.parametrize("lesson", LESSONS, ids=list(BY_NAME))


def models(copy: float = 50e-6, dearest: str = "non-blocking") -> Models:
    def run(name: str) -> ModelRun:
        spans = (IoSpan("wait", 0.0, 0.3, 1, "asleep", "waits"),
                 IoSpan("copy", 0.3, 0.3 + copy, 1, "copying", "copies"))
        return ModelRun(name, spans, 0.3, 9, 9, 0.2 if name == dearest else 0.001, 16384)
    return Models(0.3, tuple(map(run, BY_NAME["models"].choices)))


def combinations(under_way: str = "submit(recv)") -> Combinations:
    settled = {"recv(), blocking": True, "recv(), non-blocking": True, "select()": False,
               "submit(recv)": False}
    if under_way == "recv(), non-blocking":
        settled |= {"recv(), non-blocking": False, "submit(recv)": True}
    return Combinations(0.15, tuple(
        FirstCall(name, 0.15 if name in ("recv(), blocking", "select()") else 1e-5, "an answer",
                  whole, 0.151, "nothing") for name, whole in settled.items()))


def anatomy(unchanged: bool = True) -> Anatomy:
    steps = tuple(SelectorStep(call, "SelectorKey(…)", 1) for call in
                  ("register(sock, READ, data)", "modify(sock, READ | WRITE, data)"))
    return Anatomy((), "EpollSelector", (("EpollSelector", True),), (), steps, unchanged)


def limits(*refusing: str) -> Limits:
    return Limits(tuple(Trial(name, fd, fd < 1024 or name not in refusing, "")
                        for fd in (1023, 1024) for name in ("select", "poll", "epoll")),
                  4096, 8192)


def curve(growth: float = 1.0) -> CostCurve:
    points = [CostPoint(name, idle, 1e-6 * idle, 99) for name in ("select", "poll")
              for idle in (1, 10, 1000)]
    points += [CostPoint("epoll", idle, 1e-6 * (growth if idle == 1000 else 1), 99)
               for idle in (1, 10, 1000)]
    return CostCurve(tuple(points), 4096, 4e-6)


def triggering(level: bool = True, edge: bool = False) -> Triggering:
    return Triggering(1000, tuple(
        ReadyReports(name, True, again, True, again, True, False)
        for name, again in (("epoll, level", level), ("epoll, edge", edge))))


def writable(wakeups: int = 100_000) -> Writable:
    return Writable((Watched("read only", 1.0, 0, 0.0),
                     Watched("read and write", 1.0, wakeups, 0.9)), 1 << 21, False, 1 << 17)


def closed(silent: str = "epoll") -> Closed:
    return Closed(tuple(
        Aftermath(name, duplicated, "", 0 if name == silent and not duplicated else ASKED,
                  "POLLIN", "EBADF", "silence", False)
        for name in ("select", "poll", "epoll") for duplicated in (False, True)))


# For each lesson, results and the choice that each makes true.
WORLDS: dict[str, dict[str, Callable[[], msgspec.Struct]]] = {
    "phases": {
        "less than a hundredth": models,
        "a hundredth to a tenth": lambda: models(0.02),
        "a tenth to a half": lambda: models(0.1),
        "more than half": lambda: models(0.4),
    },
    "combinations": {name: partial(combinations, name)
                     for name in ("submit(recv)", "recv(), non-blocking")},
    "models": {name: partial(models, dearest=name)
               for name in BY_NAME["models"].choices},
    "anatomy": {"READ: it is the old key": anatomy,
                "READ | WRITE: it is the live one": lambda: anatomy(False)},
    "limits": {"nobody": limits, "select alone": lambda: limits("select"),
               "select and others": lambda: limits("select", "poll")},
    "cost": {"the same, give or take": curve, "several times": lambda: curve(5),
             "tens of times": lambda: curve(50), "over a hundred times": lambda: curve(500)},
    "triggering": {"the level-triggered one": triggering, "both": lambda: triggering(True, True),
                   "the edge-triggered one": lambda: triggering(False, True),
                   "neither": lambda: triggering(False, False)},
    "writable": {"none": lambda: writable(0), "fewer than a hundred": lambda: writable(99),
                 "fewer than ten thousand": lambda: writable(9_999),
                 "ten thousand or more": writable},
    "closed": {name: partial(closed, name)
               for name in ("select", "poll", "epoll")}
    | {"none of them: all complain": lambda: closed("")},
}


def worlds() -> Iterator[Any]:
    for name, choices in WORLDS.items():
        for choice, world in choices.items():
            yield pytest.param(BY_NAME[name], choice, world(), id=f"{name}: {choice}")


def test_there_are_lessons_for_every_experiment_and_each_has_a_name_of_its_own() -> None:
    assert len(BY_NAME) == len(LESSONS) >= 7
    assert {lesson.experiment for lesson in LESSONS} == set(EXPERIMENTS)
    assert set(WORLDS) == set(BY_NAME)


@names
def test_every_page_fits_a_small_terminal(lesson: MeasuredLesson[Any]) -> None:
    assert lesson.pages
    for text in lesson.pages:
        lines = text.splitlines()
        assert 0 < len(lines) <= HEIGHT
        assert max(map(len, lines)) <= WIDTH
        assert "\t" not in text


@names
def test_question_choices_and_announcement_fit_one_line_each(lesson: MeasuredLesson[Any]) -> None:
    assert len(lesson.title) <= 44
    assert all(len(line) <= 86 for line in (lesson.about, lesson.question))
    assert all(len(choice) <= 60 for choice in lesson.choices)
    assert len(set(lesson.choices)) == len(lesson.choices) >= 2
    assert lesson.question.endswith("?")


@pytest.mark.parametrize(("lesson", "choice", "result"), worlds())
def test_the_right_choice_is_the_one_that_was_measured(
        lesson: MeasuredLesson[Any], choice: str, result: Any) -> None:
    for index, offered in enumerate(lesson.choices):
        verdict = lesson.check(result, index)
        assert verdict.correct is (offered == choice)
        assert verdict.right == choice
        assert len(verdict.explanation) > 60


@pytest.mark.parametrize(("lesson", "choice", "result"), worlds())
def test_every_figure_can_be_drawn_whatever_was_measured(
        lesson: MeasuredLesson[Any], choice: str, result: Any) -> None:
    figures = lesson.figures(result)
    assert figures
    for figure in figures:
        assert figure.title
        if isinstance(figure, LinePlot):
            values = [v for series in figure.series for point in series.points for v in point]
            assert not (figure.log_x or figure.log_y) or min(values) > 0
        if isinstance(figure, Timeline):
            assert figure.start < figure.end
            for bar in (bar for lane in figure.lanes for bar in lane.bars):
                assert figure.start <= bar.start <= bar.end <= figure.end


def test_an_explanation_carries_the_measured_figures() -> None:
    lesson = BY_NAME["writable"]
    assert "123,456 wake-ups a second" in lesson.check(writable(123_456), 0).explanation


def test_a_lesson_says_what_this_machine_lacks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "available", lambda: ("kqueue", "poll", "select"))
    assert BY_NAME["triggering"].missing() == ("epoll",)
    assert BY_NAME["models"].missing() == ()


def test_a_bucket_counts_the_bounds_that_were_reached() -> None:
    assert [bucket(value, 1, 10) for value in (0.5, 1, 9, 10, 99)] == [0, 1, 1, 2, 2]


def test_measured_values_have_as_many_digits_as_can_be_believed() -> None:
    assert [micros(s) for s in (0.68e-6, 4.12e-6, 144.4e-6, 5765e-6)] == [
        "0.68 us", "4.1 us", "144 us", "5,765 us"]
    assert [millis(s) for s in (0.00023, 0.0021, 0.3002)] == ["0.23 ms", "2.1 ms", "300 ms"]
    assert [times(r) for r in (1.04, 44.4, 2640)] == ["1.0", "44", "2,640"]


@pytest.mark.parametrize(("copy", "says"), [(50e-6, "copies"), (1.21e-3, "copies; took 1,210 us")])
def test_a_run_that_goes_beyond_its_close_up_says_how_long_it_took(copy: float, says: str) -> None:
    figures = BY_NAME["models"].figures(models(copy))
    close = next(figure for figure in figures
                 if isinstance(figure, Timeline) and figure.unit == "us")
    assert {lane.note for lane in close.lanes} == {says}
