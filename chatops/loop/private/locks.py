"""Which task has taken a lock of asyncio's, noted as it does while somebody looks.

A task that is inside `async with` shows it on its stack; after a bare `await lock.acquire()`
nothing does, and a lock knows only that it is taken.
"""

from __future__ import annotations

import sys
from typing import Any
from weakref import ref

NOTE = "_chatops_taken"                # on the lock, so that it is gone when that is

_kind: Any = None                      # the class of locks, while it is noted
_look = object()                       # another one each time: what was noted before may be old


def note_locks() -> None:
    """Note who takes a lock from now on, until `leave_locks`; nothing where nobody has imported
    asyncio.  Any thread.  Idempotent.
    """
    global _kind
    kind: Any = getattr(sys.modules.get("asyncio.locks"), "Lock", None)
    current: Any = getattr(sys.modules.get("asyncio.tasks"), "current_task", None)
    if _kind is not None or kind is None or current is None or "__setattr__" in vars(kind):
        return
    plain, look = object.__setattr__, _look

    def noted(lock: Any, name: str, value: Any) -> None:
        plain(lock, name, value)
        if value is True and name == "_locked":    # of who lets it go nothing need be known
            try:
                plain(lock, NOTE, (look, ref(current())))
            except (RuntimeError, TypeError):
                plain(lock, NOTE, None)            # it was no task

    _kind = kind
    kind.__setattr__ = noted


def leave_locks() -> None:
    """Note it no more."""
    global _kind, _look
    if _kind is not None:
        del _kind.__setattr__
        _kind, _look = None, object()


def taker(lock: Any) -> Any:
    """The task that a lock was last taken by, None where that was not noted or it is gone."""
    note = getattr(lock, NOTE, None)
    return note[1]() if note is not None and note[0] is _look else None
