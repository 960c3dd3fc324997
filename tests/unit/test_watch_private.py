"""What the observer takes from asyncio without being entitled to it: is it there in this Python?"""

from __future__ import annotations

import asyncio
import asyncio.selector_events
import asyncio.sslproto
import os
import selectors
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from weakref import WeakSet

import pytest

from chatops.loop import private
from chatops.loop.meter import CallMeter


def lacks(value: object, *names: str) -> list[str]:
    """The names that it has not."""
    return [f"{type(value).__name__}.{name}" for name in names if not hasattr(value, name)]


def test_this_python_lacks_nothing_of_a_loop_and_its_tasks() -> None:
    async def look() -> list[str]:
        loop = asyncio.get_running_loop()
        task = asyncio.create_task(asyncio.sleep(60), name="probe")
        await asyncio.sleep(0)
        found = lacks(loop, "_selector", "_transports", "_ready", "_scheduled",
                      "_default_executor")
        found += lacks(task, "_fut_waiter", "_log_traceback", "_exception")
        handle = loop.call_soon(len, ())
        found += lacks(handle, "_callback", "_args", "_loop", "_run")
        found += lacks(loop.call_later(0, len, ()), "_when")
        if task not in private.tasks(loop):
            found.append("the set of all tasks")
        if private.waits_for(task) is None:
            found.append("what a task waits for")
        task.cancel()
        return found

    assert asyncio.run(look()) == [], f"Python {sys.version} lacks them"


def test_tasks_that_only_c_has_lists_of_are_found_and_so_are_those_that_have_failed_since(
        monkeypatch: pytest.MonkeyPatch) -> None:
    """As since Python 3.14."""
    listed: dict[Any, list[Any]] = {}
    for name in ("_all_tasks", "_scheduled_tasks", "_eager_tasks"):
        monkeypatch.setattr(asyncio.tasks, name, WeakSet(), raising=False)
    monkeypatch.setattr(asyncio.tasks, "all_tasks", listed.get)    # which is a built-in function

    async def fail() -> None:
        await asyncio.sleep(0)
        raise ValueError

    async def look() -> tuple[set[Any], set[Any]]:
        loop = asyncio.get_running_loop()
        task = asyncio.create_task(fail())
        listed[loop] = [task, asyncio.current_task()]
        alive = set(private.tasks(loop)) - {asyncio.current_task()}
        await asyncio.wait([task])
        listed[loop].remove(task)
        failed = {each for each in private.tasks(loop) if private.untaken(each) is not None}
        task.exception()
        return alive, failed

    alive, failed = asyncio.run(look())
    assert alive == failed
    assert len(failed) == 1


def test_this_python_lacks_nothing_of_transports_and_protocols() -> None:
    async def look() -> list[str]:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        await asyncio.sleep(0.05)
        found = []
        for transport in private.transports(asyncio.get_running_loop()):
            found += lacks(transport, "_sock", "_sock_fd", "_buffer", "_protocol")
            found += lacks(transport.get_protocol(), "_paused", "_task")
        if not private.transports(asyncio.get_running_loop()):
            found.append("the transports of a loop")
        writer.close()
        await writer.wait_closed()
        server.close()
        await asyncio.sleep(0.05)      # the other end closes too
        return found

    assert asyncio.run(look()) == [], f"Python {sys.version} lacks them"


def test_this_python_lacks_nothing_of_tls() -> None:
    kind: Any = asyncio.sslproto.SSLProtocol
    names = {*kind.__init__.__code__.co_names, *kind._set_app_protocol.__code__.co_names,
             *kind._get_app_transport.__code__.co_names}
    assert [name for name in ("_app_protocol", "_app_transport") if name not in names] == []


def test_this_python_lacks_nothing_of_executors_and_selectors() -> None:
    with ThreadPoolExecutor(1) as pool:
        found = lacks(pool, "_threads", "_max_workers", "_idle_semaphore", "_work_queue")
    for name in ("EpollSelector", "PollSelector", "KqueueSelector"):
        if hasattr(selectors, name):
            with getattr(selectors, name)() as selector:
                found += lacks(selector, "_selector")
    with selectors.SelectSelector() as plain:
        found += lacks(plain, "_readers")
    assert found == [], f"Python {sys.version} lacks them"


def test_calls_that_were_scheduled_are_timed_and_then_left_alone() -> None:
    before: Any = asyncio.events.Handle.__dict__["_run"]
    private.time_handles(lambda: 0.0)
    try:
        assert asyncio.events.Handle.__dict__["_run"] is not before

        async def main() -> str:
            await asyncio.sleep(0)
            return "done"

        assert asyncio.run(main()) == "done"       # its selector is not one of ours
    finally:
        private.leave_handles()
    assert asyncio.events.Handle.__dict__["_run"] is before


@pytest.mark.parametrize("chunks", [0, 10, private.CHUNKS, 20 * private.CHUNKS])
def test_a_write_buffer_of_very_many_chunks_is_estimated(chunks: int) -> None:
    asked = []

    class Transport:
        _buffer = [b"x" * 100] * chunks

        def get_write_buffer_size(self) -> int:
            asked.append(chunks)
            return sum(map(len, self._buffer))

    assert private.unsent(Transport()) == 100 * chunks
    assert asked == [chunks] * (chunks <= private.CHUNKS)


def test_the_holder_of_a_lock_is_told_from_those_who_wait_for_it() -> None:
    async def look() -> list[tuple[str, int, bool]]:
        lock = asyncio.Lock()

        async def inside() -> None:
            async with lock:
                await asyncio.sleep(60)

        tasks = [asyncio.create_task(inside(), name=name) for name in ("first", "second")]
        await asyncio.sleep(0.01)
        found = []
        for task in tasks:
            awaits = private.chain(task.get_coro())
            waits = private.locked_for(frame for frame, _ in awaits[-1:]) is lock
            found.append((task.get_name(), private.entered(task.get_coro(), lock), waits))
            task.cancel()
        return found

    assert asyncio.run(look()) == [("first", 1, False), ("second", 1, True)]


def test_a_name_is_what_the_author_wrote() -> None:
    def callback() -> None:
        """Somebody's."""

    line = callback.__code__.co_firstlineno
    here = os.path.basename(__file__)
    assert private.function_name(callback) == (
        f"test_a_name_is_what_the_author_wrote.<locals>.callback ({here}:{line})")


ANYIO = """
class TaskHandle:
    def __init__(self, coro):
        self._coro = coro

    async def _run_coro(self):
        await self._coro
"""


def test_a_task_of_anyio_s_is_called_and_its_calls_counted_by_what_is_inside() -> None:
    names: dict[str, Any] = {}
    exec(compile(ANYIO, "/usr/lib/site-packages/anyio/_core/_tasks.py", "exec"), names)

    async def work() -> None:
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def main() -> tuple[str, dict[str, int]]:
        loop: Any = asyncio.get_running_loop()
        meter = loop._selector.meter = CallMeter()
        loop._selector.entries = {}
        task = asyncio.create_task(names["TaskHandle"](work())._run_coro())
        await asyncio.sleep(0)
        called = private.coroutine_name(private.coroutine_of(task))
        await task
        return called, {cost.name: cost.calls for cost in meter.costs.values()}

    private.time_handles(lambda: 0.0)
    try:
        called, calls = asyncio.run(main())
    finally:
        private.leave_handles()
    line = work.__code__.co_firstlineno
    whole = f"{work.__qualname__} ({os.path.basename(__file__)}:{line})"
    assert called == whole
    assert calls[whole] == 2           # the last one, in which it ended, is anyio's
    assert calls["TaskHandle._run_coro (_tasks.py:6)"] == 1
