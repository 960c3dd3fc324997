"""Which task has taken a lock of asyncio's, noted as it does.

A task that is inside `async with` shows it on its stack; after a bare `await lock.acquire()`
nothing does, and a lock knows only that it is taken.  It is noted from the first loop on, since
who comes to look at a program that stands comes too late.
"""

from __future__ import annotations

import sys
from typing import Any
from weakref import ref

NOTE = "_chatops_taken"                # on the lock, so that it is gone when that is

_kind: Any = None                      # the class of locks, while it is noted


def note_locks() -> None:
    """Note who takes a lock from now on, until `leave_locks`; nothing where nobody has imported
    asyncio.  Any thread.  Idempotent.
    """
    global _kind
    kind: Any = getattr(sys.modules.get("asyncio.locks"), "Lock", None)
    current: Any = getattr(sys.modules.get("asyncio.tasks"), "current_task", None)
    if _kind is not None or kind is None or current is None or "__setattr__" in vars(kind):
        return
    plain = object.__setattr__

    def noted(lock: Any, name: str, value: Any) -> None:
        plain(lock, name, value)
        if value is True and name == "_locked":    # of who lets it go nothing need be known
            try:
                plain(lock, NOTE, ref(current()))
            except (RuntimeError, TypeError):
                plain(lock, NOTE, None)            # it was no task

    _kind = kind
    kind.__setattr__ = noted


def leave_locks() -> None:
    """Note it no more."""
    global _kind
    if _kind is not None:
        del _kind.__setattr__
        _kind = None


def taker(lock: Any) -> Any:
    """The task that a lock was last taken by, None where that was not noted or it is gone."""
    known = getattr(lock, NOTE, None)
    return known() if known is not None else None
