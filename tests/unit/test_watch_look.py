"""A look goes through a program in steps, none of which is longer because there is more."""

from __future__ import annotations

import asyncio
import time
from typing import Any, cast

import pytest

from chatops.api.program import Program
from chatops.api.snapshot import Snapshot
from chatops.loop import backends, private
from chatops.loop.meter import KEPT, NAMES
from chatops.watch.picture import Painter
from chatops.watch.selector import WatchedSelector
from chatops.watch.tasks import BATCH, HOLDERS, HOLDERS_IN_ALL, MOST

PROGRAM = Program("program.py", 1, "3.11.7", "asyncio")
FEW, MANY = 1_000, 10_000


async def stand(gate: asyncio.Event) -> None:
    await gate.wait()


async def inner(gate: asyncio.Event) -> None:
    await stand(gate)


async def outer(gate: asyncio.Event) -> None:
    await inner(gate)


def run(main: Any) -> Any:
    """On a loop that is watched."""
    selector = WatchedSelector(backends.make("auto"))
    selector.watch()
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        return runner.run(main(selector))


async def crowd(count: int) -> tuple[asyncio.Event, list[asyncio.Task[None]]]:
    gate = asyncio.Event()
    tasks = [asyncio.create_task(outer(gate)) for _ in range(count)]
    await asyncio.sleep(0)
    return gate, tasks


def steps(painter: Painter) -> tuple[list[float], Snapshot]:
    """How long each step of a look takes, and what comes of it."""
    took: list[float] = []
    for found in iter_timed(painter, took):
        if found is not None:
            return took, found
    raise AssertionError("no picture")


def iter_timed(painter: Painter, took: list[float]) -> Any:
    painting = painter.paint(PROGRAM, 0)
    while True:
        began = time.thread_time()
        found = next(painting)
        took.append(time.thread_time() - began)
        yield found


def test_ten_thousand_tasks_are_all_counted_and_five_hundred_shown() -> None:
    async def main(selector: WatchedSelector) -> Snapshot:
        gate, tasks = await crowd(MANY)
        _, picture = steps(Painter(selector))
        gate.set()
        await asyncio.gather(*tasks)
        return picture

    picture = run(main)
    assert picture.program is not None
    assert picture.program.tasks == MANY + 1               # and this test's
    assert sum(task.count for task in picture.tasks if not task.id) == MANY + 1 - MOST
    assert sum(1 for task in picture.tasks if task.id) == MOST


def test_no_step_is_longer_for_ten_times_the_tasks() -> None:
    async def main(selector: WatchedSelector) -> list[float]:
        longest = []
        for count in (FEW, MANY):
            gate, tasks = await crowd(count)
            painter = Painter(selector)
            longest.append(min(max(steps(painter)[0]) for _ in range(8)))
            gate.set()
            await asyncio.gather(*tasks)
        return longest

    few, many = run(main)
    # It was eleven times as long when the first step went through all tasks.
    assert many < 4 * few, (few, many)


class Counted:
    """Stands for a task, and counts how often it is looked at."""

    touched = 0

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop

    def get_loop(self) -> asyncio.AbstractEventLoop:
        Counted.touched += 1
        return self.loop

    def done(self) -> bool:
        return False

    def get_name(self) -> str:
        return "counted"

    def get_coro(self) -> None:
        return None

    _fut_waiter = None


def test_one_step_touches_a_batch_of_tasks_at_most() -> None:
    async def main(selector: WatchedSelector) -> list[int]:
        loop = asyncio.get_running_loop()
        made = [cast("asyncio.Task[Any]", Counted(loop)) for _ in range(MANY)]
        for task in made:
            asyncio.tasks._register_task(task)     # as other kinds of task register themselves
        found = []
        painting = Painter(selector).paint(PROGRAM, 0)
        picture = None
        while picture is None:
            Counted.touched = 0
            picture = next(painting)
            found.append(Counted.touched)
        for task in made:
            asyncio.tasks._unregister_task(task)
        return found

    touched = run(main)
    assert max(touched) <= BATCH
    assert sum(touched) >= MANY


def test_who_holds_a_lock_is_looked_for_in_steps_found_and_remembered() -> None:
    async def holder(lock: asyncio.Lock, gate: asyncio.Event) -> None:
        async with lock:
            await gate.wait()

    async def waiter(lock: asyncio.Lock) -> None:
        async with lock:
            pass

    async def main(selector: WatchedSelector) -> tuple[list[int], list[str]]:
        private.leave_locks()          # who has taken it is not noted
        lock, gate = asyncio.Lock(), asyncio.Event()
        tasks = [asyncio.create_task(holder(lock, gate), name="holder")]
        await asyncio.sleep(0)
        tasks += [asyncio.create_task(waiter(lock)) for _ in range(3 * HOLDERS)]
        await asyncio.sleep(0)
        painter, looked, held = Painter(selector), [], []
        for _ in range(2):
            _, picture = steps(painter)
            held += [task.holder for task in picture.tasks if task.holder]
            looked.append(len(painter.tasks._holders))
        gate.set()
        await asyncio.gather(*tasks)
        return looked, held

    looked, held = run(main)
    assert looked == [1, 1]
    assert len(held) == 2 * 16
    assert all(each.startswith("holder ") for each in held)
    assert HOLDERS < HOLDERS_IN_ALL


def test_very_many_calls_are_told_in_steps_of_one_name() -> None:
    async def main(selector: WatchedSelector) -> tuple[list[float], Snapshot]:
        for number in range(NAMES):
            cost = selector.meter.new(object(), f"call {number}".__str__)
            cost.calls, cost.busy = KEPT, float(number)
            cost.recent.extend([number / 1000] * KEPT)
        return steps(Painter(selector))

    took, picture = run(main)
    assert picture.program is not None
    assert [row.name for row in picture.program.callbacks[:2]] == ["call 199", "call 198"]
    assert picture.loop.p50 == pytest.approx(0.185, abs=0.002)      # of those that are shown
    assert len(took) > len(picture.program.callbacks)


def test_a_program_whose_tasks_come_and_go_meanwhile_is_told_all_the_same() -> None:
    async def main(selector: WatchedSelector) -> int:
        gate, tasks = await crowd(3 * BATCH)
        painting = Painter(selector).paint(PROGRAM, 0)
        next(painting)
        gate.set()
        await asyncio.gather(*tasks)       # all that it has not come to are gone
        tasks.clear()
        assert private.tasks(asyncio.get_running_loop())
        picture = next(each for each in painting if each is not None)
        assert picture.program is not None
        return picture.program.tasks

    assert run(main) <= BATCH + 1
