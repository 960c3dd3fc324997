"""What a column of a table is, and how many columns a width has room for.  Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from chatops.snapshot import Lint
from tui.rates import AT_REST, RateTable

Row = TypeVar("Row")


@dataclass(slots=True)
class Look:
    """What a cell needs besides its row: the time, the rates, and who is marked."""

    now: float = 0.0
    rates: RateTable = AT_REST
    lints: Mapping[int, Lint] | None = None   # by the key of the table's rows
    tags: frozenset[int] | set[int] = frozenset()
    cursor: int | None = None
    followed: int | None = None


Cell = Callable[[Any, Look], Any]


def plain(_row: object, _look: Look) -> str:
    """The style of most cells."""
    return ""


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """One column: what it says, how it sorts, and how wide it would like to be.

    `style` names a component class of the table (`warn`, `dim` …); `share` is the part
    of a limit that a bar in front of the text shows, when the column has grown enough.
    """

    name: str
    width: int                                 # least
    text: Callable[[Row, Look], str]
    key: Callable[[Row, Look], Any]
    grow: int = 0                              # cells more that it can use
    keep: int = 9                              # the lowest goes first when it is narrow
    right: bool = False
    style: Callable[[Row, Look], str] = plain
    share: Callable[[Row], float] | None = None
    gap: int = 1                               # cells before it
    sorts: bool = True
    title: str = ""                            # in the header, when not the name
    about: str = ""

    @property
    def heading(self) -> str:
        return self.title or self.name


class Placed(NamedTuple):
    """A column with its place on the line."""

    column: Column[Any]
    left: int
    width: int


BAR_LEAST = 4                  # cells below which a bar says nothing


def place(columns: Sequence[Column[Any]], width: int,
          least: Mapping[str, int] | None = None) -> list[Placed]:
    """The columns that `width` cells have room for, each with what it gets.

    Columns give way by `keep`; what is left then goes, in the same order of importance,
    to those that can grow.  `least` overrides the least width of some, by name.
    """
    least = least or {}
    widths = {c.name: max(c.width, least.get(c.name, 0)) for c in columns}
    kept = list(columns)
    while len(kept) > 1 and _taken(kept, widths) > width:
        kept.remove(min(kept, key=lambda c: c.keep))
    spare = max(0, width - _taken(kept, widths))
    for column in sorted(kept, key=lambda c: (c.share is not None, -c.keep)):
        more = min(spare, column.grow)
        if column.share is not None and more <= BAR_LEAST:
            continue
        widths[column.name] += more
        spare -= more
    return _lay_out(kept, widths)


def _taken(columns: Sequence[Column[Any]], widths: Mapping[str, int]) -> int:
    return sum(widths[c.name] + c.gap for c in columns)


def _lay_out(columns: Sequence[Column[Any]], widths: Mapping[str, int]) -> list[Placed]:
    placed, left = [], 0
    for column in columns:
        left += column.gap
        placed.append(Placed(column, left, widths[column.name]))
        left += widths[column.name]
    return placed
