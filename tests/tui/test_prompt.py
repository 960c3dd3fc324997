"""The command line: completion, history, usage, errors, and a filter that works as typed."""

from __future__ import annotations

from textual.widgets import Input, OptionList, Static

from chatops.api.command_table import SPECS
from chatops.api.commands import Mute, Spawn
from tests.tui.press import begin, echo, on_screen, press, table, write
from tests.tui.shots import Rig
from tui.messages import RunLine
from tui.model.completion import complete
from tui.model.line_history import LineHistory
from tui.screens.prompt import Prompt


def line_of(rig: Rig) -> str:
    return rig.app.query_one("#prompt Input", Input).value


def usage_of(rig: Rig) -> str:
    return str(rig.app.query_one("#prompt .usage", Static).content)


def is_open(rig: Rig) -> bool:
    return rig.app.query_one(Prompt).is_open


async def test_colon_opens_it_and_escape_gives_the_keys_back() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        before = rig.app.focused
        await press(rig, pilot, "colon", "k")
        assert is_open(rig)
        assert line_of(rig) == "k"
        await press(rig, pilot, "escape")
        assert not is_open(rig)
        assert rig.app.focused is before
        assert rig.link.asked == []


async def test_a_line_that_is_entered_runs_and_the_outcome_is_echoed() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "colon")
        await write(rig, pilot, "mute 3 10m")
        await press(rig, pilot, "enter")
        assert rig.link.asked == [Mute(("3",), 600.0)]
        assert echo(rig) == ":mute 3 10m   ✓ done"
        assert not is_open(rig)


async def test_a_pane_that_became_active_meanwhile_stays_it_when_a_line_is_entered() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "colon")
        rig.app.screen.post_message(RunLine("pane events"))    # a click's, taken in after the key
        await write(rig, pilot, "broadcast soon")
        await press(rig, pilot, "enter")
        assert echo(rig) == ":broadcast soon   ✓ done"
        assert rig.app.state.pane == "events"


async def test_tab_completes_the_command_then_its_arguments() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "colon", "s", "p", "tab")
        assert line_of(rig) == "spawn "
        await write(rig, pilot, "sl")
        await press(rig, pilot, "tab")
        assert line_of(rig) == "spawn slow "
        await write(rig, pilot, "4")
        await press(rig, pilot, "enter")
        assert rig.link.asked == [Spawn("slow", 4)]


async def test_tab_goes_round_the_candidates_and_shift_tab_back() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "colon")
        await write(rig, pilot, "slow-consumer ")
        await press(rig, pilot, "tab")
        assert line_of(rig) == "slow-consumer evict"
        await press(rig, pilot, "tab")
        assert line_of(rig) == "slow-consumer drop-oldest"
        await press(rig, pilot, "shift+tab", "shift+tab")
        assert line_of(rig) == "slow-consumer drop-newest"


async def test_a_click_takes_a_candidate() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "colon")
        await write(rig, pilot, "selector ")
        await pilot.click("#prompt OptionList", offset=(3, 1))
        await pilot.pause()
        assert line_of(rig) == "selector poll "
        assert is_open(rig)


async def test_the_usage_of_the_command_stands_above_with_the_argument_marked() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "colon")
        await write(rig, pilot, "ban 3 ")
        content = rig.app.query_one("#prompt .usage", Static).content
        assert usage_of(rig).startswith("ban CLIENT|ADDRESS|NETWORK [DURATION] [REASON]")
        marked = [span for span in content.spans if "underline" in str(span.style)]  # type: ignore[union-attr]
        assert [usage_of(rig)[span.start:span.end] for span in marked] == ["[DURATION]"]


async def test_an_error_is_said_in_place_and_the_line_stays_to_be_mended() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "colon")
        await write(rig, pilot, "spawn slwo")
        await press(rig, pilot, "enter")
        assert is_open(rig)
        assert line_of(rig) == "spawn slwo"
        assert usage_of(rig).startswith("✗ spawn: KIND is one of chat, bot, slow")
        assert rig.link.asked == []


async def test_up_and_down_recall_what_begins_alike() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        for line in ("mute 3", "limit", "mute 5"):
            await press(rig, pilot, "colon")
            await write(rig, pilot, line)
            await press(rig, pilot, "enter")
        await press(rig, pilot, "colon", "m", "up")
        assert line_of(rig) == "mute 5"
        await press(rig, pilot, "up")
        assert line_of(rig) == "mute 3"
        await press(rig, pilot, "down", "down")
        assert line_of(rig) == "m"


async def test_down_goes_into_the_candidates_and_up_leads_back_out() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        usual = rig.app.theme
        await press(rig, pilot, "colon")
        await write(rig, pilot, "theme ")
        await press(rig, pilot, "down", "down")
        assert line_of(rig) == "theme day"
        assert rig.app.theme == "chatops-day"          # it is seen before it is chosen
        await press(rig, pilot, "up")
        assert line_of(rig) == "theme night"
        await press(rig, pilot, "up")
        assert line_of(rig) == "theme "
        await press(rig, pilot, "down", "down", "escape")
        assert rig.app.theme == usual


async def test_a_filter_works_as_it_is_typed_and_escape_puts_the_old_one_back() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        rig.app.state.set_filter("o")
        await press(rig, pilot, "slash")
        assert line_of(rig) == "filter o"
        await press(rig, pilot, "x", "y")
        assert rig.app.state.view.filter == "oxy"
        await press(rig, pilot, "escape")
        assert rig.app.state.view.filter == "o"
        await press(rig, pilot, "slash", "x", "enter")
        assert rig.app.state.view.filter == "ox"


async def test_a_filter_that_cannot_be_meant_is_said_as_it_is_typed_and_is_not_taken() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        rig.app.state.set_filter("o")
        rig.app.redraw()
        shown = {row.id for row in table(rig).rows}
        await press(rig, pilot, "slash")
        await write(rig, pilot, " queue:>5")
        assert usage_of(rig).startswith("no column 'queue' here; there is id, fd")
        assert {row.id for row in table(rig).rows} == shown    # the word hides nobody
        assert "filter: o  sort" in on_screen(rig).replace(" " * 3, "  ")
        await press(rig, pilot, "enter")
        assert is_open(rig)
        assert usage_of(rig).startswith("✗ no column 'queue' here")
        await press(rig, pilot, *["backspace"] * len("queue:>5"))
        await write(rig, pilot, "id:>2")
        assert usage_of(rig).startswith("filter [EXPRESSION]")
        await press(rig, pilot, "enter")
        assert not is_open(rig)
        assert rig.app.state.view.filter == "o id:>2"


async def test_a_pane_without_rows_is_not_filtered() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "4", "slash", "x", "enter")
        assert usage_of(rig) == "✗ the loop pane has no rows to filter"
        await press(rig, pilot, "escape", "3", "slash")
        await write(rig, pilot, "note:this")       # of lines any text is looked for
        await press(rig, pilot, "enter")
        assert rig.app.state.view.filter == "note:this"


async def test_a_click_on_the_echo_row_opens_the_command_line() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        await pilot.click("#prompt")
        await pilot.pause()
        assert is_open(rig)


async def test_keys_of_the_console_are_letters_while_one_types() -> None:
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "colon")
        await write(rig, pilot, "kqpb?")
        assert line_of(rig) == "kqpb?"
        assert len(rig.app.screen_stack) == 1


async def test_nicks_that_look_like_markup_are_offered_as_they_are() -> None:
    rig = Rig()
    rig.feed.join(50, "[/foo]")
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "colon")
        await write(rig, pilot, "kick [/")
        assert "#50 [/foo]" in on_screen(rig)
        await press(rig, pilot, "tab")
        assert line_of(rig) == "kick 50 "
        assert rig.app.query_one("#prompt OptionList", OptionList).option_count == 0


# -- what is offered


def lines_for(rig: Rig, text: str) -> list[str]:
    return [candidate.line for candidate in complete(text, rig.app.state).candidates]


def test_every_command_is_offered_on_an_empty_line() -> None:
    assert [line.strip() for line in lines_for(Rig(), "")] == [spec.name for spec in SPECS]


async def test_what_is_not_known_here_is_not_offered() -> None:
    """As in a stage of the lab, which has four commands of a server."""
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        rig.app.state.refusal = lambda name: "" if name == "spawn" else f"no '{name}' here"
        await press(rig, pilot, "colon")
        listed = rig.app.query_one("#prompt OptionList", OptionList).options
        names = {str(option.prompt).split()[0].strip("[]") for option in listed}
        assert {"spawn", "help", "pause"} <= names
        assert not {"kick", "ban", "broadcast", "close"} & names
        await write(rig, pilot, "ki")
        assert rig.app.query_one("#prompt OptionList", OptionList).option_count == 0


def test_aliases_complete_to_the_command() -> None:
    assert lines_for(Rig(), "say") == ["broadcast "]


def test_clients_are_offered_by_id_and_found_by_nick() -> None:
    rig = Rig()
    rig.run(0.2)
    nick = rig.feed.talkers[3].nick
    assert lines_for(rig, f"kick {nick[:3]}") == ["kick 3"]
    assert lines_for(rig, "kick 3") == ["kick 3"]
    assert "kick 3,4" in lines_for(rig, "kick 3,")
    assert "kick 3,3" not in lines_for(rig, "kick 3,")


def test_a_reason_is_nobodys_to_complete() -> None:
    rig = Rig()
    rig.run(0.2)
    assert lines_for(rig, "kick 3 be") == []
    assert complete("kick 3 be nice to", rig.app.state).argument == 1


def test_limits_and_examples_of_their_values_are_offered() -> None:
    rig = Rig()
    assert "limit outbox" in lines_for(rig, "limit out")
    assert lines_for(rig, "limit slow-consumer d") == ["limit slow-consumer drop-oldest"]
    assert lines_for(rig, "limit no-such-limit ") == []


def test_columns_of_the_pane_are_offered() -> None:
    rig = Rig()
    assert "sort appq" in lines_for(rig, "sort a")


def test_history_holds_a_repeated_line_once() -> None:
    history = LineHistory()
    for line in ("a", "b", "b"):
        history.add(line)
    assert [history.older(""), history.older("b"), history.older("a")] == ["b", "a", "a"]
    assert [history.newer("a"), history.newer("b")] == ["b", ""]
