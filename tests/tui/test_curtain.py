"""Until every pane has something to show, the console says that it is starting."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.tui.press import echo, kind, on_screen
from tests.tui.shots import Rig
from tui.screens.question import Question
from tui.widgets.curtain import PATIENCE


def silent() -> Rig:
    """A console whose server has not answered yet."""
    rig = Rig()
    rig.link.silent = True
    return rig


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 40), (200, 60)])
async def test_it_says_starting_until_the_first_picture_and_is_complete_with_it(
        size: tuple[int, int]) -> None:
    rig = silent()
    async with rig.app.run_test(size=size) as pilot:
        await pilot.pause()
        rig.run(0.5)
        await pilot.pause()
        assert on_screen(rig).split() == ["chatops", "starting"]
        rig.link.silent = False
        for _ in range(3):
            rig.run(0.1)
            await pilot.pause()
            text = on_screen(rig)
            assert "starting" in text or ("LIVE" in text and "alice" in text)
        assert "starting" not in on_screen(rig)
        assert "alice" in on_screen(rig)


async def test_who_waits_in_vain_is_shown_what_there_is() -> None:
    rig = silent()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        rig.run(0.1)
        rig.run(PATIENCE + 0.1)
        await pilot.pause()
        assert "no snapshot yet" in on_screen(rig)


async def test_a_server_that_is_gone_already_is_said_at_once() -> None:
    rig = silent()
    rig.link.status = replace(rig.link.status, alive=False, detail="it has stopped")
    async with rig.app.run_test(size=(80, 24)) as pilot:
        for _ in range(3):
            rig.run(0.1)
            await pilot.pause()
        assert "it has stopped" in on_screen(rig)


async def test_it_is_not_drawn_again_by_a_pause_or_a_resize() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(120, 40)) as pilot:
        for _ in range(3):
            rig.run(0.1)
            await pilot.pause()
        await pilot.resize_terminal(80, 24)
        rig.run(0.1)
        await pilot.pause()
        assert "starting" not in on_screen(rig)


async def test_keys_work_while_it_is_starting() -> None:
    rig = silent()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("z")
        await pilot.pause()
        assert echo(rig).strip().startswith(":zoom")
        await pilot.press("q")
        await pilot.pause()
        assert issubclass(kind(rig), Question)
