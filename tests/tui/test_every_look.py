"""Every theme in every layout, with all signs and in ASCII: the same words in the same places.

How it reads with the usual theme is kept as pictures (`screenshots/`); what has a colour can be
read (`test_themes.py`).  So what is left is that a theme changes nothing but colours.
"""

from __future__ import annotations

from functools import partial

import pytest

from tests.tui.press import begin, on_screen, press, until
from tests.tui.shots import Rig, crowd, in_utc
from tui.plain import plain
from tui.terminal import Terminal
from tui.theme import THEMES

SIZES = [(60, 16), (80, 24), (120, 40), (200, 60)]
PANES, DASHBOARD = ("1", "2", "3", "4", "5"), ("1", "5")     # of which one shows four at once
ASCII = 0x80
SETTLED = 3                    # frames after which nothing is laid out any more


async def read(size: tuple[int, int], *, expected: list[str] | None = None) -> list[str]:
    """What stands on the screen with each of the panes active, in every theme; in ASCII when
    that is `expected`.
    """
    seen = []
    rig = Rig(crowd(), terminal=Terminal(letters=ASCII if expected is not None else 0))
    async with rig.app.run_test(size=size) as pilot:
        await begin(rig, pilot, 4.0)
        await begin(rig, pilot)        # shares of time are known with the second picture
        for at, key in enumerate(PANES if size[0] < 120 else DASHBOARD):
            await press(rig, pilot, key)
            for _ in range(SETTLED):
                rig.app.redraw()
                await pilot.pause()
            words = on_screen(rig) if expected is None else expected[at]
            seen.append(words)
            for theme in THEMES.values():
                rig.app.theme = theme.name
                await until(rig, pilot, partial(_reads, rig, words))
    return seen


def _reads(rig: Rig, words: str) -> bool:
    return on_screen(rig) == words


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
async def test_a_theme_changes_no_word_and_no_place_and_ascii_only_signs(
        size: tuple[int, int]) -> None:
    with in_utc():
        usual = await read(size)
        assert len(set(usual)) > 1
        in_ascii = [plain(screen, ASCII) for screen in usual]
        assert all(map(str.isascii, in_ascii))
        assert {len(line) for screen in in_ascii for line in screen.split("\n")} == {size[0]}
        await read(size, expected=in_ascii)
