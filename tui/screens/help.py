"""Every key and command, grouped; enter or a click runs the one that is marked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui.model.keymap import KeymapEntry, grouped
from tui.screens.dialog import Dialog
from tui.text.cells import fit
from tui.widgets.entry_about import EntryAbout

KEYS_WIDE, USAGE_WIDE = 10, 34

WAYS = (
    "Actions take the tagged rows, or the row under the cursor.  : opens the command line, where "
    "tab completes.\nEvery key shows the command it runs: what keys do, scripts can do."
)


class HelpScreen(Dialog[str]):
    """Answers with the line to run, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,question_mark,f1", "leave", "close", show=False),
        Binding("slash,ctrl+p", "search", "search", show=False),
    ]

    DEFAULT_CSS = """
    HelpScreen .box { width: 104; height: 94%; padding: 0 1; }
    HelpScreen OptionList { height: 1fr; border: none; background: $surface; padding: 0;
                            text-wrap: nowrap; text-overflow: ellipsis; }
    HelpScreen OptionList:focus { border: none; }
    HelpScreen .ways { color: $text-muted; margin: 0 1; height: auto; }
    """

    def __init__(self, entries: tuple[KeymapEntry, ...]) -> None:
        """`entries` are those that there is a use for here."""
        super().__init__()
        self._entries = entries

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            box.border_title = "Keys and commands"
            box.border_subtitle = "↑↓ move   enter run   / search   esc close"
            yield Static(Content(WAYS), classes="ways")
            yield OptionList(*_options(self._entries))
            yield EntryAbout()

    def on_mount(self) -> None:
        options = self.query_one(OptionList)
        options.focus()
        options.action_first()
        options.scroll_home(animate=False)

    @on(OptionList.OptionHighlighted)
    def _marked(self) -> None:
        self.query_one(EntryAbout).show(self._entries, self.query_one(OptionList))

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(event.option.id)

    def action_search(self) -> None:
        """Go on in the palette."""
        self.dismiss("palette")


def _options(entries: Iterable[KeymapEntry]) -> list[Option | None]:
    options: list[Option | None] = []
    for group, members in grouped(entries).items():
        heading = Content.styled(group, "bold $primary")
        options.append(Option(Content("\n") + heading, disabled=True))
        options += [Option(line_of(entry), id=entry.line) for entry in members]
    return options


def line_of(entry: KeymapEntry) -> Content:
    """`k F9     kick CLIENT,… [REASON]     Tell clients why and disconnect them.`"""
    return Content.assemble(
        " ", (fit(entry.keys_text, KEYS_WIDE), "bold $accent"),
        (fit(entry.usage, USAGE_WIDE), "$text"), ("  " + entry.spec.help, "$text-muted"),
    )
