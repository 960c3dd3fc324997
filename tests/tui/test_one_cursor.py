"""Of several tables on the screen only the active one's cursor stands out; the others rest."""

from __future__ import annotations

import pytest
from rich.style import Style

from tests.tui.press import begin, press
from tests.tui.shots import Rig
from tui.terminal import Terminal
from tui.widgets.live_table import LiveTable

TERMINALS = [Terminal(), Terminal(palette=True), Terminal(sixteen=True), Terminal(no_color=True)]
NAMES = ["night", "256", "ansi", "no-color"]


def cursor_row(rig: Rig, name: str) -> tuple[str, list[Style], list[Style]]:
    """What it reads, and its styles and those of the row below it, as they are drawn."""
    table = rig.app.query_one(f"#{name}-table", LiveTable)
    region = table.scrollable_content_region
    strips = list(rig.app.screen._compositor.render_strips())
    first, second = (strips[y].crop(region.x, region.right)
                     for y in (region.y + 1, region.y + 2))
    return first.text, [s for _, s, _ in first if s], [s for _, s, _ in second if s]


def stands_out(rig: Rig, name: str) -> bool:
    text, here, below = cursor_row(rig, name)
    assert text[2] == ">"
    assert any(style.bold or style.reverse for style in here)
    return ({style.reverse for style in here} != {style.reverse for style in below}
            or {style.bgcolor for style in here} != {style.bgcolor for style in below})


@pytest.mark.parametrize("terminal", TERMINALS, ids=NAMES)
async def test_only_the_active_panes_cursor_has_its_ground(terminal: Terminal) -> None:
    rig = Rig(terminal=terminal)
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await begin(rig, pilot, 5.0)
        await press(rig, pilot, "home")
        assert (stands_out(rig, "clients"), stands_out(rig, "selector")) == (True, False)
        await press(rig, pilot, "2", "home")
        assert (stands_out(rig, "clients"), stands_out(rig, "selector")) == (False, True)
        await press(rig, pilot, "4")
        assert (stands_out(rig, "clients"), stands_out(rig, "selector")) == (False, False)


async def test_while_a_command_is_typed_the_row_it_would_act_on_is_still_seen() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await begin(rig, pilot, 5.0)
        await press(rig, pilot, "home", "colon", "k")
        assert stands_out(rig, "clients")
