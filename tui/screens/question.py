"""Before something that cannot be undone: who and what, said exactly, and Cancel in front."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.events import Key, Paste
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from chatops.api.command_line import render
from chatops.api.commands import Command
from tui.screens.dialog import Dialog
from tui.text.cells import clean


@dataclass(frozen=True, slots=True)
class Choice:
    """A button: the letter that presses it if any does, what it says, and how it looks."""

    key: str
    label: str
    tone: Literal["", "good", "care", "harm"] = ""


CANCEL = Choice("n", "Cancel")
HINTS_MOST = 54                # cells of the border in the narrowest terminal
FEW = 3                        # buttons with room between them there


class Question(Dialog[tuple[Command, ...]]):
    """Buttons under a text.  Answers with the commands to carry out, none if cancelled.

    A subclass says what it asks (`heading`, `body`), which buttons there are, and which
    commands each stands for.  Cancel comes first and has the focus; the line beneath the
    buttons shows what the button in focus would run.  A question with a field gives its
    buttons no letters: every letter is text there, or a reason would press one.
    """

    AUTO_FOCUS = "#choice-0"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,down", "app.focus_next", show=False),
        Binding("left,up", "app.focus_previous", show=False),
    ]

    DEFAULT_CSS = """
    Question .body { height: auto; margin-bottom: 1; }
    Question .field { color: $text-muted; height: 1; }
    Question .reach { color: $text-muted; height: auto; }
    Question Input { margin-bottom: 1; border: round $border; background: $surface; }
    Question Input:focus { border: round $primary; }
    Question .buttons { height: auto; align-horizontal: right; }
    Question .buttons Button.-style-default {
        margin-left: 2; min-width: 12; height: 3; border: none; line-pad: 1;
        content-align: center middle; background: $panel; color: $text; text-style: bold;
        &.harm { color: $error; }
        &.care { color: $warning; }
        &.good { color: $primary; }
        &:hover { background: $border; }
        &:focus { background: $foreground; background-tint: transparent; color: $background;
                  text-style: bold underline; }
        &.harm:focus { background: $error; color: $background; }
        &.care:focus { background: $warning; color: $background; }
        &.good:focus { background: $primary; color: $background; }
    }
    Question .runs { height: 1; margin-top: 1; color: $text-muted; text-wrap: nowrap;
                     text-overflow: ellipsis; }
    Question .people { height: auto; max-height: 6; margin-bottom: 1; scrollbar-size: 1 1; }
    Question .buttons.many Button.-style-default { margin-left: 1; }
    Question.-short, Question.-flat {
        .box { padding: 0 2; }
        Input { margin-bottom: 0; }
        .people { max-height: 4; }
        .runs { margin-top: 0; }
        .buttons Button.-style-default { height: 1; }
    }
    """

    def __init__(self, *choices: Choice, back: Choice = CANCEL) -> None:
        """`back`: what is in front in the place of Cancel, where that would be misread."""
        super().__init__()
        self.choices = (back, *choices)
        if all(choice.key for choice in choices):
            for number, choice in enumerate(self.choices):
                self._bindings.bind(choice.key, f"choose({number})", choice.label)

    # -- what a subclass says

    def heading(self) -> str:
        """The title in the border."""
        raise NotImplementedError

    def body(self) -> Iterable[Widget]:
        """What stands above the buttons."""
        return ()

    def commands(self, choice: int) -> tuple[Command, ...]:
        """What pressing this button carries out.  May raise ValueError: then it says why."""
        raise NotImplementedError

    # -- the same for all

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="box", can_focus=False) as box:
            box.border_title = Content(clean(self.heading()))
            keys = [f"{c.key} {c.label.lower()}" for c in self.choices[1:] if c.key]
            hints = ["tab move", "enter press", *keys, f"esc {self.choices[0].label.lower()}"]
            if keys:
                del hints[0]       # three letters leave no room for it
            while len("  ".join(hints)) > HINTS_MOST:
                del hints[0]
            box.border_subtitle = Content("  ".join(hints))
            yield from self.body()
            with Horizontal(classes="buttons many" if len(self.choices) > FEW else "buttons"):
                for number, choice in enumerate(self.choices):
                    yield Button(Content(choice.label), id=f"choice-{number}",
                                 classes=choice.tone)
            yield Static(classes="runs")

    def on_mount(self) -> None:
        self.preview()

    def preview(self) -> None:
        """Show the lines that the button in focus runs: from a field the first one's, on Cancel
        none.  What keeps that from being pressed is said in any case.
        """
        at = self._focused_choice()
        try:
            lines = [f":{render(command)}" for command in self.commands(at or 1)]
            text, style = "  ".join(lines if at != 0 else ()), "$text-muted"
        except ValueError as error:
            text, style = str(error), "$error"
        self.query_one(".runs", Static).update(Content.styled(clean(text), style))

    def _focused_choice(self) -> int | None:
        focused = self.focused
        if isinstance(focused, Button) and focused.id is not None:
            return int(focused.id.rpartition("-")[2])
        return None

    def action_choose(self, number: int) -> None:
        """Press a button, by its key or the mouse."""
        if number == 0:
            self.dismiss(())
            return
        if self.query_one(f"#choice-{number}", Button).disabled:
            return
        try:
            commands = self.commands(number)
        except ValueError as error:
            self.query_one(".runs", Static).update(Content.styled(clean(str(error)), "$error"))
            return
        self.dismiss(commands)

    def action_leave(self) -> None:
        self.dismiss(())

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_choose(int((event.button.id or "choice-0").rpartition("-")[2]))

    def on_key(self, event: Key) -> None:
        """Whoever begins to type means the last field, the reason, wherever the focus is.

        A key that was on its way to a button when the focus moved on belongs there as well.
        """
        begun = isinstance(self.focused, Input)
        if event.is_printable and event.character and (begun or event.character != " "):
            self._begin(event, event.character)

    def on_paste(self, event: Paste) -> None:
        self._begin(event, next(iter(event.text.splitlines()), ""))

    def _begin(self, event: Key | Paste, text: str) -> None:
        fields = self.query(Input)
        if not fields:
            return
        event.stop()
        field = fields.last(Input)
        if isinstance(self.focused, Button):
            field.select_on_focus = False          # or the next letter would replace this one
            self.set_focus(field)
        field.insert_text_at_cursor(text)

    @on(Input.Changed)
    def _changed(self) -> None:
        self.preview()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        """Enter in a field goes on to the next one, never straight to the deed."""
        event.stop()
        self.focus_next()

    def on_descendant_focus(self) -> None:
        self.preview()
