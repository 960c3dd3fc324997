"""A pane with a title in its border: a tab for each of the panes that share its place."""

from __future__ import annotations

from textual import events
from textual.containers import Vertical
from textual.content import Content

from chatops.api.command_table import PANES
from tui.messages import RunLine
from tui.model.state import ConsoleState

Part = str | tuple[str, str]
TITLE_LEFT = 2                 # cells of the border before a title


def name_of(pane: str, state: ConsoleState) -> str:
    """As its tab calls it."""
    return "Connections" if pane == "clients" and state.program is not None else pane.title()


def number_of(pane: str) -> int:
    """As its key, whatever others are there."""
    return PANES.index(pane) + 1


def tab_of(pane: str, state: ConsoleState) -> str:
    """`6 Tasks (14)`: how much is in a pane that is not drawn."""
    count = _count(pane, state)
    return f"{number_of(pane)} {name_of(pane, state)}" + (f" ({count:,})" if count else "")


def _count(pane: str, state: ConsoleState) -> int:
    shown = state.snapshot
    if shown is None:
        return 0
    if pane == "tasks" and shown.program is not None:
        return shown.program.tasks             # there may be more than rows
    rows = {"clients": shown.clients, "selector": shown.keys, "nodes": shown.nodes}
    return len(rows.get(pane, ()))


class TitledPane(Vertical):
    """A click on its title makes it the active pane, one on another's tab that one."""

    def __init__(self, name: str, ident: str) -> None:
        super().__init__(id=f"{ident}-pane", classes="pane")
        self.pane = name
        self.places: tuple[str, ...] = ()      # the panes of its place, itself among them
        self._ends: list[tuple[int, str]] = [] # where each tab ends, and its pane
        self._title: Content | None = None

    def show_title(self, state: ConsoleState, what: str, more: str = "", behind: str = ""
                   ) -> None:
        """`what` is its own tab, `more` what is said behind them all; `behind`, what is not
        seen now.
        """
        tabs: list[Part] = []
        at, self._ends = TITLE_LEFT, []
        for pane in self.places if len(self.places) > 1 else ():
            own = pane == self.pane
            text = f"[{what}]" if own else f" {tab_of(pane, state)} "
            tabs += [text] if own else [(text, "$text-muted not bold")]
            at += len(text)
            self._ends.append((at, pane))
        title = Content.assemble(*(tabs or [what]), f"  {more}" if more else "",
                                 (f"  {behind}" if behind else "", "$warning")).rstrip()
        if not self.styles.border_left[0]:     # a mere rule keeps no distance to it
            title = Content.assemble(" ", title, " ")
        if self._title is None or title != self._title:
            self._title = title
            self.border_title = title

    def on_click(self, event: events.Click) -> None:
        """The title is in the border; what lies within has clicks of its own."""
        if event.widget is self and event.y == 0 and self.styles.border_top[0]:
            pane = next((pane for end, pane in self._ends if event.x < end), self.pane)
            self.post_message(RunLine(f"pane {pane}"))
