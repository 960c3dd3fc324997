"""What a refresh costs with many clients: the console must not slow the chat it shows."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from statistics import median

import pytest
from textual.strip import Strip

from chatops.api.events import Event
from chatops.api.snapshot import Snapshot
from tests.tui.feed import Feed
from tests.tui.press import Page, looking, table
from tests.tui.shots import Rig

# What is measured is not measured side by side.
pytestmark = pytest.mark.xdist_group("measures")

ROUNDS = 7                     # the median of their ratios counts: others use this machine, too

Work = Callable[[], Awaitable[object]]
# A console while it is there: what is measured of it, and what is done before, each time.
Measured = AbstractAsyncContextManager[tuple[Work, Work]]


async def ratio(large: Measured, small: Measured) -> float:
    """How many times the processor time of the small one the large one takes.  Both are measured
    in the same moments, by turns, and what disturbs one round is in no other.
    """
    found = []
    async with large as whole, small as part:
        for number in range(ROUNDS):
            taken = {}
            for work, prepare in (whole, part) if number % 2 else (part, whole):
                await prepare()
                began = time.thread_time()
                await work()
                taken[work] = time.thread_time() - began
            found.append(taken[whole[0]] / taken[part[0]])
    return median(found)


async def nothing() -> None:
    """There is nothing to prepare."""


def console(clients: int, size: tuple[int, int], seconds: float
            ) -> AbstractAsyncContextManager[tuple[Rig, Page]]:
    return looking(Feed(clients, talkative=10), size, seconds)


@asynccontextmanager
async def refreshing(clients: int) -> AsyncIterator[tuple[Work, Work]]:
    news: list[tuple[Snapshot, list[Event]]] = []
    async with console(clients, (120, 40), 0.3) as (rig, _):
        async def time_passes() -> None:
            rig.feed.step(0.1)
            rig.time += 0.1
            news[:] = [(rig.feed.snapshot(), rig.feed.take())]

        async def refresh() -> None:
            rig.app.state.feed(*news[0], rig.time)
            rig.app.redraw()

        yield refresh, time_passes


async def test_a_refresh_costs_no_more_than_twice_as_much_for_twice_as_many() -> None:
    assert await ratio(refreshing(10_000), refreshing(5_000)) < 3      # a square would be 4


@asynccontextmanager
async def drawing(clients: int) -> AsyncIterator[tuple[Work, Work]]:
    async with console(clients, (120, 60), 0.2) as (rig, pilot):
        await pilot.press("z")
        await pilot.pause()

        async def draw() -> None:
            for y in range(40):
                table(rig).render_line(y)

        yield draw, nothing


async def test_forty_lines_of_ten_thousand_cost_what_forty_of_a_hundred_do() -> None:
    assert await ratio(drawing(10_000), drawing(100)) < 3


@asynccontextmanager
async def pressing(clients: int) -> AsyncIterator[tuple[Work, Work]]:
    async with console(clients, (120, 40), 0.5) as (rig, pilot):
        async def press() -> None:
            before = table(rig).cursor
            await pilot.press("down")
            assert table(rig).cursor != before

        yield press, nothing


async def test_a_key_among_a_thousand_clients_costs_what_it_does_among_fifty() -> None:
    assert await ratio(pressing(1_000), pressing(50)) < 3


async def test_no_line_is_drawn_again_that_reads_the_same(
        monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(Feed(30, talkative=0))
    async with rig.app.run_test(size=(80, 24)) as pilot:
        rig.run(3)
        await pilot.pause()
        clients = table(rig)
        drawn: list[int] = []
        draw = clients.render_line

        def noted(y: int) -> Strip:
            drawn.append(y)
            return draw(y)

        monkeypatch.setattr(clients, "render_line", noted)
        rig.app.state.pause()
        rig.app.redraw()
        await pilot.pause()
        rig.run(1)
        await pilot.pause()
        assert not drawn
        await pilot.press("down")
        await pilot.pause()
        assert set(drawn) == {1, 2}, "only the rows the cursor left and came to"
