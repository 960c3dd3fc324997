"""Each lesson as a learner meets it here: measured, drawn, asked, and judged."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chatops.lab.lessons import LESSONS
from chatops.lab.lessons.figures import Figure
from chatops.lab.lessons.lesson import MeasuredLesson

# What every Linux machine shows, whatever its speed, and however busy it is.
TRUE_HERE = {
    "phases": "less than a hundredth|a hundredth to a tenth",
    "combinations": "submit(recv)",
    "models": "non-blocking",
    "anatomy": "READ: it is the old key",
    "limits": "select alone",
    "cost": "the same, give or take",
    "triggering": "the level-triggered one",
    "writable": "ten thousand or more",
    "closed": "epoll",
}


@pytest.mark.parametrize("lesson", LESSONS, ids=[lesson.name for lesson in LESSONS])
def test_a_lesson_measures_draws_and_judges_what_is_true_here(lesson: MeasuredLesson[Any]) -> None:
    if missing := lesson.missing():
        pytest.skip(f"this machine has no {' and no '.join(missing)}")
    result = lesson.measure()
    figures = lesson.figures(result)
    assert msgspec.json.decode(msgspec.json.encode(figures), type=list[Figure]) == list(figures)
    verdicts = [lesson.check(result, index) for index in range(len(lesson.choices))]
    assert verdicts[0].right in TRUE_HERE[lesson.name].split("|"), verdicts[0].explanation
    assert [v.correct for v in verdicts] == [c == verdicts[0].right for c in lesson.choices]
