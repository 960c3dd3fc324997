"""The whole of what a list has cut: how the marked command is written, and what it is for."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import OptionList, Static

from tui.model.keymap import KeymapEntry


class EntryAbout(Static):
    """Two lines beneath a list of commands."""

    DEFAULT_CSS = "EntryAbout { height: 2; margin: 0 1; }"

    def __init__(self) -> None:
        super().__init__(markup=False)

    def show(self, entries: tuple[KeymapEntry, ...], options: OptionList) -> None:
        """Tell of the one that is highlighted."""
        option = options.highlighted_option
        entry = next((e for e in entries if option is not None and e.line == option.id), None)
        if entry is None:
            self.update(Content(), layout=False)
        else:
            self.tell(entry.usage, "\n" + entry.spec.help)

    def tell(self, what: str, about: str) -> None:
        """Of something else that a list has cut."""
        self.update(Content.assemble((what, "bold $text"), (about, "$text-muted")), layout=False)
