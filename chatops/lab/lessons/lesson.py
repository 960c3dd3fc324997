"""What a lesson is: pages to read, an experiment to run, its pictures, and a question.

The question's answer is not written down anywhere.  It is computed from what the
experiment measured, on the learner's machine, a moment ago.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from chatops.lab.experiments.apart import run_apart
from chatops.lab.lessons.figures import Figure
from chatops.loop import backends

WIDTH, HEIGHT = 70, 16         # of a page, to fit a terminal of 80×24 with its frame

Result = TypeVar("Result", bound=msgspec.Struct)


class Verdict(msgspec.Struct, frozen=True):
    correct: bool
    right: str                 # the choice that is true here
    explanation: str           # one paragraph, with the measured figures


@dataclass(frozen=True, slots=True)
class MeasuredLesson(Generic[Result]):
    """One notion.  `measure` blocks for up to three seconds: call it in a thread."""

    name: str
    title: str
    pages: tuple[str, ...]
    experiment: str            # its name in `EXPERIMENTS`
    about: str                 # one line: what is about to be measured
    figures: Callable[[Result], tuple[Figure, ...]]
    question: str
    choices: tuple[str, ...]
    answer: Callable[[Result], int]          # index of the choice that is true of a result
    explain: Callable[[Result], str]
    needs: tuple[str, ...] = ()              # selectors it makes no sense without

    def missing(self) -> tuple[str, ...]:
        """What this machine lacks for the lesson."""
        return tuple(name for name in self.needs if name not in backends.available())

    def measure(self) -> Result:
        """Run the experiment, in a process of its own.  Raises `ExperimentError`."""
        result: Result = run_apart(self.experiment)
        return result

    def check(self, result: Result, choice: int) -> Verdict:
        """Hold a choice (its index) against what was measured."""
        right = self.answer(result)
        return Verdict(choice == right, self.choices[right], self.explain(result))


def page(text: str) -> str:
    """A page as it is written in the source: without the indentation and the outer lines."""
    return textwrap.dedent(text).strip("\n")


def bucket(value: float, *bounds: float) -> int:
    """How many of the ascending bounds the value has reached."""
    return sum(value >= bound for bound in bounds)
