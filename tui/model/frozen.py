"""What the panes show while they do not show the present: a pause, or a turn of the past.  Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from chatops.api.snapshot import Snapshot
from chatops.units import format_clock
from tui.model.rates import SAMPLE, SAMPLES, Gauges, RateTable, gauges

Bars = Mapping[str, Sequence[float]]


@dataclass(slots=True)
class Frozen:
    """One moment, with what belongs to it."""

    snapshot: Snapshot
    rates: RateTable
    gauges: Gauges
    bars: Bars
    events: int                # number of the first event that came after it
    logged: int                # the same in the log
    travelled: bool


def bars_of_the_past(pictures: Iterable[Snapshot], end: float) -> Bars:
    """The gauges' bars as they were at this moment of the server's clock, from the pictures
    that are held; in the time between two of them all of it is taken as alike.
    """
    bars: dict[str, deque[float]] = {name: deque(maxlen=SAMPLES) for name in Gauges._fields}
    before: Snapshot | None = None
    for picture in pictures:
        if picture.mono > end:
            break
        seconds = picture.mono - before.mono if before is not None else 0.0
        if before is None:
            before = picture
        elif seconds >= SAMPLE:
            times = min(SAMPLES, round(seconds / SAMPLE))
            for name, value in gauges(before, picture, seconds)._asdict().items():
                bars[name].extend([value] * times)
            before = picture
    return bars


def how_far(now: float, span: tuple[float, float], speed: float) -> str:
    """A recording's position, in minutes and seconds where it has no hours: `04:12 of 19:59 x8`."""
    began, ends = span
    played, of = format_clock(now - began), format_clock(ends - began)
    if of.startswith("00:"):
        played, of = played[3:], of[3:]
    return f"{played} of {of}" + (f" x{speed:g}" if speed != 1.0 else "")
