"""The console on a program instead of a chat server: its panes, keys and dialogs."""

from __future__ import annotations

import pytest

from chatops.api.commands import Cancel, Close, Quit
from chatops.api.program import CallbackRow, Program
from tests.tui.feed import Feed
from tests.tui.press import looking, on_screen, press
from tests.tui.program_feed import ProgramFeed
from tui.model.rates import AT_REST
from tui.panes.calls import call_lines
from tui.program import offered
from tui.screens.program import EndDialog, LeaveDialog, TaskScreen

WIDE, SMALL = (140, 40), (80, 24)


async def test_connections_stand_in_the_place_of_the_clients() -> None:
    async with looking(ProgramFeed(clients=3), WIDE) as (rig, _pilot):
        assert rig.app.query_one("#transports-pane").display
        assert not rig.app.query_one("#clients-pane").display
        title = str(rig.app.query_one("#transports-pane").border_title)
        assert title.startswith("[1 Connections (3)]")


async def test_the_header_names_the_program_and_nothing_of_a_chat() -> None:
    async with looking(ProgramFeed(clients=3), WIDE) as (rig, _pilot):
        header = on_screen(rig)
        assert "chat.py  pid 4242  Python 3.12.1  asyncio epoll" in header
        assert "tasks" in header
        assert "in/s" not in header
        assert "k abort" in header
        assert "broadcast" not in header


async def test_tasks_are_a_pane_where_there_are_any() -> None:
    async with looking(ProgramFeed(clients=3), SMALL) as (rig, pilot):
        await pilot.press("6")
        await pilot.pause()
        assert rig.app.state.pane == "tasks"
        assert rig.app.query_one("#tasks-pane").display
        assert "Tasks" in on_screen(rig)
        await pilot.press("tab")
        assert rig.app.state.pane == "clients"


async def test_a_program_is_not_told_to_be_one_of_several_nodes() -> None:
    async with looking(ProgramFeed(clients=3), WIDE) as (rig, pilot):
        await pilot.press("7")
        await pilot.pause()
        assert "nodes are of chat servers; this is a program" in on_screen(rig)
        assert "--cluster" not in on_screen(rig)


async def test_a_chat_server_has_no_tasks() -> None:
    async with looking(Feed(clients=3), SMALL) as (rig, pilot):
        await pilot.press("6")
        await pilot.pause()
        assert rig.app.state.pane == "clients"
        assert "Tasks" not in on_screen(rig)
        rig.app.redraw()
        await pilot.pause()
        assert "no tasks here: chatops watch shows those of a program" in on_screen(rig)


async def test_k_ends_what_is_under_the_cursor_after_asking() -> None:
    async with looking(ProgramFeed(clients=3), SMALL) as (rig, pilot):
        await pilot.press("k")
        await pilot.pause()
        assert isinstance(rig.app.screen, EndDialog)
        await pilot.press("y")
        await pilot.pause()
        (closed,) = rig.link.asked
        assert isinstance(closed, Close)
        rig.link.asked.clear()
        await pilot.press("6")
        await pilot.pause()
        cursor = rig.app.state.views["tasks"].cursor
        await pilot.press("k")
        await pilot.pause()
        assert isinstance(rig.app.screen, EndDialog)
        # Of the two answers, none can be taken for the other.
        assert "enter press  y cancel it  esc let it run" in on_screen(rig)
        await pilot.press("n")
        await pilot.pause()
        assert rig.link.asked == []
        await pilot.press("k")
        await pilot.pause()
        await pilot.press("y")
        await pilot.pause()
        assert rig.link.asked == [Cancel((str(cursor),))]


async def test_the_keys_say_what_k_does_in_this_pane() -> None:
    async with looking(ProgramFeed(clients=3), SMALL) as (rig, pilot):
        for pane, says in (("1", "k abort"), ("6", "k cancel"), ("2", "k abort")):
            await press(rig, pilot, pane)
            assert says in on_screen(rig).split("\n")[-1]
        await press(rig, pilot, "4")
        assert " k " not in on_screen(rig).split("\n")[-1]
        await press(rig, pilot, "k")
        assert "no connection and no task is selected" in on_screen(rig)


async def test_keys_of_a_chat_say_that_there_is_none() -> None:
    async with looking(ProgramFeed(clients=3), SMALL) as (rig, pilot):
        for key in ("b", "K", "m"):
            await pilot.press(key)
            await pilot.pause()
            assert rig.app.screen is rig.app.get_default_screen()
        assert rig.link.asked == []


@pytest.mark.parametrize("size", [WIDE, SMALL], ids=str)
async def test_the_loop_pane_shows_how_late_the_loop_is_and_what_it_calls(
        size: tuple[int, int]) -> None:
    feed = ProgramFeed(clients=3)
    async with looking(feed, size, 5) as (rig, pilot):
        await pilot.press("4", "z")
        await pilot.pause()
        rig.run(0.1)
        await pilot.pause()
        shown = on_screen(rig).replace("│", " ").split("\n")
        assert any("2.1ms loop lag" in line for line in shown)
        at = next(n for n, line in enumerate(shown) if " share " in line)
        # What took a tenth of the last second, before what took much an hour ago.
        told = [line.split() for line in shown[at:at + 3]]
        if size == WIDE:
            assert told[0][:6] == ["share", "calls/s", "p50", "p99", "max", "call"]
            assert told[1][:6] == ["10.0%", "90", "0.1ms", "0.9ms", "20ms", "handle"]
            assert told[2][:6] == ["0.0%", "0", "0.2ms", "300ms", "310ms", "backup"]
        else:
            assert told[0][:3] == ["share", "max", "call"]
            assert told[1][:4] == ["10.0%", "20ms", "handle", "(chat.py:8)"]
            assert told[2][:4] == ["0.0%", "310ms", "backup", "(chat.py:19)"]
        feed.hold()
        rig.run(1.8)
        await pilot.pause()
        shown = on_screen(rig).split("\n")
        at = next(n for n, line in enumerate(shown) if "1.8s loop lag" in line)
        plot = " ".join(shown[at + 1:at + 6])
        assert "     2s" in plot
        assert "█" in plot


async def test_the_details_of_a_connection_say_nothing_of_lines() -> None:
    async with looking(ProgramFeed(clients=3), (140, 60), 3) as (rig, pilot):
        await pilot.press("enter")
        await pilot.pause()
        rig.run(0.1)
        await pilot.pause()
        shown = on_screen(rig)
        assert "Three queues lie between what is written and its reader" in shown
        assert "queued" in shown
        for word in ("lines-in", "lines-out", "Said and told", "protocol   line", "K ban"):
            assert word not in shown
        assert "k abort  g plot" in shown
        await pilot.press("k")
        await pilot.pause()
        assert isinstance(rig.app.screen, EndDialog)


async def test_the_plots_of_a_program_are_those_that_it_has() -> None:
    async with looking(ProgramFeed(clients=3), WIDE, 3) as (rig, pilot):
        await pilot.press("g")
        await pilot.pause()
        rig.run(0.1)
        await pilot.pause()
        assert "[wake-ups] busy  queued  kernel  clients" in on_screen(rig)
        assert "wake-ups: the program" in on_screen(rig)
        await pilot.press("right")
        await pilot.pause()
        rig.run(0.1)
        await pilot.pause()
        assert "busy: the program" in on_screen(rig)


async def test_a_chat_server_has_no_loop_lag_and_no_calls() -> None:
    async with looking(Feed(clients=3), WIDE, 2) as (rig, pilot):
        await pilot.press("4")
        await pilot.pause()
        assert "loop lag" not in on_screen(rig)
        assert "calls/s" not in on_screen(rig)


async def test_a_task_is_opened_with_its_chain() -> None:
    async with looking(ProgramFeed(clients=3), WIDE) as (rig, pilot):
        await pilot.press("6")
        await pilot.pause()
        rig.app.state.views["tasks"].cursor = 2
        await pilot.press("enter")
        await pilot.pause()
        screen = rig.app.screen
        assert isinstance(screen, TaskScreen)
        shown = on_screen(rig)
        assert "Lock.acquire (locks.py:113)" in shown
        assert "Task-5 handle (chat.py:8)" in shown
        await press(rig, pilot, "k", "y")
        assert rig.link.asked == [Cancel(("2",))]


async def test_what_a_task_waits_for_is_told_in_full_below() -> None:
    async with looking(ProgramFeed(clients=3), SMALL) as (rig, pilot):
        await pilot.press("6")
        await pilot.pause()
        while rig.app.state.views["tasks"].cursor != 2:
            await pilot.press("down")
        await pilot.pause()
        assert "waits for Lock.acquire held by Task-5 handle (chat.py:8)" in on_screen(rig)


async def test_leaving_asks_what_becomes_of_the_program() -> None:
    async with looking(ProgramFeed(clients=3), SMALL) as (rig, pilot):
        await pilot.press("q")
        await pilot.pause()
        assert isinstance(rig.app.screen, LeaveDialog)
        await pilot.press("s")
        await pilot.pause()
        assert rig.link.asked == [Quit("drain")]


async def test_a_program_is_left_alone_by_who_only_looks() -> None:
    async with looking(ProgramFeed(clients=3), SMALL, attached=True) as (rig, pilot):
        await pilot.press("q")
        await pilot.pause()
        await pilot.press("x")
        await pilot.pause()
    assert rig.link.asked == []
    assert rig.app.return_value == 0


async def test_a_typed_command_of_a_chat_is_refused_without_being_asked_for() -> None:
    async with looking(ProgramFeed(clients=3), SMALL) as (rig, pilot):
        await pilot.press("colon", *"spawn chat 3", "enter")
        await pilot.pause()
        assert "this is a program" in on_screen(rig)
    assert rig.link.asked == []


async def test_a_program_is_not_asked_to_kick_and_the_help_has_its_key_where_it_ends_something(
        ) -> None:
    async with looking(ProgramFeed(clients=3), SMALL) as (rig, pilot):
        await pilot.press("colon", *"kick 1", "enter")
        await pilot.pause()
        assert "this is a program" in on_screen(rig)
        await press(rig, pilot, "question_mark")
        listed = {entry.line: entry.keys_text for entry in offered(rig.app.state)}
        assert "kick" not in listed
        assert (listed["close"], listed["cancel"]) == ("k F9", "k F9")
        assert "kick" not in on_screen(rig)
    assert rig.link.asked == []


async def test_what_cannot_be_seen_is_said_where_there_would_be_rows() -> None:
    feed = ProgramFeed(clients=0, kind="")
    feed.unseen = "nothing to be seen: the program uses trio"
    async with looking(feed, SMALL) as (rig, _pilot):
        assert "nothing to be seen: the program uses trio" in on_screen(rig)


async def test_the_strip_counts_bytes_of_a_connection_and_names_its_protocol() -> None:
    async with looking(ProgramFeed(clients=3), WIDE) as (rig, pilot):
        await pilot.press("down")
        rig.run(1)
        await pilot.pause()
        strip = str(rig.app.query_one("#strip").render())
        assert " protocol " in strip
        assert " lines " not in strip
        assert " room " not in strip


@pytest.mark.parametrize(("name", "shown"), [
    ("cruncher (prog.py:17)", "cruncher (prog.py:17)"),
    ("Server.handle_client (server.py:117)", "handl… (server.py:117)"),
    ("main (some/long_program.py:1234)", "some/long_program.py:…"),
    ("main (a_long_program.py:123)", "a_long_program.py:123…"),
    ("StreamReaderProtocol: handle_request (connection.py:88)", "connection.py:88 hand…")])
@pytest.mark.parametrize("width", [37, 44, 60, 100])
def test_the_place_of_a_call_is_whole_before_its_name_is(name: str, shown: str, width: int
                                                         ) -> None:
    row = CallbackRow(name, 9, 0.5, 0.1, 0.302, 0.302)
    program = Program("prog.py", 1, "3.12.1", "asyncio", callbacks=(row,))
    heading, line = call_lines(program, AT_REST, width, 5)
    assert ("p99" in heading.plain) is (width >= 45)
    if width == 37:
        assert line.plain.rstrip().endswith(f"  {shown}")
    assert max(heading.cell_length, line.cell_length) <= width


@pytest.mark.parametrize(("feed", "called"), [
    (ProgramFeed, "connection"), (Feed, "client")])
async def test_what_is_not_there_is_called_what_its_pane_calls_it(
        feed: type[Feed], called: str) -> None:
    async with looking(feed(clients=0), WIDE) as (rig, pilot):
        await press(rig, pilot, "enter")
        assert f":details   ✗ no {called} is selected" in on_screen(rig)
        await press(rig, pilot, "k")
        assert f"✗ no {called} is selected" in on_screen(rig)
        await press(rig, pilot, "colon", *"details 99", "enter")
        assert f"✗ no {called} 99; it may have left" in on_screen(rig)
