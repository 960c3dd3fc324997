"""The lines about a command that is being typed.  Pure."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from chatops.api.command_table import Spec
from chatops.system.columns import width as cells
from tui.model.completion import Candidate
from tui.text.cells import clean, fit

LABEL_LEAST, LABEL_MOST = 14, 34


def width_of_labels(candidates: Sequence[Candidate], room: int) -> int:
    """Cells that what can be chosen has; all the `room` where nothing is said beside it."""
    most = LABEL_MOST if any(candidate.help for candidate in candidates) else room
    longest = max((cells(candidate.label) for candidate in candidates), default=0)
    return max(LABEL_LEAST, min(most, longest + 2))


def left_out(lines: list[str]) -> Content:
    """What becomes of lines that were pasted into the command line."""
    if not lines:
        return Content.styled("pasted: enter runs it   esc leaves", "$text-muted")
    return Content.assemble(
        ("pasted; left out: ", "bold $warning"), (clean(" ⏎ ".join(lines)), "$text-muted"))


def candidate_line(candidate: Candidate, wide: int) -> Content:
    return Content.assemble(" ", (fit(candidate.label, wide), "$text"), " ",
                            (clean(candidate.help), "$text-muted"))


def usage(spec: Spec, argument: int) -> Content:
    """The command with the argument being typed marked, and what it does."""
    parts: list[str | tuple[str, str]] = [(spec.name, "bold $accent")]
    for number, param in enumerate(spec.params):
        label = f"[{param.label}]" if param.optional else param.label
        parts += [" ", (label, "bold underline" if number == argument else "$text-muted")]
    return Content.assemble(*parts, "   ", (spec.help, "$text-muted"))
