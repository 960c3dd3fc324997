"""Alerts that go off: the bell, or a command that is run, and a word in the echo row.

A command is run without a shell, unless it is one (`run sh -c '…'`), with nothing to read,
nobody to listen to what it says, and `CHATOPS_ALERT` saying what there is.  It has a
session of its own, so that no key of the terminal reaches it; it has `SECONDS`, and there are
`AT_ONCE` of them.  Each is started and waited for by a thread: starting one can block.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import threading
from collections.abc import Callable

from chatops.units import counted
from tui.model.alerts import AlertContext, AlertRule, Watch
from tui.model.state import ConsoleState
from tui.text.cells import clean

SECONDS = 30.0                 # a command has; then its whole session is killed
AT_ONCE = 4                    # commands that run


class Alarm:
    """One per console; belongs to its thread."""

    def __init__(self, ring: Callable[[], None], say: Callable[[bool, str, str], None]) -> None:
        """`ring` sounds the bell; `say(ok, line, text)` tells what happened, from any thread."""
        self._ring = ring
        self._say = say
        self._watches: dict[AlertRule, Watch] = {}
        self._running = threading.BoundedSemaphore(AT_ONCE)

    def look(self, state: ConsoleState) -> None:
        """See what begins to hold in the present."""
        alerts = state.preferences.alerts
        if not alerts or state.live is None:
            return
        if list(self._watches) != alerts:
            self._watches = {alert: self._watches.get(alert) or Watch(alert) for alert in alerts}
        moment = AlertContext(state.live, state.gauges, state.status.alive)
        for alert, watch in self._watches.items():
            if watch.look(moment, state.mono_now):
                self._go_off(alert, clean(watch.says(moment)))

    def _go_off(self, alert: AlertRule, text: str) -> None:
        if not alert.run:
            self._ring()
            self._say(True, f"alert {alert.line}", text)
        elif self._running.acquire(blocking=False):
            self._say(True, f"alert {alert.line}", text)
            threading.Thread(target=self._run, args=(alert, text), name="alert",
                             daemon=True).start()
        else:
            self._say(False, f"alert {alert.line}",
                      f"not run: {counted(AT_ONCE, 'command')} still running")

    def _run(self, alert: AlertRule, text: str) -> None:
        """On a thread of its own."""
        try:
            wrong = run(alert.run, text)
        finally:
            self._running.release()
        if wrong:
            self._say(False, f"alert {alert.line}", wrong)


def run(line: str, text: str, seconds: float = SECONDS) -> str:
    """Run a command to its end; what went wrong, "" for nothing.  Blocks."""
    try:
        words = shlex.split(line)
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
            env={**os.environ, "CHATOPS_ALERT": text.replace("\0", "")})
    except (OSError, ValueError, IndexError) as error:
        return f"not run: {getattr(error, 'strerror', None) or error}"
    try:
        status = process.wait(seconds)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return f"killed after {seconds:g} s"
    if status < 0:
        return f"killed by signal {-status}"
    return f"it ended with status {status}" if status else ""
