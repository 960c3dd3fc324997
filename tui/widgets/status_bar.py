"""The header: which server, which time, and what it does, in four lines."""

from __future__ import annotations

from itertools import islice
from operator import attrgetter
from typing import ClassVar, NamedTuple

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from chatops.api.snapshot import Snapshot
from chatops.system.columns import width as cells
from chatops.units import format_seconds, format_size
from tui import program
from tui.messages import RunLine
from tui.model.pulses import LoopRates
from tui.model.state import ConsoleState
from tui.program import Figure
from tui.text.cells import clean, fit, format_rate
from tui.widgets.gauge import scale_top, sparkline
from tui.widgets.lint_line import LintLine
from tui.widgets.title_line import (
    CLIENTS,
    LABEL,
    MARK,
    MARKED,
    VALUE,
    title_at,
    title_line,
)

Part = str | tuple[str, str]

GAP = 2
NARROW = (20, 15, 19, 18)      # cells of the metrics where not every one has a sparkline
TOPS = {"busy": 1.0, "ready": 4.0}     # what fills a sparkline that has a scale of its own
HEADROOM = 8 / 7               # of the others: two rows of full bars would run together
COLOURS = {"wakeups": "$primary", "ready": "$primary", "busy": "$primary",
           "lines_in": "$secondary", "lines_out": "$secondary",
           "queued": "$accent", "kernel_queued": "$accent"}
NAMED = ("queued", "kernel_queued")    # figures that say whose queue is the longest
NUMBER, NAME_MOST = 4, 8       # cells kept for that, with the blank before it
BARS_LEAST, BARS_FEW = 5, 3    # cells of the shortest sparkline, and beside a name
BARS_GOOD = 12                 # cells of one that leaves room for a name, and not just a number
LINTS_AT = 3                   # the line that they have
WIDE = 110                     # cells from which every metric has a sparkline
LONG_CALLBACK = 0.05           # seconds; of a shorter one it does not matter what it waited for
PLOTTED = (("wake-ups", "wake-ups", "busy", "busy"),      # what a click on a metric shows
           ("lines-in", "lines-out", "queued", "kernel"))


class Place(NamedTuple):
    """A figure of the header, by its line and its number there; line 0 has but one."""

    line: int
    number: int

    def within(self, columns: int) -> Place:
        """Where there are so many in a line."""
        return self if self.number < columns else Place(self.line, columns - 1)

    def step(self, right: int, down: int, columns: int) -> Place:
        """The figure beside it, above or below; at the end of a line the next one begins."""
        line, number = self.within(columns)
        if down:
            return Place(min(2, max(0, line + down)), number)
        at = 1 + (line - 1) * columns + number if line else 0
        at = (at + right) % (1 + 2 * columns)
        return Place(*divmod(at - 1 + columns, columns)) if at else Place(0, 0)


class StatusBar(Static, can_focus=True):
    """Four lines that never freeze, whatever the panes show.

    In focus, one figure is marked; arrows go from one to the next.
    """

    FOCUS_ON_CLICK = False         # the cursor stays in its pane
    OWN = ("details", "back")      # command lines whose keys are the header's while in focus
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "walk(-1, 0)", "figure before", show=False, priority=True),
        Binding("right", "walk(1, 0)", "next figure", show=False, priority=True),
        Binding("up", "walk(0, -1)", "figure above", show=False, priority=True),
        Binding("down", "walk(0, 1)", "figure below", show=False, priority=True),
        Binding("enter", "plot", "plot the figure", show=False, priority=True),
        Binding("escape", "leave", "back to the pane", show=False, priority=True),
    ]

    class Left(Message):
        """Whoever went through the figures wants to go back."""

    def __init__(self) -> None:
        super().__init__(id="status")
        self._shown: Content | None = None
        self._state: ConsoleState | None = None
        self._at = Place(1, 0)
        self._lint = LintLine()

    def show(self, state: ConsoleState) -> None:
        """Draw what the state holds now."""
        self._state = state
        width = self.size.width
        if width < 20:
            return
        at = self._at.within(len(_metric_widths(width))) if self.has_focus else None
        content = Content("\n").join([
            title_line(state, width, marked=at is not None and at.line == 0),
            *_metric_lines(state, width, at), self._lint.line(state, width)])
        if self._shown is None or content != self._shown:
            self._shown = content
            self.update(content, layout=False)

    def on_focus(self) -> None:
        self._draw_again()

    def on_blur(self) -> None:
        self._draw_again()

    def _draw_again(self) -> None:
        if self._state is not None:
            self.show(self._state)

    def action_walk(self, right: int, down: int) -> None:
        self._at = self._at.step(right, down, len(_metric_widths(self.size.width)))
        self._draw_again()

    def action_plot(self) -> None:
        at = self._at.within(len(_metric_widths(self.size.width)))
        figure = PLOTTED[at.line - 1][at.number] if at.line else CLIENTS
        self.post_message(RunLine(f"plot {figure}"))

    def action_leave(self) -> None:
        self.post_message(self.Left())

    def on_click(self, event: events.Click) -> None:
        """A click on a figure shows how it has been; the others are what a key does."""
        if self._state is not None and (
                line := line_at(event.x, event.y, self._state, self.size.width)):
            self.post_message(RunLine(line))


def line_at(x: int, y: int, state: ConsoleState, width: int) -> str:
    """What a click into this cell of the header runs, "" for nothing."""
    if y == 0:
        return title_at(x, state, width)
    if y == LINTS_AT:
        return "lints"
    figure = figure_at(x, y, width)
    return f"plot {figure}" if figure else ""


def figure_at(x: int, y: int, width: int) -> str:
    """Which plot belongs to the metric in this cell of the header, "" for none."""
    if not 0 < y < LINTS_AT:
        return ""
    left = 1
    for wide, figure in zip(_metric_widths(width), PLOTTED[y - 1], strict=False):
        if left <= x < left + wide:
            return figure
        left += wide + GAP
    return ""


# -- metrics


def _metric_lines(state: ConsoleState, width: int, at: Place | None) -> list[Content]:
    now, live = state.gauges, state.live
    slowest = "-"
    if live is not None and live.loop.slowest_name:
        loop = live.loop
        kept = loop.slowest_off_cpu > loop.slowest / 2 and loop.slowest >= LONG_CALLBACK
        slowest = (f"{format_seconds(loop.slowest)} "
                   f"{'kept waiting' if kept else clean(loop.slowest_name)}")
    upper: list[Figure] = [("wake/s", format_rate(now.wakeups), "wakeups", ()),
             ("ready/wake", f"{now.ready:.1f}", "ready", ()),
             ("busy", f"{now.busy:.1%}", "busy", ()),
             ("slowest", slowest, "", ())]
    lower: list[Figure] = [("in/s", format_rate(now.lines_in), "lines_in", ()),
             ("out/s", format_rate(now.lines_out), "lines_out", ()),
             ("app queue", format_size(now.queued), "queued", _longest_queue(live, "queued")),
             ("kernel queue", format_size(now.kernel_queued), "kernel_queued",
              _longest_queue(live, "kernel_queued"))]
    if live is not None and live.program is not None:
        lower[:2] = program.figures(live, live.program)
    widths = _metric_widths(width)
    return [_metrics(state, row, widths, at.number if at is not None and at.line == line else -1)
            for line, row in enumerate((upper, lower), 1)]


def _metric_widths(width: int) -> list[int]:
    if width >= WIDE:
        each, rest = divmod(width - 2 - 3 * GAP, 4)     # a margin on either side
        return [each + rest, each, each, each]
    spare = width - 2 - sum(NARROW) - 3 * GAP
    if spare < 0:                  # the last one gives way
        return [width - 2 - sum(NARROW[1:3]) - 2 * GAP, *NARROW[1:3]]
    return [NARROW[0] + spare // 2, *NARROW[1:3], NARROW[3] + spare - spare // 2]


def _metrics(state: ConsoleState, row: list[Figure],
             widths: list[int], marked: int) -> Content:
    parts: list[Part | Content] = []
    for at, ((label, value, series, who), width) in enumerate(zip(row, widths, strict=False)):
        parts += [" " * (GAP - 1) if at else "", (MARK, MARKED) if at == marked else " "]
        parts.append(_metric(state, label, value, series, who, width, first=not at))
    return Content.assemble(*parts)


def _metric(state: ConsoleState, label: str, value: str, series: str,
            who: tuple[str, ...], width: int, *, first: bool) -> Content:
    """`label  value ▁▂▃ who`, exactly `width` cells.

    `who` are names, the best first: the first that there is room for is shown.  Its place is
    kept also while there is none, so that the bars stay where they are.
    """
    if first:
        label = fit(label, 7)
    elif width >= 20 and len(label) < 10:
        label = fit(label, 10)
    room = width - len(label) - 1
    if not series:
        if len(value) > room:      # half a name says nothing
            value = value.partition(" ")[0]
        return Content.assemble((label, LABEL), " ", (fit(value, room), VALUE))
    number = fit(value, max(min(5, room), len(value)), right=True)
    room -= len(number)
    wide = _name_place(room, who) if series in NAMED else 0
    name = next((f" {name}" for name in who if cells(name) < wide), "")
    room -= wide
    bars = ""
    if room > (BARS_FEW if wide else BARS_LEAST):
        values = tuple(islice(reversed(state.series[series]), room - 1))[::-1]
        bars = sparkline(values, room - 1, _top(series, values))
    # While no snapshot comes, what only a snapshot tells is what was known last.
    old = state.late and series not in LoopRates._fields
    return Content.assemble((label, LABEL), " ", (number, LABEL if old else VALUE),
                            (" " + bars if bars else "", COLOURS[series]),
                            (name, "$accent")).truncate(width, ellipsis=False, pad=True)


def _name_place(room: int, who: tuple[str, ...]) -> int:
    """Cells for whose queue it is, beside bars where they have room as well."""
    if room >= NAME_MOST + BARS_GOOD:
        return NAME_MOST
    beside = room - BARS_FEW - 1
    if beside < 3:                 # no number is shorter
        return room
    return min(room, max(min(NUMBER, beside), cells(who[-1]) + 1 if who else 0))


def _top(series: str, values: tuple[float, ...]) -> float:
    """What fills a cell: a round number above the peak, and at least what a share of means
    something.
    """
    peak = max((value for value in values if value == value), default=0.0)
    return max(TOPS.get(series, 0.0), scale_top([peak * HEADROOM]))


def _longest_queue(snapshot: Snapshot | None, field: str) -> tuple[str, ...]:
    """Whose queue is the longest, by nick and by number; () when none holds anything."""
    clients = snapshot.clients if snapshot is not None and getattr(snapshot, field) else ()
    longest = max(clients, key=attrgetter(field), default=None)
    return (clean(longest.nick), f"#{longest.id}") if longest is not None else ()
