"""Leaving a console: nothing stops without a question, and none is asked where nothing stops."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.widgets import Button

from chatops.api.commands import Quit
from chatops.api.link import LinkStatus
from tests.tui.feed import Feed
from tests.tui.press import begin, on_screen, press
from tests.tui.program_feed import ProgramFeed
from tests.tui.shots import Rig
from tui.screens.confirm import QuitDialog


@pytest.mark.parametrize("key", ["q", "f10", "ctrl+q", "ctrl+c"])
async def test_every_key_that_leaves_asks_first(key: str) -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, key)
        assert isinstance(rig.app.screen, QuitDialog)
        assert rig.app.is_running
        assert rig.link.asked == []


@pytest.mark.parametrize("line", ["kick 3", "help", "bans", "lab", "palette", "seek"])
@pytest.mark.parametrize("keys", [("ctrl+q", "ctrl+q"), ("ctrl+c",)])
async def test_with_something_in_front_nothing_leaves_without_a_question_either(
        line: str, keys: tuple[str, ...]) -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        rig.app.dispatcher.typed(line)
        await pilot.pause()
        asked = list(rig.link.asked)
        await press(rig, pilot, *keys)
        assert rig.app.is_running
        assert rig.link.asked == asked
        assert sum(isinstance(screen, QuitDialog) for screen in rig.app.screen_stack) <= 1


async def test_a_second_interrupt_stops_now_what_the_first_asked_about() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "ctrl+c", "ctrl+q")
        assert rig.link.asked == []
        await press(rig, pilot, "ctrl+c")
        assert rig.link.asked == [Quit("now")]


@pytest.mark.parametrize("feed", [Feed, ProgramFeed])
async def test_a_second_interrupt_detaches_a_console_that_is_attached(
        feed: Callable[[], Feed]) -> None:
    rig = Rig(feed(), attached=True)
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "ctrl+c", "ctrl+c")
    assert rig.link.asked == []
    assert rig.app.return_value == 0


async def test_quitting_says_what_would_be_lost() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot, 30.0)
        await press(rig, pilot, "q")
        assert "still queued for" in on_screen(rig)
        await press(rig, pilot, "s")
        assert rig.link.asked == [Quit("now")]


async def test_a_console_that_is_attached_can_leave_without_stopping_the_server() -> None:
    rig = Rig(attached=True)
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "q")
        assert isinstance(rig.app.screen, QuitDialog)
        assert "enter press  x detach  d drain  s stop now  esc cancel" in on_screen(rig)
        await press(rig, pilot, "x")
    assert rig.link.asked == []
    assert rig.app.return_value == 0


async def test_a_console_that_may_only_look_is_offered_to_leave_and_nothing_else() -> None:
    rig = Rig(Feed(clients=0), attached=True)
    rig.link.status = LinkStatus(True, read_only=True)
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await begin(rig, pilot)
        text = on_screen(rig)
        assert "nobody is here; connect with" in text
        assert "spawn" not in text
        await press(rig, pilot, "q")
        text = on_screen(rig)
        assert "enter press  x detach  esc cancel" in text
        assert "Drain" not in text
        assert "Stop" not in text
        await press(rig, pilot, "d", "s")
        assert isinstance(rig.app.screen, QuitDialog)
        await press(rig, pilot, "x")
    assert rig.link.asked == []
    assert rig.app.return_value == 0


async def test_one_that_may_only_look_at_a_program_is_offered_the_same() -> None:
    rig = Rig(ProgramFeed(), attached=True)
    rig.link.status = LinkStatus(True, read_only=True)
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "q")
        text = on_screen(rig)
        assert "enter press  x detach  esc cancel" in text
        assert "Stop it" not in text
        await press(rig, pilot, "x")
    assert rig.link.asked == []
    assert rig.app.return_value == 0


async def test_leaving_a_recording_asks_nothing_and_stops_nothing() -> None:
    rig = Rig()
    rig.app.state.replay = True
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "q")
    assert rig.link.asked == []
    assert rig.app.return_value == 0


@pytest.mark.parametrize("feed", [Feed, ProgramFeed])
@pytest.mark.parametrize("attached", [True, False])
async def test_nothing_that_harms_is_shown_on_cancel_and_detach_stands_next_to_it(
        feed: Callable[[], Feed], *, attached: bool) -> None:
    rig = Rig(feed(), attached=attached)
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "q")
        assert ":quit" not in on_screen(rig)
        if attached:
            await press(rig, pilot, "tab")
            focused = rig.app.screen.focused
            assert isinstance(focused, Button)
            assert str(focused.label) == "Detach"
            assert ":quit" not in on_screen(rig)
        await press(rig, pilot, "tab")
        assert ":quit drain" in on_screen(rig)
        await press(rig, pilot, "tab")
        assert ":quit now" in on_screen(rig)
        await press(rig, pilot, "tab")
        assert ":quit" not in on_screen(rig)
