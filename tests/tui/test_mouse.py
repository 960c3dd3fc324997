"""A mouse works wherever a key does: what a click into the header and beside the tables runs."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.tui.feed import Feed
from tests.tui.press import Page, kind, looking, on_screen, press
from tests.tui.program_feed import ProgramFeed
from tests.tui.shots import Rig
from tui.screens.details import DetailsScreen
from tui.screens.lints import LintsScreen
from tui.screens.main import MainScreen
from tui.screens.plot import PlotScreen
from tui.widgets.title_line import title_line

SIZES = [(60, 16), (80, 24), (120, 40)]


async def click(rig: Rig, pilot: Page, text: str, *, after: int = 0) -> None:
    """On the first place of the screen that reads so, or so many cells behind it."""
    for y, line in enumerate(on_screen(rig).split("\n")):
        if text in line:
            await pilot.click(offset=(line.index(text) + after, y))
            rig.run(0.1)
            await pilot.pause()
            return
    raise AssertionError(f"{text!r} is not on the screen")


@pytest.mark.parametrize("size", SIZES)
async def test_the_chip_pauses_and_goes_back_to_live(size: tuple[int, int]) -> None:
    async with looking(Feed(5), size) as (rig, pilot):
        await click(rig, pilot, "● LIVE")
        assert rig.app.state.chip == "PAUSED"
        await click(rig, pilot, "PAUSED", after=-1)
        assert rig.app.state.chip == "LIVE"
        await press(rig, pilot, "left_square_bracket")
        assert rig.app.state.chip.startswith("TURN")
        await click(rig, pilot, "TURN")
        assert rig.app.state.chip == "LIVE"
        assert kind(rig) is MainScreen


@pytest.mark.parametrize("size", SIZES)
async def test_of_the_first_line_only_the_number_of_clients_is_a_figure(
        size: tuple[int, int]) -> None:
    async with looking(Feed(5), size) as (rig, pilot):
        for text, after in (("chatops", 2), ("127.0.0.1", 0), ("epoll", 0), ("clients 5", 11)):
            await click(rig, pilot, text, after=after)
            assert kind(rig) is MainScreen, text
            assert not rig.app.state.paused
        for after in (0, 8):
            await click(rig, pilot, "clients 5", after=after)
            assert kind(rig) is PlotScreen
            await press(rig, pilot, "escape")


async def test_a_program_has_no_clients_to_plot() -> None:
    async with looking(ProgramFeed(clients=3), (120, 40)) as (rig, pilot):
        for x in range(0, 100, 5):
            await pilot.click(offset=(x, 0))
            assert kind(rig) is MainScreen


@pytest.mark.parametrize("size", SIZES)
async def test_the_line_and_the_pane_that_tell_of_lints_explain_them(
        size: tuple[int, int]) -> None:
    async with looking(Feed(5), size, 20.0) as (rig, pilot):
        await click(rig, pilot, "! #2 bob")
        assert kind(rig) is LintsScreen
        await press(rig, pilot, "escape")
        if size[0] >= 120:
            for offset in ((4, 0), (4, 1), (10, 3)):
                await pilot.click("#lints-pane", offset=offset)
                await press(rig, pilot)
                assert kind(rig) is LintsScreen
                await press(rig, pilot, "escape")


@pytest.mark.parametrize("size", SIZES[1:])
async def test_the_strip_about_a_row_opens_its_details(size: tuple[int, int]) -> None:
    async with looking(Feed(5), size) as (rig, pilot):
        await pilot.click("#strip", offset=(10, 1))
        await press(rig, pilot)
        assert kind(rig) is DetailsScreen


# -- who is only a guest


@pytest.mark.parametrize(("size", "clients"), [((60, 16), 3), ((80, 24), 12), ((80, 24), 1000)])
async def test_a_console_that_is_attached_says_so_and_has_room_for_it(
        size: tuple[int, int], clients: int) -> None:
    async with looking(Feed(clients), size, attached=True) as (rig, pilot):
        state = rig.app.state
        for silent in (0.0, 5.0):
            rig.link.silent = silent > 0
            rig.run(silent)
            await pilot.pause()
            line = on_screen(rig).split("\n")[0]
            assert " ATTACHED " in line
            assert f"clients {clients:,}" in line
        rig.link.status = replace(rig.link.status, read_only=True)
        rig.run(0.1)
        line = title_line(state, size[0]).plain
        assert "READ ONLY" in line
        assert "ATTACHED" not in line


async def test_the_console_of_an_embedded_server_is_not_attached() -> None:
    async with looking(Feed(3), (80, 24)) as (rig, _):
        assert "ATTACHED" not in on_screen(rig)
