"""The life of a connection, and how the system says that it is over."""

from __future__ import annotations

import errno
import os
from enum import Enum


class State(Enum):
    """The life of a connection; `MOVES` lists every step there is."""

    OPEN = "open"
    DRAINING = "draining"      # it gets what is queued, and no more; nothing is read
    LINGERING = "lingering"    # our side is shut; its input is thrown away until its end
    CLOSED = "closed"          # to be reaped at the end of the turn


MOVES = {
    State.OPEN: {State.DRAINING, State.CLOSED},
    State.DRAINING: {State.LINGERING, State.CLOSED},
    State.LINGERING: {State.CLOSED},
    State.CLOSED: set[State](),
}


def reason_of(error: OSError) -> str:
    """`peer reset`, `peer timed out`, or what the system calls it."""
    match error.errno:
        case errno.ECONNRESET | errno.EPIPE:
            return "peer reset"
        case errno.ETIMEDOUT:
            return "peer vanished"
        case code:
            return os.strerror(code) if code else str(error)
