"""Plain terminals: everything that is drawn is ASCII, and stands where it stood."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.tui.press import begin, on_screen, press
from tests.tui.shots import SCENES, Rig, Scene, in_utc
from tui.plain import SIGNS, plain
from tui.terminal import ASCII, LATIN_1, Terminal


@pytest.mark.parametrize("scene", [s for s in SCENES if s.name in (
    "console", "console-80x24", "loop-80x24", "details-120x40", "kick-80x24", "lab",
    "lesson-80x24", "cost-curve", "write-interest-always")], ids=lambda scene: scene.name)
async def test_every_screen_is_ascii_and_keeps_its_columns(scene: Scene) -> None:
    screens = []
    for terminal in (Terminal(), Terminal(letters=ASCII)):
        rig = Rig(scene.feed(), terminal=terminal)
        with in_utc():
            async with rig.app.run_test(size=scene.size) as pilot:
                await begin(rig, pilot, 20)
                scene.before(rig.app)
                await press(rig, pilot, *scene.keys)
                screens.append(on_screen(rig).splitlines())
    usual, ascii_only = screens
    assert not "".join(usual).isascii()
    assert "".join(ascii_only).isascii()
    for before, after in zip(usual, ascii_only, strict=True):
        assert cell_len(before) == len(after)
        # Letters stand where they stood.
        if before.isascii():
            assert before == after


@given(st.text(), st.sampled_from([ASCII, LATIN_1]))
def test_any_text_keeps_its_cells_and_has_no_letter_too_many(text: str, letters: int) -> None:
    shown = plain(text, letters)
    assert cell_len(shown) == sum(map(cell_len, text))
    assert all(ord(char) < letters for char in shown)


def test_a_sign_is_one_cell_and_stays_one() -> None:
    for sign, instead in SIGNS.items():
        assert cell_len(sign) == len(instead) == 1, sign
        assert instead.isascii()


def test_curves_rise_and_bars_grow_in_ascii_too() -> None:
    heights = [plain(sign, ASCII) for sign in "▁▂▃▄▅▆▇█"]
    assert len(set(heights)) == 8
    assert plain("████▍····", ASCII) == "####|...."
    assert plain("╭─ a ─╮", ASCII) == "+- a -+"
    assert plain("7µs → Zoë", ASCII) == "7us > Zo?"
    assert plain("7µs → Zoë", LATIN_1) == "7us > Zoë"
    assert plain("李!", ASCII) == "??!"
