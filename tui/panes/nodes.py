"""The nodes that share this chat: which are there, how far behind each is, and what it has lost."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any
from zlib import crc32

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from chatops.api import node_table
from chatops.api.snapshot import NodeRow
from chatops.units import format_age, format_seconds, format_size
from tui.model.columns import CellContext, Column
from tui.model.rows import arrange
from tui.model.state import ConsoleState
from tui.panes.table_pane import TablePane
from tui.text.cells import clean
from tui.widgets.live_table import LiveTable

LATE = 3.0                     # seconds
SKEWED = 2.0                   # seconds, as the lint `clock-skew` has it
STYLES = {"here": "accent", "up": "good", "gone": "error", "other version": "warn",
          "unknown": "warn"}


def _by(name: str) -> Callable[[NodeRow, CellContext], Any]:
    get = attrgetter(name)
    return lambda row, _context: get(row)


def _count(name: str, header: str, *, bad: str = "", keep: int = 50, about: str = ""
           ) -> Column[NodeRow]:
    get = attrgetter(name)
    width = max(6, len(header) + 1)                # with the mark of the sort before it
    return Column(header, width, lambda r, _: f"{get(r):,}", _by(name), right=True, keep=keep,
                  style=lambda r, _: bad if get(r) else "dim", about=about)


def ident(row: NodeRow) -> int:
    """What a row is known by; it has no number of its own."""
    return crc32(row.name.encode())


def at(cursor: int | None, state: ConsoleState) -> NodeRow | None:
    """The node whose row the cursor is on."""
    rows = state.snapshot.nodes if state.snapshot is not None else ()
    return next((row for row in rows if ident(row) == cursor), None)


COLUMNS: tuple[Column[NodeRow], ...] = (
    Column("", 2, lambda r, k: " >" if ident(r) == k.cursor else "  ", _by("name"), gap=0,
           keep=90, sorts=False, style=lambda r, k: "tag",
           about="> the cursor"),
    Column("NODE", 8, _by("name"), _by("name"), grow=10, keep=90, style=lambda r, _: "name",
           about="its name"),
    Column("STATE", 13, _by("state"), _by("state"), keep=85,
           style=lambda r, _: STYLES.get(r.state, "dim"),
           about="here, up, gone (no word of it), left, or other version"),
    _count("clients", "CLIENTS", keep=75, about="clients on it"),
    _count("rooms", "ROOMS", keep=60, about="rooms that they are in"),
    Column("LAG", 5, lambda r, _: format_seconds(max(0.0, r.lag)), _by("lag"), right=True,
           keep=70, style=lambda r, _: "warn" if r.lag >= LATE else "",
           about="what its last frame took; of this node, there and back"),
    Column("BUFFERED", 8, lambda r, _: format_size(r.buffered) if r.state == "here" else "-",
           _by("buffered"), right=True, keep=65, style=lambda r, _: "warn" if r.buffered else "dim",
           about="bytes here that the engine has not confirmed"),
    _count("lost", "LOST", bad="error", keep=80, about="frames that never came"),
    _count("doubled", "DUP", keep=40, about="frames that came again, and were dropped"),
    Column("SKEW", 7, lambda r, _: f"{r.skew:+z.1f}s", _by("skew"), right=True, keep=55,
           style=lambda r, _: "warn" if abs(r.skew) > SKEWED else "dim",
           about="its clock against the engine's"),
    Column("SEEN", 5, lambda r, k: format_age(max(0.0, k.now - r.seen)),
           lambda r, k: k.now - r.seen, right=True, keep=45,
           about="time since it was last heard of"),
)
NAMES = tuple(column.name for column in COLUMNS if column.sorts)


class NodesPane(TablePane):
    """One node a line, in the place of the clients."""

    def __init__(self) -> None:
        super().__init__("nodes", LiveTable(COLUMNS, ident, "nodes", empty=node_table.ALONE))
        self._engine = Static(id="engine", markup=False)       # where the strip has no room for it

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield self._engine

    @property
    def needed(self) -> int:
        return super().needed + self._engine.display

    def show(self, state: ConsoleState) -> None:
        """Draw what the state holds now."""
        view = state.views["nodes"]
        if view.columns != NAMES:
            view.columns, view.sort = NAMES, "NODE"
        snapshot = state.snapshot
        rows = snapshot.nodes if snapshot is not None else ()
        context = CellContext(state.now, cursor=view.cursor)
        shown = arrange(rows, COLUMNS, view, context)
        self.table.empty = self.no_match(state) if rows else node_table.ALONE
        self.table.show_rows(shown, context, view)
        line = node_table.engine_line(snapshot) if snapshot is not None else ""
        self._engine.update(Content(clean(line)), layout=False)
        self.show_tabs(state, f"Nodes ({len(rows):,})")
