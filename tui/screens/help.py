"""Every key and command, grouped, and the active pane's columns; enter runs what is marked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui.model.columns import signs_of
from tui.model.keymap import KeymapEntry, grouped
from tui.model.state import ConsoleState
from tui.screens.dialog import Dialog
from tui.tables import shown_columns
from tui.text.cells import fit
from tui.widgets.choice_list import ChoiceList
from tui.widgets.entry_about import EntryAbout

KEYS_WIDE, USAGE_WIDE = 10, 34
NARROW = 72                    # columns of the terminal below which what a key is for has no room

TOLD = ":"                     # begins the ids of what is told of columns; no entry's does

WAYS = (
    "Actions take the tagged rows, or the row under the cursor.  : opens the command line, where "
    "tab completes.\nEvery key shows the command it runs: what keys do, scripts can do."
)


class ToldColumn(NamedTuple):
    """A column or a sign: what it says, and the line that `enter` runs, "" for none."""

    name: str
    about: str
    line: str = ""


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

    def __init__(self, entries: tuple[KeymapEntry, ...], state: ConsoleState) -> None:
        """`entries` are those that there is a use for here."""
        super().__init__()
        self._entries = entries
        self._columns = {f"{TOLD}{told.name}": told for told in _columns(state)}
        self._narrow: bool | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            box.border_title = "Keys and commands"
            box.border_subtitle = "↑↓ move   enter run   / search   esc close"
            yield Static(Content(WAYS), classes="ways")
            yield ChoiceList()
            yield EntryAbout()

    def on_mount(self) -> None:
        options = self.query_one(OptionList)
        self._fill(options)
        options.focus()
        options.action_first()
        options.scroll_home(animate=False)

    def on_resize(self) -> None:
        options = self.query_one(OptionList)
        marked = options.highlighted
        self._fill(options)
        options.highlighted = marked

    def _fill(self, options: OptionList) -> None:
        """The lines, with what they are for where there is room."""
        narrow = self.app.size.width < NARROW
        if narrow != self._narrow:
            self._narrow = narrow
            options.set_options([*_options(self._entries, narrow=narrow),
                                 *_column_options(self._columns)])

    @on(OptionList.OptionHighlighted)
    def _marked(self) -> None:
        options, told = self.query_one(OptionList), self.query_one(EntryAbout)
        option = options.highlighted_option
        if option is not None and option.id in self._columns:
            column = self._columns[option.id]
            told.tell(column.name, f"  {column.about}")
        else:
            told.show(self._entries, options)

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        line = event.option.id or ""
        if line in self._columns:
            line = self._columns[line].line
        if line:
            self.dismiss(line)

    def action_search(self) -> None:
        """Go on in the palette."""
        self.dismiss("palette")


def _options(entries: Iterable[KeymapEntry], *, narrow: bool) -> list[Option]:
    options: list[Option] = []
    for group, members in grouped(entries).items():
        heading = Content.styled(group, "bold $primary")
        options.append(Option(Content("\n") + heading, disabled=True))
        options += [Option(line_of(entry, narrow=narrow), id=entry.line) for entry in members]
    return options


def line_of(entry: KeymapEntry, *, narrow: bool) -> Content:
    """`k F9     kick CLIENT,… [REASON]     Tell clients why and disconnect them.`"""
    usage = entry.usage if narrow else fit(entry.usage, USAGE_WIDE)
    return Content.assemble(
        " ", (fit(entry.keys_text, KEYS_WIDE), "bold $accent"), (usage, "$text"),
        ("" if narrow else f"  {entry.spec.help}", "$text-muted"))


def _columns(state: ConsoleState) -> Iterator[ToldColumn]:
    """The active pane's, and then the signs before a row."""
    columns = shown_columns(state.pane, state)
    for column in columns:
        if column.is_named:
            yield ToldColumn(column.heading, column.about,
                             f"sort {column.name}" if column.sorts else "")
    for sign, meaning in signs_of(columns):
        yield ToldColumn(sign, meaning)


def _column_options(columns: Mapping[str, ToldColumn]) -> list[Option]:
    heading = Option(Content("\n") + Content.styled("Columns and signs", "bold $primary"),
                     disabled=True)
    lines = [Option(Content.assemble(" ", (fit(told.name, KEYS_WIDE), "bold $accent"),
                                     (told.about, "$text-muted")), id=ident)
             for ident, told in columns.items()]
    return [heading, *lines] if lines else []
