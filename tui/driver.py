"""Textual's driver for terminals, that survives being stopped and continued.

Textual takes SIGCONT for the end of a suspension of its own: after one that was not (systemd
sends it behind SIGTERM, `timeout` and cpulimit do) two threads read the keys, two write, and
what is put back at the end is the raw mode.  And its handlers write from within a signal,
where the main thread may hold the writer's lock.  Here a signal only asks the loop.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from typing import Any

from textual.drivers.linux_driver import LinuxDriver

STOPS = (signal.SIGTSTP, signal.SIGCONT)
CONTINUED = 0.05               # seconds in which it is known that this has been continued


class TerminalDriver(LinuxDriver):
    """Belongs to the main thread.  Draws on standard output, which has been looked at: with
    `2>file` the errors go there and the console does not.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        if sys.__stdout__ is not None:
            self._file = sys.__stdout__
        self._started = False
        self._suspended = False
        self._continued = False
        self._loop = asyncio.get_running_loop()

    # -- the mode

    def start_application_mode(self) -> None:
        """Idempotent.  In the background the kernel refuses, and nothing has changed."""
        if self._started:
            return
        super().start_application_mode()  # type: ignore[no-untyped-call]
        self._started = self._key_thread is not None and self._key_thread.is_alive()

    def stop_application_mode(self) -> None:
        if self._started:
            self._started = False
            super().stop_application_mode()

    def suspend_job(self) -> bool:
        """Ctrl+Z, which is a key here: stop as a program does that has left it to the terminal,
        with all of its job, and return when that is continued.  False, at once, where nobody
        would: an orphaned process group is not stopped (POSIX, SIGTSTP).
        """
        self.suspend_application_mode()
        self._suspended, self._continued = True, False
        handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(0, signal.SIGTSTP)
        deadline = time.monotonic() + CONTINUED
        while not self._continued and time.monotonic() < deadline:
            time.sleep(CONTINUED / 10)
        signal.signal(signal.SIGTSTP, handler)
        if not self._continued:
            self._come_back()
        return self._continued

    # -- signals

    def _sigtstp_application(self, *_: object) -> None:
        self._ask(self._suspend)

    def _sigcont_application(self, *_: object) -> None:
        self._continued = True
        self._ask(self._come_back)

    def _ask(self, call: Any) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call)

    def _suspend(self) -> None:
        if self._started:
            self.suspend_application_mode()
            self._suspended = True
        os.kill(os.getpid(), signal.SIGSTOP)

    def _come_back(self) -> None:
        """Take the terminal again: whoever had it meanwhile has left his text and modes."""
        if self._started:
            self.suspend_application_mode()
        elif not self._suspended:
            return                 # it has been left for good
        self._suspended = not self._start_again()

    def _start_again(self) -> bool:
        self.resume_application_mode()
        if self._started:
            self._app.screen.refresh(layout=True)
        return self._started


def forget_stops() -> None:
    """Stop and continue as any program does: the terminal has been left."""
    for number in STOPS:
        signal.signal(number, signal.SIG_DFL)
