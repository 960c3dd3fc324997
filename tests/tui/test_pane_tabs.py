"""Panes that share a place are told in its title, as tabs to click."""

from __future__ import annotations

from functools import partial

import pytest

from tests.tui.feed import Feed
from tests.tui.press import Page, looking, on_screen, press, until
from tests.tui.program_feed import ProgramFeed
from tests.tui.shots import Rig


def title(rig: Rig, pane: str) -> str:
    """As it is read, without the border around it."""
    region = rig.app.screen.query_one(f"#{pane}-pane").region
    line = on_screen(rig).split("\n")[region.y]
    return line[region.x:region.right].strip(" ─━╭╮┏┓")


async def click(rig: Rig, pilot: Page, pane: str, text: str) -> None:
    """On this text of its title."""
    widget = rig.app.screen.query_one(f"#{pane}-pane")
    line = on_screen(rig).split("\n")[widget.region.y]
    assert text in line, line
    at = line.index(text) + 1 - widget.region.x
    await pilot.click(widget, offset=(at, 0))


def has_the_focus(rig: Rig, pane: str) -> bool:
    focused = rig.app.screen.focused
    return focused is not None and (
        rig.app.screen.query_one(f"#{pane}-pane") in focused.ancestors_with_self)


async def test_the_tasks_of_a_program_and_the_log_are_seen_to_be_there() -> None:
    async with looking(ProgramFeed(clients=9), (120, 40), 5.0) as (rig, pilot):
        assert title(rig, "transports").startswith("[1 Connections (9)] 6 Tasks (12)")
        assert title(rig, "events") == "[3 Events] 5 Log"
        await click(rig, pilot, "transports", "6 Tasks")
        await until(rig, pilot, lambda: rig.app.state.pane == "tasks")
        await until(rig, pilot, lambda: title(rig, "tasks").startswith(
            "1 Connections (9) [6 Tasks (12)]"))
        await click(rig, pilot, "tasks", "1 Connections")
        await until(rig, pilot, lambda: rig.app.state.pane == "clients")
        await click(rig, pilot, "events", "5 Log")
        await until(rig, pilot, lambda: rig.app.state.pane == "log")
        await until(rig, pilot, lambda: title(rig, "log") == "3 Events [5 Log]")


async def test_a_pane_that_has_a_place_of_its_own_has_no_tabs() -> None:
    async with looking(Feed(5), (120, 40)) as (rig, _):
        assert title(rig, "clients").startswith("1 Clients (5)  sort")
        assert title(rig, "selector").startswith("2 Selector map (7 keys)")


async def test_a_place_goes_on_showing_what_was_chosen_there() -> None:
    async with looking(ProgramFeed(clients=3), (120, 40), 5.0) as (rig, pilot):
        await press(rig, pilot, "6", "4", "5", "2")
        for pane, shown in (("tasks", True), ("transports", False), ("log", True),
                            ("events", False), ("selector", True), ("loop", True)):
            assert rig.app.screen.query_one(f"#{pane}-pane").display is shown, pane
        await press(rig, pilot, "1", "3", "4")
        assert rig.app.screen.query_one("#transports-pane").display
        assert rig.app.screen.query_one("#events-pane").display


@pytest.mark.parametrize("size", [(120, 40), (120, 30)])
async def test_a_click_on_a_title_makes_its_pane_the_active_one(size: tuple[int, int]) -> None:
    async with looking(Feed(5), size) as (rig, pilot):
        for pane, text in (("loop", "4 Loop"), ("events", "3 Events"), ("clients", "sort"),
                           ("loop", "write on-demand"), ("clients", "1 Clients")):
            await click(rig, pilot, pane, text)
            await until(rig, pilot, partial(has_the_focus, rig, pane))
            assert rig.app.state.pane == pane
