"""Events and chat, one line each, the newest at the bottom.

Only what is on the screen is worded and drawn, and only while it is shown: a busy room has
thousands of events between two refreshes, and wording them all would cost the server in the
same process half its speed.  The events stay in the state's ring, and this pane keeps those
that pass its filter, a bounded number.  While hidden it does nothing; shown again, it
catches up from the ring.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import ClassVar

from rich.segment import Segment
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from chatops.api.events import Event
from tui.model.event_ring import EventRing
from tui.model.state import ConsoleState
from tui.text.cells import clean
from tui.text.event_lines import line_of, matches

LINES_KEPT = 3000

# A line to come: what it says is found out when it is drawn.
Line = Callable[[], Content]


class LineView(ScrollView, can_focus=True):
    """Lines that are added at the end; it stays at the end while one is looking there."""

    DEFAULT_CSS = """
    LineView { height: 1fr; background: $background; color: $foreground;
               overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1; }
    """

    def __init__(self, empty: str = "") -> None:
        super().__init__()
        self.empty = empty
        self._lines: deque[Line] = deque(maxlen=LINES_KEPT)
        self._drawn: dict[int, Strip] = {}
        self._number = 0           # of the first line that is held, ever counting up
        self._following = True     # the newest line is to stay in sight

    def put(self, lines: list[Line], *, anew: bool = False) -> None:
        """Add lines at the end, or (`anew`) have these and no others."""
        if not lines and not anew:
            return
        following = self._following = anew or self._following
        if anew:
            self._number += len(self._lines)
            self._lines.clear()
            self._drawn.clear()
        lost = max(0, len(self._lines) + len(lines) - LINES_KEPT)
        self._number += min(lost, len(self._lines))
        self._lines.extend(lines)
        if len(self._drawn) > LINES_KEPT:
            self._drawn.clear()
        self._grow()
        if following:
            # The first time there is no scrollbar yet: forced.
            self.scroll_end(animate=False, immediate=True, x_axis=False, force=True)
        elif lost:                 # what one is reading stays where it is
            self.scroll_to(y=max(0, self.scroll_y - lost), animate=False, immediate=True)
        self.refresh()

    def _grow(self) -> None:
        """Be as high as there are lines.  To assign that is to lay the screen out anew and
        draw every widget again; with a scroll bar in place only the bar has to know.
        """
        size = Size(self.size.width, len(self._lines))
        if self.show_vertical_scrollbar:
            self.set_reactive(LineView.virtual_size, size)
            self._scroll_update(size)
        else:
            self.virtual_size = size

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._following = self.is_vertical_scroll_end

    def watch_show_vertical_scrollbar(self, shown: bool) -> None:
        """Textual moves the bar only while there is one, and it comes back where it was."""
        if shown:
            self.vertical_scrollbar.position = self.scroll_y

    def on_resize(self) -> None:
        following = self._following
        self._drawn.clear()
        self.virtual_size = Size(self.size.width, len(self._lines))
        if following:
            self.call_after_refresh(self.scroll_end, animate=False, x_axis=False, force=True)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._drawn.clear()

    def render_line(self, y: int) -> Strip:
        at = y + round(self.scroll_offset.y)
        width = self.scrollable_content_region.width
        if not self._lines and y == 0:
            return self._strip(Content.styled(f" {self.empty}", "$text-muted italic"), width)
        if not 0 <= at < len(self._lines):
            return Strip.blank(width, self.visual_style.rich_style)
        number = self._number + at
        strip = self._drawn.get(number)
        if strip is None:
            strip = self._drawn[number] = self._strip(self._lines[at](), width)
        return strip

    def _strip(self, content: Content, width: int) -> Strip:
        base = self.visual_style
        parts = content.truncate(width, ellipsis=True).render(
            base, end="", parse_style=self.app.stylesheet.parse_style)
        segments = [Segment(text, style.rich_style) for text, style in parts]
        return Strip(segments).adjust_cell_length(width, base.rich_style)


class EventsPane(Vertical):
    """`EventsPane()`; the app calls `show(state)` while it is visible."""

    PANE: ClassVar[str] = "events"
    NUMBER: ClassVar[int] = 3
    EMPTY: ClassVar[str] = "nothing has happened yet"

    def __init__(self) -> None:
        super().__init__(id=f"{self.PANE}-pane", classes="pane")
        self._view = LineView(self.EMPTY)
        self._seen = 0             # number of the first event not looked at yet
        self._filter = ""
        self._end = 0
        self._title = ""

    def compose(self) -> ComposeResult:
        yield self._view

    def ring(self, state: ConsoleState) -> tuple[EventRing, int]:
        """Where the events are held, and the number of the first that is not shown yet."""
        return state.events, state.events_end

    def lines(self, events: list[Event]) -> list[Line]:
        """What is to be drawn for these events; nothing is worded yet."""
        return [partial(line_of, event) for event in events]

    def show(self, state: ConsoleState) -> None:
        """Draw what the state holds now."""
        wanted = state.views[self.PANE].filter
        ring, end = self.ring(state)
        anew = wanted != self._filter or end < self._end
        if anew:
            self._filter, self._seen = wanted, 0
        fresh = ring.between(self._seen, end)
        self._seen = self._end = end
        if wanted:
            fresh = [event for event in fresh if matches(event, wanted)]
        self._view.empty = "nothing matches the filter" if wanted else self.EMPTY
        self._view.put(self.lines(fresh[-LINES_KEPT:]), anew=anew)
        self._show_title(state)

    def _show_title(self, state: ConsoleState) -> None:
        title = f"{self.NUMBER} {self.PANE.capitalize()}"
        if self._filter:
            title += f"  filter: {clean(self._filter)}"
        if state.dropped:
            title += f"  {state.dropped:,} lost"
        if title != self._title:
            self._title = title
            self.border_title = Content(title)
