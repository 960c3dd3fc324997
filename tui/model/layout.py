"""Which panes a terminal of this size has room for, and which of them share a place.  Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

DASHBOARD_WIDTH, DASHBOARD_HEIGHT = 110, 24
TALL_HEIGHT = 32               # from which the selector's map has a place of its own
LARGE_WIDTH, LARGE_HEIGHT = 180, 50        # from which details stand beside the tables
LEAST_WIDTH, LEAST_HEIGHT = 60, 16
WIDTHS = [(0, "-tiny"), (LEAST_WIDTH, "-narrow"), (DASHBOARD_WIDTH, "-wide")]
HEIGHTS = [(0, "-flat"), (LEAST_HEIGHT, "-short"), (20, "-low"), (28, "-middle"),
           (TALL_HEIGHT, "-tall")]

Kind = Literal["single", "low", "tall", "large"]

# Panes of one place, of which one is shown.  The first is, unless another was active since.
Places = tuple[tuple[str, ...], ...]
TALL: Places = (("clients", "tasks", "nodes"), ("selector",), ("loop",), ("events", "log"))
LOW: Places = (("clients", "selector", "tasks", "nodes"), ("loop",), ("events", "log"))
PLACES: dict[Kind, Places] = {"single": (), "low": LOW, "tall": TALL, "large": TALL}


def kind_of(width: int, height: int, *, zoomed: bool, low: bool, details: bool) -> Kind:
    """How many panes there is room for.  `low`, `details`: what the screen has a use for."""
    least = DASHBOARD_HEIGHT if low else TALL_HEIGHT
    if width < DASHBOARD_WIDTH or height < least or zoomed:
        return "single"
    if height < TALL_HEIGHT:
        return "low"
    return "large" if details and width >= LARGE_WIDTH and height >= LARGE_HEIGHT else "tall"


class PlaceMemory:
    """Which of the panes that share a place was active there last."""

    def __init__(self) -> None:
        self._last: list[str] = []             # the latest at the end

    def went_to(self, pane: str) -> None:
        """This one is active now."""
        if pane in self._last:
            self._last.remove(pane)
        self._last.append(pane)

    def shown(self, kind: Kind, there: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """The panes that are drawn, each with all that share its place; `there` are those
        that there is something for.
        """
        if kind == "single":
            return {self._last[-1]: ()}
        found = {}
        for place in PLACES[kind]:
            place = tuple(pane for pane in place if pane in there)
            if place:
                latest = [pane for pane in reversed(self._last) if pane in place]
                found[latest[0] if latest else place[0]] = place
        return found


LEAST_BELOW, APPEARS = 2, 3    # rows with which it stays, and with which it comes
PLENTY = 5                     # from which it gives some back
SLACK = 3                      # rows that a table lacks before it is made shorter


@dataclass(slots=True)
class RowsBelow:
    """How many rows a table can spare for what stands beneath it.

    A row that comes is given room at once; one that goes leaves it empty, and only some
    together are taken away.
    """

    _of: tuple[str, int] = ("", 0)
    _given: int = 0
    _rows: int = 0

    def settle(self, pane: str, height: int, needed: int, welcome: int) -> int:
        """Rows to be taken from the `height` that this pane has, 0 where it needs them;
        `welcome`: how many more it makes use of where there is plenty.
        """
        if self._of != (pane, height):
            self._of, self._given, self._rows = (pane, height), 0, 0
        if not self._rows or not self._given - SLACK < needed <= self._given:
            self._given = needed
        spare = height - self._given
        if spare < (LEAST_BELOW if self._rows else APPEARS):
            spare = 0
        self._rows = max(min(spare, PLENTY), spare - welcome)
        return self._rows
