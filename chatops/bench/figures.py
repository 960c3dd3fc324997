"""Figures as the tables show them: medians of what is known, a dash for what is not."""

from __future__ import annotations

import statistics
from collections.abc import Iterable

NOTHING = "-"
DISTURBANCE = "other programs had the CPUs: measure again, or trust only the ratios"


def median(values: Iterable[float | None]) -> float | None:
    """Of the known ones; None when there are none."""
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def number(value: float | None, form: str, scale: float = 1.0) -> str:
    """So many times `scale` in this `str.format`; a dash for None and NaN."""
    return NOTHING if value is None or value != value else form.format(value * scale)


def row(cells: Iterable[str], widths: Iterable[int]) -> str:
    """A line of a table: each cell at the right of its width, or at the left of a negative one."""
    return "".join(f"{cell:>{width}}" if width > 0 else f"{cell:<{-width}}"
                   for cell, width in zip(cells, widths, strict=True)).rstrip()
