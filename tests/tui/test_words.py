"""What is typed nearly right on the console's command line and in its dialogs."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from chatops.api.commands import Ban, Kick
from tests.tui.feed import Feed
from tests.tui.press import begin, echo
from tests.tui.shots import Rig
from tui.screens.confirm import BanDialog, KickDialog


def rig_with(nick: str) -> Rig:
    feed = Feed(3)
    feed.join(9, nick)
    return Rig(feed)


def short(line: object) -> str:
    """For a test's name: not all of a number's 5,000 digits."""
    return str(line)[:20]


async def typed(rig: Rig, pilot: object, line: str) -> None:
    rig.app.dispatcher.typed(line)
    await pilot.pause()  # type: ignore[attr-defined]


@pytest.mark.parametrize("word", [
    "ZO\u00cb", "Zoe\u0308", "zo\u00eb", "9", "#9", "#zo\u00eb", "zoe"])
async def test_a_client_is_found_as_the_server_finds_it(word: str) -> None:
    rig = rig_with("zo\u00eb")
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        await typed(rig, pilot, f"kick {word} too loud")
        dialog = rig.app.screen
        assert isinstance(dialog, KickDialog)
        assert dialog.commands(1) == (Kick(("9",), "too loud"),)


@pytest.mark.parametrize("word", ["[::1]", "[fe80::1%eth0]", "fe80::/64"])
async def test_an_address_in_brackets_is_one(word: str) -> None:
    rig = rig_with("bob")
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        await typed(rig, pilot, f"ban {word} 10min spam")
        dialog = rig.app.screen
        assert isinstance(dialog, BanDialog)
        assert dialog.commands(1) == (Ban(word, 600.0, "spam"),)


@pytest.mark.parametrize("line", ["ban 3 2 strikes", "ban 3 1 month", "mute 3 10x", "lesson "
                                  + "9" * 5000, "lesson \u0661", "details " + "9" * 5000,
                                  "kick " + "9" * 5000, "spawn slow " + "9" * 5000,
                                  "step " + "9" * 5000, "stage " + "9" * 5000, "tag \u0661"],
                         ids=short)
async def test_what_is_not_understood_is_said_and_asks_and_does_nothing(line: str) -> None:
    rig = Rig(Feed(3))
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        front = rig.app.screen
        await typed(rig, pilot, line)
        assert rig.app.screen is front
        assert "\u2717" in echo(rig) or "no " in echo(rig) or "not " in echo(rig)
        assert rig.link.asked == []


@pytest.mark.parametrize(("text", "seconds"), [
    ("", 0.0), ("forever", 0.0), ("10min", 600.0), ("1h30", 5400.0), ("1 hour", 3600.0),
    ("1w", 604_800.0), ("30", 30.0)])
async def test_the_ban_dialogs_field_takes_the_same_times(text: str, seconds: float) -> None:
    rig = Rig(Feed(3))
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        await typed(rig, pilot, "ban 3")
        dialog = rig.app.screen
        assert isinstance(dialog, BanDialog)
        dialog.query_one("#duration", Input).value = text
        assert dialog.commands(1) == (Ban("3", seconds, ""),)


@pytest.mark.parametrize("text", ["0", "2 strikes", "soon", "10x", "10m spam", "an hour"])
async def test_the_ban_dialogs_field_refuses_what_is_no_time(text: str) -> None:
    rig = Rig(Feed(3))
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        await typed(rig, pilot, "ban 3")
        dialog = rig.app.screen
        assert isinstance(dialog, BanDialog)
        dialog.query_one("#duration", Input).value = text
        with pytest.raises(ValueError, match="10m"):
            dialog.commands(1)


async def test_the_ban_dialog_shows_a_long_time_as_it_can_be_read_again() -> None:
    rig = Rig(Feed(3))
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        await typed(rig, pilot, "ban 3 1234567s")
        dialog = rig.app.screen
        assert isinstance(dialog, BanDialog)
        assert dialog.commands(1) == (Ban("3", 1_234_567.0, ""),)
