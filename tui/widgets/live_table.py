"""A table that is drawn as it is looked at: ten thousand rows cost what forty do.

The rows are handed over whole on each refresh and only the visible ones are turned into
text; a line is painted again only when it reads differently.  The cursor is the id of a
row, never an index, so that sorting, arrivals and departures cannot slide another row
under it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.model.columns import BAR, CellContext, Column, Placed, place
from tui.model.view import PaneView
from tui.text.cells import fit
from tui.widgets.gauge import bar

# What a line reads: the text and the style name of each of its parts.
Line = tuple[tuple[str, str], ...]

HEADER_LINES = 1


class LiveTable(ScrollView, can_focus=True, inherit_bindings=False):
    """Rows of frozen structs under a row of column names."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "live-table--header", "live-table--sorted", "live-table--row", "live-table--cursor",
        "live-table--dim", "live-table--name", "live-table--accent", "live-table--good",
        "live-table--warn", "live-table--error", "live-table--tag", "live-table--track",
        "live-table--empty",
    }
    # Of the same priority as the console's keys, so that an action takes the row that the
    # cursor was moved to just before it.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "up", show=False, priority=True),
        Binding("down", "move(1)", "down", show=False, priority=True),
        Binding("pageup", "page(-1)", "page up", show=False, priority=True),
        Binding("pagedown", "page(1)", "page down", show=False, priority=True),
        Binding("home,ctrl+home", "top", "first row", show=False, priority=True),
        Binding("ctrl+end", "bottom", "last row", show=False, priority=True),
    ]

    @dataclass
    class CursorMoved(Message):
        """The cursor stands on another row."""

        table: LiveTable
        row: int | None

    @dataclass
    class Opened(Message):
        """A row was clicked twice: its details are wanted."""

        table: LiveTable
        row: int

    @dataclass
    class HeaderClicked(Message):
        """A column's name was clicked: sort by it."""

        table: LiveTable
        column: str

    def __init__(self, columns: Sequence[Column[Any]], row_id: Callable[[Any], int],
                 name: str, *, empty: str = "nothing here") -> None:
        """`row_id` gives the number a row is known by; `empty` is said when none is left."""
        super().__init__(id=f"{name}-table")
        self.columns = columns
        self.rows: Sequence[Any] = ()
        self.empty = empty
        self._row_id = row_id
        self._at: int | None = None            # where the cursor's row stands
        self._cell_context = CellContext()
        self._view = PaneView()
        self._least: Mapping[str, int] = {}
        self._placed: list[Placed] = []
        self._placed_for: tuple[int, Mapping[str, int]] | None = None
        self._drawn: dict[int, Line] = {}
        self._explained = ""                   # what is told of the heading under the mouse
        self._styles: dict[tuple[str, bool], Style] = {}

    # -- what to show

    def show_columns(self, columns: Sequence[Column[Any]]) -> None:
        """Show these from now on."""
        self.columns = columns
        self._placed_for = None

    def show_rows(self, rows: Sequence[Any], context: CellContext, view: PaneView,
                  least: Mapping[str, int] | None = None) -> None:
        """Show these rows, in this order; repaints the lines that read differently."""
        in_sight = self._cursor_in_sight()
        self.rows, self._cell_context, self._view, self._least = rows, context, view, least or {}
        self._settle_cursor(self._at)
        context.cursor = view.cursor
        view.seen = tuple(placed.column.name for placed in self.places)
        size = Size(self.scrollable_content_region.width, len(rows) + HEADER_LINES)
        if size != self.virtual_size:
            self.virtual_size = size
        if in_sight or (view.cursor is not None and view.cursor == context.followed):
            self._bring_cursor_in_sight()
        self._repaint_changed()

    @property
    def cursor(self) -> int | None:
        """The id of the row under the cursor."""
        return self._view.cursor

    @property
    def selected(self) -> Any | None:
        """The row under the cursor."""
        return self.rows[self._at] if self._at is not None else None

    def move_to(self, index: int) -> None:
        """Put the cursor on the row that stands at `index` now, as near as there is one."""
        if not self.rows:
            return
        self._put_cursor(min(len(self.rows) - 1, max(0, index)))
        self._bring_cursor_in_sight()
        self._repaint_changed()

    def _put_cursor(self, index: int) -> None:
        self._at = index
        self._view.cursor = self._cell_context.cursor = self._row_id(self.rows[index])
        self.post_message(self.CursorMoved(self, self._view.cursor))

    def _settle_cursor(self, before: int | None) -> None:
        """Find its row again; one that left hands the cursor to what took its place.  Without a
        row there is no cursor, until its own is shown again.
        """
        view, row_id = self._view, self._row_id
        wanted = view.cursor if view.cursor is not None else view.kept
        if before is not None and before < len(self.rows) and row_id(self.rows[before]) == wanted:
            return                 # where it was
        self._at = None
        if wanted is not None:
            self._at = next((i for i, row in enumerate(self.rows) if row_id(row) == wanted), None)
        view.cursor, view.kept = (wanted, None) if self.rows else (None, wanted)
        if self._at is None and self.rows:
            self._put_cursor(min(before or 0, len(self.rows) - 1))

    # -- scrolling

    @property
    def _page(self) -> int:
        return max(1, self.scrollable_content_region.height - HEADER_LINES)

    def _cursor_in_sight(self) -> bool:
        return self._at is None or 0 <= self._at - self.scroll_offset.y < self._page

    def _bring_cursor_in_sight(self) -> None:
        index = self._at
        if index is None:
            return
        top = self.scroll_offset.y
        if index < top:
            self.scroll_to(y=index, animate=False, force=True)
        elif index >= top + self._page:
            self.scroll_to(y=index - self._page + 1, animate=False, force=True)

    def watch_show_vertical_scrollbar(self, shown: bool) -> None:
        """Textual moves the bar only while there is one, and it comes back where it was."""
        if shown:
            self.vertical_scrollbar.position = self.scroll_y

    def action_move(self, step: int) -> None:
        self.move_to((self._at or 0) + step)

    def action_page(self, step: int) -> None:
        self.move_to((self._at or 0) + step * self._page)

    def action_top(self) -> None:
        self.move_to(0)

    def action_bottom(self) -> None:
        self.move_to(len(self.rows) - 1)

    # -- mouse

    def on_click(self, event: events.Click) -> None:
        """The header sorts, a row takes the cursor, a second click opens it."""
        event.stop()
        if event.y < HEADER_LINES:
            column = self._column_at(event.x)
            if column is not None and column.sorts:
                self.post_message(self.HeaderClicked(self, column.name))
            return
        index = self.scroll_offset.y + event.y - HEADER_LINES
        if index < len(self.rows):
            self.move_to(index)
            if event.chain == 2 and self.cursor is not None:
                self.post_message(self.Opened(self, self.cursor))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """A column's heading says what the column is."""
        column = self._column_at(event.x) if event.y < HEADER_LINES else None
        about = column.about if column is not None else ""
        if about != self._explained:
            self._explained = about
            self.tooltip = Content(about) if about else None

    def _column_at(self, x: int) -> Column[Any] | None:
        for placed in self.places:
            if x < placed.left + placed.width:
                return placed.column
        return None

    # -- drawing

    def notify_style_update(self) -> None:
        self._styles.clear()
        super().notify_style_update()

    def on_resize(self) -> None:
        self._drawn.clear()
        self.virtual_size = Size(self.scrollable_content_region.width,
                                 len(self.rows) + HEADER_LINES)
        self._bring_cursor_in_sight()

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        line = self._drawn[y] = self._line(y)
        index = self.scroll_offset.y + y - HEADER_LINES
        here = y >= HEADER_LINES and index == self._at
        styles = self._style_of
        segments = [Segment(text, styles(name, here)) for text, name in line]
        return Strip(segments).adjust_cell_length(width, styles("row", here))

    def _repaint_changed(self) -> None:
        width = self.scrollable_content_region.width
        drawn = self._drawn
        for y in range(self.scrollable_content_region.height):
            line = self._line(y)
            if drawn.get(y) != line:
                drawn[y] = line
                self.refresh(Region(0, y, width, 1))

    def _line(self, y: int) -> Line:
        """What line `y` of the widget reads now."""
        if y < HEADER_LINES:
            return self._header()
        index = self.scroll_offset.y + y - HEADER_LINES
        if index < len(self.rows):
            return self._cells(self.rows[index])
        if not self.rows and y == HEADER_LINES + 1:
            return (("   " + self.empty, "empty"),)
        return ()

    def _cells(self, row: Any) -> Line:
        context = self._cell_context
        parts: list[tuple[str, str]] = []
        for column, _left, width in self.places:
            text, style = column.text(row, context), column.style(row, context) or "row"
            gap = " " * column.gap
            if column.share is not None and width >= column.width + BAR:
                room = width - column.width - 1
                drawn = bar(column.share(row), room, "")
                if drawn:
                    # A figure that is far from its limit is plain; its bar is green.
                    parts.append((gap + drawn, "good" if style == "row" else style))
                    gap = ""
                parts.append((gap + "·" * (room - len(drawn)) + " ", "track"))
                width, gap = column.width, ""
            elif column.name == "HIST":
                text = text[-width:]
            parts.append((gap + fit(text, width, right=column.right), style))
        return tuple(parts)

    def _header(self) -> Line:
        parts: list[tuple[str, str]] = []
        view = self._view
        owed = ""              # the arrow of a column at the left, drawn in the next gap
        for column, _left, width in self.places:
            by = column.name == view.sort and column.sorts
            arrow = ("▼" if view.inverted else "▲") if by else ""
            gap = column.gap
            title = column.heading
            if arrow and len(title) < width:
                title, arrow = (arrow + title, "") if column.right else (title + arrow, "")
            title = fit(title, width, right=column.right)
            if arrow and column.right and gap:
                parts.append((" " * (gap - 1) + arrow, "sorted"))
                arrow = ""
            elif owed:
                parts.append((owed, "sorted"))
                title = title[1:] if not gap else title
            elif gap:
                parts.append((" " * gap, "header"))
            owed = arrow
            parts.append((title, "sorted" if by else "header"))
        if owed:
            parts.append((owed, "sorted"))
        return tuple(parts)

    @property
    def places(self) -> list[Placed]:
        """The columns that there is room for, each with its place."""
        wanted = (self.scrollable_content_region.width, self._least)
        if wanted != self._placed_for:
            self._placed = place(self.columns, *wanted)
            self._placed_for = wanted
        return self._placed

    def _style_of(self, name: str, cursor: bool) -> Style:
        style = self._styles.get((name, cursor))
        if style is None:
            style = self.get_component_rich_style(f"live-table--{name}")
            if cursor:
                over = self.get_component_rich_style("live-table--cursor")
                # A row that is reversed has one colour: its ground would have many.
                style = over if over.reverse else style + Style(
                    bgcolor=over.bgcolor, bold=over.bold)
            self._styles[name, cursor] = style
        return style
