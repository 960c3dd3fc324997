"""What every screen in front of the panes shares: a box in the middle, escape, and `show`."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.model.state import ConsoleState
from tui.screens.sized import SizedScreen

Answer = TypeVar("Answer")


class Dialog(SizedScreen, ModalScreen[Answer]):
    """A modal box.  The app calls `show(state)` on the screen in front on every refresh.

    Dialogs answer through `push_screen(dialog, callback)`; escape answers None.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "close", tooltip="Close this and do nothing."),
    ]

    DEFAULT_CSS = """
    Dialog {
        align: center middle;
        background: $background 60%;
    }
    Dialog .box {
        width: 66;
        max-width: 100%;
        height: auto;
        max-height: 100%;
        padding: 1 2;
        background: $surface;
        border: round $primary;
        border-title-color: $text;
        border-title-style: bold;
        border-subtitle-color: $text-muted;
    }
    """

    def show(self, state: ConsoleState) -> None:
        """Draw what has changed since; most dialogs have nothing that changes."""

    def action_leave(self) -> None:
        self.dismiss(None)


class Sheet(Dialog[None]):
    """A page of text to read and scroll; escape, q, enter or a click outside closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,enter", "leave", "close", show=False),
        Binding("down", "scroll(1)", "scroll", show=False),
        Binding("up", "scroll(-1)", show=False),
        Binding("pagedown,space", "scroll(10)", show=False),
        Binding("pageup", "scroll(-10)", show=False),
        Binding("home", "scroll(-100000)", show=False),
        Binding("end", "scroll(100000)", show=False),
    ]

    DEFAULT_CSS = """
    Sheet .box { width: 96; max-width: 100%; max-height: 94%; padding: 0 1; }
    Sheet .page { height: auto; width: 1fr; }
    """

    TITLE_TEXT: ClassVar[str] = ""

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="box") as box:
            box.can_focus = False
            box.border_title = Content(self.TITLE_TEXT)
            box.border_subtitle = Content("↑↓ scroll   esc close")
            yield Static(classes="page")

    def write(self, page: Content, title: str = "") -> None:
        """Put this on the page, when it differs from what is there."""
        if not self.query(".page"):
            return                 # shown before it was composed
        static = self.query_one(".page", Static)
        if static.content is not page and static.content != page:
            static.update(page)
        if title:
            self.query_one(".box").border_title = Content(title)

    def action_scroll(self, lines: int) -> None:
        self.query_one(".box").scroll_relative(y=lines, animate=False)

    def on_click(self, event: object) -> None:
        """A click beside the box closes it."""
        if getattr(event, "widget", None) is self:
            self.action_leave()
