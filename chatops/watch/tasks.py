"""The tasks of an asyncio loop: where each stands, what it waits for, and who keeps it waiting."""

from __future__ import annotations

import itertools
import math
import os
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from types import FrameType
from typing import Any
from weakref import WeakKeyDictionary, ref

from msgspec.structs import replace

from chatops.api.program import TaskRow
from chatops.chat.sanitize import clean_text
from chatops.loop import private
from chatops.loop.meter import CallMeter

MOST = 500                     # rows; the rest is counted by coroutine
BATCH = 500                    # tasks that are gone through in one step
HOLDERS = 50                   # of them looked into, for who holds a lock
HOLDERS_IN_ALL = 2000          # and for one lock
LOCKS = 16                     # whose holders are looked for
NAMED = 3                      # tasks that another one waits for
_STANDARD = os.path.dirname(os.__file__)


class _Known:
    """What is remembered of a task from one look to the next."""

    __slots__ = ("id", "since", "stands")

    def __init__(self, ident: int, now: float) -> None:
        self.id = ident
        self.since = now
        self.stands: object = None     # the future it waits for, by id, and its line


class TaskTable:
    """All rows, as of the last `look`.  Belongs to the loop's thread."""

    def __init__(self) -> None:
        self.rows: tuple[TaskRow, ...] = ()
        self.total = 0
        self.serving: dict[int, Any] = {}      # id(protocol): a task that has it in its hands
        self._known: WeakKeyDictionary[Any, _Known] = WeakKeyDictionary()
        self._holders: WeakKeyDictionary[Any, ref[Any]] = WeakKeyDictionary()   # by lock
        self._ids = itertools.count(1)

    def find(self, loop: Any, word: str) -> Any:
        """The task with this number or name, None when it is gone."""
        number = int(word) if word.isdecimal() else 0
        for task in private.tasks(loop):
            known = self._known.get(task)
            if not task.done() and (task.get_name() == word
                                    or (known is not None and known.id == number)):
                return task
        return None

    def look(self, loop: Any, meter: CallMeter, now: float) -> Iterator[None]:
        """Go through them, yielding wherever it can be put off: no step takes longer because
        there are more tasks.
        """
        before = list(meter.tasks)
        shown: list[Any] = []
        failed: list[Any] = []
        alive: set[int] = set()
        rest: Counter[int] = Counter()                 # by id(), as in a meter
        kinds: dict[int, Any] = {}                     # of these, a coroutine each
        for batch in private.task_batches(loop, BATCH):
            for task in batch:
                if not task.done():
                    alive.add(id(task))
                    if len(shown) < MOST:
                        shown.append(task)
                    else:
                        coro = private.coroutine_of(task)
                        kind = id(getattr(coro, "cr_code", None) or type(coro))
                        rest[kind] += 1
                        if kind not in kinds:
                            kinds[kind] = coro
                elif len(failed) < MOST and private.untaken(task) is not None:
                    failed.append(task)
            task = None
            del batch
            yield
        yield from _forget(meter, before, alive)
        self.serving = {}
        rows = [self._failed(task, now) for task in failed]
        waiting_for: list[tuple[int, Any]] = []        # row, lock
        behind: list[tuple[int, list[Any]]] = []       # row, tasks
        shown.sort(key=self._order)
        for task in shown:
            for protocol in private.protocols_in(task.get_coro()):
                served = self.serving.get(id(protocol))
                if served is None or _origin_of(task) > _origin_of(served):
                    self.serving[id(protocol)] = task
            row, lock, tasks = self._row(task, meter, now)
            if lock is not None:
                waiting_for.append((len(rows), lock))
            if tasks:
                behind.append((len(rows), tasks))
            rows.append(row)
            yield
        del shown, failed
        for at, tasks in behind:
            rows[at] = replace(rows[at], behind=self._idents(tasks))
        for at, lock in waiting_for[:LOCKS]:
            holder = yield from self._holder(loop, lock)
            rows[at] = self._behind(rows[at], lock, holder)
        rows += [TaskRow(0, "", clean_text(private.coroutine_name(kinds[kind])), "", "", "waiting",
                         now, count=count) for kind, count in rest.most_common(50)]
        self.rows, self.total = tuple(rows), len(alive)

    def _holder(self, loop: Any, lock: Any) -> Generator[None, None, Any]:
        """The task that has taken this lock, or is inside `async with` it; None where none shows.
        """
        taker = private.taker(lock)
        if taker is not None and lock.locked():
            return taker
        known = self._holders.get(lock)
        task = known() if known is not None else None
        if task is not None and not task.done() and _holds(task, lock):
            return task
        looked = 0
        for batch in private.task_batches(loop, BATCH):
            for each in batch:
                looked += 1
                if not each.done() and _holds(each, lock):
                    self._holders[lock] = ref(each)
                    return each
                if looked % HOLDERS == 0:
                    yield
            del batch
            if looked > HOLDERS_IN_ALL:
                break
        return None

    def _behind(self, row: TaskRow, lock: Any, holder: Any) -> TaskRow:
        """With who holds the lock that it waits for."""
        if holder is None:
            return replace(row, holder="somebody who does not show" if lock.locked() else "")
        ids = self._idents([holder])
        name = ("itself" if row.id in ids else
                f"{holder.get_name()} {private.coroutine_name(private.coroutine_of(holder))}"
                + (", which has ended" if holder.done() else ""))
        # Others may hold a semaphore too: it can go on without this one.
        return replace(row, holder=clean_text(name), behind=() if hasattr(lock, "_value") else ids)

    def _idents(self, tasks: Iterable[Any]) -> tuple[int, ...]:
        return tuple([known.id for known in map(self._known.get, tasks) if known is not None])

    def _order(self, task: Any) -> tuple[float, int, str]:
        """Those that are known as they were; new ones as they were made, where the names tell."""
        known, name = self._known.get(task), str(task.get_name())
        return known.id if known is not None else math.inf, len(name), name

    def _remembered(self, task: Any, stands: object, now: float) -> _Known:
        known = self._known.get(task)
        if known is None:
            known = self._known[task] = _Known(next(self._ids), now)
            known.stands = stands
        elif known.stands != stands:
            known.stands, known.since = stands, now
        return known

    def _row(self, task: Any, meter: CallMeter, now: float) -> tuple[TaskRow, Any, list[Any]]:
        """With it the lock that it waits for, and the tasks."""
        awaits = private.chain(task.get_coro())
        future = private.waits_for(task)
        others = private.awaited(future, [frame for frame, _ in awaits])
        lock = private.locked_for(frame for frame, _ in awaits[-1:])
        known = self._remembered(task, (id(future), awaits[-1][1] if awaits else ""), now)
        busy, steps = meter.tasks.get(id(task), (0.0, 0))
        state = ("waiting" if future is not None and not future.done() else
                 "running" if awaits and not _suspended(task) else "ready")
        tasks = [each for each in others.left if hasattr(each, "get_coro")] if others else []
        return TaskRow(
            id=known.id, name=clean_text(task.get_name()),
            coro=clean_text(private.coroutine_name(private.coroutine_of(task))),
            at=clean_text(_at(awaits)), on=clean_text(_waits_on(awaits, future, others)),
            state=state, since=known.since, chain=tuple(clean_text(text) for _, text in awaits),
            busy=busy, steps=int(steps)), lock, tasks if others and others.every else []

    def _failed(self, task: Any, now: float) -> TaskRow:
        error = private.untaken(task)
        known = self._remembered(task, "failed", now)
        frames: list[tuple[FrameType | None, str]] = []
        traceback = error.__traceback__ if error is not None else None
        while traceback is not None:
            frames.append((traceback.tb_frame, private.place(traceback.tb_frame.f_code,
                                                              traceback.tb_lineno)))
            traceback = traceback.tb_next
        return TaskRow(
            id=known.id, name=clean_text(task.get_name()),
            coro=clean_text(private.coroutine_name(task.get_coro())), at=clean_text(_at(frames)),
            on="", state="failed", since=known.since,
            error=clean_text(f"{type(error).__name__}: {error}")[:200])


def _suspended(task: Any) -> bool:
    frame = getattr(task.get_coro(), "cr_running", False)
    return not frame


def origin(frame: FrameType | None) -> int:
    """Whose code a frame is: 0 the standard library's or nobody's, 1 an installed package's,
    2 the author's.
    """
    name = frame.f_code.co_filename if frame is not None else "<"
    if "site-packages" in name or "dist-packages" in name:
        return 1
    return 0 if name.startswith((_STANDARD, "<")) else 2


def _origin_of(task: Any) -> int:
    return origin(getattr(task.get_coro(), "cr_frame", None))


def own_origin(frames: Iterable[FrameType | None]) -> int:
    """From which origin on frames are to be called the author's: a package's where there is
    nothing else.
    """
    return max(1, max(map(origin, frames), default=0))


Awaits = Sequence[tuple[FrameType | None, str]]


def _at(awaits: Awaits) -> str:
    """The innermost line that its author wrote."""
    least = own_origin(frame for frame, _ in awaits)
    own = [text for frame, text in awaits if origin(frame) >= least]
    return own[-1] if own else awaits[-1][1] if awaits else ""


def _waits_on(awaits: Awaits, future: Any, others: private.Awaited | None) -> str:
    """What it waits for, by the name of what its author called."""
    if others is not None:
        return _others(others)
    least = own_origin(frame for frame, _ in awaits)
    called = ""
    for frame, _ in reversed(awaits):
        if frame is None or origin(frame) >= least:
            break
        # The outermost of the library's frames is what was called, unless it is only a bridge.
        if not called or not frame.f_code.co_name.startswith("_"):
            called = frame.f_code.co_qualname
    if not called and private.is_other_threads(future):
        return "concurrent.futures.Future"
    return called or (type(future).__name__ if future is not None else "")


def _others(others: private.Awaited) -> str:
    """`task Task-8`, `gather 2 of 3: Task-8, Task-9`"""
    names = [each.get_name() for each in others.left[:NAMED] if hasattr(each, "get_name")]
    if others.call == "task":
        return f"task {names[0]}"
    left = f" {len(others.left):,}" if others.total <= private.MANY else ""    # else not all seen
    count = f"{left} of {others.total:,}" if others.total else ""
    more = f" +{len(others.left) - len(names):,}" if left and len(others.left) > len(names) else ""
    return f"{others.call}{count}" + (f": {', '.join(names)}{more}" if names else "")


def _holds(task: Any, lock: Any) -> bool:
    """Whether it is inside, and not only on its way into it."""
    coro = task.get_coro()
    entered = private.entered(coro, lock)
    if not entered:
        return False
    frames = [frame for frame, _ in private.chain(coro)]
    comes = (private.locked_for(frames[-1:]) is lock and len(frames) > 1
             and frames[-2] is not None and frames[-2].f_code.co_name == "__aenter__")
    return entered > comes


def _forget(meter: CallMeter, before: list[int], alive: set[int]) -> Iterator[None]:
    """Drop what tasks have cost that were there `before` and are no more."""
    for first in range(0, len(before), BATCH):
        for ident in before[first:first + BATCH]:
            if ident not in alive:
                meter.tasks.pop(ident, None)
        yield
