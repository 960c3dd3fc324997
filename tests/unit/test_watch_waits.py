"""Whom a task waits for: who holds the lock, and which other tasks are to end first."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from chatops.api.program import TaskRow
from chatops.lints.circles import circles
from chatops.loop import private
from chatops.loop.meter import CallMeter
from chatops.watch.tasks import TaskTable

Body = Callable[[], Coroutine[Any, Any, Any]]


def rows(*bodies: Body) -> dict[str, TaskRow]:
    """What is seen of these once all of them wait, by the names of their functions."""
    async def main() -> tuple[TaskRow, ...]:
        tasks = []
        for body in bodies:
            tasks.append(asyncio.create_task(body(), name=body.__name__))
            for _ in range(9):
                await asyncio.sleep(0)
        table = TaskTable()
        for _ in table.look(asyncio.get_running_loop(), CallMeter(), 0.0):
            pass
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return table.rows

    return {row.name: row for row in asyncio.run(main())}


async def nothing() -> None:
    await asyncio.Event().wait()


def a_task(name: str) -> asyncio.Task[None]:
    return asyncio.create_task(nothing(), name=name)


async def gathers() -> None:
    over = asyncio.create_task(asyncio.sleep(0))
    await over
    await asyncio.gather(over, a_task("one"), a_task("two"))


async def groups() -> None:
    async with asyncio.TaskGroup() as group:
        for name in ("one", "two", "three", "four"):
            group.create_task(nothing(), name=name)


async def shields() -> None:
    await asyncio.shield(a_task("one"))


async def waits() -> None:
    await asyncio.wait([a_task("one"), a_task("two")])


async def awaits() -> None:
    await a_task("one")


async def limits() -> None:
    await asyncio.wait_for(a_task("one"), 60)


@pytest.mark.parametrize(("body", "on", "behind"), [
    (gathers, "gather 2 of 3: one, two", ["one", "two"]),
    (groups, "TaskGroup: one, two, four +1", ["one", "two", "three", "four"]),
    (shields, "shield: one", ["one"]), (waits, "wait 2 of 2: one, two", []),
    (awaits, "task one", ["one"])])
def test_the_tasks_that_it_waits_for_are_named(body: Body, on: str, behind: list[str]) -> None:
    seen = rows(body)
    assert seen[body.__name__].on == on
    assert sorted(seen[body.__name__].behind) == sorted(seen[name].id for name in behind)


def test_of_very_many_only_the_first_are_looked_at() -> None:
    looked_at = []

    class Many(asyncio.Future[None]):
        def done(self) -> bool:
            looked_at.append(self)
            return super().done()

    async def main() -> None:
        outer: Any = asyncio.gather(*[Many() for _ in range(20 * private.MANY)])
        looked_at.clear()
        found = private.awaited(outer, [])
        assert found is not None
        assert (len(found.left), found.total) == (private.MANY, 20 * private.MANY)
        assert len(looked_at) == private.MANY

    asyncio.run(main())


def test_rows_are_in_the_order_in_which_the_tasks_were_made() -> None:
    async def makes_many() -> None:
        await asyncio.gather(*[asyncio.create_task(nothing()) for _ in range(20)])

    seen = [row for name, row in rows(makes_many).items() if name.startswith("Task-")]
    assert [row.id for row in seen] == sorted(row.id for row in seen)
    made = [int(row.name.removeprefix("Task-")) for row in seen]
    assert made == sorted(made)
    assert len(made) > 20


async def gathers_many() -> None:
    loop = asyncio.get_running_loop()
    await asyncio.gather(a_task("one"), *[loop.create_future() for _ in range(2 * private.MANY)])


def test_very_many_that_it_waits_for_are_counted() -> None:
    assert rows(gathers_many)["gathers_many"].on == "gather of 1,001: one"


def test_a_limit_of_time_is_no_reason_not_to_name_the_task() -> None:
    seen = rows(limits)
    assert seen["limits"].on in ("wait_for: one", "task one")      # until and since Python 3.12
    assert seen["limits"].behind == (seen["one"].id,)


def test_what_another_thread_does_is_told_from_a_future_of_the_loops() -> None:
    done = threading.Event()

    async def executes() -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(None, done.wait)
        finally:
            done.set()

    async def waits_for_nobody() -> None:
        await asyncio.get_running_loop().create_future()

    seen = rows(executes, waits_for_nobody)
    assert seen["executes"].on == "concurrent.futures.Future"
    assert seen["waits_for_nobody"].on == "Future"


def test_who_has_a_connection_in_hand_is_the_authors_task_rather_than_a_librarys() -> None:
    library = {"__name__": "library"}
    exec(compile("async def keeps(connection, until):\n    await until.wait()",
                 "/usr/lib/site-packages/library.py", "exec"), library)

    async def main() -> list[str]:
        connection, until = asyncio.Protocol(), asyncio.Event()

        async def uses(mine: asyncio.Protocol) -> None:
            await until.wait()

        keeps: Any = library["keeps"]
        tasks = [asyncio.create_task(each, name=name) for name, each in (
            ("keeps", keeps(connection, until)), ("uses", uses(connection)),
            ("keeps too", keeps(connection, until)))]
        await asyncio.sleep(0)
        table = TaskTable()
        for _ in table.look(asyncio.get_running_loop(), CallMeter(), 0.0):
            pass
        until.set()
        await asyncio.gather(*tasks)
        return [task.get_name() for task in table.serving.values()]

    assert asyncio.run(main()) == ["uses"]


def test_the_connection_of_a_request_of_uvicorn_s_is_its_task_s() -> None:
    class RequestResponseCycle:
        def __init__(self, transport: Any) -> None:
            self.transport = transport

        async def run_asgi(self) -> None:
            await nothing()

    RequestResponseCycle.run_asgi.__code__ = RequestResponseCycle.run_asgi.__code__.replace(
        co_qualname="RequestResponseCycle.run_asgi")

    async def main() -> bool:
        here, _there = socket.socketpair()
        with _there:
            transport, protocol = await asyncio.get_running_loop().create_connection(
                asyncio.Protocol, sock=here)
            coro = RequestResponseCycle(transport).run_asgi()
            task = asyncio.create_task(coro)
            await asyncio.sleep(0)
            found = private.protocols_in(task.get_coro())
            task.cancel()
            transport.abort()
            await asyncio.sleep(0)
        return found == [protocol]

    assert asyncio.run(main())


class Ways:
    """Of having a lock, and of wanting it."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
        async with self.lock:
            yield

    async def plain(self) -> None:
        async with self.lock:
            await nothing()

    async def manager(self) -> None:
        async with self.locked():
            await nothing()

    async def stack(self) -> None:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.locked())
            await nothing()

    async def acquires(self) -> None:
        await self.lock.acquire()

    async def twice(self) -> None:
        async with self.lock:
            await self.plain()

    async def twice_by_hand(self) -> None:
        async with self.locked():
            await self.acquires()


@pytest.mark.parametrize("wants", ["plain", "manager", "stack", "acquires"])
@pytest.mark.parametrize("has", ["plain", "manager", "stack"])
def test_who_holds_a_lock_is_found_however_it_has_got_it(has: str, wants: str) -> None:
    ways = Ways()

    async def holds() -> None:
        await getattr(ways, has)()

    async def comes() -> None:
        await getattr(ways, wants)()

    seen = rows(holds, comes)
    assert seen["comes"].holder.startswith("holds ")
    assert seen["comes"].behind == (seen["holds"].id,)
    assert not seen["holds"].holder


@pytest.mark.parametrize("way", ["twice", "twice_by_hand"])
def test_a_task_that_wants_a_lock_again_that_it_has_waits_for_itself(way: str) -> None:
    ways = Ways()

    async def wants_it_again() -> None:
        await getattr(ways, way)()

    async def comes() -> None:
        await ways.plain()

    seen = rows(wants_it_again, comes)
    again = seen["wants_it_again"]
    assert (again.holder, again.behind) == ("itself", (again.id,))
    assert seen["comes"].holder.startswith("wants_it_again ")


def test_of_a_lock_that_was_taken_by_hand_before_that_was_noted_the_holder_does_not_show() -> None:
    ways = Ways()

    async def holds() -> None:
        await ways.acquires()
        await nothing()

    seen = rows(holds, ways.plain)
    assert seen["plain"].holder == "somebody who does not show"
    assert seen["plain"].behind == ()


@pytest.fixture(autouse=True)
def _not_noted() -> None:
    private.leave_locks()              # as whatever has seen a loop before has left it


@pytest.fixture
def noted() -> Iterator[None]:
    private.note_locks()
    yield
    private.leave_locks()
    assert "__setattr__" not in vars(asyncio.Lock)


@pytest.mark.usefixtures("noted")
def test_who_has_taken_a_lock_by_hand_is_its_holder() -> None:
    ways = Ways()

    async def first() -> None:
        await ways.plain()

    async def holds() -> None:
        await ways.acquires()
        await nothing()

    async def takes_turns() -> None:
        async with ways.lock:
            pass
        await holds()

    seen = rows(takes_turns, first)
    assert seen["first"].holder.startswith("takes_turns ")
    assert seen["first"].behind == (seen["takes_turns"].id,)
    assert seen["first"].waits.startswith("Lock.acquire held by takes_turns ")


@pytest.mark.usefixtures("noted")
def test_two_that_have_taken_each_other_s_lock_by_hand_are_a_deadlock() -> None:
    one, other = asyncio.Lock(), asyncio.Lock()

    async def left() -> None:
        await one.acquire()
        await asyncio.sleep(0)
        await other.acquire()

    async def right() -> None:
        await other.acquire()
        await one.acquire()

    async def both() -> None:
        await asyncio.gather(*[asyncio.create_task(each(), name=each.__name__)
                               for each in (left, right)])

    seen = rows(both)
    assert [{row.name for row in circle} for circle in circles(seen.values())] == [
        {"left", "right"}]


@pytest.mark.usefixtures("noted")
def test_of_a_task_that_has_ended_with_a_lock_it_is_said() -> None:
    ways, kept = Ways(), []

    async def leaves_it_locked() -> None:
        kept.append(asyncio.current_task())
        await ways.acquires()

    seen = rows(leaves_it_locked, ways.plain)
    assert seen["plain"].holder.startswith("leaves_it_locked ")
    assert seen["plain"].holder.endswith(", which has ended")
    assert seen["plain"].behind == ()


@pytest.mark.usefixtures("noted")
def test_what_takes_a_lock_outside_of_a_task_does_so_as_ever() -> None:
    class Mine(asyncio.Lock):
        __slots__ = ("more",)

    async def main() -> asyncio.Lock:
        lock = Mine()
        with pytest.raises(StopIteration):
            lock.acquire().send(None)
        return lock

    lock = asyncio.run(main())
    assert lock.locked()

    with pytest.raises(StopIteration):
        Mine().acquire().send(None)            # and outside of a loop


def test_a_condition_is_held_by_who_is_inside_it() -> None:
    condition = asyncio.Condition()

    async def holds() -> None:
        async with condition:
            await nothing()

    async def comes() -> None:
        async with condition:
            pass

    assert rows(holds, comes)["comes"].holder.startswith("holds ")


def test_a_semaphore_may_be_let_go_by_another_one() -> None:
    two = asyncio.Semaphore(2)

    async def holds() -> None:
        async with two:
            await nothing()

    async def also() -> None:
        await holds()

    async def comes() -> None:
        await holds()

    seen = rows(holds, also, comes)
    assert seen["comes"].holder.split()[0] in ("holds", "also")
    assert seen["comes"].behind == ()
