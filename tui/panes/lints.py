"""What a reviewer would object to in the live selector, a line each."""

from __future__ import annotations

from textual import events
from textual.content import Content
from textual.widgets import Static

from chatops.lints import age_of, distinct
from tui.messages import RunLine
from tui.model.state import ConsoleState
from tui.text.cells import clean

Part = str | tuple[str, str]


class LintsPane(Static):
    """The dashboard's corner; `l` or a click opens the explanations."""

    def __init__(self) -> None:
        super().__init__(id="lints-pane", classes="pane")
        self.border_title = Content("Lint")
        self._shown: Content | None = None

    def show(self, state: ConsoleState) -> None:
        """Draw what the state holds now."""
        lints = distinct(state.snapshot.lints) if state.snapshot is not None else ()
        room = max(1, self.size.height)
        parts: list[Part] = []
        for lint in lints[:room]:
            age = age_of(lint, state.now)
            parts += [("! ", "bold $error"), (clean(lint.summary), "$foreground"),
                      (f" {age}\n" if age else "\n", "$text-muted")]
        if not lints:
            parts = [("✓ nothing to object to", "$success")]
        content = Content.assemble(*parts).rstrip()
        if self._shown is None or content != self._shown:
            self._shown = content
            self.border_subtitle = Content(
                f"{state.preferences.keymap.sign('lints')} explains" if lints else "")
            self.update(content, layout=False)

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.post_message(RunLine("lints"))
