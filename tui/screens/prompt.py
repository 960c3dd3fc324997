"""The `:` command line: completion, history, usage and errors while typing, and the echo row.

While nobody types it is one row that shows what ran last.  Open, it lies over the panes,
which keep their size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from chatops.api.command_line import CommandError, parse
from chatops.api.commands import Command, Filter
from tui.hints import ROOM, hint
from tui.messages import RunLine
from tui.model.completion import Candidate, Completion, complete
from tui.model.line_history import LineHistory
from tui.model.state import ConsoleState
from tui.program import is_offered
from tui.screens.prompt_lines import candidate_line, left_out, usage, width_of_labels
from tui.tables import check_filter
from tui.text.cells import clean
from tui.widgets.choice_list import ChoiceList
from tui.widgets.echo_row import LASTS, PADDING, EchoRow
from tui.widgets.plain_input import printable
from tui.widgets.prompt_input import PromptInput

CANDIDATES_SHOWN = 7
NO_KEY_LASTS = 2.0             # seconds that a key is said to be none


class Prompt(Vertical):
    """`Prompt(state)`: one row that shows the last command and how it went; `open(text)`
    unfolds it upwards, over the panes, into a command line.  Speaks by its messages.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete(1)", show=False),
        Binding("shift+tab", "complete(-1)", show=False),
        Binding("up", "walk(1)", show=False),
        Binding("down", "walk(-1)", show=False),
        Binding("ctrl+p", "recall(1)", show=False),
        Binding("ctrl+n", "recall(-1)", show=False),
        Binding("escape,ctrl+g", "close", show=False),
    ]

    @dataclass
    class Submitted(Message):
        """A line that can be parsed was entered."""

        line: str

    @dataclass
    class Typing(Message):
        """The line reads so now."""

        line: str

    @dataclass
    class Cancelled(Message):
        """It was left without entering anything."""

    DEFAULT_CSS = """
    Prompt { height: 1; }
    Prompt .fold { display: none; overlay: screen; width: 100%; background: $panel; }
    Prompt.open .fold { display: block; }
    Prompt .candidates { border: none; padding: 0; background: $panel; scrollbar-size: 1 1;
                         text-wrap: nowrap; text-overflow: ellipsis; }
    Prompt .usage { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis;
                    background: $surface; }
    Prompt .usage.whole { text-wrap: wrap; }
    Prompt .line { height: 1; }
    Prompt .colon { width: 2; padding-left: 1; color: $accent; text-style: bold; }
    Prompt Input { border: none; height: 1; padding: 0; background: $panel; width: 1fr; }
    """

    def __init__(self, state: ConsoleState) -> None:
        super().__init__(id="prompt")
        self._state = state
        self._history = LineHistory()
        self._completion = Completion()
        self._chosen = -1          # candidate that tab put in, -1 while none is
        self._ours = ""            # what tab or recall put in, not typed
        self._typed = ""           # what stood there before a candidate was put in
        self._back: Widget | None = None
        self._said = ""
        self._rows = 0             # that the candidates have

    def compose(self) -> ComposeResult:
        yield EchoRow(Content.styled(hint(self._state), "$text-muted"))
        with Vertical(classes="fold"):
            candidates = ChoiceList(classes="candidates")
            candidates.can_focus = False
            yield candidates
            yield Static(classes="usage")
            with Horizontal(classes="line"):
                yield Static(":", classes="colon")
                yield PromptInput(select_on_focus=False, compact=True)

    # -- the row

    def said(self, line: str) -> None:
        """This command is being carried out."""
        self._said = clean(line)
        self._echo(Content.assemble((":", "bold $accent"), self._said, ("  …", "$text-muted")))

    def outcome(self, ok: bool, text: str, *, unasked: bool = False) -> None:
        """How the command that was said last went; "" is well, with nothing to add.  A failure is
        said in front of a dialog too, which may cover the row.  It stays until somebody goes on,
        as does what was `unasked` for; the rest gives way by itself.
        """
        if not ok and self.app.screen is not self.screen:
            self.app.notify(f":{self._said}   ✗ {clean(text)}", severity="error", markup=False)
        mark, style = ("✓", "$success") if ok else ("✗", "$error")
        self._echo(Content.assemble(
            (":", "bold $accent"), self._said, (f"   {mark} ", f"bold {style}"),
            (clean(text), "$text-muted" if ok else style)), whole=not ok, once_read=LASTS,
            until=LASTS if ok and not unasked else math.inf)

    def no_key(self, key: str) -> None:
        """A key was pressed that does nothing."""
        keys = self._state.preferences.keymap.sign("help")
        self._echo(Content.styled(f"{clean(key)} is no key here; {keys} lists them", "$text-muted"),
                   until=NO_KEY_LASTS)

    def show(self, state: ConsoleState) -> None:
        """Say what can be done, when what was done has been read."""
        self.query_one(EchoRow).hint(hint(state, self._room), state.clock)

    @property
    def _room(self) -> int:
        """Cells of the row."""
        return self.size.width - PADDING if self.size.width else ROOM

    def _echo(self, content: Content, *, whole: bool = False, until: float = math.inf,
              once_read: float = math.inf) -> None:
        """`until` and `once_read` are seconds from now."""
        now = self._state.clock
        self.query_one(EchoRow).show(content, whole=whole, until=now + until,
                                     once_read=now + once_read)

    def rest(self) -> None:
        """A failure that took more than the row has been read."""
        self.query_one(EchoRow).rest()

    def on_click(self, event: events.Click) -> None:
        """A click on the row opens the command line."""
        if not self.is_open:
            event.stop()
            self.post_message(RunLine(":"))

    # -- open and shut

    @property
    def is_open(self) -> bool:
        return self.has_class("open")

    def open(self, text: str = "") -> None:
        """Show the command line with this text, the cursor behind it."""
        if not self.is_open:
            self._back = self.screen.focused
        self.rest()
        self.add_class("open")
        self.screen.set_focus(self.query_one(Input))
        self._put(text)
        self._look(text)

    def leads_to(self, widget: Widget) -> bool:
        """Whether it is open; this is where the keys go when it is left then."""
        self._back = widget
        return self.is_open

    def pasted(self, text: str) -> None:
        """This was pasted where no field is.  A line that begins as a command does is put into
        the command line, for whoever pasted it to run; anything else is only told of.
        """
        lines = [line for line in text.splitlines() if line.strip()]
        if not lines:
            return
        if lines[0].startswith(":"):
            self.open(printable(lines[0][1:]))
            self.call_after_refresh(self._say, left_out(lines[1:]))
            return
        self._said = ""
        size = f"{len(text):,} characters" + (f" in {len(lines):,} lines" if lines[1:] else "")
        self._echo(Content.assemble(
            ("✗ ", "bold $error"), (f"a paste of {size} was ignored and ran nothing: ", "$error"),
            (clean(lines[0]), "$text-muted")), once_read=LASTS)

    @on(PromptInput.Pasted)
    def _tell_of_paste(self, event: PromptInput.Pasted) -> None:
        event.stop()
        if self.is_open:
            self._say(left_out(event.left_out))

    def action_close(self) -> None:
        """Leave without running anything."""
        self._shut()
        self.post_message(self.Cancelled())

    def _shut(self) -> None:
        self.remove_class("open")
        self.screen.set_focus(self._back)

    # -- typing

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        if not self.is_open:
            return
        if event.value != self._ours:
            self._chosen = -1
            self._look(event.value)
        self._ours = ""
        self.post_message(self.Typing(event.value))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        text = event.value.strip()
        if not text.removeprefix(":").strip():
            self.action_close()
            return
        try:
            self._check(parse(text))
        except CommandError as error:
            self._say(Content.assemble(("✗ ", "bold $error"), (clean(str(error)), "$error")),
                      whole=True)
            return
        self._history.add(text)
        self._shut()
        self.post_message(self.Submitted(text))

    def _check(self, command: Command) -> None:
        """What can be said of it while it can still be mended.  Raises `CommandError`."""
        if isinstance(command, Filter):
            check_filter(command.expression, self._state.pane, self._state)

    def on_descendant_blur(self) -> None:
        """A click elsewhere leaves the command line; another window in front does not."""
        if self.is_open and self.screen.is_current and self.app.app_focus:
            self.remove_class("open")
            self.post_message(self.Cancelled())

    def _look(self, text: str) -> None:
        self._completion = Completion()    # should the next line fail
        self._completion = complete(
            text, self._state, lambda name: is_offered(name, self._state))
        options = self.query_one(OptionList)
        options.clear_options()
        candidates = self._completion.candidates
        wide = width_of_labels(candidates, self.size.width - 2)
        options.add_options(Option(candidate_line(c, wide)) for c in candidates)
        self._unfold(len(candidates))
        spec = self._completion.spec
        self._say(usage(spec, self._completion.argument) if spec is not None else
                  Content.styled("tab ↓ complete   ↑ recalls   esc leaves", "$text-muted"))
        if spec is not None and spec.name == "filter":
            try:               # it filters while it is typed: what it cannot mean is said at once
                self._check(parse(text))
            except CommandError as error:
                self._say(Content.styled(clean(str(error)), "$warning"), whole=True)

    def _unfold(self, candidates: int) -> None:
        """Give the candidates their rows, upwards from the row of the widget."""
        rows = min(candidates, CANDIDATES_SHOWN)
        options = self.query_one(OptionList)
        options.display = rows > 0
        options.styles.height = rows
        self._rows = rows

    def _say(self, content: Content, *, whole: bool = False) -> None:
        """Above the line; what is wrong (`whole`) in as many rows as it takes."""
        usage = self.query_one(".usage", Static)
        lines = len(content.wrap(max(1, self.size.width - 2))) if whole else 1
        usage.set_class(whole, "whole")
        usage.styles.height = lines
        usage.update(content)
        fold = self.query_one(".fold")
        fold.styles.height = self._rows + lines + 1
        fold.styles.offset = (0, -self._rows - lines - 1)

    def _put(self, text: str) -> None:
        line, text = self.query_one(Input), printable(text)
        self._ours = text
        line.value = text
        line.cursor_position = len(text)

    # -- completing and recalling

    def action_complete(self, step: int, *, walk: bool = False) -> None:
        """Put in the next candidate, round and round; a folder that stands is gone into, but for
        who walks.
        """
        candidates, at = self._completion.candidates, self._chosen
        folder = at >= 0 and candidates[at].line.endswith("/")
        if len(candidates) == 1 or (folder and step > 0 and not walk):
            self._take(candidates[max(0, at)])
        elif candidates:
            if at < 0:
                self._typed = self.query_one(Input).value
            self._chosen = (at + step if at >= 0 else min(0, step)) % len(candidates)
            self._put(candidates[self._chosen].line)
            self.query_one(OptionList).highlighted = self._chosen

    def _take(self, candidate: Candidate) -> None:
        """Put in a candidate and go on to the next argument."""
        more = "" if candidate.line.endswith((" ", "/")) else " "
        self._put(candidate.line + more)
        self._chosen = -1
        self._look(candidate.line + more)

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._take(self._completion.candidates[event.option_index])
        self.screen.set_focus(self.query_one(Input))

    def action_walk(self, step: int) -> None:
        """Up and down: among the candidates where one of them stands, or where there is no
        newer line to go down to; else through the lines typed before.
        """
        if self._chosen == 0 and step > 0:
            self._chosen = -1
            self._put(self._typed)
            self.query_one(OptionList).highlighted = None
        elif self._chosen >= 0 or (step < 0 and self._history.at_newest):
            self.action_complete(-step, walk=True)
        else:
            self.action_recall(step)

    def action_recall(self, step: int) -> None:
        """Put in an older or a newer line."""
        self._chosen = -1
        line = self.query_one(Input).value
        text = self._history.older(line) if step > 0 else self._history.newer(line)
        self._put(text)
        self._look(text)
