"""Looking back among the events: what says so, and the ways to the newest again."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.events import MouseScrollUp

from chatops.api import events as e
from tests.tui.eyes import LARGE, SMALL
from tests.tui.feed import Feed
from tests.tui.press import Page, looking, on_screen, press
from tests.tui.shots import Rig
from tui.widgets.line_view import LineView


@asynccontextmanager
async def reading(size: tuple[int, int], pane: str = "events") -> AsyncIterator[tuple[Rig, Page]]:
    """A console that has had more events than there is room for, before this pane."""
    async with looking(Feed(), size, 40.0) as (rig, pilot):
        rig.feed.happened += [e.Warned(rig.feed.wall, f"warning {n}") for n in range(60)]
        await press(rig, pilot, {"events": "3", "log": "5"}[pane])
        yield rig, pilot


def view_of(rig: Rig, pane: str = "events") -> LineView:
    return rig.app.query_one(f"#{pane}-pane LineView", LineView)


async def wheel_up(pilot: Page, view: LineView) -> None:
    """One notch, as a mouse over the pane gives it."""
    x, y, *_ = view.region
    pilot.app.screen._forward_event(MouseScrollUp(
        view, x + 3, y + 2, 0, -1, 0, False, False, False, screen_x=x + 3, screen_y=y + 2))
    await pilot.pause()


@pytest.mark.parametrize("pane", ["events", "log"])
@pytest.mark.parametrize("size", [SMALL, LARGE], ids=str)
async def test_after_one_notch_of_the_wheel_it_says_what_is_missed_and_end_follows(
        size: tuple[int, int], pane: str) -> None:
    async with reading(size, pane) as (rig, pilot):
        view = view_of(rig, pane)
        assert "follows" not in on_screen(rig)
        assert view.scroll_y == view.max_scroll_y
        await wheel_up(pilot, view)
        assert "newer · end follows" in on_screen(rig)
        stood = view.scroll_y
        rig.feed.happened += [e.Warned(rig.feed.wall, f"and {n}") for n in range(70)]
        rig.run(0.2)
        await pilot.pause()
        assert view.scroll_y == stood
        newer = round(view.max_scroll_y - view.scroll_y)
        assert newer >= 70
        assert f"↓ {newer} newer · end follows" in on_screen(rig)
        await press(rig, pilot, "end")
        assert view.scroll_y == view.max_scroll_y
        assert "follows" not in on_screen(rig)
        rig.feed.happened.append(e.Warned(rig.feed.wall, "the newest"))
        rig.run(0.2)
        await pilot.pause()
        assert "the newest" in on_screen(rig)


async def test_live_brings_a_pane_to_its_end_that_is_not_in_sight_just_then() -> None:
    async with reading(SMALL) as (rig, pilot):
        view = view_of(rig)
        await press(rig, pilot, "home", "1")
        rig.app.dispatcher.typed("live")
        await press(rig, pilot, "3")
        assert view.scroll_y == view.max_scroll_y
        assert "follows" not in on_screen(rig)


async def test_who_goes_on_after_a_pause_reads_on_where_it_was() -> None:
    async with reading(SMALL) as (rig, pilot):
        view = view_of(rig)
        await press(rig, pilot, "p", "home", "p")
        rig.run(0.2)
        assert view.scroll_y == 0
        assert "newer · end follows" in on_screen(rig)


async def test_the_key_that_is_named_is_the_operators_own() -> None:
    from tui.config import Config
    from tui.model.keymap import Keymap

    config = Config()
    config.preferences.keymap = Keymap({"live": "f8"})
    rig = Rig(config=config)
    async with rig.app.run_test(size=SMALL) as pilot:
        rig.run(60.0)
        await press(rig, pilot, "3", "home")
        assert "newer · F8 follows" in on_screen(rig)


@pytest.mark.parametrize(("columns", "says"), [
    (60, r"↓\d+ end"), (80, r"↓\d+ end  /warning"), (100, r"end follows  filter: warning")])
async def test_it_is_said_in_as_many_words_as_there_is_room_for(columns: int, says: str) -> None:
    async with reading((columns, 24)) as (rig, pilot):
        rig.app.dispatcher.typed("filter warning")
        rig.run(0.1)
        await press(rig, pilot, "home")
        bar = next(line for line in on_screen(rig).splitlines() if "[3 Events]" in line)
        assert re.search(says, bar)
