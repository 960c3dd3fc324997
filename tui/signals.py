"""Leaving on a signal, with the terminal as it was, even when that terminal takes nothing.

A terminal that stalls (Ctrl-S, a hung ssh) blocks the main thread in a write sooner or
later, and with it the event loop.  A Python signal handler still runs there, for waiting
for a lock can be interrupted; so the handler itself asks the server to drain, and a thread
sees to it that the process ends when the console cannot.

A terminal that is closed sends SIGHUP only to those whose controlling terminal it is; to
others (`docker exec`, `setsid`) it just reads as an end of file, for ever.  So a thread
waits for the hang-up itself.

SIGQUIT asks for an end at once and a core to look at, as it does of any program: it gets
both, but the terminal first.  SIGUSR1 and SIGUSR2 would end the process too where nobody has
a use for them, so they are answered as SIGTERM is.
"""

from __future__ import annotations

import math
import os
import select
import signal
import sys
import termios
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from chatops.api.commands import Quit
from chatops.api.link import ConsoleLink

SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
UNUSED = (signal.SIGUSR1, signal.SIGUSR2)      # but the first, by a server that has a log
GRACE = 2.0                    # seconds the console has to leave once the server has ended
LOOK = 0.05                    # seconds between looks whether it has
SETTLE = 0.05                  # seconds a blocked write gets to go on and be refused
# CAN ends a sequence that was cut short; then mouse, paste and focus reports off, lines
# wrap, kitty's keyboard protocol off, main screen, cursor shown (xterm's control
# sequences): what Textual does itself when it can still write.
RESET = (b"\x18\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?2004l\x1b[?1004l\x1b[?7h"
         b"\x1b[<u\x1b[?1049l\x1b[?25h")


class ExitOnSignal:
    """Installed for as long as the console runs; belongs to the main thread."""

    def __init__(self, link: ConsoleLink, leave: Callable[[], None], *,
                 attached: bool = False, patience: float = math.inf) -> None:
        """`leave` asks the console to go, from within a signal handler: it must only
        schedule that.  It is called once per signal.  `attached`: only the console goes,
        the server stays.  `patience`: seconds after a hang-up until what has not ended is
        ended; nobody is there any more who could say it a second time.
        """
        self._link = link
        self._leave = leave
        self._attached = attached
        self._patience = patience
        self._hung_up = False
        self._signals = 0
        self._left = threading.Event()
        self._before: dict[int, Any] = {}
        self._terminal = _attributes()

    def __enter__(self) -> ExitOnSignal:
        self._end_seen, self._end = os.pipe()
        unused = [each for each in UNUSED if signal.getsignal(each) is signal.SIG_DFL]
        for number in (*SIGNALS, *unused):
            self._before[number] = signal.signal(number, self._on_signal)
        self._before[signal.SIGQUIT] = signal.signal(signal.SIGQUIT, self._on_quit)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        self._watcher = threading.Thread(target=self._watch, name="hang-up", daemon=True)
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        os.close(self._end)
        self._watcher.join()
        os.close(self._end_seen)
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _watch(self) -> None:
        """Turn a hang-up that nobody else tells of into the signal for it."""
        poll = select.poll()
        poll.register(self._end_seen)
        if self._terminal is not None and sys.__stdin__ is not None:
            poll.register(sys.__stdin__.fileno(), 0)       # hang-ups are told unasked
        for fd, happened in poll.poll():
            if fd != self._end_seen and happened & select.POLLHUP:
                os.kill(os.getpid(), signal.SIGHUP)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        """The first drains, the second stops at once; but a hang-up may be heard twice."""
        self._hung_up |= number == signal.SIGHUP
        if self._signals and number == signal.SIGHUP:
            return
        self._signals += 1
        if not self._attached:
            self._link.submit(Quit("drain" if self._signals == 1 else "now"))
        if self._signals == 1:
            threading.Thread(target=self._see_off, name="departure", daemon=True).start()
        self._leave()

    def _on_quit(self, number: int, _frame: FrameType | None) -> None:
        """End by the signal itself: whoever started this process is told so."""
        _restore(self._terminal)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    def _see_off(self) -> None:
        until = time.monotonic() + self._patience
        while self._link.status.alive and self._signals == 1 and not self._attached:
            if self._left.wait(LOOK):
                return
            if self._hung_up and time.monotonic() >= until:
                self._link.submit(Quit("now"))
                break
        if self._left.wait(GRACE):
            return
        _restore(self._terminal)
        os._exit(1 if self._link.status.failed else 0)


def _attributes() -> list[Any] | None:
    try:
        return termios.tcgetattr(sys.__stdin__.fileno()) if sys.__stdin__ else None
    except (termios.error, OSError, ValueError):
        return None


def _restore(attributes: list[Any] | None) -> None:
    """What can be done for the terminal without waiting for it.

    What it has not taken is thrown away to make room for the reset, and whatever else is
    still to be drawn goes nowhere.  A write that was blocked goes on first, and fills the
    room again: so all that is done twice.
    """
    if attributes is None or sys.__stdin__ is None or sys.__stdout__ is None:
        return
    try:
        termios.tcsetattr(sys.__stdin__.fileno(), termios.TCSANOW, attributes)
        screen = os.dup(sys.__stdout__.fileno())
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno())
        os.set_blocking(screen, False)
        termios.tcflush(screen, termios.TCOFLUSH)
        termios.tcflow(screen, termios.TCOOFF)     # stopping and starting it is what wakes
        termios.tcflow(screen, termios.TCOON)      # a blocked write on Linux
        time.sleep(SETTLE)
        termios.tcflush(screen, termios.TCOFLUSH)
        os.write(screen, RESET)
        os.set_blocking(screen, True)      # the shell has the same open file
    except (termios.error, OSError, ValueError):
        pass  # the terminal is gone
