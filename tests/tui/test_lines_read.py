"""Looking back among the events: what says so, and the ways to the newest again."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.events import MouseScrollUp
from textual.widgets import Static

from chatops.api import events as e
from tests.tui.feed import Feed
from tests.tui.press import LARGE, SMALL, Page, looking, on_screen, press
from tests.tui.shots import Rig
from tui.config import Config
from tui.model.keymap import Keymap
from tui.screens.details import DetailsScreen
from tui.screens.event import EventScreen
from tui.widgets.line_view import LineView

AT = 1_760_000_000.0


@asynccontextmanager
async def reading(size: tuple[int, int], pane: str = "events") -> AsyncIterator[tuple[Rig, Page]]:
    """A console that has had more events than there is room for, before this pane."""
    async with looking(Feed(), size, 40.0) as (rig, pilot):
        rig.feed.happened += [e.Warned(rig.feed.wall, f"warning {n}") for n in range(60)]
        for talker in rig.feed.talkers.values():
            talker.talks = 0.0             # nobody says anything more
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


LONG = " ".join(f"word{n}" for n in range(60))


def marked(rig: Rig) -> list[str]:
    """The lines that the cursor stands on."""
    lines = on_screen(rig).splitlines()
    return [line[:60] for line in lines if re.search(r"\d\d:\d\d:\d\d>", line)]


def read(rig: Rig) -> str:
    """What the sheet in front says, however it is folded."""
    assert isinstance(rig.app.screen, EventScreen)
    return " ".join(str(rig.app.screen.query_one(".page", Static).content).split())


@pytest.mark.parametrize("size", [(60, 16), SMALL, LARGE], ids=str)
async def test_enter_shows_the_newest_line_whole(size: tuple[int, int]) -> None:
    async with reading(size) as (rig, pilot):
        text = f"a\nb\nc\nd\n{LONG}"
        rig.feed.happened.append(e.Said(rig.feed.wall, 3, "carol", "lobby", text, 5))
        rig.feed.happened.append(e.Warned(rig.feed.wall, LONG))
        rig.run(0.2)
        assert "word59" not in on_screen(rig)
        await press(rig, pilot, "enter")
        assert "warning" in read(rig)
        assert "2025-06-15" in read(rig)
        assert read(rig).endswith(LONG)
        shown = on_screen(rig)
        assert "word59" in shown or size[1] < 20
        await press(rig, pilot, "escape", "up", "up", "enter")
        assert "whose #3 carol" in read(rig)
        assert "room lobby" in read(rig)
        assert read(rig).endswith(f"carol: a b c d {LONG}")
        assert "d details of #3" in on_screen(rig)
        await press(rig, pilot, "d")
        assert isinstance(rig.app.screen, DetailsScreen)


async def test_keys_choose_a_line_which_is_marked_and_beyond_the_last_it_follows_again() -> None:
    async with reading(SMALL) as (rig, pilot):
        view = view_of(rig)
        assert marked(rig) == []
        await press(rig, pilot, "up")
        assert len(marked(rig)) == 1
        assert "warning 59" in marked(rig)[0]
        assert "stands still · end follows" in on_screen(rig)
        await press(rig, pilot, "up", "up")
        assert "warning 57" in marked(rig)[0]
        rig.feed.happened += [e.Warned(rig.feed.wall, f"more {n}") for n in range(9)]
        rig.run(0.2)
        await pilot.pause()
        assert "warning 57" in marked(rig)[0]
        assert re.search(r"↓ \d+ newer · end follows", on_screen(rig))
        await press(rig, pilot, "home")
        assert view.scroll_y == 0
        await press(rig, pilot, "pagedown")
        assert view.scroll_y > 0
        assert len(marked(rig)) == 1
        await press(rig, pilot, "ctrl+end")
        assert marked(rig) == []
        await press(rig, pilot, "up", "down")
        assert "follows" not in on_screen(rig)
        assert view.scroll_y == view.max_scroll_y


async def test_who_scrolls_by_the_wheel_has_a_line_chosen_that_is_in_sight() -> None:
    async with reading(SMALL) as (rig, pilot):
        view = view_of(rig)
        for _ in range(4):
            await wheel_up(pilot, view)
            assert len(marked(rig)) == 1
        chosen = marked(rig)[0]
        warning = re.search(r"warning \d+", chosen)
        assert warning is not None
        await press(rig, pilot, "enter")
        assert read(rig).endswith(warning[0])


async def test_what_is_chosen_stays_so_while_the_oldest_lines_are_dropped() -> None:
    async with reading(SMALL) as (rig, pilot):
        view = view_of(rig)
        await press(rig, pilot, "up", "up")
        said = marked(rig)
        for part in range(3):
            rig.feed.happened += [e.Warned(rig.feed.wall, f"{part} {n}") for n in range(950)]
            rig.run(0.1)
        await pilot.pause()
        assert marked(rig) == said
        rig.feed.happened += [e.Warned(rig.feed.wall, f"last {n}") for n in range(1900)]
        rig.run(0.2)
        await pilot.pause()
        assert view.chosen is not None         # the oldest that is held
        assert len(marked(rig)) == 1
        await press(rig, pilot, "enter")
        assert "warning" in read(rig)


async def test_the_newest_that_passes_the_filter_is_the_one_that_enter_shows() -> None:
    async with reading(SMALL) as (rig, pilot):
        rig.feed.happened.append(e.Warned(rig.feed.wall, "ends in sorrow"))
        rig.app.dispatcher.typed("filter 59")
        await press(rig, pilot, "enter")
        assert read(rig).endswith("warning 59")
        await press(rig, pilot, "escape")
        rig.app.dispatcher.typed("filter nowhere")
        await press(rig, pilot, "enter")
        assert "no line is there" in on_screen(rig)


async def test_a_crash_is_shown_with_its_traceback_from_any_of_its_lines() -> None:
    async with reading(SMALL, "log") as (rig, pilot):
        rig.feed.happened.append(e.Crashed(AT, 'Traceback:\n  File "x.py"\nValueError: [/boom]'))
        rig.run(0.2)
        await press(rig, pilot, "up", "up", "enter")
        assert read(rig).endswith(
            'the reactor died: ValueError: [/boom] Traceback: File "x.py" ValueError: [/boom]')


@pytest.mark.parametrize(("key", "copied"), [("c", "warning 58"), ("y", '"text":"warning 58"')])
async def test_the_line_that_is_chosen_is_what_is_copied(key: str, copied: str) -> None:
    async with reading(SMALL) as (rig, pilot):
        await press(rig, pilot, "up", "up", key)
        assert copied in rig.app.clipboard


async def test_a_click_leaves_it_following_and_a_second_one_shows_the_line() -> None:
    async with reading(LARGE) as (rig, pilot):
        await pilot.click("#events-pane LineView", offset=(5, 2))
        await pilot.pause()
        assert "follows" not in on_screen(rig)
        await pilot.click("#events-pane LineView", offset=(5, 2), times=2)
        await pilot.pause()
        assert isinstance(rig.app.screen, EventScreen)


async def test_without_colours_the_chosen_line_is_told_by_its_mark() -> None:
    async with reading(LARGE) as (rig, pilot):
        await press(rig, pilot, "up")
        assert len(marked(rig)) == 1
        await press(rig, pilot, "1")       # elsewhere no key acts on it
        assert marked(rig) == []
        await press(rig, pilot, "3")
        assert len(marked(rig)) == 1


@pytest.mark.parametrize("key", ["up", "down", "pageup", "pagedown", "home", "ctrl+end", "enter"])
async def test_among_no_lines_there_is_none_to_choose(key: str) -> None:
    async with reading(SMALL) as (rig, pilot):
        rig.app.dispatcher.typed("filter nowhere")
        rig.run(0.1)
        await press(rig, pilot, key)
        assert view_of(rig).chosen is None
        assert "nothing matches the filter" in on_screen(rig)
        assert "follows" not in on_screen(rig)
