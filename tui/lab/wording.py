"""Pieces of text that the lab's screens share."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from textual.content import Content

from chatops.lab.lessons.lesson import MeasuredLesson
from tui.lab.progress import Progress


def fold(text: str, width: int, first: str = "", rest: str = "") -> list[str]:
    """Lines of at most so many cells; a word like `non-blocking` stays whole.

    `first` and `rest` are what the first line and the others begin with.
    """
    return textwrap.wrap(text, width, initial_indent=first, subsequent_indent=rest,
                         break_on_hyphens=False)


def both_ends(left: Content, right: Content, width: int) -> Content:
    """One line with something at either end; the right one is for where there is room."""
    if left.cell_length + right.cell_length + 2 > width:
        right = Content()
    room = max(0, width - right.cell_length - 1)
    return Content.assemble(left.truncate(room, ellipsis=True, pad=True), right, " ")


def score_text(progress: Progress, lessons: Sequence[MeasuredLesson[Any]]) -> Content:
    """`✓✗○○○○○○○  1 of 2 right`"""
    right, answered = progress.score(lessons)
    marks = [progress.mark(lesson) for lesson in lessons]
    said = f"  {right} of {answered} right" if answered else ""
    return Content.assemble(*marks, (said, "$text-muted"))
