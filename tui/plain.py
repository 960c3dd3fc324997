"""The screen in signs that a plain terminal has: frames, bars and curves in ASCII.

Everything that is drawn goes through here on its way out, so that no widget knows of it and
nothing can be forgotten.  A sign keeps its cells: columns stay where they are.
"""

from __future__ import annotations

from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

UNKNOWN = "?"


def _table() -> dict[str, str]:
    rows = (
        ("─┄┅┈┉╌╍╴╶╸╺", "-"), ("━═", "="), ("│┃┆┇┊┋╎╏║╵╷╹╻▏▎▕", "|"),
        ("┌┐└┘╭╮╰╯├┤┬┴┼┏┓┗┛┣┫┳┻╋╔╗╚╝╠╣╦╩╬╓╙╒╘", "+"),
        # Heights, for curves; two signs apart is what eyes can still tell in ASCII.
        ("▁", "_"), ("▂", "."), ("▃", ":"), ("▄", "-"), ("▅", "="), ("▆", "+"), ("▇", "*"),
        ("█▉▊▋▌■▪◼▐", "#"), ("▍", "|"), ("░", "."), ("▒", ":"), ("▓▀", "#"),
        ("·•∙", "."), ("●◆◉", "*"), ("○◇◦◌", "o"), ("◔", "%"), ("✓✔", "+"), ("✗✘✕✂", "X"),
        ("×", "x"),
        ("▲△↑▴", "^"), ("▼▽↓▾", "v"), ("▶▸→»❯↷↳⇒", ">"), ("◀◂←«⏎↵↶↰⇐", "<"), ("‖", "="),
        ("…", "~"), ("–—‐‑−", "-"), ("‘’", "'"), ("“”„", '"'), ("µ", "u"), ("±", "+"), ("²", "2"),
        ("σ", "s"), ("≈≤≥", "~"), ("\u00a0\u2007\u202f", " "),
    )
    return {sign: plain for signs, plain in rows for sign in signs}


SIGNS = _table()


@lru_cache(maxsize=4096)
def plain(text: str, letters: int) -> str:
    """The text in code points below `letters`, in as many cells as before.

    What a letter says cannot be guessed: one that the terminal does not have is a `?`.
    """
    if text.isascii():
        return text
    return "".join(
        char if ord(char) < min(letters, 0x7f) or (0xa0 < ord(char) < letters and char not in SIGNS)
        else SIGNS.get(char) or UNKNOWN * cell_len(char) for char in text)


class PlainSigns(LineFilter):
    """Changes each line just before it is written."""

    def __init__(self, letters: int) -> None:
        super().__init__()
        self._letters = letters

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        letters = self._letters
        return [Segment(plain(text, letters), style, control) if not text.isascii()
                else Segment(text, style, control) for text, style, control in segments]
