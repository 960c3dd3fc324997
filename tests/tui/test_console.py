"""The console as an operator meets it: keys, mouse, pause, a server that goes away."""

from __future__ import annotations

import pytest
from textual import events
from textual.widgets import Input

from chatops.api.commands import Kick, Quit, Spawn, WriteInterest
from chatops.api.link import LinkStatus
from tests.patience import PATIENCE, Deadline
from tests.tui.feed import Feed
from tests.tui.press import LARGE, SMALL, on_screen, press, table
from tests.tui.shots import Rig
from tui.redraw import RedrawPacer


async def test_the_cursor_stays_on_its_client_when_the_order_changes() -> None:
    rig = Rig()
    async with rig.app.run_test(size=SMALL) as pilot:
        rig.run(2)
        await press(rig, pilot, "down", "down")
        chosen = table(rig).cursor
        await press(rig, pilot, "greater_than_sign")
        await press(rig, pilot, "I")
        rig.run(20)
        assert table(rig).cursor == chosen
        assert chosen is not None
        rig.feed.leave(chosen)
        rig.run(0.1)
        assert table(rig).cursor in rig.feed.talkers


async def test_a_followed_client_is_kept_in_sight_until_it_leaves() -> None:
    rig = Rig(Feed(60))
    async with rig.app.run_test(size=SMALL) as pilot:
        rig.run(1)
        await press(rig, pilot, "down", "down", "F")
        followed = rig.app.state.followed
        assert followed == table(rig).cursor
        assert followed is not None
        await press(rig, pilot, "I", "greater_than_sign", "I")
        rig.run(1)
        await pilot.pause()
        assert any(f"»{followed:3}" in line for line in on_screen(rig).splitlines())
        rig.feed.leave(followed)
        rig.run(0.1)
        await pilot.pause()
        assert rig.app.state.followed is None


async def test_who_is_told_to_go_is_called_closing_and_out_of_the_way_until_it_is_gone() -> None:
    rig = Rig()
    async with rig.app.run_test(size=LARGE) as pilot:
        rig.run(1)
        await press(rig, pilot, "I")
        rig.run(0.1)
        before = [row.id for row in table(rig).rows]
        await press(rig, pilot, "home", "down")
        leaver = before[1]
        assert table(rig).cursor == leaver
        rig.feed.talkers[leaver].state = "lingering"
        rig.run(0.1)
        await pilot.pause()
        assert [row.id for row in table(rig).rows] == [before[0], *before[2:], leaver]
        assert table(rig).cursor == before[2]
        assert f"Clients ({len(before)}, 1 closing)" in on_screen(rig)
        await press(rig, pilot, "ctrl+end")             # it can be looked at
        rig.run(0.1)
        await pilot.pause()
        assert table(rig).cursor == leaver
        assert on_screen(rig).splitlines()[-5].rstrip().endswith("closing")
        await press(rig, pilot, "k")
        assert "has left" in on_screen(rig)      # and not be kicked again
        await press(rig, pilot, "escape")
        rig.feed.leave(leaver)
        rig.run(0.1)
        await pilot.pause()
        assert "closing" not in on_screen(rig)


async def test_who_is_followed_is_kept_in_sight_while_it_closes() -> None:
    rig = Rig()
    async with rig.app.run_test(size=LARGE) as pilot:
        rig.run(1)
        await press(rig, pilot, "down", "F")
        followed = rig.app.state.followed
        assert followed is not None
        rig.feed.talkers[followed].state = "draining"
        rig.run(0.1)
        assert table(rig).cursor == followed


async def test_the_theme_for_light_terminals_comes_from_the_environment(
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATOPS_THEME", "day")
    rig = Rig()
    async with rig.app.run_test(size=SMALL):
        assert not rig.app.current_theme.dark


async def test_a_filter_works_as_it_is_typed_and_escape_clears_it() -> None:
    rig = Rig()
    async with rig.app.run_test(size=SMALL) as pilot:
        rig.run(1)
        await press(rig, pilot, "slash", *"bo")
        assert [row.nick for row in table(rig).rows] == ["bob"]
        await press(rig, pilot, "enter")
        assert rig.app.state.view.filter == "bo"
        assert "filter: bo" in on_screen(rig)
        await press(rig, pilot, "escape")
        assert len(table(rig).rows) == 12


async def test_a_pause_freezes_the_rows_while_the_header_goes_on() -> None:
    rig = Rig()
    async with rig.app.run_test(size=SMALL) as pilot:
        rig.run(2)
        await press(rig, pilot, "p")
        rows, header = table(rig).rows, on_screen(rig).splitlines()[0]
        rig.feed.leave(3)
        rig.run(3)
        await pilot.pause()
        assert table(rig).rows == rows
        assert "PAUSED" in on_screen(rig)
        assert on_screen(rig).splitlines()[0] != header
        await press(rig, pilot, "p")
        assert len(table(rig).rows) == len(rows) - 1


async def test_stepping_says_which_turn_is_shown_and_end_returns_to_live() -> None:
    rig = Rig()
    async with rig.app.run_test(size=LARGE) as pilot:
        rig.run(20)
        await press(rig, pilot, "left_square_bracket", "left_square_bracket")
        assert "TURN" in on_screen(rig).splitlines()[0]
        await press(rig, pilot, "end")
        assert "LIVE" in on_screen(rig).splitlines()[0]


async def test_numbers_and_tab_change_panes() -> None:
    rig = Rig()
    async with rig.app.run_test(size=SMALL) as pilot:
        rig.run(2)
        for key, pane in zip("23451", ("selector", "events", "loop", "log", "clients"),
                             strict=True):
            await press(rig, pilot, key)
            assert rig.app.state.pane == pane
            assert rig.app.query_one(f"#{pane}-pane").display
        await press(rig, pilot, "tab")
        assert rig.app.state.pane == "selector"
        assert "Listener.on_ready" in on_screen(rig)


async def test_the_dashboard_shows_four_panes_and_z_gives_one_the_screen() -> None:
    rig = Rig()
    async with rig.app.run_test(size=LARGE) as pilot:
        rig.run(2)
        await pilot.pause()
        text = on_screen(rig)
        for title in ("1 Clients", "2 Selector map", "3 Events", "4 Loop", "Lint"):
            assert title in text
        await press(rig, pilot, "2", "z")
        assert "1 Clients (" not in on_screen(rig)
        await press(rig, pilot, "z")
        assert "1 Clients (" in on_screen(rig)


async def test_a_click_on_a_column_sorts_and_a_click_on_a_row_selects() -> None:
    rig = Rig()
    async with rig.app.run_test(size=SMALL) as pilot:
        rig.run(1)
        await pilot.click("#clients-table", offset=(11, 0))
        await pilot.pause()
        assert rig.app.state.view.sort == "NICK"
        nicks = [row.nick for row in table(rig).rows]
        assert nicks == sorted(nicks, key=str.casefold)
        await pilot.click("#clients-table", offset=(11, 3))
        await pilot.pause()
        assert table(rig).cursor == table(rig).rows[2].id


async def test_a_click_into_another_pane_makes_it_the_active_one() -> None:
    rig = Rig()
    async with rig.app.run_test(size=LARGE) as pilot:
        rig.run(1)
        await pilot.pause()
        await pilot.click("#selector-table", offset=(5, 2))
        await pilot.pause()
        assert rig.app.state.pane == "selector"


async def test_a_kick_names_its_client_asks_and_is_echoed() -> None:
    rig = Rig()
    async with rig.app.run_test(size=SMALL) as pilot:
        rig.run(1)
        chosen = table(rig).cursor
        await press(rig, pilot, "k")
        assert f"#{chosen}" in on_screen(rig)
        assert not rig.link.asked
        await press(rig, pilot, "escape")
        assert not rig.link.asked
        await press(rig, pilot, "colon", *f"kick {chosen}", "enter")
        assert not rig.link.asked, "a typed kick is confirmed, too"


def burst(rig: Rig, text: str) -> None:
    """Type faster than the console can look: every key is there before the first is taken."""
    driver = rig.app._driver
    assert driver is not None
    for char in text:
        name = {" ": "space", ":": "colon", "\n": "enter", "/": "slash", "↓": "down"}
        driver.send_message(events.Key(name.get(char, char), char if char.isprintable() else None))


async def test_a_reason_typed_fast_keeps_its_blanks() -> None:
    rig = Rig()
    async with rig.app.run_test(size=SMALL) as pilot:
        rig.run(2)
        await press(rig, pilot, "k")
        burst(rig, "you are too loud")
        await pilot.pause()
        await pilot.pause()
        assert rig.app.screen.query_one(Input).value == "you are too loud"


async def test_what_is_typed_fast_behind_a_colon_is_not_taken_for_keys() -> None:
    rig = Rig()
    async with rig.app.run_test(size=SMALL) as pilot:
        rig.run(1)
        burst(rig, ":spawn flood 2\n")
        await pilot.pause()
        await pilot.pause()
        assert rig.link.asked == [Spawn("flood", 2)]
        burst(rig, "/bob\n")
        await pilot.pause()
        await pilot.pause()
        assert rig.app.state.view.filter == "bob"
        assert not rig.app.state.paused
        assert not rig.app.state.tags


async def test_a_key_acts_on_the_row_that_the_cursor_was_moved_to_just_before() -> None:
    rig = Rig()
    async with rig.app.run_test(size=SMALL) as pilot:
        rig.run(1)
        await pilot.pause()
        at = [row.id for row in table(rig).rows].index(table(rig).cursor)
        burst(rig, "↓↓↓ ")
        await pilot.pause()
        assert rig.app.state.tags == {table(rig).rows[at + 3].id}


async def test_a_key_echoes_the_command_it_ran_and_its_outcome() -> None:
    rig = Rig()
    async with rig.app.run_test(size=SMALL) as pilot:
        rig.run(1)
        await press(rig, pilot, "w")
        assert rig.link.asked == [WriteInterest("always")]
        await pilot.pause()
        assert ":write-interest always" in on_screen(rig)


async def test_an_action_on_a_client_that_has_left_says_so() -> None:
    rig = Rig()
    async with rig.app.run_test(size=SMALL) as pilot:
        rig.run(1)
        rig.feed.leave(3)
        rig.run(0.1)
        await press(rig, pilot, "colon", *"kick 3", "enter")
        assert "no client 3" in on_screen(rig)
        assert not any(isinstance(command, Kick) for command in rig.link.asked)


async def test_a_server_that_crashed_is_said_aloud_and_the_console_stays_readable() -> None:
    rig = Rig()
    async with rig.app.run_test(size=SMALL) as pilot:
        rig.run(2)
        rig.link.silent = True
        rig.link.status = LinkStatus(False, "KeyError: 'fd 9'", failed=True)
        rig.run(0.2)
        await pilot.pause()
        text = on_screen(rig)
        assert "the server crashed: KeyError: 'fd 9'" in text
        assert "alice" in text
        await press(rig, pilot, "down", "2")
        assert rig.app.state.pane == "selector"
        await press(rig, pilot, "q")
    assert rig.app.return_value == 1


async def test_leaving_drains_first_and_ends_when_the_server_has() -> None:
    rig = Rig()
    rig.link.hold = True
    async with rig.app.run_test(size=SMALL) as pilot:
        rig.run(1)
        await press(rig, pilot, "colon", *"quit drain", "enter")
        assert rig.link.asked == [Quit("drain")]
        rig.run(0.5)
        await pilot.pause()
        assert "DRAINING" in on_screen(rig)
        rig.link.status = LinkStatus(False, "the server has stopped")
        rig.run(0.1)
        await pilot.pause()
    assert rig.app.return_value == 0


async def test_a_sleeping_server_shows_no_rates() -> None:
    rig = Rig()
    async with rig.app.run_test(size=SMALL) as pilot:
        rig.run(5)
        rig.link.silent = True
        rig.run(3)
        await pilot.pause()
        assert rig.app.state.gauges.lines_in == 0
        line = next(x for x in on_screen(rig).splitlines() if x.startswith(" in/s"))
        assert line.split()[1] == "0"


async def test_everything_is_pulled_and_a_slower_refresh_only_draws_less() -> None:
    rig = Rig()
    async with rig.app.run_test(size=SMALL) as pilot:
        await pilot.pause()
        rig.app.redraw()           # it has begun
        rig.app.state.set_refresh(1.0)
        rig.app.pace = RedrawPacer(lambda: rig.time, lambda: 0.0)     # this machine's speed apart
        rig.app.redraw()
        drawn, pulled = rig.app.pace.version, rig.app.state.live
        rig.time += 0.1
        rig.app._on_time()
        assert rig.app.state.live is not pulled
        assert rig.app.pace.version == drawn
        rig.time += 0.9
        rig.app._on_time()
        deadline = Deadline(PATIENCE)
        while rig.app.pace.version == drawn:       # after the keys that have come meanwhile
            assert deadline.left() > 0
            await pilot.pause()


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_the_last_of_some_panes_chosen_fast_stays_the_active_one(
        size: tuple[int, int]) -> None:
    rig = Rig()
    async with rig.app.run_test(size=size) as pilot:
        for _ in range(3):
            for name in ("selector", "events", "clients"):
                rig.app.action_command(f"pane {name}")
            await pilot.pause()
            assert rig.app.state.pane == "clients"
