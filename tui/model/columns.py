"""What a column of a table is, and how many columns a width has room for.  Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

from chatops.api.snapshot import Lint
from tui.model.rates import AT_REST, RateTable
from tui.model.row_texts import RowTexts

Row = TypeVar("Row")


@dataclass(slots=True)
class CellContext:
    """What a cell needs besides its row: the time, the rates, and who is marked."""

    now: float = 0.0
    rates: RateTable = AT_REST
    lints: Mapping[int, Lint] | None = None   # by the key of the table's rows
    tags: frozenset[int] | set[int] = frozenset()
    cursor: int | None = None
    followed: int | None = None
    texts: RowTexts = field(default_factory=RowTexts)      # what a filter has looked through


Cell = Callable[[Any, CellContext], Any]


def plain(_row: object, _context: CellContext) -> str:
    """The style of most cells."""
    return ""


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """One column: what it says, how it sorts, and how wide it would like to be.

    `style` names a component class of the table (`warn`, `dim` …); `share` is the part
    of a limit that a bar in front of the text shows, while there is room for one.
    """

    name: str
    width: int                                 # least
    text: Callable[[Row, CellContext], str]
    key: Callable[[Row, CellContext], Any]
    grow: int = 0                              # cells more that it can use
    keep: int = 9                              # the lowest goes first when it is narrow
    right: bool = False
    style: Callable[[Row, CellContext], str] = plain
    share: Callable[[Row], float] | None = None
    keep_bar: int = 0                          # as `keep`, for its bar
    gap: int = 1                               # cells before it
    sorts: bool = True
    fixed: bool = False                        # its text depends on nothing but the row
    title: str = ""                            # in the header, when not the name
    about: str = ""

    @property
    def heading(self) -> str:
        return self.title or self.name

    @property
    def is_named(self) -> bool:
        """Not one of the signs at the left."""
        return self.name not in ("!", "")


def heading_of(name: str, columns: Sequence[Column[Any]]) -> str:
    """As the column of this name has it; the name where there is none."""
    return next((column.heading for column in columns if column.name == name), name)


def signs_of(columns: Sequence[Column[Any]]) -> list[tuple[str, str]]:
    """Each sign that may stand before a row, and what it says, as `about` of the columns of
    signs has it: `! lint; m muted`.
    """
    listed = [said.partition(" ") for column in columns if not column.is_named
              for said in column.about.split("; ") if said]
    return [(sign, meaning) for sign, _, meaning in listed]


class Placed(NamedTuple):
    """A column with its place on the line."""

    column: Column[Any]
    left: int
    width: int


BAR = 6                        # cells of the narrowest bar, with the blank behind it


def place(columns: Sequence[Column[Any]], width: int,
          least: Mapping[str, int] | None = None) -> list[Placed]:
    """The columns that `width` cells have room for, each with what it gets.

    Bars and columns give way in the order of their `keep`; what is left over goes, in the
    same order of importance, to those that can grow.  `least` overrides the least width
    of some, by name.
    """
    least = least or {}
    widths = {c.name: max(c.width, least.get(c.name, 0)) for c in columns}
    for column in columns:
        if column.share is not None:
            widths[column.name] += BAR
    kept = list(columns)
    givers = [(c.keep, c, False) for c in columns]
    givers += [(c.keep_bar, c, True) for c in columns if c.share is not None]
    for _keep, column, bar_only in sorted(givers, key=lambda giver: giver[0])[:-1]:
        if _taken(kept, widths) <= width:
            break
        if bar_only:
            widths[column.name] -= BAR
        else:
            kept.remove(column)
    spare = max(0, width - _taken(kept, widths))
    for column in sorted(kept, key=lambda c: -c.keep):
        has_bar = widths[column.name] >= column.width + BAR
        more = min(spare, column.grow) if column.share is None or has_bar else 0
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
