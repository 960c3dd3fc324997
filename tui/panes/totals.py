"""The line beneath a table: what its columns come to, for the rows that are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter

from textual.content import Content
from textual.widgets import Static

from chatops.api.snapshot import ClientRow
from chatops.units import format_size
from tui.model.columns import CellContext
from tui.model.state import ConsoleState
from tui.text.cells import fit, format_count, format_rate
from tui.widgets.live_table import LiveTable

LEAST_HEIGHT = 10              # rows of a pane that has one to give away
LEAST_ROWS = 2                 # of the table that have a sum


class TotalsLine(Static):
    """One line, its figures beneath their columns."""

    DEFAULT_CSS = """
    TotalsLine { display: none; height: 1; color: $text-muted; text-style: bold;
                 text-wrap: nowrap; }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._shown = ""

    def show(self, table: LiveTable, cells: Mapping[str, str]) -> None:
        """Draw the cells, by the names of their columns; none hides the line."""
        self.display = bool(cells)
        line = ""
        places = [place for place in table.places if cells.get(place.column.name)]
        followers = [*places[1:], None] if places else []
        for (column, left, width), after in zip(places, followers, strict=True):
            if not column.right and after is not None:
                width = max(width, after.left - left - 1)      # over what has no total
            line = line.ljust(left) + fit(cells[column.name], width, right=column.right)
        if line != self._shown:
            self._shown = line
            self.update(Content(line.rstrip()), layout=False)


def of_clients(shown: Sequence[ClientRow], context: CellContext, state: ConsoleState
               ) -> dict[str, str]:
    """What these rows come to.  Ten thousand are not counted again where the server has."""
    snapshot = state.snapshot
    if snapshot is None or len(shown) < LEAST_ROWS:
        return {}
    if len(shown) == len(snapshot.clients) and not state.paused:
        now = state.gauges
        queued, kernel = snapshot.queued, snapshot.kernel_queued
        lines_in, lines_out = now.lines_in, now.lines_out
    else:
        queued = sum(map(attrgetter("queued"), shown))
        kernel = sum(map(attrgetter("kernel_queued"), shown))
        lines_in, lines_out = context.rates.lines(shown)
    return {"NICK": f"{len(shown):,} total", "APPQ": format_size(queued),
            "LINES": format_count(sum(map(attrgetter("queued_lines"), shown))),
            "KERNQ": format_size(kernel), "IN/S": format_rate(lines_in),
            "OUT/S": format_rate(lines_out)}
