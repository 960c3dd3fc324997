"""Text cut and padded by the cells a terminal gives it, and made safe to draw.

Everything a client controls has been sanitised by the server, but a console also shows
recordings and servers elsewhere, so nothing that moves a cursor leaves here either.
"""

from __future__ import annotations

import re
from functools import lru_cache

from wcwidth import iter_graphemes

from chatops.system.columns import width as columns
from chatops.units import format_size

ELLIPSIS = "…"
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_GAP = re.compile(r" {2,}(?=\S)")      # between two columns of a listing
# "main.<locals>.handle (chat.py:12)" at the end of a text: where something is in a program.
_PLACE = re.compile(r"(?:[^\s.()]+\.)*([^\s.()]+) (\([^\s()]+:\d+\))$")
NAMED = 4                      # cells of a name that are worth showing before its place
MARKS_PER_CELL = 2             # combining marks drawn on one character
# Terminals differ in how wide what they join is: some draw a family in two cells, others in six.
_JOINERS = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"


@lru_cache(maxsize=4096)
def clean(text: str) -> str:
    """Without control and format characters, and with few marks on each character; what is
    joined stands side by side, as wide as it is counted.
    """
    if text.isascii() and text.isprintable():
        return text
    kept: list[str] = []
    marks = 0
    for char in text:
        if char in _JOINERS:
            continue
        if not char.isprintable() and not char.isspace():
            kept.append(REPLACEMENT)
            marks = 0
        elif char.isspace():
            kept.append(" ")
            marks = 0
        elif columns(char):
            kept.append(char)
            marks = 0
        elif kept and marks < MARKS_PER_CELL:
            kept.append(char)
            marks += 1
    return "".join(kept)


def fit(text: str, width: int, *, right: bool = False) -> str:
    """Exactly `width` cells of text: padded, or cut with an ellipsis.  A place in a program keeps
    its file and line, without which it is none.
    """
    if text.isascii() and text.isprintable():
        spare = width - len(text)
        if spare < 0 and text.endswith(")"):
            text = _short_place(text, width)
            spare = width - len(text)
        if spare < 0:
            return text[: width - 1] + ELLIPSIS if width > 0 else ""
    else:
        text = clean(text)
        spare = width - columns(text)
        if spare < 0:
            text = _cut(text, width)
            spare = width - columns(text)
    return " " * spare + text if right else text + " " * spare


def _short_place(text: str, width: int) -> str:
    """The same without what the function is in, and with no more of its name than there is room
    for; as it was where it says no place, or that has no room.
    """
    match = _PLACE.search(text)
    if match is None:
        return text
    said, where = text[:match.start()] + match[1], match[2]
    room = width - 1 - len(where)
    if len(said) > room:
        said = said.rpartition(": ")[2]        # "StreamReaderProtocol: handle"
    if len(said) > room >= NAMED:
        said = said[:room - 1] + ELLIPSIS
    return f"{said} {where}" if room >= NAMED else text


def _cut(text: str, width: int) -> str:
    if width < 1:
        return ""
    room, kept = width - 1, ""
    for shape in iter_graphemes(text):     # a letter stays with its marks
        room -= columns(shape)
        if room < 0:
            return kept + ELLIPSIS
        kept += shape
    return text


def hanging(row: str, width: int) -> str:
    """A row of a listing in lines of at most `width` cells: what does not fit goes on under its
    last column, and under its second cell where that would leave it less than half of the width.

    A word that is wider stays whole.
    """
    if columns(row) <= width:
        return row
    indent = max((columns(row[:gap.end()]) for gap in _GAP.finditer(row)), default=2)
    margin = " " * (indent if indent * 2 <= width else 2)
    lines, *words = row.split(" ")
    room = width - columns(lines)
    for word in words:
        room -= 1 + columns(word)
        if room < 0 and word:
            lines = lines.rstrip() + "\n" + margin + word
            room = width - len(margin) - columns(word)
        else:
            lines += " " + word
    return lines


def format_rate(rate: float) -> str:
    """Something per second in at most five characters: `0`, `0.4`, `45`, `12.1K`."""
    if rate < 0.05:
        return "0"
    if rate < 9.95:
        return f"{rate:.1f}"
    if rate < 9999.5:
        return f"{rate:.0f}"
    for unit in "KMGT":
        rate /= 1000
        if rate < 999.5:
            return f"{rate:.1f}{unit}" if rate < 99.95 else f"{rate:.0f}{unit}"
    return f"{rate:.0f}P"


def format_count(count: int) -> str:
    """A counter in at most five characters: `1204`, `12.1K`."""
    return str(count) if count < 100_000 else format_rate(count)


def format_limit(size: float) -> str:
    """A size that somebody has set, which is mostly a whole one: `64K`, `1.5M`."""
    text = format_size(size)
    power = "KMGTPE".find(text[-1]) + 1
    return f"{text[:-3]}{text[-1]}" if ".0" in text and size % 1024 ** power == 0 else text


def mask_text(mask: int) -> str:
    """An interest or readiness mask: `R-`, `RW`, `--`."""
    return ("R" if mask & 1 else "-") + ("W" if mask & 2 else "-")
