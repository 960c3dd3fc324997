"""Lines that end the console, or that are asked about or refused before they run."""

from __future__ import annotations

import pytest
from textual.widgets import OptionList
from textual.widgets._toast import Toast

from chatops.api.command_line import parse
from chatops.api.commands import (
    Broadcast,
    Command,
    Quit,
)
from chatops.api.link import LinkStatus
from tests.tui.press import begin, echo, on_screen, press
from tests.tui.shots import Rig
from tui.screens.confirm import QuitDialog


async def test_q_asks_first_and_drains_on_request() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "q")
        assert isinstance(rig.app.screen, QuitDialog)
        await press(rig, pilot, "d")
        assert rig.link.asked == [Quit("drain")]
        assert rig.app.state.draining


async def test_q_leaves_at_once_when_the_server_is_gone() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        rig.link.status = LinkStatus(alive=False, detail="crashed", failed=True)
        await press(rig, pilot, "q")
    assert rig.app.return_value == 1


async def test_what_is_typed_whole_is_not_asked_again_where_no_one_is_hurt() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        expected: list[Command] = []
        for line in ("broadcast hello [b]all[/b]", "mute 3 10m", "spawn slow 2", "limit"):
            rig.app.dispatcher.typed(line)
            await pilot.pause()
            expected.append(parse(line))
        assert rig.link.asked == expected
        assert Broadcast("hello [b]all[/b]") in rig.link.asked


async def test_ctrl_z_says_that_the_server_would_stop_and_where_to_look_instead() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "ctrl+z")
        assert echo(rig).endswith(
            "✗ the server would stop too: `chatops serve`, then `chatops attach`")
        await press(rig, pilot, "question_mark")
        options = rig.app.screen.query_one(OptionList)
        options.highlighted = options.get_option_index("suspend")
        await pilot.pause()
        assert "Stop until `fg`: not here, the server would stop too." in on_screen(rig)
        await press(rig, pilot, "escape")
        rig.link.in_process = False                # but there is no terminal either
        await press(rig, pilot, "question_mark")
        options = rig.app.screen.query_one(OptionList)
        options.highlighted = options.get_option_index("suspend")
        await pilot.pause()
        assert "Give the terminal back to the shell, until `fg`." in on_screen(rig)
        await press(rig, pilot, "ctrl+z", "escape")
        assert echo(rig) == ":suspend   ✗ this console is on no terminal that it could leave"


async def test_what_is_refused_while_a_dialog_covers_the_echo_row_is_said_in_front_of_it() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24), notifications=True) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "ctrl+z")
        refusal = "✗ the server would stop too: `chatops serve`, then `chatops attach`"
        assert on_screen(rig).count(refusal) == 1
        assert not rig.app.screen.query(Toast)     # the row says it
        await press(rig, pilot, "question_mark", "ctrl+z")
        while not rig.app.screen.query(Toast):
            await pilot.pause()
        await pilot.pause()
        assert ":suspend   ✗ the server would stop too" in on_screen(rig)


async def test_a_page_that_may_only_look_names_what_makes_one_that_may_do_more() -> None:
    rig = Rig(attached=True, in_browser=True)
    rig.link.status = LinkStatus(True, read_only=True)
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "k")
        assert "`chatops web --allow-changes`" in echo(rig)
        assert "attached" not in echo(rig)


@pytest.mark.parametrize("in_browser", [True, False])
async def test_what_a_browser_is_refused_is_not_offered_there(*, in_browser: bool) -> None:
    rig = Rig(attached=True, in_browser=in_browser)
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await begin(rig, pilot)
        assert ("L lab" in on_screen(rig).splitlines()[-1]) is not in_browser
        assert ("L lab" in on_screen(rig).splitlines()[-2]) is not in_browser
        await press(rig, pilot, "colon", *"sc")
        assert ("screenshot" in on_screen(rig)) is not in_browser
        await press(rig, pilot, "escape", "question_mark")
        options = rig.app.screen.query_one(OptionList)
        offered = {option.id for option in options.options}
        assert ({"lab", "suspend"} <= offered) is not in_browser
        assert "broadcast" in offered
