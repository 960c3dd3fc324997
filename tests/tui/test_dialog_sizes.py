"""Every question can be answered by keys and mouse in the smallest terminal, and after a resize."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.widgets import Button

from tests.tui.feed import Feed
from tests.tui.press import Page, begin, looking, on_screen, press
from tests.tui.program_feed import ProgramFeed
from tests.tui.shots import Rig
from tui.screens.question import Question

SIZES = [(60, 16), (80, 24)]
QUESTIONS: list[tuple[type[Feed], str]] = [
    (Feed, "quit"), (Feed, "kick 3"), (Feed, "kick 1,2,3,4,5,6,7,8"), (Feed, "ban 3"),
    (Feed, "ban 10.0.0.0/8"), (Feed, "broadcast"), (ProgramFeed, "quit"),
    (ProgramFeed, "close 3"), (ProgramFeed, "cancel 4")]


async def ask(rig: Rig, pilot: Page, line: str) -> None:
    if line == "broadcast":
        await press(rig, pilot, "b")
    else:
        rig.app.dispatcher.typed(line)
    await begin(rig, pilot, 0.1)
    assert isinstance(rig.app.screen, Question)


def out_of_sight(rig: Rig) -> list[str]:
    """Buttons that cannot be seen whole."""
    box = rig.app.screen.query_one(".box").content_region
    return [str(button.label) for button in rig.app.screen.query(Button)
            if not box.contains_region(button.region)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("feed", "line"), QUESTIONS)
async def test_all_of_a_question_is_in_sight(
        feed: Callable[..., Feed], line: str, size: tuple[int, int]) -> None:
    async with looking(feed(clients=9), size, 20.0, attached=True) as (rig, pilot):
        await ask(rig, pilot, line)
        assert out_of_sight(rig) == []
        assert rig.app.screen.query_one(".box").max_scroll_y == 0
        hints = on_screen(rig)
        assert "esc cancel" in hints or "esc let it run" in hints


@pytest.mark.parametrize(("feed", "line"), QUESTIONS)
async def test_a_resize_keeps_the_focus_and_everything_in_reach(
        feed: Callable[..., Feed], line: str) -> None:
    async with looking(feed(clients=9), (120, 40), 20.0, attached=True) as (rig, pilot):
        await ask(rig, pilot, line)
        await press(rig, pilot, "tab")
        focused = rig.app.screen.focused
        for size in ((60, 16), (30, 8), (80, 24), (200, 60), (60, 16)):
            await pilot.resize_terminal(*size)
            await begin(rig, pilot, 0.1)
            assert rig.app.screen.focused is focused
            if size[0] >= 60:
                assert out_of_sight(rig) == []
        await pilot.click("#choice-0")
        await begin(rig, pilot, 0.1)
        assert not isinstance(rig.app.screen, Question)
        assert rig.link.asked == []
        assert rig.app.is_running


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("feed", [Feed, ProgramFeed])
async def test_a_click_on_detach_leaves_and_stops_nothing(
        feed: Callable[..., Feed], size: tuple[int, int]) -> None:
    async with looking(feed(clients=9), size, attached=True) as (rig, pilot):
        await ask(rig, pilot, "quit")
        await pilot.click("#choice-1")
    assert rig.link.asked == []
    assert rig.app.return_value == 0


async def test_every_key_of_a_clients_details_is_named_at_60_columns() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(60, 16)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "enter")
        assert "k kick  K ban  m mute  g plot  ↑↓ scroll  esc close" in on_screen(rig)
