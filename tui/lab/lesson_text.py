"""What a lesson's page says: pure, out of the lesson and how far the learner has come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.content import Content

from chatops.lab.lessons.lesson import MeasuredLesson, Verdict
from tui.lab.wording import fold
from tui.text.cells import clean
from tui.widgets.gauge import bar

STEPS = ("read", "measure", "look", "answer")
TEXT_WIDTH = 72
LIKELY = 2.5                   # seconds that a measurement takes, for its bar
BAR = 40


def steps_text(places: Sequence[str], at: int) -> Content:
    """`read ●●  measure ○  look ○○  answer ○`: where one is, and how much there is."""
    parts: list[str | tuple[str, str]] = []
    for name in STEPS:
        here = places[at] == name
        dots = "".join("●" if number <= at else "○"
                       for number, place in enumerate(places) if place == name) or "○"
        parts += [(name, "bold $primary" if here else "$text-muted"),
                  (f" {dots}    ", "$primary" if here else "$text-muted")]
    return Content.assemble(*parts)


def experiment_text(lesson: MeasuredLesson[Any], missing: Sequence[str], error: str,
                    took: float | None, *, measured: bool) -> Content:
    """What is measured, and how it stands; `took` is the seconds that it has run so far."""
    lines = [Content.styled("The experiment", "bold $primary"), paragraph(lesson.about), Content()]
    if missing:
        lines.append(paragraph(f"✗ This machine has no {' and no '.join(missing)}: "
                               "it cannot be made here.", "$error"))
    elif took is not None:
        lines.append(Content.assemble((bar(min(0.99, took / LIKELY), BAR), "$accent"),
                                      (f"  measuring … {took:.1f} s", "bold")))
    elif error:
        lines.append(paragraph(f"✗ It failed: {clean(error)}", "$error"))
    elif measured:
        lines.append(Content.assemble(("✓ ", "bold $success"), "measured here, a moment ago. ",
                                      ("m", "bold $primary"), " measures again."))
    else:
        lines += [Content.assemble(("m", "bold $primary"), " measures it, now, on this machine, "
                                   "in a process of its own."), Content(),
                  Content.assemble(("And what do you expect?  ", "bold $primary"),
                                   ("choose, then measure", "$text-muted")),
                  paragraph(lesson.question)]
    return Content("\n").join(lines)


def choice_text(number: int, text: str, marked: bool, *, right: bool | None) -> Content:
    """`▸ 2  select alone  ✓`: chosen, and once it is known, whether it is true here."""
    sign, style = ("▸", "bold $accent") if marked else (" ", "$foreground")
    tail = ""
    if right:
        tail, style = "   ✓ so it is", "bold $success"
    elif marked and right is not None:
        tail, style = "   ✗", "$error"
    return Content.assemble((f" {sign} ", style), (f"{number + 1}", "bold $primary"),
                            (f"  {text}{tail}", style))


def verdict_text(verdict: Verdict | None, *, guessed: bool) -> Content:
    """Whether the answer holds, and the figures that say so; `guessed` is one too early."""
    if verdict is None:
        return Content.styled("Chosen; now measure: m." if guessed else "", "$text-muted")
    if verdict.correct:
        said = Content.styled("✓ Right.", "bold $success")
    else:
        said = Content.assemble(("✗ Not here.", "bold $error"), " It is: ",
                                (verdict.right, "bold"))
    return Content("\n").join([said, paragraph(verdict.explanation)])


def paragraph(text: str, style: str = "$foreground") -> Content:
    return Content.styled("\n".join(fold(text, TEXT_WIDTH)), style)
