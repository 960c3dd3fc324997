"""Whatever clients call themselves, and however small the terminal, the console draws well."""

from __future__ import annotations

import pytest

from chatops.api.events import Said
from tests.tui.feed import Feed
from tests.tui.press import LARGE, SMALL, on_screen, press
from tests.tui.shots import Rig
from tui.screens.main import MainScreen
from tui.screens.prompt import Prompt

HOSTILE = ("[/foo]", "[@click=app.quit]x[/]", "\x1b[2J\x1b]52;c;QQ==\x07", "e" + "\u0301" * 5000,
           "李小龍さくら漢字仮名", "\u202eevil", "${x} %s {0}", "[", "\\[bold]")


@pytest.mark.parametrize("size", [(59, 24), (80, 15), (20, 5)])
async def test_a_terminal_too_small_is_told_so(size: tuple[int, int]) -> None:
    rig = Rig()
    async with rig.app.run_test(size=size) as pilot:
        rig.run(1)
        await pilot.pause()
        text = on_screen(rig)
        assert "60" in text
        assert "alice" not in text


@pytest.mark.parametrize("size", [(60, 16), SMALL, (100, 30), LARGE, (200, 60)])
async def test_resizing_keeps_every_line_within_the_terminal(size: tuple[int, int]) -> None:
    rig = Rig()
    async with rig.app.run_test(size=SMALL) as pilot:
        rig.run(2)
        await pilot.resize_terminal(*size)
        await pilot.pause()
        rig.run(0.5)
        await pilot.pause()
        strips = rig.app.screen._compositor.render_strips()
        assert {strip.cell_length for strip in strips} == {size[0]}


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_untrusted_text_is_drawn_as_it_is_and_does_nothing(size: tuple[int, int]) -> None:
    feed = Feed(clients=len(HOSTILE), slow=tuple(range(1, len(HOSTILE) + 1)))
    for talker, text in zip(feed.talkers.values(), HOSTILE, strict=True):
        talker.nick = talker.peer = talker.room = text
        talker.queued = 500
        feed.happened.append(Said(feed.wall, talker.id, text, text, text))
    rig = Rig(feed)
    async with rig.app.run_test(size=size) as pilot:
        rig.run(2)
        for ident, text in enumerate(HOSTILE[:4], 1):
            feed.leave(ident, reason=text)
        rig.run(1)
        for key in ("1", "2", "3", "4", "5", "1", "enter", "escape", "l", "escape", "k", "escape"):
            await press(rig, pilot, key)
            rig.run(0.1)
            assert "\x1b" not in on_screen(rig)
            assert "\u202e" not in on_screen(rig)
        assert isinstance(rig.app.screen, MainScreen)
        for y in (4, size[1] // 3, size[1] - 5):
            await pilot.click(offset=(14, y))
        assert rig.app.is_running
        await press(rig, pilot, "escape", "escape")


async def test_wide_characters_do_not_push_the_columns_behind_them() -> None:
    rig = Rig()
    async with rig.app.run_test(size=SMALL) as pilot:
        rig.run(1)
        await pilot.pause()
        strips = rig.app.screen._compositor.render_strips()
        lines = ["".join(s.text for s in strip) for strip in strips]
        peers = [strip.crop(21, 41).text.find("127.0.0.1:") for strip, line in
                 zip(strips, lines, strict=True) if "127.0.0.1:50" in line]
        assert len(set(peers)) == 1


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_emoji_that_are_joined_stand_side_by_side_and_no_sign_of_the_joiner_is_drawn(
        size: tuple[int, int]) -> None:
    family = "\N{MAN}\u200d\N{WOMAN}\u200d\N{GIRL}"
    rig = Rig()
    async with rig.app.run_test(size=size) as pilot:
        rig.feed.happened.append(Said(rig.feed.wall, 1, "alice", "lobby", f"we are {family}"))
        rig.run(0.2)
        await press(rig, pilot, "3")
        rig.app.screen.query_one(Prompt).outcome(True, f"said {family}")
        rig.run(0.1)
        await pilot.pause()
        lines = [line for line in on_screen(rig).splitlines() if "\N{GIRL}" in line]
        assert len(lines) == 2
        assert all("\N{MAN}\N{WOMAN}\N{GIRL}" in line for line in lines)
        strips = rig.app.screen._compositor.render_strips()
        assert {strip.cell_length for strip in strips} == {size[0]}
