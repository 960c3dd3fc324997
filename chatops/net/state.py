"""The life of a connection, and how the system says that it is over."""

from __future__ import annotations

import errno
import os
from enum import Enum
from selectors import EVENT_READ, EVENT_WRITE


class ConnectionState(Enum):
    """The life of a connection; `MOVES` lists every step there is."""

    OPEN = "open"
    DRAINING = "draining"      # it gets what is queued, and no more; nothing is read
    LINGERING = "lingering"    # our side is shut; its input is thrown away until its end
    CLOSED = "closed"          # to be reaped at the end of the turn


MOVES = {
    ConnectionState.OPEN: {ConnectionState.DRAINING, ConnectionState.CLOSED},
    ConnectionState.DRAINING: {ConnectionState.LINGERING, ConnectionState.CLOSED},
    ConnectionState.LINGERING: {ConnectionState.CLOSED},
    ConnectionState.CLOSED: set[ConnectionState](),
}


def interest(state: ConnectionState, paused: bool, queued: int, always_write: bool) -> int:
    """What a connection should be watched for, from its state alone.

    1. Reading, while it is open and not paused: a paused one is not watched, so that
       what it sends waits in the kernel and presses back on the sender.
    2. Reading, while it lingers: only its end of file is waited for.
    3. Writing, while bytes wait, and then until our end has been told.  A socket is nearly
       always writable: watching for that with nothing to write turns the loop at full speed.
    4. Writing, always, when the lesson on exactly that is switched on.
    """
    if state is ConnectionState.CLOSED:
        return 0
    mask = 0
    if (state is ConnectionState.OPEN and not paused) or state is ConnectionState.LINGERING:
        mask |= EVENT_READ
    if (queued or state is ConnectionState.DRAINING
            or (always_write and state is not ConnectionState.LINGERING)):
        mask |= EVENT_WRITE
    return mask


def tls_interest(mask: int, read_needs_room: bool, write_needs_input: bool) -> int:
    """The same for TLS, which has a conversation of its own with the peer (its keys change).

    1. Reading that cannot go on before something is sent waits for writing instead.
    2. Writing that cannot go on before something has come waits for reading instead.
    """
    reading = EVENT_WRITE if read_needs_room else EVENT_READ
    writing = EVENT_READ if write_needs_input else EVENT_WRITE
    return (reading if mask & EVENT_READ else 0) | (writing if mask & EVENT_WRITE else 0)


def reason_of(error: OSError) -> str:
    """`peer reset`, `peer timed out`, or what the system calls it."""
    match error.errno:
        case errno.ECONNRESET | errno.EPIPE:
            return "peer reset"
        case errno.ETIMEDOUT:
            return "peer vanished"
        case code:
            return os.strerror(code) if code else str(error)
