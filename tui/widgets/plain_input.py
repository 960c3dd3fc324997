"""A field for text, and for nothing that a terminal would obey."""

from __future__ import annotations

from textual.widgets import Input

JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"     # Persian, India, emoji need them


def printable(text: str) -> str:
    """A line as it can be put into a field, blanks at its ends and all."""
    return "".join(c for c in text.replace("\t", " ") if c.isprintable() or c in JOINERS)


class PlainInput(Input):
    """Holds only what is printable, however it comes in: a paste may bring anything, and what
    turns the direction of text would turn the rest of the screen's line as well.
    """

    def validate_value(self, value: str) -> str:
        return printable(value)

    def replace(self, text: str, start: int, end: int) -> None:
        # The cursor goes behind what was put in, so it is not to count what is left out.
        super().replace(printable(text), start, end)
