"""What a learner has done in this session: measured, answered, and how well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from chatops.lab.lessons.lesson import MeasuredLesson, Verdict


@dataclass(slots=True)
class Progress:
    """Kept for as long as the console runs, and shared by the lab's screens."""

    results: dict[str, Any] = field(default_factory=dict)        # measured, by lesson
    choices: dict[str, int] = field(default_factory=dict)        # an index, by lesson
    stages: set[int] = field(default_factory=set)                # those that were opened

    def verdict(self, lesson: MeasuredLesson[Any]) -> Verdict | None:
        """On the last answer, once there is a measurement to hold it against."""
        result, choice = self.results.get(lesson.name), self.choices.get(lesson.name)
        if result is None or choice is None:
            return None
        return lesson.check(result, choice)

    def score(self, lessons: Sequence[MeasuredLesson[Any]]) -> tuple[int, int]:
        """How many answers are right, and how many there are."""
        verdicts = [v for v in map(self.verdict, lessons) if v is not None]
        return sum(v.correct for v in verdicts), len(verdicts)

    def mark(self, lesson: MeasuredLesson[Any]) -> tuple[str, str]:
        """A sign and its style: right, wrong, or not answered yet."""
        verdict = self.verdict(lesson)
        if verdict is None:
            return "○", "$text-muted"
        return ("✓", "bold $success") if verdict.correct else ("✗", "bold $error")
