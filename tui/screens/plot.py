"""A figure over minutes: the server's, or one client's.  `:plot busy 5m`, `:plot queued 1m 3`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content

from chatops.api.command_line import render
from chatops.api.commands import Plot
from tui.messages import RunLine
from tui.model.series import CLIENT, LINES, SERVER, SPANS, figure_of
from tui.model.state import ConsoleState
from tui.screens.dialog import Sheet
from tui.text.cells import clean
from tui.widgets import history_plot

STYLES = {"wake-ups": "$primary", "lines-in": "$secondary", "lines-out": "$secondary",
          "busy": "$primary", "queued": "$accent", "kernel": "$accent", "clients": "$success"}
BORDERS = 4                    # cells of the box and its padding at both sides
MOST_ROWS = 24                 # of an area
USUAL, ENOUGH = "5m", 120.0    # the span at first, and the seconds from which it shows something

Hot = tuple[int, int, int, str]        # line, first cell, the cell behind the last, command line


class PlotScreen(Sheet):
    """`PlotScreen(figure, span, ident, state)`; `ident` 0 is the server, span "" what suits."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "figure(-1)", "figure", show=False),
        Binding("right", "figure(1)", show=False),
        Binding("tab", "span(1)", "span", show=False),
        Binding("shift+tab", "span(-1)", show=False),
    ]

    DEFAULT_CSS = """
    PlotScreen .box { width: 100%; height: auto; max-height: 100%; }
    PlotScreen .page { text-wrap: nowrap; text-overflow: clip; }
    """

    def __init__(self, figure: str, span: str, ident: int, state: ConsoleState) -> None:
        super().__init__()
        self._ident = ident
        self._figure = figure_of(figure, client=bool(ident))
        self._span = SPANS[span or first_span(state, self._figure.name, ident)]
        self._name = ""            # of the client, as it was last known
        self._hot: list[Hot] = []
        self._program = False      # whether it is a program's, and not a chat server's

    def on_mount(self) -> None:
        self.query_one(".box").border_subtitle = Content("←→ figure   tab span   esc close")

    def aim(self, figure: str, span: str, ident: int) -> None:
        """Show this instead.  Raises ValueError where there is no such figure."""
        self._figure = figure_of(figure, client=bool(ident))
        self._ident, self._span = ident, SPANS[span] if span else self._span

    def show(self, state: ConsoleState) -> None:
        width, height = self.app.size.width - BORDERS, self.app.size.height
        self._program = state.snapshot is not None and state.snapshot.program is not None
        choices = self._choices()
        values = state.plotted(self._figure.name, self._span.name, self._ident)
        rows = min(MOST_ROWS, height - len(choices) - history_plot.AROUND - 4)
        plot = history_plot.draw(values, self._figure, self._span, width, rows,
                                 STYLES[self._figure.name],
                                 end="then" if state.paused else "now")
        self.write(Content("\n").join([*choices, Content(), *plot, _legend(values)]),
                   self._title(state))

    def _title(self, state: ConsoleState) -> str:
        if self._ident:
            row = state.client(self._ident)
            if row is not None:
                self._name = clean(row.nick)
            left = "  has left" if row is None else ""
            who = f"#{self._ident} {self._name}{left}"
        else:
            who = "the program" if self._program else "the server"
        return f"{self._figure.name}: {who}" + (f"  {state.chip}" if state.paused else "")

    # -- what else could be looked at, for keys and clicks

    def _choices(self) -> list[Content]:
        """Two lines: the figures, and the spans; `_hot` says where each of them stands."""
        self._hot = []
        return [self._line(0, self._figures(), self._figure.name,
                           lambda at: self._command(figure=at)),
                self._line(1, list(SPANS), self._span.name, lambda at: self._command(span=at))]

    def _figures(self) -> list[str]:
        return [figure.name for figure in (CLIENT if self._ident else SERVER)
                if not (self._program and figure.name in LINES)]

    def _line(self, y: int, names: list[str], chosen: str,
              line_of: Callable[[str], str]) -> Content:
        """`  one [two] three  `, with a cell less between two where it is narrow."""
        tight = sum(map(len, names)) + 2 * len(names) > self.app.size.width - BORDERS
        parts: list[str | tuple[str, str]] = []
        at = 0
        for name, before in zip(names, ["", *names], strict=False):
            here = name == chosen
            left = "[" if here else "" if tight and before == chosen else " "
            right = "]" if here else "" if tight else " "
            text = f"{left}{name}{right}"
            parts.append((text, "bold $primary" if here else "$text-muted"))
            self._hot.append((y, at, at + len(text), line_of(name)))
            at += len(text)
        return Content.assemble(*parts)

    def _command(self, *, figure: str = "", span: str = "") -> str:
        return render(Plot(figure or self._figure.name, span or self._span.name,
                           str(self._ident) if self._ident else ""))

    def action_figure(self, step: int) -> None:
        figures = self._figures()
        here = figures.index(self._figure.name) if self._figure.name in figures else -1
        at = (here + step) % len(figures)
        self.post_message(RunLine(self._command(figure=figures[at])))

    def action_span(self, step: int) -> None:
        spans = list(SPANS)
        at = (spans.index(self._span.name) + step) % len(spans)
        self.post_message(RunLine(self._command(span=spans[at])))

    def on_click(self, event: object) -> None:
        super().on_click(event)
        if isinstance(event, events.Click) and event.widget is not None \
                and event.widget.has_class("page"):
            line = next((line for y, first, last, line in self._hot
                         if y == event.y and first <= event.x < last), None)
            if line is not None:
                self.post_message(RunLine(line))


def first_span(state: ConsoleState, figure: str, ident: int) -> str:
    """A minute until there are two to show, which would be little of five."""
    known = sum(not math.isnan(value) for value in state.plotted(figure, USUAL, ident))
    return USUAL if known * SPANS[USUAL].step >= ENOUGH else "1m"


def _legend(values: list[float]) -> Content:
    """What a gap is: at the left end, that there was nothing to see yet."""
    gaps = [at for at, value in enumerate(values) if math.isnan(value)]
    if not gaps:
        return Content()
    said = "no data yet" if gaps[-1] == len(gaps) - 1 else "no picture came"
    return Content.styled(f"{history_plot.GAP} {said}", "$text-muted")
