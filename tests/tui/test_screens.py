"""Help, palette, details and lints: made of the table, kept up to date, hit by nobody's markup."""

from __future__ import annotations

import pytest
from textual.widgets import OptionList, Static

from chatops.api.command_table import PANES, SPECS, find
from chatops.api.commands import Kick, Spawn
from chatops.api.snapshot import Lint
from chatops.lints import LINTS
from tests.tui.press import begin, echo, on_screen, press, write
from tests.tui.program_feed import ProgramFeed
from tests.tui.shots import Rig
from tui.model.keymap import USUAL, grouped, key_name
from tui.model.state import ConsoleState
from tui.program import ONLY_OF_PROGRAMS, is_offered
from tui.screens.confirm import KickDialog
from tui.screens.details import DetailsScreen, KeyScreen
from tui.screens.help import HelpScreen
from tui.screens.lints import LintsScreen, page
from tui.screens.palette import PaletteScreen, ranked
from tui.screens.prompt import Prompt
from tui.widgets.entry_about import EntryAbout

NASTY = ("[/foo]", "[@click=app.quit]x[/]")


def page_text(rig: Rig) -> str:
    return str(rig.app.screen.query_one(".page", Static).content)


# -- help and palette


def test_every_command_and_every_key_stands_in_the_catalogue() -> None:
    listed = list(USUAL.entries)
    assert {entry.spec.name for entry in listed} == {spec.name for spec in SPECS}
    assert (sorted(key for entry in listed for key in entry.keys)
            == sorted(key for spec in SPECS for key, _ in spec.keys))
    assert sum(map(len, grouped(listed).values())) == len(listed)
    assert len({entry.line for entry in listed}) == len(listed)


def test_keys_are_named_as_they_stand_on_a_keyboard() -> None:
    names = ("slash", "f9", "ctrl+p", "question_mark", "K", "less_than_sign")
    assert [key_name(key) for key in names] == ["/", "F9", "^p", "?", "K", "<"]


@pytest.mark.parametrize(("query", "first"), [
    ("kick", "kick"), ("spw", "spawn"), ("slow", "slow-consumer"), ("say", "broadcast"),
    ("outbox", "slow-consumer"), ("?", "help"), ("F9", "kick"), (":quit", "quit")])
def test_the_palette_finds_names_parts_keys_aliases_and_purposes(query: str, first: str) -> None:
    assert ranked(query)[0].line == first


def test_the_palette_finds_nothing_where_there_is_nothing() -> None:
    assert ranked("zzzz") == []
    assert len(ranked("")) == len(list(USUAL.entries))


async def test_the_help_lists_all_and_runs_what_is_chosen() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        ident = rig.app.state.cursor_client()
        await press(rig, pilot, "question_mark")
        assert isinstance(rig.app.screen, HelpScreen)
        options = rig.app.screen.query_one(OptionList)
        offered = [e for e in USUAL.entries if is_offered(e.line, rig.app.state)]
        runs = [option.id for option in options.options if option.id and option.id[0] != ":"]
        assert sorted(runs) == sorted(entry.line for entry in offered)
        headings = [o for o in options.options if o.id is None]
        assert len(headings) == len(grouped(offered)) + 1      # of the columns
        about = rig.app.screen.query_one(EntryAbout)
        kick, ban = USUAL.entries[0].spec, find("ban")
        assert ban is not None
        assert str(about.content) == f"{kick.usage}\n{kick.help}"
        await press(rig, pilot, "down")
        assert str(about.content) == f"{ban.usage}\n{ban.help}"
        await press(rig, pilot, "up")
        await press(rig, pilot, "enter")               # the first one: kick
        assert isinstance(rig.app.screen, KickDialog)
        await press(rig, pilot, "tab", "enter")
        assert rig.link.asked == [Kick((str(ident),))]


def test_help_and_palette_offer_what_there_is_a_use_for() -> None:
    chat, program = ConsoleState(), ConsoleState()
    program.feed(ProgramFeed().snapshot(), (), 1.0)
    offered = [[spec.name for spec in SPECS if is_offered(spec.name, state)]
               for state in (chat, program)]
    assert {spec.name for spec in SPECS} - set(offered[0]) == {*ONLY_OF_PROGRAMS, "speed"}
    assert {"loops", "process"} < set(ONLY_OF_PROGRAMS)
    assert is_offered("speed", ConsoleState(replay=True))
    assert set(ONLY_OF_PROGRAMS) < set(offered[1])
    assert not {"broadcast", "limit", "reload", "kick", "nodes"} & set(offered[1])
    for state, panes in ((chat, {"tasks", "nodes"}), (program, {"nodes"})):
        assert {pane for pane in PANES if not is_offered(f"pane {pane}", state)} == panes


async def test_the_palette_tells_in_full_what_its_list_has_cut() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "ctrl+p")
        await write(rig, pilot, "ban")
        ban = find("ban")
        assert ban is not None
        assert f"{ban.usage}\n{ban.help}" == str(rig.app.screen.query_one(EntryAbout).content)
        await write(rig, pilot, "zzzz")
        assert str(rig.app.screen.query_one(EntryAbout).content) == ""


async def test_the_palette_runs_a_command_and_asks_for_what_it_needs() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "ctrl+p")
        assert isinstance(rig.app.screen, PaletteScreen)
        await write(rig, pilot, "spawn")
        await press(rig, pilot, "enter")
        assert rig.app.query_one(Prompt).is_open
        await write(rig, pilot, "rst 3")
        await press(rig, pilot, "enter")
        assert rig.link.asked == [Spawn("rst", 3)]


async def test_the_palette_moves_with_arrows_and_obeys_the_mouse() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "ctrl+p")
        await write(rig, pilot, "pane ")
        await press(rig, pilot, "down", "down", "up")
        assert rig.app.screen.query_one(OptionList).highlighted == 1
        await pilot.click(OptionList, offset=(4, 3))
        await pilot.pause()
        assert not isinstance(rig.app.screen, PaletteScreen)
        assert echo(rig).startswith(":pane ")


async def test_the_palette_says_that_there_is_nothing_and_enter_does_nothing() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "ctrl+p")
        await write(rig, pilot, "[/foo]")
        await press(rig, pilot, "enter")
        assert "nothing is called that" in on_screen(rig)
        await press(rig, pilot, "escape")
        assert len(rig.app.screen_stack) == 1


# -- details


async def test_details_follow_the_client_and_say_when_it_has_left() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await begin(rig, pilot, 5.0)
        rig.app.dispatcher.typed("details 2")
        await press(rig, pilot)
        assert isinstance(rig.app.screen, DetailsScreen)
        before = page_text(rig)
        assert "outbox" in before
        assert "armed by" in before
        rig.run(10.0)
        assert page_text(rig) != before
        rig.feed.leave(2, "evicted: queue 64K")
        rig.run(0.2)
        assert "It has left: evicted: queue 64K" in page_text(rig)


async def test_details_of_a_client_that_is_told_to_go_say_what_is_waited_for() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        rig.feed.talkers[3].state = "lingering"
        rig.app.dispatcher.typed("details 3")
        rig.run(0.1)
        await pilot.pause()
        assert "told to go; for a few seconds its own end is awaited" in on_screen(rig)


async def test_details_of_a_slow_reader_say_that_it_does_not_read() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await begin(rig, pilot, 60.0)
        rig.app.dispatcher.typed("details 2")
        await press(rig, pilot)
        assert "does not read" in page_text(rig)


async def test_details_say_over_which_tls_a_client_came_if_over_any() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await begin(rig, pilot, 5.0)
        rig.app.dispatcher.typed("details 2")
        await press(rig, pilot)
        assert "TLS" not in page_text(rig)
        rig.feed.talkers[2].tls = "TLSv1.3 TLS_AES_128_GCM_SHA256"
        rig.run(0.2)
        assert "TLS        TLSv1.3 TLS_AES_128_GCM_SHA256" in page_text(rig)


async def test_enter_opens_the_details_of_the_row_and_k_kicks_that_client() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "down", "enter")
        assert isinstance(rig.app.screen, DetailsScreen)
        ident = rig.app.state.cursor_client()
        rig.app.state.views["clients"].cursor = 9      # the row moves on; the screen does not
        await press(rig, pilot, "k", "tab", "enter")
        assert rig.link.asked == [Kick((str(ident),))]


async def test_a_descriptor_that_is_no_client_has_details_too() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "2", "home", "enter")
        assert isinstance(rig.app.screen, KeyScreen)
        assert "Listener.on_ready" in page_text(rig)


# -- lints


def test_each_lint_that_holds_is_explained_once_and_the_others_are_named() -> None:
    lints = (Lint("slow-reader", "#3 [/foo] is slow", 9, 3, 1.0), Lint("slow-reader", "#4", 8, 4),
             Lint("of-the-future", "something new"))
    text = page(lints, 61.0).plain
    assert "! #3 [/foo] is slow  for 1m" in text
    assert text.count(LINTS["slow-reader"].remedy) == 1
    assert "! something new" in text
    stuck = Lint("slow-reader", "#3 does not read: 584B queued, stuck 1m", 9, 3, 1.0, dated=True)
    assert page((stuck,), 61.0).plain.count("1m") == 1
    assert all(other.title in text for code, other in LINTS.items() if code != "slow-reader")
    assert "nothing to object to" in page((), 0.0).plain


async def test_what_was_looked_for_is_what_there_can_be() -> None:
    for feed, there, absent in ((None, "history-lost", ("locked", "node-gone")),
                                (ProgramFeed(clients=3), "fd-leak", ("log-lost", "node-gone"))):
        rig = Rig(feed)
        async with rig.app.run_test(size=(120, 60)) as pilot:
            await begin(rig, pilot)
            await press(rig, pilot, "l")
            rig.run(0.2)
            await pilot.pause()
            assert isinstance(rig.app.screen, LintsScreen)
            assert LINTS[there].title in page_text(rig)
            assert not [code for code in absent if LINTS[code].title in page_text(rig)]


async def test_l_opens_the_lints_and_they_come_and_go() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "l")
        assert isinstance(rig.app.screen, LintsScreen)
        rig.run(60.0)
        await pilot.pause()
        assert "slow reader" in page_text(rig)
        await press(rig, pilot, "q")
        assert len(rig.app.screen_stack) == 1


# -- hostile text, wherever it can come


@pytest.mark.parametrize("nick", NASTY)
async def test_markup_is_text_on_every_screen(nick: str) -> None:
    rig = Rig()
    rig.feed.join(50, nick, talks=2.0)
    async with rig.app.run_test(size=(120, 40), notifications=True) as pilot:
        await begin(rig, pilot, 3.0)
        for line in ("details 50", "lints", "help", "palette"):
            rig.app.dispatcher.typed(line)
            await press(rig, pilot)
            if line == "details 50":
                assert nick in on_screen(rig)
            await pilot.click(offset=(60, 6))
            await press(rig, pilot, "escape")
        for pane in "12345":
            await press(rig, pilot, pane)
            await pilot.click(offset=(30, 8))
        rig.app.dispatcher.typed(f"filter {nick}")
        await press(rig, pilot)
        assert rig.app.is_running
        assert rig.link.asked == []
