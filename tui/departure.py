"""Leaving on a signal, with the terminal as it was, even when that terminal takes nothing.

A terminal that stalls (Ctrl-S, a hung ssh) blocks the main thread in a write sooner or
later, and with it the event loop.  A Python signal handler still runs there, for waiting
for a lock can be interrupted; so the handler itself asks the server to drain, and a thread
sees to it that the process ends when the console cannot.
"""

from __future__ import annotations

import os
import signal
import sys
import termios
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from chatops.commands import Quit
from chatops.link import ConsoleLink

SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
GRACE = 2.0                    # seconds the console has to leave once the server has ended
LOOK = 0.05                    # seconds between looks whether it has
# Mouse off, bracketed paste off, focus reports off, cursor shown, main screen (xterm's
# control sequences): what Textual does itself when it can still write.
RESET = b"\x1b[?1000l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?2004l\x1b[?1004l\x1b[?25h\x1b[?1049l"


class Departure:
    """Installed for as long as the console runs; belongs to the main thread."""

    def __init__(self, link: ConsoleLink, leave: Callable[[], None]) -> None:
        """`leave` asks the console to go, from within a signal handler: it must only
        schedule that.  It is called once per signal.
        """
        self._link = link
        self._leave = leave
        self._signals = 0
        self._left = threading.Event()
        self._before: dict[int, Any] = {}
        self._terminal = _attributes()

    def __enter__(self) -> Departure:
        for number in SIGNALS:
            self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        """The first drains, the second stops at once."""
        self._signals += 1
        self._link.submit(Quit("drain" if self._signals == 1 else "now"))
        if self._signals == 1:
            threading.Thread(target=self._see_off, name="departure", daemon=True).start()
        self._leave()

    def _see_off(self) -> None:
        while self._link.status.alive and self._signals == 1:
            if self._left.wait(LOOK):
                return
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
    """What can be done for the terminal without waiting for it."""
    try:
        if attributes is not None and sys.__stdin__ is not None:
            termios.tcsetattr(sys.__stdin__.fileno(), termios.TCSANOW, attributes)
        if sys.__stderr__ is not None:
            os.set_blocking(sys.__stderr__.fileno(), False)
            os.write(sys.__stderr__.fileno(), RESET)
    except (termios.error, OSError, ValueError):
        pass  # the terminal is gone, or takes nothing at all
