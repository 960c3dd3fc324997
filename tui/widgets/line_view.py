"""Lines that are added at the end: it stays at the end, or a line is chosen and stands still.

Only what is on the screen is worded and drawn: what is held of a line is how to find out what
it says.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

LINES_KEPT = 3000
MARK_AT = 8                    # column of the mark on the chosen line: a blank in every line


class Line(NamedTuple):
    """A line to come: the number of its event, and what it says, found out when it is drawn."""

    event: int
    text: Callable[[], Content]


class LineView(ScrollView, can_focus=True, inherit_bindings=False):
    """While no line is chosen, the newest stays in sight.  Keys choose one; who scrolls away from
    the end chooses one that is in sight.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"line-view--cursor"}
    # Of the same priority as the console's keys, as those of the tables.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "up", show=False, priority=True),
        Binding("down", "move(1)", "down", show=False, priority=True),
        Binding("pageup", "page(-1)", "page up", show=False, priority=True),
        Binding("pagedown", "page(1)", "page down", show=False, priority=True),
        Binding("home,ctrl+home", "top", "first line", show=False, priority=True),
        Binding("ctrl+end", "follow", "follow the newest", show=False, priority=True),
    ]

    DEFAULT_CSS = """
    LineView { height: 1fr; background: $background; color: $foreground;
               overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1; }
    LineView > .line-view--cursor { background: $block-cursor-background;
                                    color: $block-cursor-foreground;
                                    text-style: $block-cursor-text-style; }
    """

    @dataclass
    class Looked(Message):
        """Somebody looks elsewhere."""

        view: LineView

    @dataclass
    class Wanted(Message):
        """A line was clicked twice: it is wanted whole."""

    def __init__(self, empty: str = "") -> None:
        super().__init__()
        self.empty = empty
        self._lines: deque[Line] = deque(maxlen=LINES_KEPT)
        self._drawn: dict[int, Strip] = {}
        self._number = 0                   # of the first line that is held, ever counting up
        self._chosen: int | None = None    # number of a line; None: the newest stays in sight

    @property
    def end(self) -> int:
        """The number of the line that is put next."""
        return self._number + len(self._lines)

    def change(self, number: int, line: Line) -> None:
        """Have another line in the place of this one, if it is still held."""
        if self._number <= number < self.end:
            self._lines[number - self._number] = line
            self._drawn.pop(number, None)
            self.refresh()

    # -- what is looked at

    @property
    def chosen(self) -> Line | None:
        """The line that is chosen, None while it follows the newest."""
        return self._lines[self._chosen - self._number] if self._chosen is not None else None

    @property
    def behind(self) -> int | None:
        """How many lines lie beneath those in sight; None while it follows."""
        if self._chosen is None:
            return None
        return max(0, len(self._lines) - self._top - self._page)

    def move_to(self, at: int) -> None:
        """Choose the line that stands at `at`; beyond the last one, follow."""
        at = max(0, at)
        if at >= len(self._lines):
            self.follow()
            return
        if not self._top <= at < self._top + self._page:
            y = at if at < self._top else at - self._page + 1
            self.scroll_to(y=y, animate=False, immediate=True, force=True)
        self._choose(self._number + at)    # where scrolling has left it otherwise

    def follow(self) -> None:
        """Have the newest line in sight from now on."""
        # The first time there is no scrollbar yet: forced.
        self.scroll_end(animate=False, immediate=True, x_axis=False, force=True)
        self._choose(None)

    @property
    def _top(self) -> int:
        return round(self.scroll_offset.y)

    @property
    def _page(self) -> int:
        return max(1, self.scrollable_content_region.height)

    def _choose(self, number: int | None) -> None:
        if self._chosen is not None or number is not None:
            self.post_message(self.Looked(self))
        if number != self._chosen:
            self._chosen = number
            self.refresh()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if self.is_vertical_scroll_end or not self._lines:
            self._choose(None)
            return
        first = self._number + self._top
        last = min(first + self._page, self._number + len(self._lines)) - 1
        self._choose(min(last, max(first, last if self._chosen is None else self._chosen)))

    # -- keys and mouse

    def action_move(self, step: int) -> None:
        self.move_to(self._at + step)

    def action_page(self, step: int) -> None:
        self.move_to(self._at + step * self._page)

    def action_top(self) -> None:
        self.move_to(0)

    def action_follow(self) -> None:
        self.follow()

    @property
    def _at(self) -> int:
        """Where the chosen line stands; who follows is behind the last."""
        return len(self._lines) if self._chosen is None else self._chosen - self._number

    def on_click(self, event: events.Click) -> None:
        """A second click opens the line."""
        at = self._top + event.y
        if event.chain == 2 and at < len(self._lines):
            self.move_to(at)
            self.post_message(self.Wanted())

    # -- what there is

    def put(self, lines: list[Line], *, anew: bool = False) -> None:
        """Add lines at the end, or (`anew`) have these and no others."""
        if not lines and not anew:
            return
        following = anew or self._chosen is None
        if anew:
            self._number += len(self._lines)
            self._lines.clear()
            self._drawn.clear()
            self._chosen = None
        lost = max(0, len(self._lines) + len(lines) - LINES_KEPT)
        self._number += min(lost, len(self._lines))
        self._lines.extend(lines)
        if len(self._drawn) > LINES_KEPT:
            self._drawn.clear()
        if self._chosen is not None:
            self._chosen = max(self._chosen, self._number)
        with self.prevent(self.Looked):     # nobody has
            self._grow()
            if following:
                self.follow()
            elif lost:                     # what one is reading stays where it is
                self.scroll_to(y=max(0, self.scroll_y - lost), animate=False, immediate=True)
        self.refresh()

    def _grow(self) -> None:
        """Be as high as there are lines.  To assign that is to lay the screen out anew and
        draw every widget again; with a scroll bar in place only the bar has to know.
        """
        size = Size(self.size.width, len(self._lines))
        if self.show_vertical_scrollbar:
            self.set_reactive(LineView.virtual_size, size)
            self._scroll_update(size)
        else:
            self.virtual_size = size

    # -- drawing

    def watch_show_vertical_scrollbar(self, shown: bool) -> None:
        """Textual moves the bar only while there is one, and it comes back where it was."""
        if shown:
            self.vertical_scrollbar.position = self.scroll_y

    def on_resize(self) -> None:
        following = self._chosen is None
        self._drawn.clear()
        self.virtual_size = Size(self.size.width, len(self._lines))
        if following:
            self.call_after_refresh(self.scroll_end, animate=False, x_axis=False, force=True)

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._drawn.clear()

    def render_line(self, y: int) -> Strip:
        at = y + self._top
        width = self.scrollable_content_region.width
        if not self._lines and y == 0:
            return self._strip(Content.styled(f" {self.empty}", "$text-muted italic"), width)
        if not 0 <= at < len(self._lines):
            return Strip.blank(width, self.visual_style.rich_style)
        number = self._number + at
        strip = self._drawn.get(number)
        if strip is None:
            strip = self._drawn[number] = self._strip(self._lines[at].text(), width)
        return self._marked(strip) if number == self._chosen and self.has_focus else strip

    def _strip(self, content: Content, width: int) -> Strip:
        base = self.visual_style
        parts = content.truncate(width, ellipsis=True).render(
            base, end="", parse_style=self.app.stylesheet.parse_style)
        segments = [Segment(text, style.rich_style) for text, style in parts]
        return Strip(segments).adjust_cell_length(width, base.rich_style)

    def _marked(self, strip: Strip) -> Strip:
        text = strip.text
        style = self.get_component_rich_style("line-view--cursor")
        return Strip([Segment(f"{text[:MARK_AT]}>{text[MARK_AT + 1:]}", style)])
