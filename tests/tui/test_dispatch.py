"""From a key to a command and its outcome, on a server that is only imagined."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Static

from chatops.api.command_line import parse, render
from chatops.api.command_table import SPECS
from chatops.api.commands import (
    Ban,
    CommandResult,
    Kick,
    Mute,
    WriteInterest,
)
from chatops.replay.recording import read
from tests.tui.press import begin, echo, on_screen, press
from tests.tui.shots import Rig
from tui.actions import ACTIONS
from tui.bindings import bindings
from tui.dispatch import SHORTHANDS
from tui.model.keymap import USUAL
from tui.screens.confirm import BanDialog, KickDialog
from tui.screens.listing import ListScreen

# -- the table


def test_every_command_has_an_action_or_goes_to_the_server() -> None:
    for spec in SPECS:
        lab = spec.name in ("lab", "stage", "lesson")
        assert lab or spec.where == "server" or spec.command in ACTIONS, spec.name


def test_every_key_line_can_be_parsed_or_stands_for_one_that_can() -> None:
    for entry in USUAL.entries:
        if entry.line in SHORTHANDS or " " not in entry.line:
            continue
        assert render(parse(entry.line)).split()[0] == entry.spec.name


def test_every_key_of_the_table_is_bound_once_and_says_what_it_does() -> None:
    bound = bindings()
    keys = [key for binding in bound for key in binding.key.split(",")]
    assert len(keys) == len(set(keys))
    assert {key for spec in SPECS for key, _ in spec.keys} <= set(keys)
    assert all(binding.tooltip and binding.id for binding in bound)
    assert len({binding.id for binding in bound}) == len(bound)


def test_nothing_that_harms_sits_on_keys_that_other_programs_use_for_editing() -> None:
    keys = {key for binding in bindings() for key in binding.key.split(",")}
    assert not keys & {"ctrl+k", "ctrl+d", "ctrl+w", "ctrl+u", "delete", "backspace"}


# -- commands for the server


async def test_a_kick_by_key_names_the_client_waits_for_a_yes_and_reports() -> None:
    rig = Rig()
    rig.link.answer = CommandResult(True, "kicked bob")
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        ident = rig.app.state.cursor_client()
        await press(rig, pilot, "k")
        dialog = rig.app.screen
        assert isinstance(dialog, KickDialog)
        assert f"#{ident} " in dialog.heading()
        assert rig.link.asked == []
        await press(rig, pilot, "tab", "enter")
        assert rig.link.asked == [Kick((str(ident),))]
        assert echo(rig) == f":kick {ident}   ✓ kicked bob"


async def test_enter_in_a_fresh_kick_dialog_presses_cancel() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "k", "enter")
        assert not isinstance(rig.app.screen, KickDialog)
        assert rig.link.asked == []


async def test_an_action_takes_the_tagged_rows() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        for ident in (3, 5):
            rig.app.state.toggle_tag(ident)
        await press(rig, pilot, "m")
        assert rig.link.asked == [Mute(("3", "5"))]


async def test_a_ban_of_several_rows_is_one_command_for_each() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        for ident in (3, 5):
            rig.app.state.toggle_tag(ident)
        await press(rig, pilot, "K")
        assert isinstance(rig.app.screen, BanDialog)
        await press(rig, pilot, "tab", "enter")
        assert rig.link.asked == [Ban("3"), Ban("5")]


async def test_a_failed_command_says_so_in_the_echo_row() -> None:
    rig = Rig()
    rig.link.answer = CommandResult(False, "no client 9")
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        rig.app.dispatcher.typed("mute 9")
        await pilot.pause()
        assert echo(rig) == ":mute 9   ✗ no client 9"


async def test_a_server_that_raises_is_a_failed_command() -> None:
    rig = Rig()
    rig.link.hold = True
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        rig.app.dispatcher.typed("bans")
        await pilot.pause()
        assert echo(rig) == ":bans  …"
        rig.link.pending[0].set_exception(RuntimeError("[/boom]"))
        await pilot.pause()
        assert echo(rig) == ":bans   ✗ failed: [/boom]"


async def test_rows_of_an_answer_open_in_a_list() -> None:
    rig = Rig()
    rig.link.answer = CommandResult(True, "2 bans", ("10.0.0.1 [/x]", "10.0.0.2"))
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        rig.app.dispatcher.typed("bans")
        await pilot.pause()
        assert isinstance(rig.app.screen, ListScreen)
        assert "10.0.0.1 [/x]" in str(rig.app.screen.query_one(".page", Static).content)
        await press(rig, pilot, "escape")
        assert not isinstance(rig.app.screen, ListScreen)


async def test_w_asks_for_the_write_interest_that_is_not_in_force() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "w")
        assert rig.link.asked == [WriteInterest("always")]


async def test_what_the_help_has_beside_a_key_can_be_typed_too() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await begin(rig, pilot)
        sort, interval = rig.app.state.view.sort, rig.app.state.refresh
        for line in ("sort left", ":sort  right", "write-interest toggle", "refresh faster"):
            rig.app.dispatcher.typed(line)
            await pilot.pause()
            assert "✗" not in echo(rig), line
        assert rig.app.state.view.sort == sort         # there, and back
        assert rig.app.state.refresh < interval
        assert rig.link.asked == [WriteInterest("always")]


async def test_what_cannot_be_parsed_is_said_and_nothing_runs() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        for line in ("kcik 3", "kick nobody-here", "spawn elephants"):
            rig.app.dispatcher.typed(line)
            assert "✗" in echo(rig)
        assert rig.link.asked == []


# -- commands for the console


async def test_sort_keys_go_to_the_neighbouring_column_and_echo_its_name() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        columns = [name for name in rig.app.state.view.seen if name not in ("", "HIST")]
        here = columns.index(rig.app.state.view.sort)
        await press(rig, pilot, "greater_than_sign")
        right = columns[(here + 1) % len(columns)]
        assert rig.app.state.view.sort == right
        assert echo(rig).startswith(f":sort {right.lower()}   ✓")
        await press(rig, pilot, "less_than_sign")
        assert rig.app.state.view.sort == columns[here]


async def test_sort_keys_pass_over_columns_that_are_not_shown() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        rig.app.dispatcher.typed("columns id nick")
        rig.app.redraw()
        for key in ("less_than_sign", "less_than_sign", "less_than_sign", "greater_than_sign"):
            await press(rig, pilot, key)
            assert rig.app.state.view.sort in ("!", "ID", "NICK")
            assert any(arrow in line for line in on_screen(rig).splitlines()
                       for arrow in ("▲", "▼") if "NICK" in line)


async def test_panes_follow_their_numbers_and_tab() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "4")
        assert rig.app.state.pane == "loop"
        await press(rig, pilot, "tab")
        assert rig.app.state.pane == "log"


async def test_escape_undoes_pause_then_filter_then_tags() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        state = rig.app.state
        state.toggle_tag(3)
        state.set_filter("o")
        state.pause()
        await press(rig, pilot, "escape")
        assert not state.paused
        assert state.view.filter == "o"
        await press(rig, pilot, "escape")
        assert state.view.filter == ""
        assert state.tags == {3}
        await press(rig, pilot, "escape", "escape")
        assert state.tags == set()


async def test_refresh_keys_halve_and_double_the_interval() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        before = rig.app.state.refresh
        await press(rig, pilot, "minus")
        assert rig.app.state.refresh == 2 * before
        await press(rig, pilot, "plus")
        assert rig.app.state.refresh == before


@pytest.mark.parametrize(("key", "seconds", "says"), [
    ("plus", 0.1, ":refresh 0.1s   \u2713 every 0.1 s, and no faster"),
    ("minus", 5.0, ":refresh 5s   \u2713 every 5 s, and no slower")])
async def test_refresh_keys_say_what_was_done_where_they_can_go_no_further(
        key: str, seconds: float, says: str) -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        rig.app.state.set_refresh(seconds)
        await press(rig, pilot, key)
        assert rig.app.state.refresh == seconds
        assert echo(rig) == says


async def test_a_recording_is_shown_in_the_header_and_can_be_read_back(tmp_path: Path) -> None:
    rig = Rig()
    file = tmp_path / "one.chatops"
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        rig.app.dispatcher.typed(f'record "{file}"')
        rig.run(1.0)
        assert rig.app.state.recording.startswith("REC ")
        rig.app.dispatcher.typed("record off")
        rig.run(0.1)
        assert rig.app.state.recording == ""
        assert "in " in echo(rig)
    assert len(read(file).moments) >= 9


async def test_what_is_held_of_the_past_can_be_saved_once(tmp_path: Path) -> None:
    rig = Rig()
    file = tmp_path / "past.chatops"
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        for said in ("✓", "✗"):
            rig.app.dispatcher.typed(f'save "{file}"')
            await rig.app.workers.wait_for_complete()
            assert said in echo(rig)
    assert read(file).moments
