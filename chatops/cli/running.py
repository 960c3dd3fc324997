"""A server's thread in this process: how a command starts it, and what it has died of."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from chatops.cli.options import Reread
from chatops.cli.parts import fail, hold_signals
from chatops.settings import Settings
from chatops.system.streams import say

if TYPE_CHECKING:              # what it needs is imported when signals end it, not before
    from chatops.service import ServerThread
    from chatops.supervision.inherited import Inherited


def started(settings: Settings, log: str, again: Reread | None,
            sockets: Inherited | None = None) -> ServerThread:
    """With the signals held, for whoever answers them to let them through."""
    from chatops.service import ServerThread
    from chatops.system.errors import StartError

    thread = ServerThread(settings, log=log, inherited=sockets, reread=again)
    try:
        thread.start(hold_signals)
    except StartError as error:
        fail(str(error))
    signal.signal(signal.SIGUSR1, lambda _signum, _frame: thread.reopen_log())
    return thread


def fail_if_dead(thread: ServerThread) -> None:
    """Show what threads have died of, and leave with a failure; else do nothing."""
    dead = {"server": thread.crash} if thread.crash is not None else {}
    dead |= thread.dead_threads
    if dead:
        for traceback in dead.values():
            say(traceback)
        fail(f"the {' and the '.join(dead)} thread died; above is why")
