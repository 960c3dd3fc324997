"""A figure and a name are written in one way wherever they stand."""

from __future__ import annotations

import pytest

from chatops.units import format_bytes
from tests.tui.press import begin, on_screen, press, write
from tests.tui.shots import Rig
from tui.text.cells import format_limit


@pytest.mark.parametrize(("size", "limit", "said"), [
    (0, "0", "0B"), (72, "72", "72B"), (1434, "1.4K", "1.4K"), (65_536, "64K", "64.0K"),
    (65_540, "64.0K", "64.0K"), (1 << 20, "1M", "1.0M"), (3 << 19, "1.5M", "1.5M"),
    (1 << 60, "1E", "1.0E")])
def test_sizes_are_as_in_the_tables_and_limits_whole_where_they_are(
        size: int, limit: str, said: str) -> None:
    assert (format_limit(size), format_bytes(size)) == (limit, said)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_title_has_the_columns_own_heading(size: tuple[int, int]) -> None:
    rig = Rig()
    async with rig.app.run_test(size=size) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "colon")
        await write(rig, pilot, "sort in/s")
        await press(rig, pilot, "enter", "colon")
        await write(rig, pilot, "columns id nick")     # sorted by what is not shown
        await press(rig, pilot, "enter")
        title = on_screen(rig).replace(":sort in/s", "")
        assert "sort: IN/s" in title
        assert "IN/S" not in title


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_strip_and_the_details_have_sizes_in_one_form(size: tuple[int, int]) -> None:
    rig = Rig()
    async with rig.app.run_test(size=size) as pilot:
        await begin(rig, pilot, 30.0)
        for keys in ((), ("enter",)):
            await press(rig, pilot, *keys)
            assert not [word for word in on_screen(rig).split() if word.endswith(("KB", "KB/s"))]
