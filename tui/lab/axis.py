"""An axis: where on it a value stands, and which values are written beside it.  Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

PAD = 0.03                     # of the range, left free at both ends of a logarithmic axis


@dataclass(frozen=True, slots=True)
class Axis:
    """From `low` to `high`, in decades when it is logarithmic; then both are above zero."""

    low: float
    high: float
    log: bool

    @classmethod
    def around(cls, values: Iterable[float], log: bool) -> Axis:
        """One on which all these have room; a linear one begins at zero or below."""
        found = list(values)
        low, high = min(found), max(found)
        if log:
            spare = 10 ** (PAD * max(1.0, math.log10(high / low)))
            return cls(low / spare, high * spare, log)
        low = min(0.0, low)
        return cls(low, high if high > low else low + 1.0, log)

    def share(self, value: float) -> float:
        """Where it stands: 0 at the beginning, 1 at the end; beyond them it is cut."""
        if self.log:
            place = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            place = (value - self.low) / (self.high - self.low)
        return min(1.0, max(0.0, place))

    def cell(self, value: float, cells: int) -> int:
        """The cell, of so many, that it stands in."""
        return round(self.share(value) * (cells - 1))

    def ticks(self) -> list[float]:
        """Round values on the axis: powers of ten, or 1, 2 and 5 of each where there are too few,
        or a handful of even steps.
        """
        if self.log:
            first, last = math.floor(math.log10(self.low)), math.floor(math.log10(self.high))
            for steps in ((1,), (1, 2, 5)):
                found = [step * 10.0 ** power for power in range(first, last + 1)
                         for step in steps if self.low <= step * 10.0 ** power <= self.high]
                if len(found) > 1:
                    return found
        raw = (self.high - self.low) / 4
        power = 10.0 ** math.floor(math.log10(raw))
        step = next(f * power for f in (1, 2, 5, 10) if f * power >= raw * 0.99)
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return [n * step for n in range(first, last + 1)]


def tick_text(value: float) -> str:
    """`0.1`, `1`, `1.5`, `1,000`, `20,000`."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def ruler(axis: Axis, cells: int, unit: str = "") -> tuple[str, str]:
    """The line of an axis with its ticks, and the line of values beneath it."""
    line, values = ["─"] * cells, [" "] * cells
    free = 0
    ticks = axis.ticks()
    for number, value in enumerate(ticks):
        at = axis.cell(value, cells)
        line[at] = "┴"
        text = tick_text(value) + (f" {unit}" if unit and number == len(ticks) - 1 else "")
        begin = max(0, min(cells - len(text), at - len(tick_text(value)) // 2))
        if begin >= free:
            values[begin : begin + len(text)] = text
            free = begin + len(text) + 1
    return "".join(line), "".join(values)
