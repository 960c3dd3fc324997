"""The console's main screen: which panes stand where, and which are drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Protocol, cast, runtime_checkable

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingsMap, BindingType
from textual.containers import Grid
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from tui.bindings import bindings
from tui.faults import PLACEHOLDER
from tui.messages import RunLine
from tui.model.keymap import Keymap, key_name
from tui.model.layout import (
    LEAST_HEIGHT,
    LEAST_WIDTH,
    Kind,
    PlaceMemory,
    RowsBelow,
    kind_of,
)
from tui.model.state import ConsoleState
from tui.panes.clients import ClientsPane
from tui.panes.details import DetailsPane
from tui.panes.events import EventsPane
from tui.panes.lints import LintsPane
from tui.panes.log import LogPane
from tui.panes.loop import LoopPane
from tui.panes.nodes import NodesPane
from tui.panes.selector import SelectorPane
from tui.panes.table_pane import TablePane
from tui.panes.tasks import TasksPane
from tui.panes.transports import TransportsPane
from tui.screens.prompt import Prompt
from tui.screens.sized import SizedScreen
from tui.tables import hidden_tags
from tui.widgets.curtain import Curtain
from tui.widgets.detail_strip import DetailStrip
from tui.widgets.fault_banner import FaultBanner, what_is_wrong
from tui.widgets.key_bar import KeyBar
from tui.widgets.line_view import LineView
from tui.widgets.live_table import LiveTable
from tui.widgets.status_bar import StatusBar
from tui.widgets.tab_bar import TabBar
from tui.widgets.titled_pane import TitledPane

UNSEEN = ("quit",)             # key lines that also work while no pane can be seen


@runtime_checkable
class Shows(Protocol):
    """What every pane can do, and every screen that goes on changing while it is open."""

    def show(self, state: ConsoleState) -> None:
        """Draw what the state holds now."""


class Survivor(Protocol):
    """The app, as far as a screen needs it when something of it fails."""

    def tell(self, error: BaseException, where: str) -> None: ...


class MainScreen(SizedScreen, Screen[None]):
    """Header, panes, detail strip, command line and keys."""

    # Priority bindings run before the next key is looked at: what is typed or pasted
    # behind a `:` must not be taken for keys.
    BINDINGS: ClassVar[list[BindingType]] = [replace(b, priority=True) for b in bindings()]
    AUTO_FOCUS = "#clients-table"
    WITH_DETAILS: ClassVar[bool] = True    # where there is room for them
    LOW_DASHBOARD: ClassVar[bool] = True   # the same

    @dataclass
    class Notified(Message):
        """Something went by itself: an alert."""

        ok: bool
        line: str
        text: str

    def __init__(self, state: ConsoleState) -> None:
        super().__init__()
        self.state = state
        self._panes: dict[str, TitledPane] = {
            "clients": ClientsPane(), "tasks": TasksPane(),
            "nodes": NodesPane(), "loop": LoopPane(),
            "selector": SelectorPane(), "events": EventsPane(), "log": LogPane()}
        self._transports = TransportsPane()     # in the place of the clients, for a program
        for pane in (self._transports, self._panes["tasks"], self._panes["nodes"]):
            pane.display = False
        self._details = DetailsPane()
        self._lints = LintsPane()
        self._status = StatusBar()
        self._tabs = TabBar()
        self._strip = DetailStrip()
        self._key_bar = KeyBar(state.preferences.keymap)
        self._banner = Static(id="banner", markup=False)
        self._fault = FaultBanner()
        self._curtain = Curtain()
        self._failing: set[Widget] = set()
        self._arranged: tuple[str, Kind, tuple[str, ...]] | None = None
        self._memory = PlaceMemory()
        self._below = RowsBelow()
        self._rows_below = 0
        self._shown: set[str] = set()
        self._grid = Grid(id="panes")
        self.prompt = Prompt(state)
        self._take_keys(state.preferences.keymap)

    def compose(self) -> ComposeResult:
        yield Static(id="too-small")
        yield self._status
        yield self._banner
        yield self._fault
        yield self._tabs
        with self._grid:
            panes = list(self._panes.values())
            at = panes.index(self._panes["loop"])      # those before share the details' left
            yield from (self._transports, *panes[:at], self._details, *panes[at:], self._lints)
        yield self._strip
        yield self.prompt
        yield self._key_bar
        yield self._curtain

    def _take_keys(self, keymap: Keymap) -> None:
        """The operator's keys in the place of the usual ones; a stage's own stay."""
        own = [binding for _, binding in self._bindings
               if not binding.action.startswith("app.command(")]
        taken = {binding.key for binding in own}
        ours = [replace(binding, key=key, priority=True) for binding in bindings(keymap)
                for key in binding.key.split(",") if key not in taken]
        self._bindings = BindingsMap([*own, *ours])

    # -- drawing

    def show(self, state: ConsoleState) -> None:
        """Draw what the state holds now, in what is visible."""
        before = self._arranged
        state.hidden_tags = hidden_tags(state)
        self._arrange(state)
        self._warn(state)
        for widget in self._visible():
            self._show(widget, state)
        settled = self._share(state) and before == self._arranged
        if self.focused is None and self.is_current and self.app.app_focus:
            # A terminal that was too small for a moment hid what had it.
            self._focus_pane(self._panes[state.pane])
        if not self._curtain.is_up:
            self._begin(state, settled=settled)

    @property
    def has_begun(self) -> bool:
        """It has come up complete; until then it says that it is starting."""
        return self._curtain.is_up

    def _begin(self, state: ConsoleState, *, settled: bool) -> None:
        """Draw the curtain up once every pane stands where it will stay and has been drawn."""
        ready = settled and all(
            pane.size or not pane.display for pane in (*self._panes.values(), self._details))
        self._curtain.show(state, ready=ready)

    def _show(self, widget: Widget, state: ConsoleState) -> None:
        """One that fails is covered until it does not, and the others go on."""
        try:
            cast("Shows", widget).show(state)
        except Exception as error:
            cast("Survivor", self.app).tell(error, type(widget).__name__)
            if widget not in self._failing:
                self._failing.add(widget)
                widget._cover(Static(Content.styled(PLACEHOLDER, "$error")))
        else:
            if widget in self._failing:
                self._failing.discard(widget)
                widget._uncover()

    def _visible(self) -> Iterator[Widget]:
        # The strip and the tabs speak of cursors and filters that the panes settle first.
        for widget in (*self._panes.values(), self._details, self._lints, self._status,
                       self._tabs, self._strip, self._key_bar, self.prompt):
            if widget.display and (widget.size or widget in self._failing):   # covered
                yield widget

    def _arrange(self, state: ConsoleState) -> None:
        """Quadrants where there is room, and details where there is much; else one pane alone."""
        if state.program is not None and self._panes["clients"] is not self._transports:
            self._panes["clients"].display = False
            self._panes["clients"] = self._transports
            self._arranged = None
        kind = kind_of(*self.size, zoomed=state.zoomed, low=self.LOW_DASHBOARD,
                       details=self.WITH_DETAILS)
        wanted = (state.pane, kind, state.panes)
        if wanted == self._arranged:
            return
        before, self._arranged = self._arranged, wanted
        refocus = before is None or before[0] != state.pane
        self._memory.went_to(state.pane)
        shown = self._memory.shown(kind, state.panes)
        moved = before is None or before[1] != kind or self._shown != set(shown)
        self._shown = set(shown)
        if before is None or before[1] != kind:
            self._set_kind(kind)
        for name, pane in self._panes.items():
            pane.places = shown.get(name, ())
            pane.set_class(name == state.pane, "-active")
        if refocus:
            self._focus_pane(self._panes[state.pane])
        if moved:                  # else only another one of them is the active one
            # Before the first frame: what a table leaves to the events is what it has now.
            self._show(self._panes[state.pane], state)
            self._put_below(self._spare(state))
            if self._rows_below:
                self._show(self._panes["events"], state)
            self.call_after_refresh(self._redraw)

    def _set_kind(self, kind: Kind) -> None:
        # The grid is filled in the order of its children: in a low one, both have the same place.
        first, second = ("selector", "loop") if kind == "low" else ("loop", "selector")
        self._grid.move_child(self._panes[first], before=self._panes[second])
        self.set_class(kind != "single", "-dashboard")
        self.set_class(kind == "low", "-compact")
        self.set_class(kind == "large", "-large")
        self._lints.display = kind in ("tall", "large")    # a low one's header tells of them
        self._details.display = kind == "large"

    def _share(self, state: ConsoleState) -> bool:
        """Where one table leaves rows empty, the last events stand beneath it; whether all had
        its place already.
        """
        rows = self._spare(state)
        if rows == self._rows_below:
            return True
        self._put_below(rows)
        self.call_after_refresh(self._redraw)
        return False

    def _spare(self, state: ConsoleState) -> int:
        """Rows that the active pane leaves empty."""
        pane, height = self._panes[state.pane], self._grid.size.height
        alone = not (self.has_class("-dashboard") or state.zoomed)
        if not (alone and height and isinstance(pane, TablePane)):
            return 0
        return self._below.settle(state.pane, height, pane.needed, pane.welcome)

    def _put_below(self, rows: int) -> None:
        """Give the events so many rows beneath the active pane."""
        self._rows_below = rows
        self.set_class(rows > 0, "-shared")
        self._grid.styles.grid_rows = f"1fr {rows}" if rows else None
        for name, pane in self._panes.items():
            pane.display = name in self._shown or (name == "events" and rows > 0)
            pane.set_class(rows > 0 and name in self._shown, "-above")

    def on_status_bar_left(self, message: StatusBar.Left) -> None:
        message.stop()
        self._focus_pane(self._panes[self.state.pane])

    def _focus_pane(self, pane: Widget) -> None:
        target = next((w for w in pane.walk_children(Widget) if w.can_focus), pane)
        if not self.prompt.leads_to(target):
            self.set_focus(target, scroll_visible=False)

    def move_down(self) -> None:
        """The cursor of the active table goes to the next row, where there is one."""
        pane = self._panes[self.state.pane]
        if isinstance(pane, TablePane):
            pane.table.action_move(1)

    def _redraw(self) -> None:
        if self.is_attached:
            self.show(self.state)

    def _warn(self, state: ConsoleState) -> None:
        """A server that is gone is said aloud; what was last known stays readable."""
        self._fault.show(state)
        wrong = what_is_wrong(state)
        self._banner.display = bool(wrong)
        if wrong:
            self._banner.update(Content(f" ! {wrong}"), layout=False)

    def on_main_screen_notified(self, message: Notified) -> None:
        message.stop()
        self.prompt.said(message.line)
        self.prompt.outcome(message.ok, message.text, unasked=True)

    # -- what the user does

    @property
    def is_too_small(self) -> bool:
        """All that can be seen is the notice that says so."""
        return self.has_class("-tiny") or self.has_class("-flat")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A screen's own keys rest while it cannot be seen."""
        return not self.is_too_small and super().check_action(action, parameters)

    def on_resize(self) -> None:
        if not self.query("#too-small"):
            return                 # left before it was composed
        here = f"{self.app.size.width}×{self.app.size.height}"
        leave = self.state.preferences.keymap.key_for("quit") or key_name("ctrl+q")
        self.query_one("#too-small", Static).update(Content(
            f"this terminal is {here}; the console needs {LEAST_WIDTH}×{LEAST_HEIGHT}\n"
            f"{leave} leaves; all other keys wait until it is larger"))
        self.call_after_refresh(self._redraw)

    def on_paste(self, event: events.Paste) -> None:
        """Letters are commands here, and a paste must not press them."""
        event.stop()
        if not self.is_too_small:
            self.prompt.pasted(event.text)

    def on_live_table_cursor_moved(self, message: LiveTable.CursorMoved) -> None:
        message.stop()
        self.prompt.rest()
        if message.table.id == "clients-table" and message.row != self.state.followed:
            self.state.followed = None
        for beside in [w for w in (self._strip, self._details) if w.display]:
            self._show(beside, self.state)

    def on_line_view_looked(self, message: LineView.Looked) -> None:
        """Whether the newest events are in sight is said at once."""
        message.stop()
        self.prompt.rest()
        for widget in (*self._panes.values(), self._tabs):
            if widget.display and (widget is self._tabs or widget in message.view.ancestors):
                self._show(widget, self.state)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """A click into another pane of the dashboard makes it the active one."""
        if event.widget is not self.focused:
            return                 # keys typed fast: by now another pane is the active one
        for name, pane in self._panes.items():
            if pane in event.widget.ancestors_with_self and name != self.state.pane:
                self.post_message(RunLine(f"pane {name}"))
