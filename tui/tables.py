"""Which columns each pane's rows are filtered by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chatops.api.command_line import CommandError
from tui.model import rows
from tui.model.columns import Column
from tui.model.filters import FilterError, check
from tui.model.state import ConsoleState
from tui.panes import nodes, tasks, transports

_TABLES: dict[str, Sequence[Column[Any]]] = {
    "selector": rows.KEYS, "tasks": tasks.COLUMNS, "nodes": nodes.COLUMNS}


def columns_of(pane: str, state: ConsoleState) -> Sequence[Column[Any]]:
    """None for panes of lines."""
    if pane == "clients":
        return transports.COLUMNS if state.program is not None else (*rows.CLIENTS, rows.NODE)
    return _TABLES.get(pane, ())


def check_filter(expression: str, pane: str, state: ConsoleState) -> None:
    """Raises `CommandError`, which says what is wrong with it."""
    if pane == "loop" and expression:
        raise CommandError("the loop pane has no rows to filter")
    try:
        if columns := columns_of(pane, state):
            check(expression, columns)
    except FilterError as error:
        raise CommandError(str(error)) from None
