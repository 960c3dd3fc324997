"""The tasks of an asyncio program: where each stands, what it waits for, and since when."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from chatops.api.program import TaskRow
from chatops.units import format_age, format_seconds
from tui.model.columns import CellContext, Column
from tui.model.rows import arrange
from tui.model.state import ConsoleState
from tui.panes.table_pane import TablePane
from tui.widgets.live_table import LiveTable

EMPTY = "no task is there"
STYLES = {"failed": "error", "running": "good", "ready": "accent"}


def _style(row: TaskRow, _context: CellContext) -> str:
    return "error" if row.error or row.holder else ""


def _mark(row: TaskRow, context: CellContext) -> str:
    return " >" if row.id and row.id == context.cursor else "  "


def _by(name: str) -> Callable[[TaskRow, CellContext], Any]:
    get = attrgetter(name)
    return lambda row, _context: get(row)


COLUMNS: tuple[Column[TaskRow], ...] = (
    Column("", 2, _mark, _by("id"), gap=0, keep=90, sorts=False, style=lambda r, k: "tag",
           about="> the cursor"),
    Column("ID", 3, lambda r, _: str(r.id) if r.id else "", _by("id"), right=True, keep=50,
           about="the number that commands know it by"),
    Column("NAME", 8, lambda r, _: r.name if r.id else f"{r.count:,} more",
           lambda r, _: r.name.casefold(), grow=8, keep=85, style=lambda r, _: "name",
           about="the task's name; '3 more' counts those without a row"),
    Column("COROUTINE", 18, _by("coro"), _by("coro"), grow=16, keep=80,
           about="what it runs, and where that is defined"),
    Column("STATE", 7, _by("state"), _by("state"), keep=55,
           style=lambda r, _: STYLES.get(r.state, "dim"),
           about="waiting, ready, running, or failed and nobody asked"),
    Column("AT", 18, _by("at"), _by("at"), grow=16, keep=75,
           about="the innermost line that its author wrote"),
    Column("WAITS FOR", 14, _by("waits"), _by("waits"), grow=30, keep=78,
           style=_style,
           about="what it waits for, who holds that, or how it failed"),
    Column("SINCE", 5, lambda r, k: format_age(k.now - r.since), lambda r, k: k.now - r.since,
           right=True, keep=70,
           about="how long it has been so"),
    Column("STEPS", 5, lambda r, _: f"{r.steps:,}" if r.steps else "-", _by("steps"),
           right=True, keep=35, style=lambda r, _: "" if r.steps else "dim",
           about="how often it ran while somebody looked"),
    Column("RAN", 5, lambda r, _: format_seconds(r.busy) if r.steps else "-", _by("busy"),
           right=True, keep=45,
           about="time it had the loop while somebody looked"),
)
NAMES = tuple(column.name for column in COLUMNS if column.sorts)


class TasksPane(TablePane):
    """One task a line; those beyond five hundred are counted by coroutine."""

    def __init__(self) -> None:
        super().__init__("tasks", LiveTable(COLUMNS, _ident, "tasks", empty=EMPTY))

    def show(self, state: ConsoleState) -> None:
        """Draw what the state holds now."""
        view = state.views["tasks"]
        if view.columns != NAMES:
            view.columns, view.sort, view.inverted = NAMES, "SINCE", True
        snapshot = state.snapshot
        rows = snapshot.tasks if snapshot is not None else ()
        context = CellContext(state.now, cursor=view.cursor)
        shown = arrange(rows, COLUMNS, view, context)
        shown.sort(key=lambda row: not row.id)             # the counted ones last
        self.table.empty = self.no_match(state) if rows else EMPTY
        self.table.show_rows(shown, context, view)
        program = snapshot.program if snapshot is not None else None
        total = program.tasks if program is not None else len(rows)
        self.show_tabs(state, f"Tasks ({total:,})")


def _ident(row: TaskRow) -> int:
    """What a row is known by; of those that are counted, something no task has."""
    return row.id or -(hash(row.coro) & 0xFFFFFFFF) - 1
