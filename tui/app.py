"""The console as an app: it pulls from the link ten times a second and draws.

Belongs to the main thread, with everything in `tui`.  It never waits for the server: what
it shows it has pulled, what it asks for resolves a future that is awaited, and a server
that is gone leaves it readable.
"""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from rich.console import RenderableType
from textual import events
from textual._context import active_message_pump
from textual.app import App
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.geometry import Size
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget
from textual.worker import WorkerFailed

from chatops.api.commands import Quit
from chatops.api.events import CallbackFailed, ThreadDied
from chatops.api.link import ConsoleLink
from chatops.links.replay import ReplayLink
from chatops.units import counted
from tui.burst import tell_bursts_from_keys
from tui.dispatch import Dispatcher
from tui.driver import TerminalDriver, forget_stops
from tui.faults import Faults, guard, name_of
from tui.lab.navigation import LabDoors
from tui.lab.stage import StageScreen
from tui.messages import RunLine
from tui.model.state import FASTEST, ConsoleState
from tui.recording import Tape
from tui.redraw import Pace
from tui.screens.main import HEIGHTS, WIDTHS, MainScreen, Shows
from tui.screens.prompt import Prompt
from tui.signals import LOOK, Departure
from tui.theme import DAY, NIGHT

DRAIN_LIMIT = 2000             # events taken in per refresh; the rest counts as dropped
# Seconds a frame being drawn may keep the interpreter from the reactor, which gives it away
# at every system call.  CPython's 5 ms would delay it that long each time; less than this
# costs throughput.
SWITCH_INTERVAL = 0.0001
THEME_VARIABLE = "CHATOPS_THEME"     # "day" for terminals with a light ground
GC_THRESHOLDS = (50_000, 20, 50)


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
                 ticking: bool = True, clock: Callable[[], float] = time.monotonic) -> None:
        """`attached`: the server outlives this console.  `replay`: the link is a recording.
        Without `ticking` nothing is pulled but by `tick`, as tests do.
        """
        super().__init__()
        self.state = ConsoleState(replay=replay)
        if isinstance(link, ReplayLink):
            self.state.past = link.history     # all of it, however far it has played
        self.link = link
        self._attached = attached
        self._ticking = ticking
        self._clock = clock
        self.pace = Pace(clock)
        self.faults = Faults(clock, self._log_fault)
        self._drawn = False
        self._main = MainScreen(self.state)
        self._tape = Tape()
        self.lab = LabDoors(self)
        self.dispatcher = Dispatcher(self, self.state, link, self._main.prompt, self._tape,
                                     self.lab, attached=attached)
        self.register_theme(NIGHT)
        self.register_theme(DAY)
        self.theme = (DAY if os.environ.get(THEME_VARIABLE) == "day" else NIGHT).name

    def get_default_screen(self) -> Screen[None]:
        return self._main

    def on_mount(self) -> None:
        self.tick()
        if self._ticking:
            self.set_interval(FASTEST, self._on_time)

    def on_unmount(self) -> None:
        self._tape.stop()

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
        front = self._front
        state = front.state
        if not front.has_begun or self.pace.is_due(state.version, state.refresh, self.state.busy):
            with self.surviving("drawing"):
                self.redraw()

    def tick(self) -> None:
        """Pull, and draw."""
        self.pull()
        self.redraw()

    def pull(self) -> None:
        """Take in what the link has; leave when that was the last."""
        state, link = self.state, self.link
        snapshot, fresh = link.poll(), link.drain(DRAIN_LIMIT)
        self._tape.add(snapshot, fresh)
        state.recording = self._tape.text
        state.feed(snapshot, fresh, self._clock(), status=link.status,
                   dropped=link.events_dropped)
        if isinstance(stage := self._front, StageScreen):
            stage.pull(self._clock())
        if state.draining and not state.status.alive:
            self.exit(self.exit_status)

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
        """The main screen, or the stage of the lab that lies before it."""
        screens = reversed(self.screen_stack) if self._main.is_mounted else ()
        return next((s for s in screens if isinstance(s, MainScreen)), self._main)

    @property
    def _in_front(self) -> Dispatcher:
        """That screen's."""
        front = self._front
        return front.dispatcher if isinstance(front, StageScreen) else self.dispatcher

    @property
    def exit_status(self) -> int:
        """The process's, as things stand."""
        return 1 if self.link.status.failed else 0

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
        """Keys are letters while a command line is being typed."""
        if action == "command" and isinstance(self.screen, MainScreen):
            return not self.screen.prompt.is_open
        return super().check_action(action, parameters)

    def action_command(self, line: str) -> None:
        """What a key, a click or the palette wants carried out."""
        self._in_front.key(line)
        self.redraw()

    def on_run_line(self, message: RunLine) -> None:
        message.stop()
        self.action_command(message.line)

    def on_prompt_typing(self, message: Prompt.Typing) -> None:
        self._in_front.typing(message.line)
        self.redraw()

    def on_prompt_submitted(self, message: Prompt.Submitted) -> None:
        self._in_front.typed(message.line)
        self.redraw()

    def on_prompt_cancelled(self) -> None:
        self._in_front.cancelled()
        self.redraw()


def run_console(link: ConsoleLink, *, attached: bool = False, replay: bool = False) -> int:
    """Show the console until it is left; returns the process's exit status.

    It is 0 when the operator left, and 1 when the server, or the console itself, failed.
    """
    tell_bursts_from_keys()
    app = _Console(link, attached=attached, replay=replay)
    hook, threading.excepthook = threading.excepthook, app.thread_died
    switch_interval, thresholds = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        with Departure(link, app.leave_soon, attached=attached):
            try:
                left = app.run()
            finally:
                forget_stops()
                if not attached and not replay:
                    _see_off(link)
    finally:
        threading.excepthook = hook
        sys.setswitchinterval(switch_interval)
        gc.unfreeze()
        gc.set_threshold(*thresholds)
        link.close()
    if app.faults.count:
        print(f"chatops: the console had {counted(app.faults.count, 'error')} and went on; "
              f"the last was\n{app.faults.last}", file=sys.stderr)
    return max(left or 0, app.return_code or 0, app.exit_status)


def _see_off(link: ConsoleLink) -> None:
    """A console that could not go on has left a server behind that has clients."""
    if link.status.alive:
        link.submit(Quit("drain"))
    while link.status.alive:
        time.sleep(LOOK)


class _Console(ConsoleApp):
    """The app in a process of its own: it shares the interpreter with a reactor, and it
    answers signals."""

    _main_loop: asyncio.AbstractEventLoop | None = None
    _told_to_leave = False         # before there was a loop
    _thread_died = False

    def get_driver_class(self) -> type[Driver]:
        usual = super().get_driver_class()
        return TerminalDriver if usual is LinuxDriver else usual

    @property
    def exit_status(self) -> int:
        return 1 if self._thread_died else super().exit_status

    def thread_died(self, args: threading.ExceptHookArgs) -> None:
        """Any thread of the process that nobody guards.  On that thread."""
        name = args.thread.name if args.thread is not None else "unknown"
        error = args.exc_value or args.exc_type()
        if isinstance(error, OSError) and name.startswith("textual-"):
            return                 # the terminal is gone, which has its own end
        self._thread_died = True
        text = "".join(traceback.format_exception(error))
        self.link.report(ThreadDied(time.time(), name, text))
        if self._main_loop is not None and not self._main_loop.is_closed():
            self._main_loop.call_soon_threadsafe(self.tell, error, f"the thread '{name}' died")

    def on_mount(self) -> None:
        super().on_mount()
        self._main_loop = asyncio.get_running_loop()
        self._main_loop.set_exception_handler(self._callback_failed)
        self.call_after_refresh(_spare_the_reactor)
        if self._told_to_leave:
            self._leave()

    def _callback_failed(self, _loop: object, context: dict[str, Any]) -> None:
        """Of asyncio's loop: a callback, or a task that nobody has awaited."""
        error = context.get("exception")
        self.tell(error if error is not None else RuntimeError(context["message"]), "a callback")

    def _on_time(self) -> None:
        self._look_at_size()
        super()._on_time()

    def _look_at_size(self) -> None:
        """The kernel signals a new size before it stores it (`pty_resize` in Linux), so who
        looks at once may see the old one, and is not told again.
        """
        size = Size(*shutil.get_terminal_size())
        if size != self.size:
            self.post_message(events.Resize(size, size))

    def leave_soon(self) -> None:
        """Go once the server has ended, or now when it is none of ours; said by a signal
        handler.  A second one goes now.
        """
        if self._main_loop is None:
            self._told_to_leave = True
        else:
            self._main_loop.call_soon_threadsafe(self._leave)

    def _leave(self) -> None:
        if self._attached or self.state.draining or not self.link.status.alive:
            self.exit(self.exit_status)
        self.state.draining = not self._attached


def _spare_the_reactor() -> None:
    """What is mounted stays: the collector need not look at it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
