"""Driving a console in a test: keys, time, and what the screen then reads."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input, Static

from tests.patience import PATIENCE, Deadline
from tests.tui.feed import Feed
from tests.tui.shots import Rig
from tui.widgets.live_table import LiveTable

Page = Pilot[int]
SMALL, LARGE = (80, 24), (120, 40)


async def begin(rig: Rig, pilot: Page, seconds: float = 1.0) -> None:
    """Let the console see the server for a while."""
    await pilot.pause()
    rig.run(seconds)
    await pilot.pause()


@asynccontextmanager
async def looking(feed: Feed, size: tuple[int, int], seconds: float = 1.0, *,
                  attached: bool = False) -> AsyncIterator[tuple[Rig, Page]]:
    """A console of this size that has seen so much of what there is."""
    rig = Rig(feed, attached=attached)
    async with rig.app.run_test(size=size) as pilot:
        await begin(rig, pilot, seconds)
        yield rig, pilot


async def until(rig: Rig, pilot: Page, true: Callable[[], object]) -> None:
    """Draw until it holds: Textual lays out in its own time, and `pilot.pause` takes a process
    that gets no CPU for one that has nothing to do.
    """
    deadline = Deadline(PATIENCE)
    while not true():
        assert deadline.left() > 0, f"it did not come true; the screen reads\n{on_screen(rig)}"
        rig.app.redraw()
        await pilot.pause()


async def press(rig: Rig, pilot: Page, *keys: str) -> None:
    """Keys one by one, a tenth of a second apart."""
    for key in keys:
        await pilot.press(key)
        await pilot.pause()
        rig.run(0.1)
    await pilot.pause()


async def write(rig: Rig, pilot: Page, text: str) -> None:
    """Put a text into the field in focus, at once, as a paste does."""
    field = rig.app.screen.focused
    assert isinstance(field, Input)
    field.insert_text_at_cursor(text)
    await pilot.pause()
    rig.run(0.1)
    await pilot.pause()


def echo(rig: Rig) -> str:
    """What the echo row reads."""
    return str(rig.app.query_one("#prompt .echo", Static).content)


def on_screen(rig: Rig) -> str:
    """What the terminal shows, line by line."""
    strips = rig.app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


def table(rig: Rig, name: str = "clients") -> LiveTable:
    """Of the pane of this name."""
    return rig.app.query_one(f"#{name}-table", LiveTable)


def kind(rig: Rig) -> type[Screen[object]]:
    """Of the screen in front."""
    return type(rig.app.screen)
