"""What is done with the row, or the event, that the cursor stands on: copy it."""

from __future__ import annotations

import msgspec

from chatops.api import commands as c
from chatops.api.command_line import CommandError
from chatops.api.commands import Command
from chatops.api.events import Event
from chatops.api.snapshot import ClientRow, KeyRow
from tui.console import Action, Console
from tui.model.state import ConsoleState
from tui.text.cells import clean
from tui.text.event_lines import clock_of, matches, words_of

EVENT_PANES = ("events", "log")


def event_at(state: ConsoleState) -> Event:
    """The event whose line is chosen, or the newest that is shown.  Raises `CommandError`."""
    ring, end = ((state.log, state.log_end) if state.pane == "log" else
                 (state.events, state.events_end))
    view = state.view
    if view.cursor is not None:
        held = ring.between(view.cursor, view.cursor + 1) if view.cursor >= ring.first else []
    else:
        held = ring.between(0, end)
    event = next((event for event in reversed(held) if matches(event, view.filter)), None)
    if event is None:
        raise CommandError("no line is there" if view.cursor is None else
                           "the line that is chosen is not held any more")
    return event


def _copy(console: Console, command: c.Copy) -> str:
    row = _row_at_cursor(console.state)
    as_json = command.form == "json"
    text = msgspec.json.encode(row).decode() if as_json else _plain(row)
    console.app.copy_to_clipboard(text)
    return f"copied {'as JSON' if as_json else clean(text)}"


def _row_at_cursor(state: ConsoleState) -> ClientRow | KeyRow | Event:
    if state.pane in EVENT_PANES:
        return event_at(state)
    cursor = state.view.cursor
    if cursor is not None and state.snapshot is not None:
        row: ClientRow | KeyRow | None = None
        if state.pane == "selector":
            row = next((k for k in state.snapshot.keys if k.fd == cursor), None)
        elif state.pane == "clients":
            row = state.client(cursor)
        if row is not None:
            return row
    raise CommandError("no row is selected")


def _plain(row: ClientRow | KeyRow | Event) -> str:
    """What one would paste into a report: who, where, and how much waits; or what happened."""
    if isinstance(row, KeyRow):
        return f"fd {row.fd} {row.type} {row.data} {row.callback} armed by {row.armed_by}"
    if isinstance(row, Event):
        return f"{clock_of(row.at)} {words_of(row)}"
    return (f"#{row.id} {row.nick} {row.peer} fd {row.fd} room {row.room} "
            f"queued {row.queued}/{row.queue_limit} kernel {row.kernel_queued}")


ROW_ACTIONS: dict[type[Command], Action] = {
    c.Copy: _copy,
}
