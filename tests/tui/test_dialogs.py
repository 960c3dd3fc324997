"""Questions before deeds: who is meant is said, stays meant, and Cancel is the default."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from textual.events import Paste
from textual.widgets import Button, Input, Static

from chatops.api.commands import Ban, Broadcast, Kick
from tests.tui.press import begin, echo, on_screen, press, write
from tests.tui.shots import Rig
from tui.model.targets import resolve
from tui.screens.confirm import BanDialog, BroadcastDialog, KickDialog
from tui.screens.question import Question

HOSTILE = ("[/foo]", "[@click=app.quit]x[/]", "[bold", "\\[x]")


def focused_label(rig: Rig) -> str:
    focused = rig.app.screen.focused
    assert isinstance(focused, Button)
    return str(focused.label)


@pytest.mark.parametrize("line", ["kick 3", "ban 3", "ban 10.0.0.0/8", "quit"])
async def test_cancel_has_the_focus_and_enter_or_escape_do_nothing(line: str) -> None:
    for key in ("enter", "escape"):
        rig = Rig()
        async with rig.app.run_test(size=(80, 24)) as pilot:
            await begin(rig, pilot)
            rig.app.dispatcher.typed(line)
            await pilot.pause()
            assert focused_label(rig) == "Cancel"
            await press(rig, pilot, key)
            assert not isinstance(rig.app.screen, Question)
            assert rig.link.asked == []


@pytest.mark.parametrize("line", ["kick 3,5,7", "ban 3", "quit", "ban 10.0.0.0/8"])
async def test_every_dialog_fits_the_smallest_usual_terminal(line: str) -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        rig.app.dispatcher.typed(line)
        await pilot.pause()
        box = rig.app.screen.query_one(".box")
        assert box.region.height <= 24
        assert box.max_scroll_y == 0


async def test_the_reason_is_typed_and_the_line_that_will_run_is_shown() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        rig.app.dispatcher.typed("kick 3")
        await pilot.pause()
        await press(rig, pilot, "shift+tab")
        await write(rig, pilot, "say [/no]")
        assert str(rig.app.screen.query_one(".runs", Static).content) == ":kick 3 say [/no]"
        await press(rig, pilot, "enter")            # leaves the field, presses nothing
        assert isinstance(rig.app.screen, KickDialog)
        assert focused_label(rig) == "Cancel"
        await press(rig, pilot, "tab", "enter")
        assert rig.link.asked == [Kick(("3",), "say [/no]")]


async def test_whoever_types_at_once_types_the_reason() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        rig.app.dispatcher.typed("kick 3")
        await pilot.pause()
        assert focused_label(rig) == "Cancel"
        await press(rig, pilot, "l", "o", "u", "d", "l", "y")
        assert str(rig.app.screen.query_one(".runs", Static).content) == ":kick 3 loudly"
        assert rig.link.asked == []


@pytest.mark.parametrize("line", ["kick 3", "ban 3", "ban 10.0.0.0/8"])
@pytest.mark.parametrize("reason", ["yes, you", "no more of this", "Y", "d s x 1 ? / :"])
async def test_no_letter_of_a_reason_presses_a_button(line: str, reason: str) -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        rig.app.dispatcher.typed(line)
        await pilot.pause()
        await press(rig, pilot, *reason)
        assert isinstance(rig.app.screen, Question)
        assert rig.app.screen.query_one("#reason", Input).value == reason
        assert rig.link.asked == []


async def test_what_is_pasted_at_once_is_the_reason_and_presses_nothing() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        rig.app.dispatcher.typed("kick 3")
        await pilot.pause()
        rig.app.post_message(Paste("yes, you\nand you\n"))
        await pilot.pause()
        assert rig.app.screen.query_one("#reason", Input).value == "yes, you"
        assert rig.link.asked == []


async def test_only_a_question_without_a_field_offers_letters() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        for line, hints in (("kick 3", "tab move  enter press  esc cancel"),
                            ("quit", "enter press  d drain  s stop now  esc cancel")):
            rig.app.dispatcher.typed(line)
            await pilot.pause()
            assert str(rig.app.screen.query_one(".box").border_subtitle) == hints
            await press(rig, pilot, "escape")


async def test_the_mouse_presses_the_buttons() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        rig.app.dispatcher.typed("kick 3 spam")
        await pilot.pause()
        await pilot.click("#choice-1")
        await pilot.pause()
        assert rig.link.asked == [Kick(("3",), "spam")]


async def test_a_client_that_leaves_meanwhile_is_marked_and_not_kicked() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        rig.app.dispatcher.typed("kick 3,5")
        await pilot.pause()
        rig.feed.leave(3)
        rig.run(0.2)
        await pilot.pause()
        assert "has left" in on_screen(rig)
        await press(rig, pilot, "tab", "enter")
        assert rig.link.asked == [Kick(("5",))]


async def test_when_all_have_left_nothing_but_cancel_can_be_pressed() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        rig.app.dispatcher.typed("kick 3 spam")
        await pilot.pause()
        rig.feed.leave(3)
        rig.run(0.2)
        await press(rig, pilot, "tab", "enter")
        assert isinstance(rig.app.screen, KickDialog)
        assert "nobody is left to kick" in on_screen(rig)
        assert focused_label(rig) == "Cancel"
        assert rig.link.asked == []


async def test_who_comes_later_under_the_same_nick_is_not_hit() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        nick = rig.feed.talkers[3].nick
        rig.app.dispatcher.typed(f"kick {nick}")
        await pilot.pause()
        rig.feed.leave(3)
        rig.feed.join(99, nick)
        rig.run(0.2)
        await press(rig, pilot, "tab", "enter")
        assert rig.link.asked == []


async def test_a_ban_takes_a_time_and_says_when_it_is_none() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        rig.app.dispatcher.typed("ban 3")
        await pilot.pause()
        await press(rig, pilot, "shift+tab", "shift+tab")
        await write(rig, pilot, "soon")
        await press(rig, pilot, "tab", "tab", "tab", "enter")
        assert isinstance(rig.app.screen, BanDialog)
        assert "'soon' is not a duration" in on_screen(rig)
        rig.app.screen.query_one("#duration", Input).value = "2h"
        await pilot.click("#choice-1")
        await pilot.pause()
        assert rig.link.asked == [Ban("3", 7200.0)]


@pytest.mark.parametrize(("line", "said"), [
    ("ban 3", "! This bans 2001:db8::7: 1 other goes too"),
    ("ban 3,5", "This bans 2001:db8::7; nobody else is there"),
    ("ban 3,5,7", "This bans 2 addresses; nobody else is there"),
])
async def test_a_ban_says_how_many_others_have_the_same_address_and_go_too(
        line: str, said: str) -> None:
    rig = Rig()
    for ident, peer in ((3, "[2001:db8::7]:50131"), (5, "[2001:db8::7]:50132"),
                        (7, "10.0.0.7:50133")):
        rig.feed.talkers[ident].peer = peer
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        rig.app.dispatcher.typed(line)
        await pilot.pause()
        rig.run(0.1)
        await pilot.pause()
        assert said in on_screen(rig)


async def test_a_ban_of_a_network_is_handed_on_as_it_was_written() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        rig.app.dispatcher.typed("ban 10.0.0.0/8 1d scanners")
        await pilot.pause()
        await press(rig, pilot, "tab", "enter")
        assert rig.link.asked == [Ban("10.0.0.0/8", 86400.0, "scanners")]


async def test_b_opens_a_line_to_say_and_enter_sends_it() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "b")
        assert isinstance(rig.app.screen, BroadcastDialog)
        await press(rig, pilot, "enter")
        assert rig.link.asked == []
        await write(rig, pilot, "yes [b]now[/b]")
        await press(rig, pilot, "enter")
        assert rig.link.asked == [Broadcast("yes [b]now[/b]")]


@pytest.mark.parametrize("nick", HOSTILE)
async def test_markup_in_nicks_and_reasons_is_shown_and_never_acted_on(nick: str) -> None:
    rig = Rig()
    rig.feed.join(50, nick)
    async with rig.app.run_test(notifications=True) as pilot:
        await begin(rig, pilot)
        for line in (f"kick 50 {nick}", f"ban 50 1h {nick}"):
            rig.app.dispatcher.typed(line)
            await pilot.pause()
            assert on_screen(rig).count(nick) >= 2
            await pilot.click(".people")
            await press(rig, pilot, "escape")
        assert rig.link.asked == []
        assert rig.app.is_running


async def test_a_ban_of_those_who_have_all_left_speaks_of_no_address() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        rig.app.dispatcher.typed("ban 3,5")
        await begin(rig, pilot, 0.1)
        assert "This bans" in on_screen(rig)
        rig.feed.leave(3)
        rig.feed.leave(5)
        await press(rig, pilot, "tab")
        assert "This bans" not in on_screen(rig)
        assert "nobody is left to ban" in on_screen(rig)


async def test_a_ban_of_somebody_who_is_not_there_is_no_ban_of_an_address() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        rig.app.dispatcher.typed("ban 99")
        await pilot.pause()
        assert not isinstance(rig.app.screen, BanDialog)
        assert echo(rig) == ":ban 99   ✗ no client 99; it may have left"


@pytest.mark.parametrize("target", ["10.0.0.0/99", "10.0.0/8", "::1/x", "300.1.1.1", "10.0.1",
                                    "fe80::1::2", "[2001:db8:::1]"])
async def test_an_address_that_is_written_wrong_is_not_taken_for_a_client(target: str) -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        rig.app.dispatcher.typed(f"ban {target}")
        await pilot.pause()
        assert echo(rig) == f":ban {target}   ✗ '{target}' is not an address or a network"


async def test_a_row_of_the_past_whose_client_has_left_cannot_be_kicked() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "p")
        rig.feed.leave(3)
        rig.run(0.2)
        rig.app.dispatcher.typed("kick 3")
        await pilot.pause()
        assert "has left" in on_screen(rig)
        await press(rig, pilot, "tab", "enter")
        assert isinstance(rig.app.screen, KickDialog)
        assert rig.link.asked == []


def test_targets_are_found_by_id_by_number_sign_and_by_nick_and_once() -> None:
    rig = Rig()
    rig.run(0.2)
    nick = rig.feed.talkers[3].nick
    people, missing = resolve(["3", "#3", nick, "nobody"], rig.app.state)
    assert [person.id for person in people] == [3]
    assert missing == ["nobody"]


@pytest.mark.parametrize("key", ["k", "K", "b"])
@pytest.mark.parametrize(("replay", "said"), [(True, "this is a recording"),
                                              (False, "this console only looks")])
async def test_who_can_change_nothing_is_told_so_and_not_asked(
        key: str, said: str, *, replay: bool) -> None:
    rig = Rig()
    rig.app.state.replay = replay
    rig.link.status = replace(rig.link.status, read_only=not replay)
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, key)
        assert not isinstance(rig.app.screen, Question)
        assert said in echo(rig)
        assert rig.link.asked == []
