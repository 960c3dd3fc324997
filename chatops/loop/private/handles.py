"""asyncio's handles: what a selector event loop registers as a key's data."""

from __future__ import annotations

import sys
from typing import Any

from chatops.loop import naming
from chatops.loop.private.locks import note_locks


def is_asyncio(data: object) -> bool:
    """Whether a key's data is what a selector event loop registers: (reader, writer)."""
    return (isinstance(data, tuple) and len(data) == 2
            and any(_is_handle(each) for each in data))


def _is_handle(value: object) -> bool:
    return type(value).__module__ == "asyncio.events" and hasattr(value, "_callback")


def loop_of(data: object) -> Any:
    """The event loop that registered this, None when it was none of asyncio's."""
    for handle in handles(data):
        return getattr(handle, "_loop", None)
    return None


def handles(data: object) -> list[Any]:
    """The handles in a key's data: the reader's first."""
    return [each for each in data if _is_handle(each)] if isinstance(data, tuple) else []


def callback_of(handle: Any) -> Any:
    """What a handle calls; None once it is cancelled."""
    return getattr(handle, "_callback", None)


def arguments_of(handle: Any) -> tuple[Any, ...]:
    """With what it calls it."""
    return getattr(handle, "_args", None) or ()


def asyncio_is_here() -> None:
    """The first loop of asyncio's is seen: prepare for what cannot be found out later."""
    mark_scheduler()
    note_locks()


def mark_scheduler() -> None:
    """Who is beyond `Handle._run` on the stack did not decide what happens in it."""
    events = sys.modules.get("asyncio.events")
    code = getattr(getattr(getattr(events, "Handle", None), "_run", None), "__code__", None)
    if code is not None:
        naming.scheduler(code)
