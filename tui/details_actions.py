"""`details`, which opens what there is to be known of the row that is meant."""

from __future__ import annotations

from typing import Any

from chatops.api import commands as c
from chatops.api.command_line import CommandError
from chatops.api.snapshot import KeyRow
from tui import program
from tui.console import Console
from tui.model.state import ConsoleState
from tui.panes import nodes
from tui.row_actions import EVENT_PANES, event_at
from tui.screens.details import DetailsScreen, KeyScreen, NodeScreen, PersonScreen
from tui.screens.event import EventScreen
from tui.screens.program import TaskScreen


def details(console: Console, command: c.Details) -> str:
    """Of the client that is named, or of the row at the cursor, whatever that is."""
    state = console.state
    screen = _by_pane(state) if not command.target else None
    open_screen(console, screen or _of_client(client_meant(state, command.target), state))
    return ""


def _by_pane(state: ConsoleState) -> Any:
    """The screen for the row at the cursor, None where that is a client."""
    cursor = state.view.cursor
    if state.pane in EVENT_PANES:
        return EventScreen(event_at(state))
    if state.pane == "selector":
        key = _key(state)
        if key is None:
            raise CommandError("no descriptor is selected")
        return None if key.client else KeyScreen(key.fd)
    if state.pane == "tasks":
        if cursor is None or cursor <= 0:
            raise CommandError("no task is selected")
        return TaskScreen(cursor)
    if state.pane == "nodes":
        row = nodes.at(cursor, state)
        if row is None:
            raise CommandError("no node is selected")
        return NodeScreen(row.name)
    return None


def _key(state: ConsoleState) -> KeyRow | None:
    keys = state.snapshot.keys if state.snapshot is not None else ()
    return next((row for row in keys if row.fd == state.view.cursor), None)


def _of_client(ident: int, state: ConsoleState) -> Any:
    def offered(line: str) -> bool:
        return program.is_offered(line, state)

    person = state.person(ident)
    if person is not None:
        return PersonScreen(person, offered=offered)
    return DetailsScreen(ident, program=state.program is not None, offered=offered)


def client_meant(state: ConsoleState, target: str) -> int:
    """The id that is meant: the target's, or the one at the cursor."""
    if target:
        row = state.find(target)
        if row is None:
            raise CommandError(f"no {program.someone(state)} {target}; it may have left")
        return row.id
    ident = state.cursor_client()
    if ident is None:
        raise CommandError(f"no {program.someone(state)} is selected")
    return ident


def open_screen(console: Console, screen: Any) -> None:
    """Put it in front, with what the state holds now."""
    console.app.push_screen(screen)
    screen.call_after_refresh(screen.show, console.state)
