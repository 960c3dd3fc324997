"""What several commands do: fail in a line, hold signals, start a server, need a terminal."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any, NoReturn

import click

from chatops.system.streams import say

LEAST_COLUMNS, LEAST_LINES = 60, 16
SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def ascii_option(command: Any) -> Any:
    return click.option("--ascii", "plain", is_flag=True, help="draw with ASCII signs only, as is "
                        "done by itself where the locale or the terminal has no others")(command)


def fail(text: str, status: int = 1) -> NoReturn:
    """One line, no traceback, and a status that scripts can see."""
    say(f"chatops: {text}")
    sys.exit(status)


def let_signals_end_it() -> None:
    """While it starts.  Python's own handler waits for the system call to end that it came in,
    and looking up the name of a host may take a minute.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def let_ctrl_c_interrupt() -> None:
    """As usual in Python, for who has something to end or to put back first."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def hold_signals() -> None:
    """Until somebody is there to answer them: one that comes between the first client and that
    moment would end the process as it is, and nobody would be told.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    # Whoever rotates logs may be early, and that must not end it.
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)


def check_terminal(
        otherwise: str = "`chatops serve` runs the server without one") -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        fail(f"the console needs a terminal; {otherwise}")
    if os.environ.get("TERM") == "dumb":
        fail("the console needs a terminal to draw on, and TERM says that this one is dumb; "
             f"{otherwise}")
    columns, lines = os.get_terminal_size(sys.stdout.fileno())
    if 0 < columns < LEAST_COLUMNS or 0 < lines < LEAST_LINES:
        fail(f"the terminal is {columns}×{lines}; the console needs at least "
             f"{LEAST_COLUMNS}×{LEAST_LINES}: enlarge it, or use `chatops serve`")


def look_of_console(plain: bool) -> dict[str, Any]:
    """What the operator has made of the console, and what the terminal can show of it."""
    from tui.config import Config, ConfigError, usual_path
    from tui.terminal import look

    try:
        return {"config": Config(usual_path(os.environ)), "terminal": look(os.environ, plain=plain)}
    except ConfigError as error:
        fail(str(error), 2)
