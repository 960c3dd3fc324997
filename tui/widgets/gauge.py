"""Bars, sparklines and plots: pure functions from numbers to block characters.

Every function returns plain strings of exactly the width asked for, in cells; the caller
adds colour, which is never the only signal.  Scales begin at zero, so that a series that
is steady but not nothing is never drawn as nothing: zero is a base line, and the smallest
value above zero stands visibly above it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from textual.content import Content

from chatops.units import format_size
from tui.model.pressure import BAR_STYLES, MARKS, level
from tui.text.cells import format_limit

EIGHTHS_ACROSS = " ▏▎▍▌▋▊▉█"
EIGHTHS_UP = " ▁▂▃▄▅▆▇█"
BASE_LINE = "▁"
TRACK = "·"                    # what is still free of a gauge

LEAST_TOP = 1e-9               # below it powers of ten run out of digits


def bar(share: float, width: int, track: str = TRACK) -> str:
    """A bar of `width` cells filled to `share` (0 to 1), exact to an eighth of a cell.

    Anything above zero shows at least its first eighth; only a full share is full.
    """
    if width <= 0:
        return ""
    share = min(1.0, max(0.0, share)) if not math.isnan(share) else 0.0
    eighths = round(share * width * 8)
    if share > 0:
        eighths = max(1, eighths)
    if share < 1:
        eighths = min(width * 8 - 1, eighths)
    full, rest = divmod(eighths, 8)
    drawn = "█" * full + (EIGHTHS_ACROSS[rest] if rest else "")
    return drawn + track * (width - len(drawn))


def gauge(value: float, limit: float, width: int) -> Content:
    """`████▍····  12.1K/64K ▲`: a size against its limit; `width` is the bar's.

    A limit of 0 is no limit: then there is nothing to fill, and only the value stands.
    """
    if limit <= 0:
        return Content(f"{format_size(value)} (no limit)")
    share = value / limit
    how = level(share)
    return Content.assemble(
        (bar(share, width), BAR_STYLES[how]),
        f" {format_size(value):>5}/{format_limit(limit)}",
        (f" {MARKS[how]}", f"bold {BAR_STYLES[how]}"),
    )


def resample(values: Sequence[float], count: int) -> list[float]:
    """The newest `count` values; NaN in front where there are fewer."""
    newest = list(values)[-count:] if count > 0 else []
    return [math.nan] * (count - len(newest)) + newest


def scale_top(values: Sequence[float]) -> float:
    """A round number (1, 2 or 5 times a power of ten) that no value exceeds."""
    peak = max((v for v in values if not math.isnan(v)), default=0.0)
    if peak <= 0:
        return 1.0
    peak = max(peak, LEAST_TOP)
    power = 10.0 ** math.floor(math.log10(peak))
    return next((step * power for step in (1, 2, 5) if step * power >= peak), 10 * power)


def sparkline(values: Sequence[float], width: int, top: float | None = None) -> str:
    """One row of bars, newest at the right; blank where there is no value yet.

    `top` is what fills a cell; without it the next round number does, so that a bar keeps its
    height while others come and go.
    """
    shown = resample(values, width)
    top = top or scale_top(shown)
    return "".join(_spark(value, top) for value in shown)


def _spark(value: float, top: float) -> str:
    if math.isnan(value):
        return " "
    if value <= 0 or top <= 0:
        return BASE_LINE
    return EIGHTHS_UP[min(8, max(2, math.ceil(value / top * 8)))]


def columns(values: Sequence[float], width: int, height: int, top: float) -> list[str]:
    """An area of eighth blocks, one column per value: `height` rows, the top one first."""
    rows = [[" "] * width for _ in range(height)]
    for x, value in enumerate(resample(values, width)):
        if math.isnan(value):
            continue
        eighths = round(min(1.0, max(0.0, value / top)) * height * 8)
        eighths = max(eighths, 2 if value > 0 else 1)
        for y in range(height):
            part = min(8, max(0, eighths - (height - 1 - y) * 8))
            rows[y][x] = EIGHTHS_UP[part]
    return ["".join(row) for row in rows]
