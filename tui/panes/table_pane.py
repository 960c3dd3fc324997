"""What the client and the selector pane share: a live table, and its title in the border."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.app import ComposeResult

from tui.messages import RunLine
from tui.model import rows
from tui.model.chosen import choose
from tui.model.columns import Column, heading_of
from tui.model.filters import with_colon
from tui.model.state import ConsoleState
from tui.text.cells import clean
from tui.widgets.live_table import HEADER_LINES, LiveTable
from tui.widgets.titled_pane import TitledPane, number_of

EMPTY_LINES = 2                # in which a table without rows says so
NO_MATCH = "no row matches the filter; escape clears it"


class TablePane(TitledPane):
    """One table with a title; clicks become the command lines that keys run too."""

    def __init__(self, name: str, table: LiveTable, *, ident: str = "") -> None:
        """`ident`: of the widget, where that is not the pane's name."""
        super().__init__(name, ident or name)
        self.table = table
        self._chosen: tuple[str, ...] = ()

    def compose(self) -> ComposeResult:
        yield self.table

    def choose(self, state: ConsoleState, columns: Sequence[Column[Any]]) -> None:
        """Show the columns that are chosen of these."""
        shown = state.views[self.pane].shown
        if shown != self._chosen:
            self._chosen = shown
            self.table.show_columns(choose(columns, shown))

    def no_match(self, state: ConsoleState) -> str:
        """What is said in the place of rows when the filter lets none through."""
        meant = with_colon(state.views[self.pane].filter, self.table.columns)
        return f"no row matches the filter; is {meant} meant?" if meant else NO_MATCH

    @property
    def needed(self) -> int:
        """Rows of the screen without which a row of the table could not be seen."""
        return HEADER_LINES + max(EMPTY_LINES, len(self.table.rows))

    @property
    def welcome(self) -> int:
        """How many more it makes use of where there is plenty."""
        return 0

    def show_tabs(self, state: ConsoleState, what: str, more: str = "") -> None:
        """Draw the border's title; `what` is the pane's name and how much is in it."""
        view = state.views[self.pane]
        parts = [more] if more else []
        if view.filter:
            parts.append(f"filter: {clean(view.filter)}")
        if view.sort:
            # By one that is not shown, too.
            columns = (*self.table.columns, *rows.TABLES.get(self.pane, ()))
            view.heading = heading_of(view.sort, columns)
            parts.append(f"sort: {view.heading} {'▼' if view.inverted else '▲'}")
        self.show_title(state, f"{number_of(self.pane)} {what}", "  ".join(parts))

    def on_live_table_header_clicked(self, message: LiveTable.HeaderClicked) -> None:
        message.stop()
        self.post_message(RunLine(f"pane {self.pane}"))
        self.post_message(RunLine(f"sort {message.column}"))

    def on_live_table_opened(self, message: LiveTable.Opened) -> None:
        message.stop()
        self.post_message(RunLine("details"))
