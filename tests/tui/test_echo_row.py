"""What went wrong can be read to its end, whatever the width of the terminal."""

from __future__ import annotations

import pytest

from tests.tui.eyes import LARGE, SMALL
from tests.tui.press import begin, on_screen, press, write
from tests.tui.shots import Rig

WIDE = "x" * 60
FAILING = {"sort foo": "in/s, out/s, rtt, idle", "columns foo": "hist",
           "alert foo": "as in queued>1M", "lesson zzz": "writable, closed",
           f"screenshot /nowhere/{WIDE}.svg": "No such file or directory"}


def read(rig: Rig) -> str:
    """The screen as one line, however it is folded."""
    return " ".join(on_screen(rig).split())


@pytest.mark.parametrize("size", [(60, 16), SMALL, LARGE], ids=str)
@pytest.mark.parametrize("line", FAILING)
async def test_a_failure_is_shown_to_its_end_and_folds_up_with_the_next_key(
        line: str, size: tuple[int, int]) -> None:
    rig = Rig()
    async with rig.app.run_test(size=size) as pilot:
        await begin(rig, pilot)
        before = on_screen(rig).splitlines()
        await press(rig, pilot, "colon")
        await write(rig, pilot, line)
        await press(rig, pilot, "enter")
        await rig.app.workers.wait_for_complete()
        await pilot.pause()
        assert FAILING[line] in read(rig)
        await press(rig, pilot, "down")
        after = on_screen(rig).splitlines()
        assert len(after) == len(before)
        assert after[-1] == before[-1]
        assert after[-3].split()[0] == before[-3].split()[0]       # the details again


async def test_a_failure_of_one_row_covers_nothing() -> None:
    rig = Rig()
    async with rig.app.run_test(size=SMALL) as pilot:
        await begin(rig, pilot)
        before = on_screen(rig).splitlines()
        await press(rig, pilot, "colon", *"zzz", "enter", "escape", "6")
        assert on_screen(rig).splitlines()[-3].split()[0] == before[-3].split()[0]


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=str)
async def test_what_is_wrong_with_a_filter_is_read_to_its_end_while_it_is_typed(
        size: tuple[int, int]) -> None:
    rig = Rig()
    async with rig.app.run_test(size=size) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "slash")
        await write(rig, pilot, "foo:bar")
        assert "no column 'foo' here; there is id" in read(rig)
        assert "idle, hist, node" in read(rig)
        assert "filter foo:bar" in on_screen(rig).splitlines()[-2]
