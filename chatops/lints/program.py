"""What a reviewer would object to in a program that is observed (`chatops watch`).

Checks over two snapshots, as in `chatops.lints`, which runs them; they find nothing in a chat
server's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from operator import attrgetter
from selectors import EVENT_WRITE
from typing import NamedTuple

from chatops.api.program import CALLBACKS, Held, Program, TaskRow
from chatops.api.snapshot import Lint, Snapshot
from chatops.lints.circles import circles
from chatops.units import format_age, format_bytes, format_seconds

SLOW_CALL = 0.1                # seconds, as asyncio's own debug mode has it
SHOWN = 10.0                   # seconds that it is told of once it is over
PILE = 1000                    # tasks of one coroutine
LEAK_AGE = 60.0                # seconds that a connection is silent before it counts as left
LEAK_LEAST = 20                # of them
LEAK_SHARE = 3                 # a third of all
WRITES = 1000.0                # fires a second for writing that no producer has
LOCKED = 3.0                   # seconds that a task waits for a lock before that is worth a look
STANDS = 1.0                   # seconds that tasks have waited for each other before it is said
BACKLOG = 4                    # waiting calls for each thread of the executor
# What to write instead of a call that blocks, by what it waits for (`Held.kind`).
INSTEAD = {
    "sleep": "`await asyncio.sleep(…)`",
    "name": "`await loop.getaddrinfo(…)`",
    "file": "`await asyncio.to_thread(…)`",
    "process": "`await asyncio.create_subprocess_exec(…)`",
    "network": "an asynchronous client, or `await asyncio.to_thread(…)`",
    "database": "an asynchronous driver, or `await asyncio.to_thread(…)`",
    "thread": "asyncio's own Lock, Event or Queue, or `await asyncio.to_thread(…)`",
}


class LintText(NamedTuple):
    """What a kind of lint is about, for who sees it for the first time."""

    title: str
    meaning: str
    remedy: str
    is_over: bool = False      # it is, when it is seen: it was so some time ago, and not since then


PROGRAM_LINTS = {
    "held-now": LintText(
        "the loop is held at this moment",
        "The loop's thread has not come back to select() for a tenth of a second: everything "
        "that is ready since then, every timer and every other connection waits for the line "
        "that is named. It was read from the thread's stack while it happened.",
        "A call that waits for something outside (sleep, a name, a file, a query) belongs into "
        "`await asyncio.to_thread(…)` or has an asynchronous twin; a long calculation into "
        "slices with `await asyncio.sleep(0)` between them, or another process."),
    "blocking-call": LintText(
        "a call that blocks, in the loop's own thread",
        "Something was called that does not return before somebody else has done his part: a name "
        "server (`getaddrinfo`), a disk or what is mounted (`open`, `read`), another process, a "
        "server, a lock. The thread waits in it, and with it every connection and timer of this "
        "loop. What it was, and from which line, was read from the thread's stack meanwhile.",
        "There is an asynchronous twin for most: `asyncio.sleep`, `loop.getaddrinfo`, "
        "`asyncio.create_subprocess_exec`, `asyncio.open_connection`, aiohttp or httpx for "
        "requests. For files there is none; `await asyncio.to_thread(function, …)` has a thread "
        "wait. In a loop of your own, give it to a thread that writes a byte into a socketpair "
        "when it is done.", is_over=True),
    "slow-call": LintText(
        "one step of a task or callback took long",
        "Between two awaits a task has the loop for itself. This one kept it for a tenth of a "
        "second or more; all others were late by as much, and so was every timer that fell "
        "due meanwhile.",
        "Look at what it does between two awaits. `chatops ctl callbacks` lists what each of the "
        "loop's calls has cost, and how often.", is_over=True),
    "over-mark": LintText(
        "a writer that does not wait",
        "The transport's buffer is over its high-water mark, so the protocol has been told to "
        "pause (`pause_writing`), and still it grows: whoever writes does not look. It ends when "
        "the memory does.",
        "`await writer.drain()` after each write; in a protocol of your own, stop producing "
        "between `pause_writing` and `resume_writing`. Bound what may wait for one peer and "
        "close who stays behind."),
    "deadlock": LintText(
        "deadlock: tasks that wait for each other",
        "Each of them waits for a lock that the next one holds, or for the next one to end, and "
        "the last waits for the first: none of them goes on before one is cancelled. A task that "
        "wants a lock once more that it has already, or awaits with the lock held a task that "
        "needs it, is enough: asyncio's Lock is not reentrant. Nothing raises an error, and all "
        "that needs one of them stands still too.",
        "Take locks in the same order everywhere; split what is called with the lock held from "
        "what takes it; await no task while you hold what it needs. Cancelling one of them (`k` "
        "in the tasks) lets the others go on."),
    "locked": LintText(
        "a task waits long for a lock",
        "It is inside `acquire`, and who holds the lock does not let go. A lock that is held "
        "across an await which may take for ever looks like this; everything behind it stands "
        "still without an error.",
        "Open the task's details: the chain says at which line it waits, and who holds the lock "
        "where that can be told. Hold locks for short, and never across the network; "
        "`asyncio.timeout` puts an end to it."),
    "never-retrieved": LintText(
        "an exception that nobody took",
        "A task has failed and nobody has awaited it or asked for its result. asyncio says so "
        "only when the task is collected, which may be never while somebody keeps it.",
        "Await it, gather it, or run it in an `asyncio.TaskGroup`, which hands its failure on.",
        is_over=True),
    "task-pile": LintText(
        "tasks of one coroutine pile up",
        "More than a thousand tasks of one coroutine are there and their number grows: they are "
        "started faster than they end. Each costs memory, and a place in the queue of every lock "
        "and of every turn.",
        "Bound how many run at once (a semaphore, a queue with a fixed number of workers), and "
        "let the producer wait."),
    "fd-leak": LintText(
        "connections that are never closed",
        "The number of descriptors grows, and a third of the connections or more have been "
        "silent for a minute: peers have left without a word, or the program has forgotten "
        "them. When descriptors run out nobody is let in.",
        "Close in a `finally` or with `async with`; give reads a timeout, or switch TCP "
        "keepalive on, so that a peer that is gone is noticed."),
    "executor-backlog": LintText(
        "calls wait for a thread",
        "The loop's default executor is full, and more than four calls for each of its threads "
        "wait. `getaddrinfo` goes through the same threads: names are looked up late too.",
        "Give slow work an executor of its own with a bound, or raise `max_workers` with "
        "`loop.set_default_executor`."),
}

Check = Callable[[Snapshot, Snapshot | None], Iterator[Lint]]


def _held_now(now: Snapshot, _before: Snapshot | None) -> Iterator[Lint]:
    held = now.program.held if now.program is not None else None
    if held is None:
        return
    line = f": {held.inside}" if held.inside else ""
    waits = " (it waits for something outside)" if held.kind else ""
    yield Lint("held-now", f"the loop is held for {format_seconds(held.seconds)} by "
               f"{held.at}{line}{waits}", since=held.since, dated=True)


def _blocking_call(now: Snapshot, before: Snapshot | None) -> Iterator[Lint]:
    """One for each place, told for a while longer than it lasts: who looks up has missed it else.
    """
    if now.program is None:
        return
    told = _by_place(before, "blocking-call")
    for held in (now.program.was_held, now.program.held):      # as they came
        if held is not None and held.kind:
            place = f"{held.call} {held.at}"
            told[place] = _held_there(now.program, held, place, told.get(place))
    for lint in sorted(told.values(), key=attrgetter("last"), reverse=True):
        if now.mono - lint.last < SHOWN:
            yield lint


def _held_there(program: Program, held: Held, place: str, told: Lint | None) -> Lint:
    """This hold, together with those that were `told` of the place before."""
    since, times, worst, last = held.since, 1, held.seconds, held.since + held.seconds
    if told is not None:
        since = told.since
        times = told.times + (held.since >= told.last)
        worst, last = max(worst, told.worst), max(last, told.last)
    took = format_seconds(worst) if times == 1 else f"{times:,}×, {format_seconds(worst)} at worst"
    instead = INSTEAD.get(held.kind, "") if program.kind == "asyncio" else "give it to a thread"
    return Lint("blocking-call", f"{held.call} blocks the loop, {held.at}: {took}"
                + (f"; {instead}" if instead else ""),
                since=since, place=place, times=times, worst=worst, last=last)


def _slow_call(now: Snapshot, before: Snapshot | None) -> Iterator[Lint]:
    if now.program is None or before is None or before.program is None:
        return
    told = _by_place(before, "slow-call")
    rows = before.program.callbacks
    earlier = {row.name: row.slowest for row in rows}
    # One that was not among the dearest had cost no more, in all, than the last of them.
    least = rows[-1].busy if len(rows) >= CALLBACKS else 0.0
    for row in now.program.callbacks:
        if row.slowest >= SLOW_CALL and row.slowest > earlier.get(row.name, least):
            told.pop(row.name, None)       # it has been slower than that
            yield Lint("slow-call", f"{row.name} held the loop for {format_seconds(row.slowest)}",
                       since=now.mono, place=row.name, worst=row.slowest, last=now.mono)
    for lint in told.values():
        if now.mono - lint.last < SHOWN:
            yield lint


def _by_place(before: Snapshot | None, code: str) -> dict[str, Lint]:
    """Those of a kind that were told of last."""
    lints = before.lints if before is not None else ()
    return {lint.place: lint for lint in lints if lint.code == code}


def _over_mark(now: Snapshot, before: Snapshot | None) -> Iterator[Lint]:
    earlier = {row.id: row.queued for row in before.clients} if before is not None else {}
    for row in now.clients:
        over = row.queue_limit > 0 and row.queued > 2 * row.queue_limit
        if over and row.queued >= earlier.get(row.id, row.queued + 1):
            yield Lint("over-mark", f"#{row.id} {row.nick} {row.task}: "
                       f"{format_bytes(row.queued)} queued, the mark is "
                       f"{format_bytes(row.queue_limit)}", row.fd, row.id)


def _deadlock(now: Snapshot, _before: Snapshot | None) -> Iterator[Lint]:
    for circle in circles(now.tasks):
        since = max(task.since for task in circle)
        if now.mono - since < STANDS:
            continue                   # a picture of several turns may show what never was
        first = circle[0]
        if len(circle) == 1:
            text = f"{first.name} waits at {first.at} for a lock that it holds itself"
        else:
            text = " → ".join([*(f"{task.name} at {task.at}" for task in circle), first.name])
        yield Lint("deadlock", f"deadlock: {text}", since=since)


def _locked(now: Snapshot, _before: Snapshot | None) -> Iterator[Lint]:
    told = {task.id for circle in circles(now.tasks) for task in circle}
    for task in now.tasks:
        if task.holder and task.id not in told and now.mono - task.since >= LOCKED:
            yield Lint("locked", f"{_name(task)} waits {format_age(now.mono - task.since)} for a "
                       f"lock at {task.at}, held by {task.holder}", since=task.since, dated=True)


def _never_retrieved(now: Snapshot, _before: Snapshot | None) -> Iterator[Lint]:
    for task in now.tasks:
        if task.state == "failed":
            yield Lint("never-retrieved", f"{_name(task)} failed at {task.at}, and nobody has "
                       f"asked: {task.error}", since=task.since)


def _name(task: TaskRow) -> str:
    return f"{task.name} {task.coro}"


def _task_pile(now: Snapshot, before: Snapshot | None) -> Iterator[Lint]:
    if now.program is None or now.program.tasks <= PILE:
        return
    earlier = _by_coroutine(before) if before is not None else Counter()
    for coro, count in _by_coroutine(now).most_common(3):
        if count > PILE and count > earlier[coro] > 0:
            yield Lint("task-pile", f"{count:,} tasks of {coro}, and more come than end")


def _by_coroutine(snapshot: Snapshot) -> Counter[str]:
    found: Counter[str] = Counter()
    for task in snapshot.tasks:
        found[task.coro] += task.count
    return found


def _fd_leak(now: Snapshot, _before: Snapshot | None) -> Iterator[Lint]:
    if now.program is None:
        return
    silent = [row for row in now.clients if now.mono - row.active_at >= LEAK_AGE]
    young = [row for row in now.clients if now.mono - row.connected_at < LEAK_AGE]
    if len(silent) >= LEAK_LEAST and len(silent) * LEAK_SHARE >= len(now.clients) and young:
        yield Lint("fd-leak", f"{len(silent):,} of {len(now.clients):,} connections have been "
                   f"silent for {format_age(LEAK_AGE)} or more, and new ones come")


def _executor_backlog(now: Snapshot, _before: Snapshot | None) -> Iterator[Lint]:
    pool = now.program.executor if now.program is not None else None
    if pool is not None and pool.busy >= pool.most and pool.waiting > BACKLOG * pool.threads:
        yield Lint("executor-backlog", f"{pool.waiting:,} calls wait for one of the executor's "
                   f"{pool.threads} threads")


def _write_idle(now: Snapshot, before: Snapshot | None) -> Iterator[Lint]:
    """Of a loop that somebody wrote nobody knows what it has to write; only how it turns."""
    if now.program is None or now.program.kind != "selectors" or before is None:
        return
    earlier = {row.fd: row for row in before.keys}
    seconds = now.mono - before.mono
    for row in now.keys:
        was = earlier.get(row.fd)
        if (was is None or was.registered_at != row.registered_at or seconds <= 0
                or not row.events & EVENT_WRITE or not row.last_mask & EVENT_WRITE):
            continue
        rate = (row.fires - was.fires) / seconds
        if rate >= WRITES:
            yield Lint("write-idle", f"fd {row.fd} {row.callback}: watched for writing, "
                       f"{rate:,.0f} fires/s; has it so much to write?", row.fd,
                       since=row.armed_at)


CHECKS: tuple[Check, ...] = (
    _held_now, _deadlock, _blocking_call, _slow_call, _over_mark, _locked, _never_retrieved,
    _task_pile, _fd_leak, _executor_backlog, _write_idle,
)


def find(now: Snapshot, before: Snapshot | None) -> Iterator[Lint]:
    """All that is found, the most urgent kind first; nothing in a chat server."""
    if now.program is None:
        return
    for check in CHECKS:
        yield from check(now, before)
