"""Fields to type in: what they hold is drawn by the terminal, and must be no more than text."""

from __future__ import annotations

import pytest
from textual.events import Paste
from textual.widgets import Input

from chatops.api.commands import Broadcast
from tests.tui.press import SMALL, begin, on_screen, press, write
from tests.tui.shots import Rig

TURNED = "abc\u202edef\u2066\x9b31m\tg"


@pytest.mark.parametrize("keys", [("b",), ("k", "tab", "tab"), ("K",), ("colon", *"kick "),
                                  ("slash",), ("question_mark",), ("ctrl+p",)], ids="-".join)
async def test_no_field_passes_on_what_turns_text_or_begins_an_order(keys: tuple[str, ...]
                                                                     ) -> None:
    rig = Rig()
    async with rig.app.run_test(size=SMALL) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, *keys)
        before = rig.app.screen.focused or rig.app.screen
        before.post_message(Paste(TURNED))
        await pilot.pause()
        field = rig.app.screen.focused
        if isinstance(field, Input):
            await write(rig, pilot, TURNED)
            assert field.value.endswith("abcdef31m gabcdef31m g")
            assert field.cursor_position == len(field.value)
        assert not set("\u202e\u2066\x9b") & set(on_screen(rig))


async def test_what_joins_letters_and_emoji_stays_in_a_broadcast() -> None:
    said = "می\u200cخواهم 👩\u200d💻"
    rig = Rig()
    async with rig.app.run_test(size=SMALL) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "b")
        await write(rig, pilot, said)
        await press(rig, pilot, "enter")
        await pilot.pause()
        assert rig.link.asked == [Broadcast(said)]
