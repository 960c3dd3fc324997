"""The palette: type any part of a command, a key or what it is for, and run it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.fuzzy import FuzzySearch
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from tui.model.keymap import USUAL, KeymapEntry
from tui.screens.dialog import Dialog
from tui.text.cells import fit
from tui.widgets.choice_list import ChoiceList
from tui.widgets.entry_about import EntryAbout
from tui.widgets.plain_input import PlainInput

USAGE_WIDE, KEYS_WIDE = 32, 10


class PaletteScreen(Dialog[str]):
    """Answers with the line to run, or None."""

    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,tab", "move(1)", show=False, priority=True),
        Binding("up,shift+tab", "move(-1)", show=False, priority=True),
        Binding("pagedown", "move(8)", show=False, priority=True),
        Binding("pageup", "move(-8)", show=False, priority=True),
        Binding("ctrl+p", "leave", show=False, priority=True),
    ]

    DEFAULT_CSS = """
    PaletteScreen { align: center top; }
    PaletteScreen .box { width: 92; margin-top: 2; max-height: 85%; padding: 0; }
    PaletteScreen Input { margin: 0 1 1 1; background: $surface; }
    PaletteScreen OptionList { height: auto; max-height: 16; border: none; padding: 0;
                               background: $surface; text-wrap: nowrap;
                               text-overflow: ellipsis; }
    """

    def __init__(self, entries: tuple[KeymapEntry, ...]) -> None:
        """`entries` are those that there is a use for here."""
        super().__init__()
        self._entries = entries

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            box.border_title = "Run a command"
            box.border_subtitle = "↑↓ move   enter run   esc close"
            yield PlainInput(placeholder="kick, outbox, sort, F9 …", compact=True)
            yield ChoiceList()
            yield EntryAbout()

    def on_mount(self) -> None:
        self.query_one(OptionList).can_focus = False
        self._list("")

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._list(event.value)

    def _list(self, query: str) -> None:
        options = self.query_one(OptionList)
        options.clear_options()
        found = ranked(query, self._entries)
        options.add_options(Option(_line(entry, query), id=entry.line) for entry in found)
        if found:
            options.highlighted = 0
        else:
            options.add_option(Option(Content.styled(" nothing is called that",
                                                     "$text-muted italic"), disabled=True))
            self._marked()

    def action_move(self, step: int) -> None:
        options = self.query_one(OptionList)
        if options.option_count and options.highlighted is not None:
            last = options.option_count - 1
            at = options.highlighted + step
            if abs(step) == 1:
                at %= last + 1     # round and round by single steps, not by pages
            options.highlighted = max(0, min(last, at))

    @on(Input.Submitted)
    def _enter(self) -> None:
        self.query_one(OptionList).action_select()

    @on(OptionList.OptionHighlighted)
    def _marked(self) -> None:
        self.query_one(EntryAbout).show(self._entries, self.query_one(OptionList))

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(event.option.id)


def ranked(query: str, entries: Sequence[KeymapEntry] = USUAL.entries) -> list[KeymapEntry]:
    """What matches, best first: names before keys, and both before what they are for."""
    words = query.strip().removeprefix(":")
    if not words:
        return list(entries)
    search = FuzzySearch()
    scored = []
    for number, entry in enumerate(entries):
        name = search.match(words, entry.line)[0]
        starts = entry.line.startswith(words) or words in entry.spec.aliases
        key = words in entry.keys_text.split()
        purpose = words.casefold() in entry.spec.help.casefold()
        score = 100 * starts + 50 * key + 10 * name + purpose
        if score:
            scored.append((-score, number, entry))
    return [entry for _, _, entry in sorted(scored, key=lambda row: row[:2])]


def _line(entry: KeymapEntry, query: str) -> Content:
    text = fit(entry.usage, USAGE_WIDE) + "  "
    usage = Content.styled(text, "$text")
    for at in FuzzySearch().match(query.strip(), text)[1] if query.strip() else ():
        usage = usage.stylize("bold underline", at, at + 1)
    return Content.assemble(" ", usage, (fit(entry.keys_text, KEYS_WIDE), "bold $accent"),
                            (entry.spec.help, "$text-muted"))
