"""The last line fits what is looked at: what can be done there, and always the way back."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from chatops.api.link import LinkStatus
from chatops.api.program import LoopRow
from chatops.api.snapshot import Snapshot
from chatops.links.replay import ReplayLink
from tests.tui.feed import Feed
from tests.tui.press import LARGE, SMALL, looking, on_screen, press
from tests.tui.program_feed import ProgramFeed
from tests.tui.shots import Rig
from tests.tui.test_playback import played, recorded
from tui.app import ConsoleApp

LEAST = (60, 16)


def bar(rig: Rig) -> str:
    return " ".join(on_screen(rig).splitlines()[-1].split())


async def bar_after(keys: Sequence[str], size: tuple[int, int], feed: Feed | None = None,
                    status: LinkStatus | None = None) -> str:
    async with looking(feed or Feed(), size, 20.0) as (rig, pilot):
        rig.link.status = status or rig.link.status
        rig.run(0.1)
        await press(rig, pilot, *keys)
        return bar(rig)


async def test_at_80_columns_the_lab_and_the_turns_have_a_place() -> None:
    assert await bar_after((), SMALL) == (
        "? help / filter <> sort k kick b say p pause [] step L lab q quit")


@pytest.mark.parametrize("size", [LEAST, SMALL, LARGE], ids=str)
async def test_paused_the_way_on_comes_first(size: tuple[int, int]) -> None:
    said = await bar_after(("p",), size)
    assert said.startswith("p go on ")
    assert said.endswith("q quit")
    assert (await bar_after(("p", "p"), size)).startswith("? help ")


@pytest.mark.parametrize("size", [LEAST, SMALL, LARGE], ids=str)
async def test_in_the_past_the_way_back_is_named_and_nothing_of_the_present(
        size: tuple[int, int]) -> None:
    said = await bar_after(("left_square_bracket",), size)
    assert said.startswith("[] step S seek end live ")
    assert "? help" in said
    assert said.endswith("q quit")
    assert "kick" not in said
    assert (await bar_after(("left_square_bracket", "end"), size)).startswith("? help ")


async def test_with_very_little_room_it_is_the_way_back_that_stays() -> None:
    async with looking(Feed(), LEAST, 5.0) as (rig, pilot):
        await press(rig, pilot, "left_square_bracket")
        rig.app._main._key_bar.styles.width = 12
        await pilot.pause()
        assert bar(rig) == "end live"


@pytest.mark.parametrize("status", [LinkStatus(alive=True, read_only=True),
                                    LinkStatus(alive=False, detail="gone")], ids=str)
async def test_where_nothing_can_be_changed_no_key_that_would_is_offered(
        status: LinkStatus) -> None:
    said = await bar_after((), LARGE, status=status)
    assert "kick" not in said
    assert "say" not in said
    assert "p pause [] step" in said


async def test_a_recording_offers_what_there_is_to_do_with_one() -> None:
    recording, clock = recorded()
    app = ConsoleApp(ReplayLink(recording, clock), replay=True, ticking=False, clock=clock)

    def said() -> str:
        line = app.screen._compositor.render_strips()[-1]
        return " ".join(line.text.split())

    async with app.run_test(size=SMALL) as pilot:
        played(app, clock, 10.0)
        await pilot.pause()
        assert said() == ("? help / filter <> sort p stop [] step {} speed S seek L lab q quit")
        await pilot.press("p")
        await pilot.pause()
        assert said().startswith("p play on ? help ")
        await pilot.press("left_square_bracket")
        await pilot.pause()
        assert said().startswith("p play on [] step S seek end back ")
        await pilot.press("p")
        played(app, clock, 60.0)
        await pilot.pause()
        assert "p play again" in said()


class _TwoLoops(ProgramFeed):
    def snapshot(self) -> Snapshot:
        picture = super().snapshot()
        assert picture.program is not None
        other = LoopRow(2, "selectors", "worker", "poll", 3, 7, "run (w.py:5)")
        return replace(picture, program=replace(
            picture.program, loops=(*picture.program.loops, other)))


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=str)
async def test_other_loops_are_offered_where_there_are_any_and_leaving_comes_last(
        size: tuple[int, int]) -> None:
    one, two = await bar_after((), size, ProgramFeed(3)), await bar_after((), size, _TwoLoops(3))
    assert "o loops" not in one
    assert "L lab o loops q quit" in two
    assert "k abort" in one
    assert one.endswith("q quit")
    assert "say" not in one


async def test_in_a_program_the_key_that_ends_something_says_what() -> None:
    async with looking(ProgramFeed(3), LARGE) as (rig, pilot):
        assert "k abort" in bar(rig)
        await press(rig, pilot, "6")
        assert "k cancel" in bar(rig)
        await press(rig, pilot, "3")
        assert " k " not in bar(rig)
