"""What a test sees of a console, and how it presses its keys."""

from __future__ import annotations

from textual.pilot import Pilot

from tests.tui.shots import Rig
from tui.widgets.live_table import LiveTable

SMALL, LARGE = (80, 24), (120, 40)


def screen_text(rig: Rig) -> str:
    """What the terminal shows, line by line."""
    lines = rig.app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in lines)


def table(rig: Rig, name: str = "clients") -> LiveTable:
    return rig.app.query_one(f"#{name}-table", LiveTable)


async def press(pilot: Pilot[int], *keys: str) -> None:
    await pilot.press(*keys)
    await pilot.pause()
