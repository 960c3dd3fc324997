"""Which other tasks a task waits for, by what asyncio keeps of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from types import FrameType
from typing import Any, NamedTuple

MANY = 500                             # futures of one wait that are looked at
_OURS = ("asyncio.", "anyio.")         # whose variables may be looked at


class Awaited(NamedTuple):
    """What was called, and the futures that it waits for and that are not done: of very many,
    those among the first.
    """

    call: str                          # "gather"; "task" where a task itself is awaited
    left: list[Any]
    total: int                         # how many there were, 0 where it knows only who is left
    every: bool                        # whether it goes on only after all of them


def awaited(future: Any, frames: Sequence[FrameType | None]) -> Awaited | None:
    """The tasks that a task waits for; None when it waits for something else.

    `future` is what it waits for, `frames` is its chain, the innermost last.
    """
    if hasattr(future, "get_coro"):
        found: Awaited | None = _left("task", [future])
    elif type(future).__name__ == "_GatheringFuture":
        found = _left("gather", getattr(future, "_children", ()), counts=True)
    else:
        inside = _inside(frames[-1]) if frames and frames[-1] is not None else None
        found = inside or _shielded(future)
    return found if found is not None and (found.left or found.total > MANY) else None


def is_other_threads(future: Any) -> bool:
    """Whether another thread has to do what a future stands for: an executor's, mostly."""
    return any(name.startswith("_chain_future.") for name, _ in _callbacks(future))


def _inside(frame: FrameType) -> Awaited | None:
    """By the variables of a function of asyncio's that waits itself."""
    code = frame.f_code
    if not str(frame.f_globals.get("__name__", "")).startswith(_OURS):
        return None
    if code.co_qualname in ("TaskGroup.__aexit__", "TaskGroup._aexit"):
        return _left("TaskGroup", getattr(frame.f_locals.get("self"), "_tasks", ()))
    if code.co_qualname == "_wait":
        return _left("wait", frame.f_locals.get("fs", ()), counts=True, every=False)
    if code.co_qualname == "wait_for":     # until Python 3.12 it makes a task of its own
        return _left("wait_for", [frame.f_locals.get("fut")])
    return None


def waiter_of(future: Any) -> Any:
    """The task that goes on when a future is done, None when there is none such."""
    for _, callback in _callbacks(future):
        task = getattr(callback, "__self__", None)
        if hasattr(task, "get_coro") and hasattr(task, "get_name"):
            return task
    return None


def _shielded(future: Any) -> Awaited | None:
    for name, callback in _callbacks(future):
        inner = _closed_over(callback, "inner") if name.startswith("shield.") else None
        if inner is not None:
            return _left("shield", [inner])
    return None


def _callbacks(future: Any) -> Iterator[tuple[str, Any]]:
    """What a future of asyncio's calls when it is done."""
    if type(future).__module__ in ("asyncio.futures", "_asyncio"):
        for callback, _ in getattr(future, "_callbacks", None) or ():
            yield str(getattr(callback, "__qualname__", "")), callback


def _closed_over(function: Any, name: str) -> Any:
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=False)
    return next((cell.cell_contents for free, cell in cells if free == name), None)


def _left(call: str, futures: Collection[Any], *, counts: bool = False,
          every: bool = True) -> Awaited:
    left = [each for each in islice(futures, MANY) if hasattr(each, "done") and not each.done()]
    if isinstance(futures, (set, frozenset)):
        left.sort(key=_age)
    return Awaited(call, left, len(futures) if counts else 0, every)


def _age(task: Any) -> tuple[int, str]:
    """For an order, in a set: as they were made, where they were given no names."""
    name = str(task.get_name()) if hasattr(task, "get_name") else ""
    return len(name), name
