"""The console as an app: it pulls from the link ten times a second and draws.

Belongs to the main thread, with everything in `tui`.  It never waits for the server: what
it shows it has pulled, what it asks for resolves a future that is awaited, and a server
that is gone leaves it readable.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from rich.console import RenderableType
from textual import events
from textual._context import active_message_pump
from textual.app import App
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.filter import LineFilter, Monochrome
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget
from textual.worker import WorkerFailed

from chatops.api.events import CallbackFailed
from chatops.api.link import ConsoleLink
from chatops.links.replay import ReplayLink
from tui.alarm import Alarm
from tui.config import Config
from tui.dispatch import Dispatcher
from tui.faults import Faults, guard, name_of
from tui.looks import ABLE, first_theme, looks, suited
from tui.messages import RunLine
from tui.model.keymap import key_name
from tui.model.layout import HEIGHTS, WIDTHS
from tui.model.state import FASTEST, ConsoleState
from tui.navigation import ConsoleNavigation
from tui.nested import NestedScreen
from tui.recording import ConsoleRecording
from tui.redraw import RedrawPacer
from tui.screens.main import UNSEEN, MainScreen, Shows
from tui.screens.prompt import Prompt
from tui.terminal import Terminal
from tui.widgets.status_bar import StatusBar

FUNCTION_KEY = re.compile(r"f\d+")
DRAIN_LIMIT = 2000             # events taken in per refresh; the rest counts as dropped


class ConsoleApp(App[int]):
    """One server, through one link."""

    TITLE = "chatops"
    CSS_PATH = "console.tcss"
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "command('quit')", show=False, id="interrupt"),
        # Textual's own ctrl+q comes before every screen's and leaves at once.
        Binding("ctrl+q", "command('quit')", show=False, id="quit"),
    ]

    def __init__(self, link: ConsoleLink, *, attached: bool = False, replay: bool = False,
                 ticking: bool = True, clock: Callable[[], float] = time.monotonic,
                 config: Config | None = None, terminal: Terminal = ABLE,
                 in_browser: bool = False) -> None:
        """`attached`: the server outlives this console.  `replay`: the link is a recording.
        `in_browser`: whoever looks is no user of this machine, and may not act on it.
        Without `ticking` nothing is pulled but by `tick`, as tests do.
        """
        self.in_browser = in_browser   # before Textual asks for the driver
        super().__init__()
        config = config or Config()
        self.terminal = terminal
        self.set_class(terminal.no_color, "-no-color")
        self._looks = looks(terminal)
        self.state = ConsoleState(replay=replay, attached=attached, in_browser=in_browser,
                                  preferences=config.preferences)
        for pane, columns in config.preferences.columns.items():
            self.state.views[pane].shown = columns
        if isinstance(link, ReplayLink):
            self.state.past = link.history     # all of it, however far it has played
            self.state.speed = link.speed
        self.link = link
        self._attached = attached
        self._ticking = ticking
        self._clock = clock
        self.pace = RedrawPacer(clock)
        self.faults = Faults(clock, self._log_fault)
        self._drawn = False
        self._main = MainScreen(self.state)
        self._recording = ConsoleRecording()
        self.navigation = ConsoleNavigation(self, config, in_browser=in_browser)
        self.dispatcher = Dispatcher(self, self.state, link, self._main.prompt, self._recording,
                                     self.navigation, config, attached=attached)
        self.alarm = Alarm(self.bell, self._say)
        preferences = config.preferences
        for theme in suited(preferences, terminal):
            self.register_theme(theme)
        for key, line in preferences.keymap.of("suspend"):
            # Before every screen's, so that the shell is as near in a dialog.
            self._bindings.bind(key, f"command({line!r})", show=False, priority=True)
        self.theme = first_theme(preferences.theme, terminal, preferences.themes).name

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What every line goes through on its way to the terminal."""
        # Textual's own answer to NO_COLOR writes greys, also where it is set to nothing.
        usual = (f for f in super().get_line_filters() if not isinstance(f, Monochrome))
        return (*usual, *self._looks)

    def get_default_screen(self) -> Screen[None]:
        return self._main

    def on_mount(self) -> None:
        self.tick()
        if self._ticking:
            self.set_interval(FASTEST, self._on_time)

    def on_unmount(self) -> None:
        self._recording.stop()

    def on_resize(self) -> None:
        """A terminal cuts or folds what it shows with each size of a storm, also where the
        last is the first again and Textual has nothing to change.
        """
        if self._drawn:
            self.screen.refresh(layout=True)

    # -- ten times a second

    def _on_time(self) -> None:
        """Pull each time; draw as often as the operator wants and the reactor can spare."""
        with self.surviving("pulling"):
            self.pull()
        if self._is_due:
            # Keys that came meanwhile go first: taking in ten thousand rows takes its time.
            self.call_later(self._draw)

    @property
    def _is_due(self) -> bool:
        front = self._front
        state = front.state
        return not front.has_begun or self.pace.is_due(state.version, state.refresh,
                                                       self.state.busy)

    def _draw(self) -> None:
        """Draw, unless a key has had it done."""
        if self._is_due:
            with self.surviving("drawing"):
                self.redraw()

    def tick(self) -> None:
        """Pull, and draw."""
        self.pull()
        self.redraw()

    def pull(self) -> None:
        """Take in what the link has; leave when that was the last."""
        state, link = self.state, self.link
        if isinstance(link, ReplayLink):
            link.hold(state.paused)
        snapshot, fresh = link.poll(), link.drain(DRAIN_LIMIT)
        self._recording.add(snapshot, fresh)
        state.recording = self._recording.text
        # A recording's time is another: it may be held, or run faster.
        state.clock = self._clock()
        now = link.now if isinstance(link, ReplayLink) else state.clock
        state.feed(snapshot, fresh, now, status=link.status,
                   dropped=link.events_dropped)
        if isinstance(front := self._front, NestedScreen):
            front.pull(self._clock())
        self.alarm.look(state)
        if state.draining and not state.status.alive:
            self.exit(1 if link.status.failed else 0)

    def redraw(self) -> None:
        """Draw what the state holds now, where it can be seen."""
        front = self._front
        front.state.fault = self.faults.text
        self.pace.drew(front.state.version)
        if not front.is_mounted:
            return
        over = self.screen
        if over is front or over.is_modal:
            front.show(front.state)
        if over is not front and isinstance(over, Shows):
            with self.surviving(type(over).__name__):
                over.show(front.state)
        self._drawn = True

    @property
    def _front(self) -> MainScreen:
        """The main screen, or what is like it and lies before it."""
        screens = reversed(self.screen_stack) if self._main.is_mounted else ()
        return next((s for s in screens if isinstance(s, MainScreen)), self._main)

    @property
    def _in_front(self) -> Dispatcher:
        """That screen's."""
        front = self._front
        return front.dispatcher if isinstance(front, NestedScreen) else self.dispatcher

    @property
    def exit_status(self) -> int:
        """The process's, as things stand."""
        return self.link.status.exit_status

    # -- what goes wrong

    @property
    def _settled(self) -> bool:
        """There is a console to go on with; what fails before that, fails as a whole.

        Unless it is being left: what has not been made by then cannot be missed.
        """
        return self._exit or (self._drawn and self._running)

    def tell(self, error: BaseException, where: str) -> None:
        """Say that something raised, and go on."""
        self.faults.add(error, where)
        for state in {id(s): s for s in (self.state, self._front.state)}.values():
            state.fault = self.faults.text
            state.version += 1     # drawn with the next refresh

    def survive(self, error: Exception, where: str) -> None:
        """The same, where there is something to go on with; else raises it again."""
        if not self._settled:
            raise error
        self.tell(error, where)

    @contextmanager
    def surviving(self, where: str) -> Iterator[None]:
        """What is done within may fail alone."""
        try:
            yield
        except Exception as error:
            self.survive(error, where)

    def _log_fault(self, where: str, text: str) -> None:
        self.link.report(CallbackFailed(time.time(), f"console: {where}", -1, text))

    def _register_child(self, parent: DOMNode, child: Widget, before: int | None,
                        after: int | None) -> None:
        guard(child, self.survive, self.tell)
        super()._register_child(parent, child, before, after)

    def _start_widget(self, parent: Widget, widget: Widget) -> None:
        guard(widget, self.survive, self.tell)     # a scroll bar, which nobody registers
        super()._start_widget(parent, widget)

    async def _dispatch_message(self, message: Message) -> None:
        with self.surviving(type(message).__name__):
            await super()._dispatch_message(message)

    def _handle_exception(self, error: Exception) -> None:
        """Where Textual would end the app."""
        if not self._settled:
            super()._handle_exception(error)
            return
        pump = active_message_pump.get(None)
        self.tell(error.error if isinstance(error, WorkerFailed) else error,
                  name_of(pump) if isinstance(pump, Widget) else type(pump).__name__)
        if isinstance(pump, Screen) and not isinstance(pump, MainScreen):
            self.call_next(self._drop, pump)

    def panic(self, *renderables: RenderableType) -> None:
        """The end of a console that cannot go on: its keys are no longer read, say."""
        self._return_code = 1
        super().panic(*renderables)

    def _drop(self, screen: Screen[Any]) -> None:
        """One that could not be made would lie empty before the rest."""
        if screen is self.screen and not screen.children:
            self.pop_screen()

    # -- commands

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys are letters while a command line is being typed, and some are the header's while
        one goes through that.  Nothing is done to rows that cannot be seen.
        """
        if action == "command" and isinstance(self.screen, MainScreen) and parameters != (
                "suspend",):
            if self.screen.is_too_small:
                return parameters[0] in UNSEEN
            own = StatusBar.OWN if isinstance(self.screen.focused, StatusBar) else ()
            return not self.screen.prompt.is_open and parameters[0] not in own
        return super().check_action(action, parameters)

    def action_command(self, line: str) -> None:
        """What a key, a click or the palette wants carried out."""
        self._in_front.key(line)
        self.redraw()

    def on_key(self, event: events.Key) -> None:
        """A key that nobody has taken, which is one of nobody's, is answered too."""
        screen = self.screen
        if not isinstance(screen, MainScreen) or screen.is_too_small or screen.prompt.is_open:
            return
        typed = event.character if event.is_printable else None
        if (typed or FUNCTION_KEY.fullmatch(event.key)) and event.key not in screen.active_bindings:
            screen.prompt.no_key(typed or key_name(event.key))

    def on_run_line(self, message: RunLine) -> None:
        message.stop()
        self.action_command(message.line)

    def _say(self, ok: bool, line: str, text: str) -> None:
        """In the echo row, what nobody has asked for just now.  From any thread."""
        self._main.post_message(MainScreen.Notified(ok, line, text))

    def on_prompt_typing(self, message: Prompt.Typing) -> None:
        self._in_front.typing(message.line)
        self.redraw()

    def on_prompt_submitted(self, message: Prompt.Submitted) -> None:
        self._in_front.typed(message.line)
        self.redraw()

    def on_prompt_cancelled(self) -> None:
        self._in_front.cancelled()
        self.redraw()
