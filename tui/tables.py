"""Which columns each pane's rows have, and are filtered by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chatops.api.command_line import CommandError
from tui.model import rows
from tui.model.columns import Column
from tui.model.filters import FilterError, apply, check
from tui.model.state import ConsoleState
from tui.panes import nodes, tasks, transports

_TABLES: dict[str, Sequence[Column[Any]]] = {
    "selector": rows.KEYS, "tasks": tasks.COLUMNS, "nodes": nodes.COLUMNS}


def columns_of(pane: str, state: ConsoleState) -> Sequence[Column[Any]]:
    """None for panes of lines."""
    if pane == "clients":
        return (transports.COLUMNS if state.program is not None
                else (*rows.CLIENTS, *rows.NOT_SHOWN))
    return _TABLES.get(pane, ())


def shown_columns(pane: str, state: ConsoleState) -> Sequence[Column[Any]]:
    """Those that a row has on the screen, the signs at its left among them."""
    return tuple(column for column in columns_of(pane, state) if column not in rows.NOT_SHOWN)


def can_choose(pane: str, state: ConsoleState) -> bool:
    """Whether the operator can say which of them are shown, and in which order."""
    return pane in rows.TABLES and not (pane == "clients" and state.program is not None)


def hidden_tags(state: ConsoleState) -> frozenset[int]:
    """The tagged clients that their table's filter keeps from the eye."""
    expression, shown = state.views["clients"].filter, state.snapshot
    if not expression or not state.tags or shown is None:
        return frozenset()
    tagged = [row for row in (*shown.clients, *shown.elsewhere) if row.id in state.tags]
    seen = apply(tagged, expression, columns_of("clients", state), rows.client_context(state))
    return frozenset(row.id for row in tagged) - {row.id for row in seen}


def check_filter(expression: str, pane: str, state: ConsoleState) -> None:
    """Raises `CommandError`, which says what is wrong with it."""
    if pane == "loop" and expression:
        raise CommandError("the loop pane has no rows to filter")
    try:
        if columns := columns_of(pane, state):
            check(expression, columns)
    except FilterError as error:
        raise CommandError(str(error)) from None
