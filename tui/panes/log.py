"""What did I do, and what went wrong: the admin's deeds, faults and warnings.

The same lines as the events pane, fewer of them, and with a crash's traceback in full.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from textual.content import Content

from chatops.api.events import Crashed, Event, ThreadDied
from tui.model.event_ring import EventRing
from tui.model.state import ConsoleState
from tui.panes.events import EventsPane
from tui.text.cells import clean
from tui.text.event_lines import line_of
from tui.widgets.line_view import Line


class LogPane(EventsPane):
    """`LogPane()`; the app calls `show(state)` while it is visible."""

    PANE = "log"
    EMPTY = "nothing done yet, and nothing has gone wrong"

    def ring(self, state: ConsoleState) -> tuple[EventRing, int]:
        return state.log, state.log_end

    def lines(self, events: Iterable[tuple[int, Event]]) -> list[Line]:
        return [line for number, event in events for line in _lines_of(number, event)]


def _lines_of(number: int, event: Event) -> list[Line]:
    lines = [Line(number, partial(line_of, event))]
    if isinstance(event, Crashed | ThreadDied):
        lines += [Line(number, partial(Content.styled, f"         {clean(line)}", "$error"))
                  for line in event.traceback.strip().split("\n")]
    return lines
