"""All that is taken from asyncio and `selectors` without being entitled to it.

Every name with an underscore in front that is somebody else's is read in this package and
nowhere else, behind a default: a Python that has it not shows less, and nothing fails.  A test
names what a version lacks (tests/unit/test_watch_private.py).

asyncio is never imported from here.  What is asked about an object is asked of its type's
module, so a program without asyncio does not get it, and `uvloop`'s handles are not mistaken.
"""

from __future__ import annotations

from chatops.loop.private.handles import (
    arguments_of,
    asyncio_is_here,
    callback_of,
    handles,
    is_asyncio,
    loop_of,
    mark_scheduler,
)
from chatops.loop.private.kernel_set import add_waker, make_waker, wakes_later
from chatops.loop.private.locks import leave_locks, note_locks, taker
from chatops.loop.private.loops import (
    executor,
    selector_loops,
    selector_of,
    set_selector,
    timers,
    waiting_calls,
)
from chatops.loop.private.names import (
    call_name,
    calls,
    coroutine_name,
    coroutine_of,
    function_name,
    label,
    place,
    what_for,
)
from chatops.loop.private.tasks import (
    chain,
    entered,
    locked_for,
    task_batches,
    tasks,
    untaken,
    waits_for,
)
from chatops.loop.private.timing import leave_handles, time_handles
from chatops.loop.private.transports import (
    CHUNKS,
    app_protocol,
    app_transport,
    descriptor,
    paused_writing,
    protocols_in,
    reader_of,
    socket_of,
    task_of,
    transports,
    unsent,
)
from chatops.loop.private.waits import MANY, Awaited, awaited, is_other_threads

__all__ = [
    "CHUNKS", "MANY", "Awaited", "add_waker", "app_protocol", "app_transport", "arguments_of",
    "asyncio_is_here", "awaited", "call_name", "callback_of", "calls", "chain",
    "coroutine_name", "coroutine_of", "descriptor", "entered", "executor", "function_name",
    "handles", "is_asyncio", "is_other_threads", "label", "leave_handles", "leave_locks",
    "locked_for", "loop_of", "make_waker", "mark_scheduler", "note_locks", "paused_writing",
    "place", "protocols_in", "reader_of", "selector_loops", "selector_of", "set_selector",
    "socket_of", "taker", "task_batches", "task_of", "tasks", "time_handles", "timers",
    "transports", "unsent", "untaken", "waiting_calls", "waits_for", "wakes_later", "what_for",
]
