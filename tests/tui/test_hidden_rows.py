"""Rows that a filter keeps from the eye: no action takes them in silence."""

from __future__ import annotations

import pytest

from chatops.api.commands import Mute, Unmute
from tests.tui.feed import Feed
from tests.tui.press import LARGE, SMALL, begin, echo, on_screen, press, table
from tests.tui.program_feed import ProgramFeed
from tests.tui.shots import Rig

NOTHING = ("slash", *"zzz", "enter")   # a filter that no row passes


@pytest.mark.parametrize("key", ["k", "K", "m", "M", "enter", "space", "c"])
@pytest.mark.parametrize("pane", ["1", "2"])
async def test_with_no_row_in_sight_an_action_finds_none_selected(key: str, pane: str) -> None:
    rig = Rig()
    async with rig.app.run_test(size=SMALL) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, pane, "down", "down", "down", *NOTHING)
        assert "no row matches the filter" in on_screen(rig)
        await press(rig, pilot, key)
        assert "is selected" in echo(rig)
        assert len(rig.app.screen_stack) == 1
        assert not rig.link.asked
        assert not rig.app.state.tags


@pytest.mark.parametrize("key", ["k", "enter"])
async def test_a_task_that_is_out_of_sight_is_not_acted_on(key: str) -> None:
    rig = Rig(ProgramFeed())
    async with rig.app.run_test(size=SMALL) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "6", "down", *NOTHING, key)
        assert "no task is selected" in echo(rig)
        assert len(rig.app.screen_stack) == 1


async def test_the_cursor_is_back_on_its_row_when_the_filter_is_cleared() -> None:
    rig = Rig(Feed(5))
    async with rig.app.run_test(size=SMALL) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "down", "down")
        chosen = table(rig).cursor
        await press(rig, pilot, *NOTHING)
        assert table(rig).cursor is None
        await press(rig, pilot, "escape")
        assert table(rig).cursor == chosen
        assert rig.app.state.cursor_client() == chosen


@pytest.mark.parametrize(("typed", "hint"), [
    ("fd>2000", "fd:>2000"), ("!in/s>=5K", "in/s:>=5K"), ("bob APPQ=64K", "APPQ:=64K"),
    ("zzz", ""), ("nick>5", ""), ("fd>", ""), ("http=5", "")])
async def test_a_forgotten_colon_is_asked_about_where_nothing_matches(
        typed: str, hint: str) -> None:
    rig = Rig()
    async with rig.app.run_test(size=LARGE) as pilot:
        await begin(rig, pilot)
        rig.app.state.set_filter(f"zzz {typed}")
        await begin(rig, pilot, 0.1)
        text = on_screen(rig)
        assert (f"no row matches the filter; is {hint} meant?" if hint else
                "no row matches the filter; escape clears it") in text


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=str)
@pytest.mark.parametrize(("key", "does"), [("m", Mute), ("M", Unmute)])
async def test_tagged_rows_that_are_hidden_are_counted_and_asked_about(
        size: tuple[int, int], key: str, does: type[Mute | Unmute]) -> None:
    rig = Rig(Feed(5))
    async with rig.app.run_test(size=size) as pilot:
        await begin(rig, pilot)
        for ident in (2, 3):
            rig.app.state.toggle_tag(ident)
        await press(rig, pilot, "slash", *"alice", "enter")
        assert "2 tagged, 2 hidden" in on_screen(rig)
        await press(rig, pilot, key)
        assert "The filter hides 2 of them." in on_screen(rig)
        assert "bob" in on_screen(rig)
        await press(rig, pilot, "enter")           # Cancel is in front
        assert rig.link.asked == []
        await press(rig, pilot, key, "y")
        assert rig.link.asked == [does(("2", "3"))]


async def test_tagged_rows_that_are_all_in_sight_are_muted_at_once() -> None:
    rig = Rig(Feed(5))
    async with rig.app.run_test(size=SMALL) as pilot:
        await begin(rig, pilot)
        rig.app.state.toggle_tag(2)
        await press(rig, pilot, "slash", *"bob", "enter", "m")
        assert "hidden" not in on_screen(rig)
        assert rig.link.asked == [Mute(("2",))]
