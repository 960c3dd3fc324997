"""A screen as SVG: text and rectangles, nothing that is fetched from elsewhere or run.

One frame is a picture; of several each line is to be seen in those in which it reads so (SMIL,
which browsers play in an `img`, too).  Viewers that know no animation show the first frame.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from rich.cells import cell_len
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui.text.cells import REPLACEMENT

CELL_WIDTH, CELL_HEIGHT, BASE_LINE = 8.4, 18, 13.5     # user units; a cell is 14 high in its font
MARGIN = 8
_WORDS = re.compile(r"[^ ]+(?: [^ ]+)*")       # with one blank between them
# The terminal's own, which no picture can know; the theme for sixteen colours is on black as well.
TEXT, GROUND = "#ffffff", "#000000"
FONT = "Fira Code, Cascadia Code, Menlo, Consolas, DejaVu Sans Mono, monospace"


class StyledRun(NamedTuple):
    """A piece of a line in one style: where it begins, how many cells it takes, what it says."""

    column: int
    cells: int
    text: str
    style: Style


Frame = tuple[tuple[StyledRun, ...], ...]        # of lines


def frame_of(strips: Iterable[Strip]) -> Frame:
    """The lines of a screen, as runs; what is blank on the common ground is left out."""
    return tuple(tuple(_runs(strip)) for strip in strips)


def _runs(strip: Iterable[Segment]) -> Iterator[StyledRun]:
    column = 0
    for segment in strip:
        # Wide characters on their own: fonts give them widths that differ from two cells.
        for _wide, chars in groupby(legible(segment.text), key=lambda char: cell_len(char) > 1):
            text = "".join(chars)
            yield StyledRun(column, cell_len(text), text, segment.style or Style.null())
            column += cell_len(text)


def legible(text: str) -> str:
    """Only what XML 1.0 allows in a text and a viewer draws in one place (section 2.2)."""
    return "".join(char if char.isprintable() or char == " " else REPLACEMENT for char in text)


# -- drawing


@dataclass
class _Looks:
    """Styles as classes of the style sheet, in the order that they are met."""

    names: dict[str, str] = field(default_factory=dict)

    def of(self, declarations: str) -> str:
        return self.names.setdefault(declarations, f"s{len(self.names)}")

    def sheet(self) -> str:
        return "".join(f".{name}{{{rules}}}" for rules, name in self.names.items())


def draw(frames: Sequence[Frame], size: tuple[int, int], pace: float = 1.0) -> str:
    """These frames as an SVG, each for `pace` seconds, again and again."""
    columns, lines = size
    width, height = columns * CELL_WIDTH + 2 * MARGIN, lines * CELL_HEIGHT + 2 * MARGIN
    looks = _Looks()
    ground = _ground(frames)
    body = [_line(runs, y, first, last, len(frames), pace, looks, ground)
            for y in range(lines) for runs, first, last in _stretches(frames, y)]
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
            f'font-family="{FONT}" font-size="14" xml:space="preserve">\n'
            f'<style>text{{white-space:pre}}{looks.sheet()}</style>\n'
            f'<rect width="100%" height="100%" rx="6" fill="{ground}"/>\n'
            f'<g transform="translate({MARGIN},{MARGIN})">\n'
            + "".join(body) + "</g>\n</svg>\n")


def _stretches(frames: Sequence[Frame], y: int) -> Iterator[tuple[tuple[StyledRun, ...], int, int]]:
    """What line `y` reads, from which frame on and up to which."""
    at = 0
    for runs, same in groupby(frame[y] if y < len(frame) else () for frame in frames):
        count = len(list(same))
        yield runs, at, at + count
        at += count


def _ground(frames: Sequence[Frame]) -> str:
    """The colour that most cells lie on."""
    found: dict[str, int] = {}
    for runs in frames[0]:
        for run in runs:
            colour = _colours(run.style)[1]
            found[colour] = found.get(colour, 0) + run.cells
    found.pop("", None)
    return max(found, key=lambda colour: found[colour], default=GROUND)


def _line(runs: tuple[StyledRun, ...], y: int, first: int, last: int, count: int, pace: float,
          looks: _Looks, ground: str) -> str:
    """One line for as long as it reads so."""
    drawn = "".join(_rects(runs, y, ground)) + "".join(_texts(runs, y, looks))
    if not drawn:
        return ""
    if last - first == count:
        return f"<g>{drawn}</g>\n"
    hidden = ' visibility="hidden"' if first else ""
    return f"<g{hidden}>{_visible(first, last, count, pace)}{drawn}</g>\n"


def _visible(first: int, last: int, count: int, pace: float) -> str:
    """To be seen from the beginning of frame `first` to that of `last`, in every round."""
    moments = [(0, "hidden" if first else "visible"), (first, "visible"), (last, "hidden")]
    kept = [(at, state) for at, state in moments[0 if first else 1:] if at < count]
    values = ";".join(state for _, state in kept)
    times = ";".join(f"{at / count:.5g}" for at, _ in kept)
    return (f'<animate attributeName="visibility" calcMode="discrete" dur="{count * pace:g}s" '
            f'repeatCount="indefinite" values="{values}" keyTimes="{times}"/>')


def _rects(runs: tuple[StyledRun, ...], y: int, ground: str) -> Iterator[str]:
    """The grounds that differ from the common one, neighbours as one."""
    for colour, group in groupby(runs, key=lambda run: _colours(run.style)[1] or ground):
        same = list(group)
        if colour != ground:
            cells = same[-1].column + same[-1].cells - same[0].column
            yield (f'<rect x="{same[0].column * CELL_WIDTH:.4g}" y="{y * CELL_HEIGHT}" '
                   f'width="{cells * CELL_WIDTH:.4g}" height="{CELL_HEIGHT}" fill="{colour}"/>')


def _texts(runs: tuple[StyledRun, ...], y: int, looks: _Looks) -> Iterator[str]:
    """What stands together, each in its place, whatever font a viewer has."""
    for run in runs:
        for words in _WORDS.finditer(run.text):
            column = run.column + cell_len(run.text[:words.start()])
            cells = cell_len(words[0])
            yield (f'<text class="{looks.of(_rules(run.style))}" x="{column * CELL_WIDTH:.4g}" '
                   f'y="{y * CELL_HEIGHT + BASE_LINE:g}" textLength="{cells * CELL_WIDTH:.4g}" '
                   f'lengthAdjust="spacingAndGlyphs">{_escape(words[0])}</text>')


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _colours(style: Style) -> tuple[str, str]:
    """Of the text and of its ground, "" where it has none."""
    fore = _hex(style.color, TEXT) if style.color is not None else ""
    back = _hex(style.bgcolor, GROUND) if style.bgcolor is not None else ""
    return (back, fore) if style.reverse else (fore, back)


def _hex(colour: Color, default: str) -> str:
    return default if colour.is_default else colour.get_truecolor().hex


def _rules(style: Style) -> str:
    fore = _colours(style)[0] or TEXT
    return (f"fill:{fore}" + (";font-weight:bold" if style.bold else "")
            + (";font-style:italic" if style.italic else "")
            + (";text-decoration:underline" if style.underline else "")
            + (";opacity:.6" if style.dim else ""))
