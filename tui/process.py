"""The console in a process of its own: it shares the interpreter with a reactor, answers
signals, and sees to its end.
"""

from __future__ import annotations

import asyncio
import gc
import math
import shutil
import sys
import threading
import time
import traceback
from typing import Any

from textual import events
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.geometry import Size

from chatops.api.commands import Quit
from chatops.api.events import ThreadDied
from chatops.api.link import ConsoleLink
from chatops.units import counted
from tui.app import ConsoleApp
from tui.burst import tell_bursts_from_keys
from tui.config import Config
from tui.driver import TerminalDriver, forget_stops
from tui.looks import ABLE
from tui.signals import LOOK, ExitOnSignal
from tui.terminal import Terminal
from tui.web import BrowserDriver

# Seconds a frame being drawn may keep the interpreter from the reactor, which gives it away
# at every system call.  CPython's 5 ms would delay it that long each time; less than this
# costs throughput.
SWITCH_INTERVAL = 0.0001
GC_THRESHOLDS = (50_000, 20, 50)


def run_console(link: ConsoleLink, *, attached: bool = False, replay: bool = False,
                config: Config | None = None, terminal: Terminal = ABLE,
                in_browser: bool = False, greeting: str = "", patience: float = math.inf) -> int:
    """Show the console until it is left; returns the process's exit status.
    `in_browser`: standard input and output are pipes to `chatops web`.  `greeting` stands beside
    the prompt until a command is given.  `patience`: see `ExitOnSignal`.

    It is 0 when the operator left, and 1 when the server, or the console itself, failed.
    """
    tell_bursts_from_keys()
    app = _ChildConsole(link, attached=attached, replay=replay, config=config, terminal=terminal,
                        in_browser=in_browser)
    app.state.greeting = greeting
    hook, threading.excepthook = threading.excepthook, app.thread_died
    switch_interval, thresholds = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        # A recording is nobody's server: to wait for its end is to wait for whoever plays it.
        with ExitOnSignal(link, app.leave_soon, attached=attached or replay,
                          patience=patience):
            try:
                left = app.run()
            finally:
                forget_stops()
                if not attached and not replay:
                    _see_off(link)
            status = max(left or 0, app.return_code or 0, app.exit_status)
    finally:
        threading.excepthook = hook
        sys.setswitchinterval(switch_interval)
        gc.unfreeze()
        gc.set_threshold(*thresholds)
        link.close()
    if app.faults.count:
        print(f"chatops: the console had {counted(app.faults.count, 'error')} and went on; "
              f"the last was\n{app.faults.last}", file=sys.stderr)
    return max(status, 0 if attached else app.exit_status)


def _see_off(link: ConsoleLink) -> None:
    """A console that could not go on has left a server behind that has clients."""
    if link.status.alive:
        link.submit(Quit("drain"))
    while link.status.alive:
        time.sleep(LOOK)


class _ChildConsole(ConsoleApp):
    """The app in a process of its own: it shares the interpreter with a reactor, and it
    answers signals."""

    _main_loop: asyncio.AbstractEventLoop | None = None
    _told_to_leave = False         # before there was a loop
    _thread_died = False

    def get_driver_class(self) -> type[Driver]:
        if self.in_browser:
            return BrowserDriver
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
        looks at once may see the old one, and is not told again.  And of a browser that is
        resized while the console starts Textual may tell the size at the start last.
        """
        size = self._browsers_size() if self.in_browser else Size(*shutil.get_terminal_size())
        if size != self.size:
            self.post_message(events.Resize(size, size))

    def _browsers_size(self) -> Size:
        """What it has asked for last."""
        asked = self._driver._size if self._driver is not None else None
        return Size(*asked) if asked is not None else self.size

    def leave_soon(self) -> None:
        """Go once the server has ended, or now when it is none of ours; said by a signal
        handler.  A second one goes now.
        """
        if self._main_loop is None:
            self._told_to_leave = True
        else:
            self._main_loop.call_soon_threadsafe(self._leave)

    def _leave(self) -> None:
        stays = self._attached or self.state.replay    # what is looked at
        if stays or self.state.draining or not self.link.status.alive:
            self.exit(self.exit_status)
        self.state.draining = not stays


def _spare_the_reactor() -> None:
    """What is mounted stays: the collector need not look at it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
