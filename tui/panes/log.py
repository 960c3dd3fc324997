"""What did I do, and what went wrong: the admin's deeds, faults and warnings.

The same lines as the events pane, fewer of them, and with a crash's traceback in full.
"""

from __future__ import annotations

from functools import partial

from textual.content import Content

from chatops.api.events import Crashed, Event, ThreadDied
from tui.model.event_ring import EventRing
from tui.model.state import ConsoleState
from tui.panes.events import EventsPane, Line
from tui.text.cells import clean
from tui.text.event_lines import line_of


class LogPane(EventsPane):
    """`LogPane()`; the app calls `show(state)` while it is visible."""

    PANE = "log"
    NUMBER = 5
    EMPTY = "nothing done yet, and nothing has gone wrong"

    def ring(self, state: ConsoleState) -> tuple[EventRing, int]:
        return state.log, state.log_end

    def lines(self, events: list[Event]) -> list[Line]:
        return [line for event in events for line in _lines_of(event)]


def _lines_of(event: Event) -> list[Line]:
    lines: list[Line] = [partial(line_of, event)]
    if isinstance(event, Crashed | ThreadDied):
        lines += [partial(Content.styled, f"         {clean(line)}", "$error")
                  for line in event.traceback.strip().split("\n")]
    return lines
