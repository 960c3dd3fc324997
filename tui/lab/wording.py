"""Pieces of text that the lab's screens share."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
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


def both_ends(left: Content, rights: Iterable[Content], width: int) -> Content:
    """One line with something at either end; at the right the first for which there is room."""
    right = next((each for each in rights if left.cell_length + each.cell_length + 2 <= width),
                 Content())
    room = max(0, width - right.cell_length - 1)
    return Content.assemble(left.truncate(room, ellipsis=True, pad=True), right, " ")


def score_texts(progress: Progress, lessons: Sequence[MeasuredLesson[Any]]
                ) -> tuple[Content, Content]:
    """`✓✗○○○○○○○  1 of 2 right`, and the marks alone."""
    right, answered = progress.score(lessons)
    marks = [progress.mark(lesson) for lesson in lessons]
    said = f"  {right} of {answered} right" if answered else ""
    return Content.assemble(*marks, (said, "$text-muted")), Content.assemble(*marks)
