"""What went wrong can be read to its end, whatever the width of the terminal."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from chatops.api.link import LinkStatus
from tests.tui.feed import Feed
from tests.tui.press import LARGE, SMALL, begin, echo, on_screen, press, write
from tests.tui.program_feed import ProgramFeed
from tests.tui.shots import Rig
from tui.hints import hint
from tui.lab.stage import StageScreen
from tui.model.state import ConsoleState
from tui.screens.prompt import Prompt
from tui.widgets.echo_row import EchoRow

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


async def test_what_ran_well_makes_room_for_a_hint_after_ten_seconds() -> None:
    rig = Rig()
    async with rig.app.run_test(size=SMALL) as pilot:
        await begin(rig, pilot)
        assert echo(rig).startswith(": type a command   enter details   L lab   w breaks it")
        hint = echo(rig)
        assert len(hint) <= SMALL[0] - 2
        await press(rig, pilot, "I")
        assert "invert   ✓" in echo(rig)
        rig.run(9.5)
        assert "invert   ✓" in echo(rig)
        await press(rig, pilot, "I")           # begins anew
        rig.run(9.5)
        assert "invert   ✓" in echo(rig)
        rig.run(1.0)
        assert echo(rig) == hint


async def test_what_is_still_being_done_and_what_has_failed_stay_until_somebody_goes_on() -> None:
    rig = Rig()
    async with rig.app.run_test(size=SMALL) as pilot:
        await begin(rig, pilot)
        rig.link.hold = True
        rig.app.dispatcher.typed("bans")
        rig.run(60.0)
        assert echo(rig) == ":bans  …"
        rig.app.dispatcher.typed("sort foo")
        rig.run(600.0)
        assert ":sort foo   ✗" in echo(rig)
        await press(rig, pilot, "down")
        assert "✗" not in echo(rig)


async def test_an_alert_is_there_for_who_comes_back_to_the_console() -> None:
    rig = Rig()
    async with rig.app.run_test(size=SMALL) as pilot:
        await begin(rig, pilot)
        rig.app._say(True, "alert gone", "it is gone")
        await pilot.pause()
        rig.run(600.0)
        assert "it is gone" in echo(rig)


async def test_the_hint_is_how_to_come_in_while_nobody_is_there() -> None:
    rig = Rig(Feed(clients=0))
    async with rig.app.run_test(size=SMALL) as pilot:
        await begin(rig, pilot)
        assert echo(rig) == (
            ": type a command   come in:  nc 127.0.0.1 9999   or  :spawn chat 5")
        rig.link.status = LinkStatus(alive=True, read_only=True)
        rig.run(0.2)
        assert echo(rig) == ": type a command   come in:  nc 127.0.0.1 9999"
        rig.feed.join(1)
        rig.run(0.2)
        assert echo(rig) == ": type a command   enter details   L lab"


async def test_the_greeting_comes_back() -> None:
    rig = Rig()
    rig.app.state.greeting = "come in:  nc 127.0.0.1 9999"
    async with rig.app.run_test(size=SMALL) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "2")
        assert "come in" not in echo(rig)
        rig.run(11.0)
        assert echo(rig) == ": type a command   come in:  nc 127.0.0.1 9999"


def test_nothing_is_hinted_at_that_cannot_be_done() -> None:
    state, feed = ConsoleState(), Feed()
    state.feed(feed.snapshot(), (), 1.0)
    assert "write-interest" in hint(state)
    program = ConsoleState()
    program.feed(ProgramFeed().snapshot(), (), 1.0)
    others = {
        "replay": replace(state, replay=True),
        "read only": replace(state, status=LinkStatus(alive=True, read_only=True)),
        "gone": replace(state, status=LinkStatus(alive=False)),
        "stage": replace(state, refusal=lambda command: f"no {command}"),
        "elsewhere": replace(state, live=msgspec.structs.replace(feed.snapshot(), host="10.0.0.1")),
        "program": program}
    for name, other in others.items():
        assert hint(other) == ": type a command   enter details   L lab", name


@pytest.mark.parametrize(("key", "sign"), [
    ("j", "j"), ("full_stop", "."), ("f5", "F5"), ("é", "é")])
async def test_a_key_that_does_nothing_is_said_to_be_none_for_two_seconds(
        key: str, sign: str) -> None:
    rig = Rig()
    async with rig.app.run_test(size=SMALL) as pilot:
        await begin(rig, pilot)
        before = echo(rig)
        await press(rig, pilot, key)
        assert echo(rig) == f"{sign} is no key here; ? lists them"
        rig.run(1.5)
        assert echo(rig) != before
        rig.run(1.0)
        assert echo(rig) == before
        assert rig.link.asked == []


@pytest.mark.parametrize("keys", [
    ("down",), ("pagedown",), ("tab",), ("left",), ("shift+left",), ("ctrl+x",), ("delete",),
    ("colon", "j"), ("slash", "j"), ("question_mark", "j"), ("k", "j"), ("G", "right")], ids=str)
async def test_keys_of_a_field_a_dialog_or_a_widget_are_not_called_none(
        keys: tuple[str, ...]) -> None:
    rig = Rig()
    async with rig.app.run_test(size=SMALL) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, *keys)
        assert "is no key" not in str(rig.app._main.prompt.query_one(EchoRow).content)


async def test_a_stages_own_keys_are_keys_and_its_row_answers_to_others() -> None:
    rig = Rig()
    async with rig.app.run_test(size=SMALL) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "L", "5")
        stage = rig.app.screen
        assert isinstance(stage, StageScreen)
        await press(rig, pilot, "i")
        assert "is no key" not in on_screen(rig)
        await press(rig, pilot, "j")
        assert "j is no key here" in on_screen(rig)


GREETING = "come in:  nc 127.0.0.1 19101  or  irssi -c 127.0.0.1 -p 16667"


@pytest.mark.parametrize(("width", "said"), [
    (120, f": type a command   {GREETING}"), (80, GREETING),
    (60, ": type a command   come in:  nc 127.0.0.1 19101")])
async def test_no_address_of_the_greeting_is_cut(width: int, said: str) -> None:
    rig = Rig()
    rig.app.state.greeting = GREETING
    async with rig.app.run_test(size=(width, 24)) as pilot:
        await begin(rig, pilot)
        assert echo(rig) == said
        assert said in on_screen(rig)


async def test_a_hint_that_would_be_cut_is_left_out() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(60, 16)) as pilot:
        await begin(rig, pilot)
        assert echo(rig) == ": type a command   enter details   L lab"


@pytest.mark.parametrize("size", [(60, 16), SMALL, LARGE], ids=str)
async def test_a_failure_takes_no_row_that_it_does_not_need(size: tuple[int, int]) -> None:
    rig = Rig()
    async with rig.app.run_test(size=size) as pilot:
        await begin(rig, pilot)
        prompt, row = rig.app.query_one(Prompt), rig.app.query_one(EchoRow)
        for spare, rows in ((2, 1), (1, 1), (0, 1), (-1, 2)):
            prompt.said("x")
            prompt.outcome(False, f"{'y' * (size[0] - 20)} {'z' * (10 - spare)}")
            await pilot.pause()
            assert row.outer_size.height == rows
            assert f"{'z' * (10 - spare)}" in on_screen(rig)
