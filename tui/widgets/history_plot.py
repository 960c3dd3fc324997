"""One figure over time as an area with its axes, in block characters.  Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from textual.content import Content

from chatops.units import format_size
from tui.model.series import Figure, Span
from tui.text.cells import format_rate
from tui.widgets.gauge import columns, scale_top

MARGIN = 7                     # cells for the scale at the left, with its line
LEAST_WIDTH, LEAST_ROWS = 24, 2
AROUND = 3                     # rows besides the area: heading, axis, times
GAP = "·"
TICKS = {"1m": 15.0, "5m": 60.0, "1h": 600.0}      # seconds between two marks


def draw(values: Sequence[float], figure: Figure, span: Span, width: int, rows: int,
         style: str = "$primary", *, end: str = "now") -> list[Content]:
    """A heading, `rows` rows of area, the axis and its times: `width` cells each.

    Where several buckets share a cell the largest is shown; a bucket that no picture tells
    of is a dot on the ground.
    """
    width, rows = max(LEAST_WIDTH, width), max(LEAST_ROWS, rows)
    cells = width - MARGIN - 1
    shown = spread(values, cells)
    top = _top(shown, figure)
    area = columns(shown, cells, rows, top)
    area[-1] = "".join(GAP if math.isnan(v) else c for v, c in zip(shown, area[-1], strict=True))
    lines = [heading(values, figure, width)]
    for y, row in enumerate(area):
        mark = _mark(y, rows, top, figure)
        lines.append(Content.assemble(
            (f"{mark:>{MARGIN - 1}} {'┤' if mark else '│'}", "$text-muted"), (row, style)))
    ruler, words = times(span, cells, end)
    lines += [Content.styled(f"{' ' * MARGIN}└{ruler}", "$text-muted"),
              Content.styled(f"{' ' * MARGIN} {words}", "$text-muted")]
    return [line.truncate(width) for line in lines]


def heading(values: Sequence[float], figure: Figure, width: int) -> Content:
    """`lines in per second  now 9  mean 8.1  peak 45`, with what there is room for."""
    known = [value for value in values if not math.isnan(value)]
    parts: list[str | tuple[str, str]] = [(figure.title, "bold")]
    if known:
        now = values[-1] if values else math.nan
        for label, value in (("now", now), ("mean", math.fsum(known) / len(known)),
                             ("peak", max(known))):
            parts += [(f"  {label} ", "$text-muted"), value_text(value, figure)]
    else:
        parts.append(("  nothing is known yet", "$text-muted"))
    return Content.assemble(*parts).truncate(width, ellipsis=True)


def value_text(value: float, figure: Figure) -> str:
    """As short as a cell of a table: `12.1K`, `0.4`, `3.2%`, `-` where nothing is known."""
    if math.isnan(value):
        return "-"
    if figure.unit == "B":
        return format_size(value)
    if figure.unit == "%":
        return f"{value:.1f}%" if 0 < value < 10 else f"{value:.0f}%"
    return format_rate(value) if figure.rate else f"{value:,.0f}"


def spread(values: Sequence[float], cells: int) -> list[float]:
    """The buckets over so many cells: the largest of those that share one, none skipped."""
    count = len(values)
    found = []
    for x in range(cells):
        first = x * count // cells
        last = max(first + 1, (x + 1) * count // cells)
        known = [value for value in values[first:last] if not math.isnan(value)]
        found.append(max(known) if known else math.nan)
    return found


def _top(values: Sequence[float], figure: Figure) -> float:
    """A round number that no value exceeds; of bytes, a power of two."""
    peak = max((value for value in values if not math.isnan(value)), default=0.0)
    if figure.unit == "B":
        return 2.0 ** math.ceil(math.log2(max(peak, 1024.0)))
    if figure.unit == "" and not figure.rate:
        return max(4.0, scale_top(values))
    return scale_top(values)


def _mark(y: int, rows: int, top: float, figure: Figure) -> str:
    """What the scale says beside row `y`: the top, the middle where there is one, nothing."""
    if y == 0:
        return value_text(top, figure)
    if rows >= 4 and y == rows // 2 and rows % 2 == 0:
        return value_text(top / 2, figure)
    return value_text(0.0, figure) if y == rows - 1 else ""


def times(span: Span, cells: int, end: str) -> tuple[str, str]:
    """The line of the axis with its marks, and the ages beneath them."""
    line, words = ["─"] * cells, [" "] * cells
    every = TICKS[span.name]
    marks = round(span.seconds / every)
    for number in (marks, 0, *range(1, marks)):        # both ends have their words first
        at = min(cells - 1, round(number / marks * cells))
        line[at] = "┴"
        text = end if number == marks else age_text(span.seconds - number * every)
        begin = max(0, min(cells - len(text), at - len(text) // 2))
        if all(char == " " for char in words[max(0, begin - 1) : begin + len(text) + 1]):
            words[begin : begin + len(text)] = text
    return "".join(line), "".join(words)


def age_text(seconds: float) -> str:
    """`-45s`, `-4m`, `-1h`."""
    if seconds >= 3600 and seconds % 3600 == 0:
        return f"-{seconds / 3600:.0f}h"
    return f"-{seconds / 60:.0f}m" if seconds >= 60 and seconds % 60 == 0 else f"-{seconds:.0f}s"
