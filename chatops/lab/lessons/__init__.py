"""The lessons, in the order in which they build on each other.

    for lesson in LESSONS:
        result = lesson.measure()              # in a thread: up to three seconds
        figures = lesson.figures(result)       # LinePlot, Timeline, Quantities, Table
        verdict = lesson.check(result, choice) # choice: an index into lesson.choices
"""

from __future__ import annotations

from typing import Any

from chatops.lab.lessons import (
    anatomy,
    closed,
    combinations,
    cost,
    limits,
    models,
    phases,
    triggering,
    writable,
)
from chatops.lab.lessons.lesson import MeasuredLesson

LESSONS: tuple[MeasuredLesson[Any], ...] = (
    phases.LESSON, combinations.LESSON, models.LESSON, anatomy.LESSON, limits.LESSON, cost.LESSON,
    triggering.LESSON, writable.LESSON, closed.LESSON,
)
