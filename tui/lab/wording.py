"""Pieces of text that the lab's screens share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.content import Content

from chatops.lab.lessons.lesson import Lesson
from tui.lab.progress import Progress


def both_ends(left: Content, right: Content, width: int) -> Content:
    """One line with something at either end; the left one gives way."""
    room = max(0, width - right.cell_length - 1)
    return Content.assemble(left.truncate(room, ellipsis=True, pad=True), right, " ")


def score_text(progress: Progress, lessons: Sequence[Lesson[Any]]) -> Content:
    """`✓✗○○○○○○○  1 of 2 right`"""
    right, answered = progress.score(lessons)
    marks = [progress.mark(lesson) for lesson in lessons]
    said = f"  {right} of {answered} right" if answered else "  nothing answered yet"
    return Content.assemble(*marks, (said, "$text-muted"))
