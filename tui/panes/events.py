"""Events and chat, one line each, the newest at the bottom.

Only what is on the screen is worded and drawn, and only while it is shown: a busy room has
thousands of events between two refreshes, and wording them all would cost the server in the
same process half its speed.  The events stay in the state's ring, and this pane keeps those
that pass its filter, a bounded number.  While hidden it does nothing; shown again, it
catches up from the ring.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from msgspec.structs import replace
from textual.app import ComposeResult

from chatops.api.events import Event, LoopHeld
from tui.messages import RunLine
from tui.model.event_ring import EventRing
from tui.model.state import ConsoleState
from tui.text.cells import clean
from tui.text.event_lines import line_of, matches
from tui.widgets.line_view import LINES_KEPT, Line, LineView
from tui.widgets.titled_pane import TitledPane, tab_of


class EventsPane(TitledPane):
    """`EventsPane()`; the app calls `show(state)` while it is visible."""

    PANE: ClassVar[str] = "events"
    EMPTY: ClassVar[str] = "nothing has happened yet"

    def __init__(self) -> None:
        super().__init__(self.PANE, self.PANE)
        self._view = LineView(self.EMPTY)
        self._seen = 0             # number of the first event not looked at yet
        self._filter = ""
        self._end = 0
        self._holds: dict[int, tuple[int, LoopHeld]] = {}  # those that go on, by loop; their lines
        self._went_live = 0        # the last time that it was brought back to its end for that

    def compose(self) -> ComposeResult:
        yield self._view

    def ring(self, state: ConsoleState) -> tuple[EventRing, int]:
        """Where the events are held, and the number of the first that is not shown yet."""
        return state.events, state.events_end

    def lines(self, events: Iterable[tuple[int, Event]]) -> list[Line]:
        """What is to be drawn for these events; nothing is worded yet."""
        return [Line(number, partial(line_of, event)) for number, event in events]

    def show(self, state: ConsoleState) -> None:
        """Draw what the state holds now."""
        wanted = state.views[self.PANE].filter
        ring, end = self.ring(state)
        anew = wanted != self._filter or end < self._end
        if anew:
            self._filter, self._seen, self._holds = wanted, 0, {}
        fresh = list(enumerate(ring.between(self._seen, end), max(self._seen, ring.first)))
        self._seen = self._end = end
        if wanted:
            fresh = [(number, event) for number, event in fresh if matches(event, wanted)]
        self._view.empty = "nothing matches the filter" if wanted else self.EMPTY
        self._view.put(self._folded(fresh[-LINES_KEPT:]), anew=anew)
        if state.went_live != self._went_live:
            self._went_live = state.went_live
            self._view.follow()
        self._tell_where(state)
        self._show_tabs(state)

    def _folded(self, events: list[tuple[int, Event]]) -> list[Line]:
        """Their lines; that a hold is over takes the place of that it had begun."""
        if not any(type(event) is LoopHeld for _, event in events):
            return self.lines(events)
        first, lines = self._view.end, list[Line]()
        for number, event in events:
            hold = None
            if isinstance(event, LoopHeld):
                hold = self._holds.pop(event.loop, None)
                if not event.over:
                    self._holds[event.loop] = first + len(lines), event
            if hold is not None and isinstance(event, LoopHeld) and event.over:
                (line,) = self.lines([(number, replace(event, at=hold[1].at))])
                if hold[0] >= first:
                    lines[hold[0] - first] = line
                else:
                    self._view.change(hold[0], line)
            else:
                lines += self.lines([(number, event)])
        return lines

    def _tell_where(self, state: ConsoleState) -> None:
        """Which line an action takes, and whether it is the newest."""
        view, chosen = state.views[self.PANE], self._view.chosen
        view.cursor = chosen.event if chosen is not None else None
        view.behind = self._view.behind

    def _show_tabs(self, state: ConsoleState) -> None:
        more = [f"filter: {clean(self._filter)}"] if self._filter else []
        more += [f"{state.dropped:,} lost"] if state.dropped else []
        self.show_title(state, tab_of(self.PANE, state), "  ".join(more),
                        state.views[self.PANE].behind_text(state.preferences.keymap.sign("live")))

    def on_line_view_wanted(self, message: LineView.Wanted) -> None:
        message.stop()
        self.post_message(RunLine(f"pane {self.PANE}"))
        self.post_message(RunLine("details"))
