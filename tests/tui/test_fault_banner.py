"""The write-interest experiment: what is said while it lasts, and that it has an end."""

from __future__ import annotations

import re

import pytest

from chatops.api.commands import WriteInterest
from chatops.api.link import LinkStatus
from tests.tui.lab_scenes import SpinningFeed, spinning
from tests.tui.press import begin, on_screen, press
from tests.tui.shots import Rig
from tui.lab.stage_text import SPINNING


def feed(rig: Rig) -> SpinningFeed:
    assert isinstance(rig.feed, SpinningFeed)
    return rig.feed


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 40)], ids=str)
async def test_while_writing_is_always_watched_a_banner_names_the_fault_and_its_end(
        size: tuple[int, int]) -> None:
    rig = Rig(spinning())
    async with rig.app.run_test(size=size) as pilot:
        await begin(rig, pilot, 12)
        assert "WRITE INTEREST" not in on_screen(rig)
        feed(rig).always(30)
        await begin(rig, pilot, 5)
        shown = on_screen(rig)
        assert "WRITE INTEREST ALWAYS" in shown
        assert "back on demand in 25 s" in shown


async def test_the_wakeups_of_before_stand_beside_those_of_now() -> None:
    rig = Rig(spinning())
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await begin(rig, pilot, 20)
        feed(rig).always(30)
        await begin(rig, pilot, 10)
        found = re.search(r"([\d,]+) wake-ups/s, ([\d,]+) before", on_screen(rig))
        assert found is not None
        now, before = (int(text.replace(",", "")) for text in found.groups())
        assert now > SPINNING
        assert before < 20


@pytest.mark.parametrize("pause", [0.3, 1.0, 4.0, 9.0])
async def test_a_second_try_is_not_compared_with_the_first(pause: float) -> None:
    rig = Rig(spinning())
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await begin(rig, pilot, 20)
        for _ in range(20):                        # it is drawn five times a second
            rig.run(0.2)
        for seconds in (2.0, 30.0):
            feed(rig).always(seconds)
            for _ in range(round((2.0 + pause) / 0.2)):
                rig.run(0.2)
        await pilot.pause()
        found = re.search(r"wake-ups/s, ([\d,]+) before", on_screen(rig))
        assert found is not None
        assert int(found[1].replace(",", "")) < 20


async def test_the_banner_goes_when_the_server_is_back_on_demand() -> None:
    rig = Rig(spinning())
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot, 3)
        feed(rig).always(30)
        await begin(rig, pilot, 29)
        assert "back on demand in  1 s" in on_screen(rig)
        await begin(rig, pilot, 2)
        assert "WRITE INTEREST" not in on_screen(rig)


async def test_one_that_was_told_to_stay_says_how_it_ends() -> None:
    rig = Rig(spinning())
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot, 3)
        feed(rig).stays = True
        feed(rig).always(3000)
        await begin(rig, pilot, 2)
        assert "it stays until you press w" in on_screen(rig)


async def test_the_key_asks_for_always_and_then_for_its_undo() -> None:
    rig = Rig(spinning())
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot, 3)
        await press(rig, pilot, "w")
        feed(rig).always(30)
        await begin(rig, pilot, 1)
        await press(rig, pilot, "w")
        assert rig.link.asked == [WriteInterest("always"), WriteInterest("on-demand")]


async def test_a_server_that_is_gone_spins_no_more() -> None:
    rig = Rig(spinning())
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot, 3)
        feed(rig).always(30)
        await begin(rig, pilot, 1)
        rig.link.silent, rig.link.status = True, LinkStatus(False, "killed")
        await begin(rig, pilot, 1)
        assert "the server is gone" in on_screen(rig)
        assert "WRITE INTEREST" not in on_screen(rig)
