"""One event whole: when it was, whose it is, and all that it says."""

from __future__ import annotations

from datetime import datetime

from textual.content import Content

from chatops.api.events import Event
from chatops.units import format_age
from tui.model.state import ConsoleState
from tui.screens.dialog import Sheet
from tui.text.cells import clean
from tui.text.event_lines import client_of, kind_of, whole_of


class EventScreen(Sheet):
    """`EventScreen(event)`: a line of the events or the log, wrapped to its end; `d` leads to the
    details of its client.
    """

    def __init__(self, event: Event) -> None:
        super().__init__()
        self._event = event
        self._ident = client_of(event)
        if self._ident:
            self._bindings.bind("d", f"app.command('details {self._ident}')", "details")

    def show(self, state: ConsoleState) -> None:
        if not self.query(".box"):
            return                 # shown before it was composed
        event, ident = self._event, self._ident
        kind, row = kind_of(event), state.client(ident)
        when = datetime.fromtimestamp(event.at)
        lines = [_row("when", f"{when:%Y-%m-%d %H:%M:%S}.{when.microsecond // 1000:03}, "
                              f"{format_age(max(0.0, state.wall - event.at))} ago"),
                 _row("what", kind.topic)]
        if ident:
            lines.append(_row("whose", f"#{ident} {row.nick}" if row is not None else
                              f"#{ident}, who is not here now"))
        if room := getattr(event, "room", ""):
            lines.append(_row("room", room))
        lines += [Content(""), Content.styled(whole_of(event), kind.style)]
        self.write(Content("\n").join(lines), f"{kind.glyph} {kind.topic}")
        keys = [f"d details of #{ident}"] if row is not None else []
        self.query_one(".box").border_subtitle = Content(
            "   ".join([*keys, "↑↓ scroll", "esc close"]))


def _row(label: str, value: str) -> Content:
    return Content.assemble((f"{label:<7}", "$text-muted"), clean(value))
