"""The tasks of a loop of asyncio, what awaits what, and who holds a lock."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterable, Iterator
from types import BuiltinFunctionType, CoroutineType, FrameType, GeneratorType, MethodType
from typing import Any
from weakref import WeakSet

from chatops.loop.private.names import place

DEEP = 32                      # awaits followed from a task inwards
EXITS = ("__aexit__", "__exit__")

_looked_at: WeakSet[Any] = WeakSet()   # tasks that are in no set of asyncio's own


def tasks(loop: Any) -> list[Any]:
    """All tasks of a loop that are still there, those that are done included."""
    return [task for batch in task_batches(loop) for task in batch]


def task_batches(loop: Any, size: int = 1000) -> Iterator[list[Any]]:
    """The same, so many of all loops' at a time: what comes between two batches may be put off,
    since only weak references are held meanwhile.
    """
    module = sys.modules.get("asyncio.tasks")
    seen: set[int] = set()
    _look_into_c(module, loop)
    names = "_scheduled_tasks", "_all_tasks", "_eager_tasks"
    for kept in (*[getattr(module, name, None) for name in names], _looked_at):
        references = getattr(kept, "data", None)       # of a weak set
        every = _copied(kept if references is None else references)
        for first in range(0, len(every), size):
            batch = []
            for each in every[first:first + size]:
                task = each if references is None else each()
                if task is not None and id(task) not in seen and _loop_of_task(task) is loop:
                    seen.add(id(task))
                    batch.append(task)
            yield batch
            del batch


def _look_into_c(module: Any, loop: Any) -> None:
    """Since Python 3.14 tasks are in lists that only C sees, and in none once they are done: who
    has failed is known if it was there at an earlier look.
    """
    all_tasks = getattr(module, "all_tasks", None)
    if isinstance(all_tasks, BuiltinFunctionType):
        _looked_at.update(all_tasks(loop))


def _copied(kept: Any) -> list[Any]:
    for _ in range(3):                     # a set may change while it is gone through
        try:
            return list(kept or ())
        except RuntimeError:
            continue
    return []


def _loop_of_task(task: Any) -> Any:
    try:
        return task.get_loop()
    except (AttributeError, RuntimeError):
        return None


def waits_for(task: Any) -> Any:
    """The future a task waits for, None when it is to run."""
    return getattr(task, "_fut_waiter", None)


def untaken(task: Any) -> BaseException | None:
    """The exception of a task that is done, when nobody has asked for it."""
    if not task.done() or not getattr(task, "_log_traceback", False):
        return None
    error = getattr(task, "_exception", None)
    return error if isinstance(error, BaseException) else None


def chain(coro: Any) -> list[tuple[FrameType | None, str]]:
    """What awaits what, from a coroutine inwards: its frame, and where it stands."""
    found: list[tuple[FrameType | None, str]] = []
    for _ in range(DEEP):
        if isinstance(coro, CoroutineType):
            frame, inner = coro.cr_frame, coro.cr_await
        elif isinstance(coro, GeneratorType):
            frame, inner = coro.gi_frame, coro.gi_yieldfrom
        elif hasattr(coro, "ag_frame"):
            frame, inner = coro.ag_frame, coro.ag_await
        elif type(coro).__name__ in ("async_generator_asend", "async_generator_athrow"):
            inner = next((each for each in gc.get_referents(coro) if hasattr(each, "ag_frame")),
                         None)
            if inner is None:
                break
            coro = inner
            continue
        else:
            break
        if frame is None:
            break
        found.append((frame, place(frame.f_code, frame.f_lineno)))
        coro = inner
    return found


def entered(coro: Any, lock: object) -> int:
    """How often a coroutine is inside `async with` this lock, or on its way into it: then the way
    out of it lies on the stack of its frame, which only the collector can look into.
    """
    exits: set[int] = set()
    looked: set[int] = set()
    left = [coro]
    while left and len(looked) < DEEP:
        each = left.pop()
        if each is None or id(each) in looked:
            continue
        looked.add(id(each))
        for referent in gc.get_referents(each):
            if type(referent) is MethodType and referent.__name__ in EXITS:
                _follow(referent, lock, exits, left)
        left.append(getattr(each, "cr_await", None) or getattr(each, "gi_yieldfrom", None)
                    or getattr(each, "ag_await", None))
    return len(exits)


def _follow(way_out: MethodType, lock: object, exits: set[int], left: list[Any]) -> None:
    """A context manager's way out: the lock's, or one of `contextlib`'s with the lock in it."""
    owner = way_out.__self__
    module = type(owner).__module__
    if owner is lock or (module == "asyncio.locks" and getattr(owner, "_lock", None) is lock):
        exits.add(id(way_out))
    elif module == "contextlib":
        left.append(getattr(owner, "gen", None))
        for _, call in getattr(owner, "_exit_callbacks", None) or ():
            if type(call) is MethodType and call.__self__ is not owner:
                _follow(call, lock, exits, left)


def locked_for(frames: Iterable[FrameType | None]) -> Any:
    """The lock that an `acquire` among these frames waits for, None when there is none."""
    for frame in frames:
        if frame is not None and frame.f_code.co_name == "acquire":
            lock = frame.f_locals.get("self")
            if lock is not None and hasattr(lock, "locked"):
                return lock
    return None
