"""One line of tabs for terminals that show one pane at a time."""

from __future__ import annotations

from textual import events
from textual.content import Content
from textual.widgets import Static

from tui.messages import RunLine
from tui.model.state import ConsoleState
from tui.text.cells import clean
from tui.widgets.titled_pane import name_of, number_of

Part = str | tuple[str, str]


class TabBar(Static):
    """`[1 Clients] 2 Selector …`, and at the right how the pane is looked at."""

    def __init__(self) -> None:
        super().__init__(id="tabs")
        self._shown: Content | None = None
        self._ends: list[tuple[int, str]] = []     # where each tab ends, and its pane

    def show(self, state: ConsoleState) -> None:
        """Draw what the state holds now."""
        tabs: list[Part] = [" "]
        at, self._ends = 1, []
        for pane in state.panes:
            here = pane == state.pane
            name = f"{number_of(pane)} {name_of(pane, state)}"
            text = f"[{name}]" if here else f" {name} "
            tabs.append((text, "bold $primary" if here else "$text-muted"))
            at += len(text)
            self._ends.append((at, pane))
        left, right = Content.assemble(*tabs), Content.assemble(*_looked_at(state))
        room = self.size.width - left.cell_length - 1
        if right.cell_length > room:           # what is not set is left unsaid
            right = Content.assemble(*_looked_at(state, short=True))
        if right.cell_length > room:
            right = Content.assemble(*_looked_at(state, short=True, labels=False))
        right = right.truncate(max(0, room), ellipsis=True)
        pad = max(0, room - right.cell_length)
        content = Content.assemble(left, " " * pad, right, " ")
        if self._shown is None or content != self._shown:
            self._shown = content
            self.update(content, layout=False)

    def on_click(self, event: events.Click) -> None:
        """A click on a tab is the key with its number."""
        pane = next((pane for end, pane in self._ends if event.x < end), None)
        if pane is not None:
            self.post_message(RunLine(f"pane {pane}"))


def _looked_at(state: ConsoleState, *, short: bool = False, labels: bool = True) -> list[Part]:
    view = state.view
    filtered, sorted_by = ("  filter: ", "  sort: ") if labels else ("  /", "  ")
    parts: list[Part] = []
    if behind := view.behind_text(state.preferences.keymap.sign("live"), short=not labels):
        parts += [(f"{'  ' if labels else ' '}{behind}", "bold $warning")]
    if tags := state.tags_text:
        parts += [(f"  {tags}", "$accent")]
    if state.pane != "loop" and (view.filter or not (short or behind)):
        parts += [(filtered, "$text-muted"),
                  (clean(view.filter), "bold $warning") if view.filter else "none"]
    if view.sort:
        arrow = "▼" if view.inverted else "▲"
        parts += [(sorted_by, "$text-muted"), f"{view.heading or view.sort} {arrow}"]
    return parts
