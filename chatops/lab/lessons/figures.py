"""Pictures as data: what a console has to draw, with labels, units and axes, and no drawing.

Values stand in the figure's unit already.  A kind is a word that a screen maps to a
colour and a glyph: `asleep`, `asking`, `free` and `copying` for what a process does,
`good` and `bad` where a value is one or the other, "" where it is neither.
"""

from __future__ import annotations

import msgspec


class PlotLine(msgspec.Struct, frozen=True):
    """A line of a plot: points (x, y), x ascending."""

    label: str
    points: tuple[tuple[float, float], ...]


class LinePlot(msgspec.Struct, frozen=True, tag="plot"):
    """Lines over an axis.  On a logarithmic axis every value is above zero."""

    title: str
    x_label: str
    y_label: str
    y_unit: str
    log_x: bool
    log_y: bool
    series: tuple[PlotLine, ...]
    note: str = ""


class Bar(msgspec.Struct, frozen=True):
    """A stretch of time in a lane; however short, it is worth one cell."""

    start: float
    end: float
    kind: str
    label: str


class Lane(msgspec.Struct, frozen=True):
    label: str
    bars: tuple[Bar, ...]
    note: str = ""


class Timeline(msgspec.Struct, frozen=True, tag="timeline"):
    """Lanes over one axis of time.  Bars are cut to `start`..`end` already."""

    title: str
    unit: str
    start: float
    end: float
    lanes: tuple[Lane, ...]
    mark: float                # a moment to be shown across all lanes …
    mark_label: str            # … and what happened in it
    note: str = ""


class Quantity(msgspec.Struct, frozen=True):
    label: str
    value: float
    text: str                  # the value as people write it
    kind: str = ""


class Quantities(msgspec.Struct, frozen=True, tag="quantities"):
    """Bars side by side; a value may be zero on a logarithmic axis: it has no bar."""

    title: str
    unit: str
    log: bool
    rows: tuple[Quantity, ...]
    note: str = ""


class Table(msgspec.Struct, frozen=True, tag="table"):
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


Figure = LinePlot | Timeline | Quantities | Table
