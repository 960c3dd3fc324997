"""The key that tags goes on to the next row, so that some in a row are tagged by it alone."""

from __future__ import annotations

import pytest

from tests.tui.feed import Feed
from tests.tui.press import looking, press, table, write


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_key_tags_one_row_after_the_other(size: tuple[int, int]) -> None:
    async with looking(Feed(5), size) as (rig, pilot):
        await press(rig, pilot, "home")
        rows = [row.id for row in table(rig).rows]
        await press(rig, pilot, "space", "space")
        assert rig.app.state.tags == set(rows[:2])
        assert table(rig).cursor == rows[2]
        await press(rig, pilot, "up", "space")
        assert rig.app.state.tags == {rows[0]}


async def test_at_the_last_row_the_cursor_stays() -> None:
    async with looking(Feed(3), (80, 24)) as (rig, pilot):
        await press(rig, pilot, "ctrl+end", "space")
        last = table(rig).rows[-1].id
        assert (rig.app.state.tags, table(rig).cursor) == ({last}, last)
        await press(rig, pilot, "space")
        assert not rig.app.state.tags


async def test_from_the_selectors_map_the_next_descriptor_is_gone_to() -> None:
    async with looking(Feed(3), (80, 24)) as (rig, pilot):
        await press(rig, pilot, "2", "home", "down", "down", "space", "space")
        assert rig.app.state.tags == {1, 2}


async def test_who_is_followed_or_named_keeps_the_cursor_where_it_is() -> None:
    async with looking(Feed(5), (80, 24)) as (rig, pilot):
        await press(rig, pilot, "home", "F")
        followed = table(rig).cursor
        await press(rig, pilot, "space")
        assert (rig.app.state.followed, table(rig).cursor) == (followed, followed)
        await press(rig, pilot, "F", "colon")
        await write(rig, pilot, "tag 4")
        await press(rig, pilot, "enter")
        assert 4 in rig.app.state.tags
        assert table(rig).cursor == followed
