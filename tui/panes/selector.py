"""The selector's map: every watched descriptor, for what, by whom, and since when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter

from chatops.api.snapshot import KeyRow
from chatops.units import counted
from tui.model import rows
from tui.model.arrangement import Arrangement
from tui.model.state import ConsoleState
from tui.panes.table_pane import TablePane
from tui.widgets.live_table import LiveTable

EMPTY = "no descriptor is registered"


class SelectorPane(TablePane):
    """The map, one descriptor a line, the listener and the waker among them."""

    def __init__(self) -> None:
        super().__init__("selector", LiveTable(
            rows.KEYS, attrgetter("fd"), "selector", empty=EMPTY))
        self._arrangement = Arrangement(rows.arrange_keys)
        self._seen: Sequence[KeyRow] = ()
        self._least: Mapping[str, int] = {}

    def show(self, state: ConsoleState) -> None:
        """Draw what the state holds now."""
        self.choose(state, rows.KEYS)
        context = rows.key_context(state)
        snapshot = state.snapshot
        keys = snapshot.keys if snapshot is not None else ()
        shown = self._arrangement.of(snapshot, keys, state.views["selector"], context)
        if keys is not self._seen:
            self._seen = keys
            widest = max(map(attrgetter("fd"), keys), default=0)
            self._least = {"FD": max(2, len(str(widest)))}
        self.table.empty = self.no_match(state) if keys else EMPTY
        self.table.show_rows(shown, context, state.views["selector"],
                             self._least)
        count = counted(len(keys), "key")
        if len(shown) != len(keys):
            count = f"{len(shown):,} of {count}"
        self.show_tabs(state, f"Selector map ({count})")
