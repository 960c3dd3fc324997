"""Every size has its layout, and what a storm of sizes leaves is what a fresh console draws."""

from __future__ import annotations

import random

import pytest
from textual import events
from textual.content import Content
from textual.widgets import Static

from chatops.api.commands import Quit
from tests.tui.press import Page, begin, echo, kind, on_screen, press, until
from tests.tui.program_feed import ProgramFeed
from tests.tui.shots import Rig, crowd
from tui.panes.details import DetailsPane
from tui.screens.confirm import QuitDialog
from tui.screens.prompt import Prompt

SIZES = [(60, 16), (80, 24), (120, 40), (200, 60)]


async def resized(rig: Rig, pilot: Page, size: tuple[int, int]) -> None:
    await pilot.resize_terminal(*size)
    rig.app.redraw()
    await pilot.pause()


def details(rig: Rig) -> DetailsPane:
    return rig.app.screen.query_one(DetailsPane)


@pytest.mark.parametrize("size", SIZES)
async def test_a_storm_of_sizes_leaves_what_a_fresh_console_draws(size: tuple[int, int]) -> None:
    stormy, fresh = Rig(crowd()), Rig(crowd())
    async with fresh.app.run_test(size=size) as pilot:
        await begin(fresh, pilot, 20.0)
        fresh.run(1.0)
        await press(fresh, pilot, "home")
        wanted = on_screen(fresh)
    sizes = random.Random(11)
    async with stormy.app.run_test(size=size) as pilot:
        await begin(stormy, pilot, 20.0)
        for _ in range(25):
            await pilot.resize_terminal(sizes.randrange(20, 240), sizes.randrange(5, 80))
            if sizes.random() < 0.3:       # some of them are drawn, some are passed over
                stormy.app.redraw()
        await resized(stormy, pilot, size)
        stormy.run(1.0)
        await press(stormy, pilot, "home")
        await until(stormy, pilot, lambda: on_screen(stormy) == wanted)


@pytest.mark.parametrize("size", SIZES)
async def test_no_line_is_longer_or_shorter_than_the_screen(size: tuple[int, int]) -> None:
    rig = Rig(crowd())
    async with rig.app.run_test(size=size) as pilot:
        await begin(rig, pilot, 20.0)
        strips = rig.app.screen._compositor.render_strips()
        assert len(strips) == size[1]
        assert {strip.cell_length for strip in strips} == {size[0]}


async def test_details_stand_beside_the_tables_of_a_large_terminal_and_follow_the_cursor() -> None:
    rig = Rig(crowd())
    async with rig.app.run_test(size=(200, 60)) as pilot:
        await begin(rig, pilot, 20.0)
        await press(rig, pilot, "home")
        ident = rig.app.state.cursor_client()
        assert f"#{ident} " in str(details(rig).border_title)
        await press(rig, pilot, "down")
        other = rig.app.state.cursor_client()
        assert other != ident
        assert f"#{other} " in str(details(rig).border_title)
        assert "Said and told" in on_screen(rig)
        await pilot.press("up")            # and at once, where nothing else has changed
        await pilot.pause()
        assert f"#{ident} " in str(details(rig).border_title)
        await press(rig, pilot, "2", "home")       # the listener's descriptor is no client
        assert "fd 6 listener" in str(details(rig).border_title)


async def test_tasks_stand_where_connections_do_and_the_details_are_those_of_a_task() -> None:
    rig = Rig(ProgramFeed(clients=3))
    async with rig.app.run_test(size=(200, 60)) as pilot:
        await begin(rig, pilot, 5.0)
        place, beside = (rig.app.query_one(name).region for name in (
            "#transports-pane", "#details-pane"))
        await press(rig, pilot, "6", "home")
        await until(rig, pilot, lambda: "task " in str(details(rig).border_title))
        assert rig.app.query_one("#tasks-pane").region == place
        assert details(rig).region == beside
        shown = on_screen(rig)
        assert "awaits" in shown
        assert "Server.serve_forever (base_events.py:369)" in shown
        assert "is selected" not in shown


async def test_details_give_way_to_a_zoomed_pane_and_come_back() -> None:
    rig = Rig(crowd())
    async with rig.app.run_test(size=(200, 60)) as pilot:
        await begin(rig, pilot, 20.0)
        await press(rig, pilot, "z")
        assert not details(rig).display
        await press(rig, pilot, "z")
        assert details(rig).display
        await resized(rig, pilot, (179, 60))
        assert not details(rig).display


@pytest.mark.parametrize("name", ["status", "tabs", "strip", "keys"])
async def test_what_was_drawn_for_a_wider_terminal_is_cut_and_not_folded(name: str) -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        widget = rig.app.query_one(f"#{name}", Static)
        wide = "wider " * 30
        widget.update(Content(f"{wide}\n{wide}"), layout=False)
        await pilot.pause()
        top, height = widget.content_region.y, min(2, widget.content_region.height)
        shown = on_screen(rig).splitlines()[top:top + height]
        assert shown == [wide[:80]] * height


async def test_details_of_nobody_say_so() -> None:
    rig = Rig()
    for ident in list(rig.feed.talkers):
        rig.feed.leave(ident)
    async with rig.app.run_test(size=(200, 60)) as pilot:
        await begin(rig, pilot, 2.0)
        await until(rig, pilot, lambda: "no client is selected" in on_screen(rig))


async def test_keys_still_move_the_cursor_after_the_terminal_was_too_small_for_a_moment() -> None:
    rig = Rig(crowd())
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot, 2.0)
        await resized(rig, pilot, (30, 8))
        await resized(rig, pilot, (80, 24))
        await press(rig, pilot, "home")
        first = rig.app.state.cursor_client()
        await press(rig, pilot, "down")
        assert rig.app.state.cursor_client() != first


@pytest.mark.parametrize("size", [(59, 24), (80, 15), (30, 8)])
async def test_keys_do_nothing_to_rows_that_a_small_terminal_does_not_show(
        size: tuple[int, int]) -> None:
    rig = Rig(crowd())
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot, 2.0)
        await resized(rig, pilot, size)
        notice = " ".join(on_screen(rig).split())
        assert f"{size[0]}×{size[1]}" in notice
        assert "q leaves" in notice
        state, main = rig.app.state, rig.app.screen
        for _, binding in main._bindings:
            if "app.command" in binding.action and not any(
                    line in binding.action for line in ("quit", "suspend")):
                await pilot.press(binding.key)
                assert rig.app.screen is main, binding.key
        main.post_message(events.Paste(":broadcast to whom?"))
        await press(rig, pilot)
        assert not rig.app.screen.query_one(Prompt).is_open
        assert not rig.link.asked
        await resized(rig, pilot, (80, 24))
        assert (state.pane, state.paused, state.zoomed, state.tags) == (
            "clients", False, False, set())
        assert ": type a command" in echo(rig)     # nothing has been carried out


async def test_a_terminal_that_is_too_small_can_be_left_by_its_keys() -> None:
    rig = Rig(crowd())
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot, 2.0)
        await resized(rig, pilot, (30, 8))
        for key in ("q", "f10", "ctrl+c", "ctrl+q"):
            await press(rig, pilot, key)
            assert kind(rig) is QuitDialog, key
            await press(rig, pilot, "escape")
        await press(rig, pilot, "q", "d")
        assert rig.link.asked == [Quit("drain")]
