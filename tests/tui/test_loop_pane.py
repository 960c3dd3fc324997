"""The loop pane: the story of turns, time split in two, threads, plots that are never blank."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from textual.content import Content

from chatops.api.snapshot import Change, Ready, ThreadRow, Turn
from chatops.links.local import CONSOLES
from chatops.server.server import ChatServer
from tests.tui.press import begin, on_screen, press
from tests.tui.shots import Rig
from tui.panes import loop
from tui.panes.turns import READY_SHOWN, story, turn_lines

READ, WRITE = 1, 2


def told(turn: Turn, width: int = 80) -> list[str]:
    return [line.plain for line in story(turn, width)]


def test_a_turn_tells_what_it_waited_for_what_was_ready_and_what_changed() -> None:
    turn = Turn(18_204, 1.0, None, 0.071, 0.0004, (Ready(8, READ, "#1 alice", 0.0002),),
                (Change("modify", 9, READ, READ | WRITE, "#2 bob", "f (a.py:1)"),
                 Change("register", 10, 0, READ, "#3 eve", "f (a.py:2)"),
                 Change("unregister", 11, READ, 0, "#4 dan", "f (a.py:3)")),
                ("#1 alice recv 24 bytes",), ((2, 12_400),))
    assert told(turn) == [
        " 18,204 select(None) slept 71ms → 1 ready  worked 0.4ms",
        "  fd 8 R- #1 alice  0.2ms",
        "  #1 alice recv 24 bytes",
        "  modify fd 9 #2 bob R- → RW  by f (a.py:1)",
        "  register fd 10 #3 eve R-  by f (a.py:2)",
        "  unregister fd 11 #4 dan R- → gone  by f (a.py:3)",
        "  queues #2 12.1K",
    ]


def test_turns_that_were_alike_are_told_once_and_counted() -> None:
    turn = Turn(5, 1.0, 0.0, 0.0, 0.0, (), repeats=99_999)
    assert "×100K alike" in told(turn)[0] or "×97.7K alike" in told(turn)[0]


def test_how_often_a_turn_came_again_can_be_read_where_there_is_little_room() -> None:
    turn = Turn(195_284, 1.0, None, 2.2, 0.0, (Ready(8, READ, "x", 0.1),), repeats=149_999)
    assert told(turn, 36)[0].startswith("195,284 select(None) 2.2s ×150K → 1")


def test_of_a_crowd_that_is_ready_the_first_are_named_and_the_rest_counted() -> None:
    turn = Turn(5, 1.0, 0.0, 0.0, 0.0,
                tuple(Ready(fd, READ, "x", float("nan")) for fd in range(1000)))
    lines = told(turn)
    assert len(lines) == 1 + READY_SHOWN + 1
    assert lines[-1] == "  and 996 more"


async def test_the_turns_take_no_more_lines_than_there_are_and_end_with_the_newest() -> None:
    rig = Rig()
    rig.run(5.0)
    rig.feed.talkers[1].talks = 50.0
    rig.run(0.2)
    snapshot = rig.app.state.snapshot
    assert snapshot is not None
    for room in (1, 3, 8):
        lines = turn_lines(rig.app.state, snapshot, 40, room)
        assert len(lines) <= room + 1
        assert all(line.cell_length <= 40 for line in lines)
    text = "\n".join(line.plain for line in turn_lines(rig.app.state, snapshot, 80, 12))
    assert f"{snapshot.turns[-1].n:,} select" in text


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (120, 40), (200, 60)])
async def test_it_fits_every_size(size: tuple[int, int]) -> None:
    rig = Rig()
    async with rig.app.run_test(size=size) as pilot:
        await begin(rig, pilot, 10.0)
        await press(rig, pilot, "4")
        text = on_screen(rig)
        assert "busy" in text
        assert "Tick " in text
        assert "select(None)" in text
        pane = rig.app.query_one("#loop-pane")
        page = pane.query_one("Static")
        assert page.region.width <= pane.region.width


async def test_stepping_back_shows_the_turn_of_that_moment() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot, 5.0)
        await press(rig, pilot, "4", "left_square_bracket")
        state = rig.app.state
        assert state.travel is not None
        assert f"Tick {state.travel:,}" in on_screen(rig)
        rig.run(1.0)
        await pilot.pause()
        assert f"Tick {state.travel:,}" in on_screen(rig)


async def test_threads_are_named_with_their_share_of_a_core() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await begin(rig, pilot, 2.0)
        rig.feed.step(1.0)
        snapshot = rig.feed.snapshot()
        threads = (ThreadRow("reactor", 7, False, 1.0, "select"),
                   ThreadRow("[/x]", 8, True, 0.5, "[@click=app.quit]x[/]"))
        pane = rig.app.query_one("#loop-pane")
        busier = tuple(replace(row, cpu=row.cpu + 0.5) for row in threads)
        state = rig.app.state
        state.feed(replace(snapshot, threads=threads), (), rig.time)
        pane.show(state)  # type: ignore[attr-defined]
        rig.feed.step(1.0)
        state.feed(replace(rig.feed.snapshot(), threads=busier), (), rig.time + 1.0)
        pane.show(state)  # type: ignore[attr-defined]
        await pilot.pause()
        text = on_screen(rig)
        assert "reactor      50%" in text
        assert "[/x]" in text


@pytest.mark.parametrize(("size", "keys", "told"), [
    ((80, 24), "4", ["thread       cpu  purpose (+1 idler)", "MainThread     -  draws this console",
                     "reactor        -  selector, sockets"]),
    ((120, 40), "4", ["thread       cpu  purpose (+1 idler)",
                      "MainThread     -  draws this console",
                      "journal        -  log, bans, histor"]),
    ((120, 40), "4z", ["thread              id  cpu  purpose",
                       "journal              3    -  log, bans, history, TLS",
                       "textual-output       4    -  writes to the terminal"]),
])
async def test_what_threads_are_for_can_be_read_where_there_is_little_room(
        size: tuple[int, int], keys: str, told: list[str]) -> None:
    rig = Rig()
    purposes = ChatServer.purposes | CONSOLES
    names = ("MainThread", "reactor", "journal", "textual-output")
    rig.feed.threads = tuple(ThreadRow(name, number, True, 4.0 - number, purposes[name])
                             for number, name in enumerate(names, 1))
    async with rig.app.run_test(size=size) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, *keys)
        text = on_screen(rig)
        for line in told:
            assert line in text


async def test_what_was_not_timed_is_not_shown_as_if_it_had_been_measured() -> None:
    rig = Rig()
    rig.run(1.0)
    snapshot = rig.app.state.snapshot
    assert snapshot is not None
    none = replace(snapshot.loop, slowest=0.0, slowest_name="", p50=0.0, p99=0.0)
    _time, callback, slowest, *_ = loop._figures(rig.app.state, replace(snapshot, loop=none), 80)
    assert callback.plain.split() == ["callback", "p50", "-", "p99", "-"]
    assert slowest.plain.split() == ["slowest", "-"]


# -- worked, and kept waiting


def test_a_turn_that_was_kept_waiting_says_what_it_worked_and_what_it_waited() -> None:
    turn = Turn(7, 1.0, None, 0.071, 2.0, (Ready(8, READ, "#3 carol", 1.9, 1.897),), off_cpu=1.99)
    assert told(turn) == [
        "      7 select(None) slept 71ms → 1 ready  worked 10ms  kept waiting 2.0s",
        "  fd 8 R- #3 carol  1.9s, 1.9s of it kept waiting",
    ]


async def test_the_pane_shows_how_long_the_loop_worked_and_was_kept_waiting() -> None:
    rig = Rig()
    rig.feed.off_cpu_share = 0.25
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await begin(rig, pilot, 5)
        await press(rig, pilot, "4", "z")
        await begin(rig, pilot, 2)
        text = on_screen(rig)
        assert "25% kept waiting" in text
        assert "slowest   1.9s, of it 1.9s kept waiting" in text
        assert "! holds the loop" not in text
        assert "1.9s kept waiting" in text.split("\n")[1]         # the header blames nobody


async def test_a_loop_that_was_not_kept_waiting_is_shown_as_ever() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await begin(rig, pilot, 5)
        await press(rig, pilot, "4", "z")
        assert "kept waiting" not in on_screen(rig)


async def test_rows_that_were_read_in_slices_are_said_to_be() -> None:
    rig = Rig()
    rig.run(1.0)
    snapshot = rig.app.state.snapshot
    assert snapshot is not None
    for spread, said in ((0.0, False), (0.25, True)):
        lines = loop._figures(rig.app.state, replace(snapshot, spread=spread), 80)
        assert any("rows read over 250ms" in line.plain for line in lines) is said


@pytest.mark.parametrize("width", [34, 36, 37, 60, 110])
def test_a_figure_that_comes_moves_nothing_and_says_what_it_is(width: int) -> None:
    before, after = (Content.assemble(*loop._busy_bar(0.12, kept, width)).plain
                     for kept in (0.0, 0.02))
    assert after.startswith(before)
    assert after[len(before):] == f"   2% {'kept waiting' if width >= 50 else 'off CPU'}"
    assert len(loop._label("busy")[0]) + len(after) <= width


def test_a_loop_that_is_hardly_busy_has_hardly_a_bar() -> None:
    drawn = Content.assemble(*loop._busy_bar(0.001, 0.0, 80)).plain
    assert drawn.startswith("▏·")
    assert "█" not in drawn


@pytest.mark.parametrize("width", [36, 37, 80])
async def test_of_the_slowest_callback_the_cause_is_told_before_the_name(width: int) -> None:
    rig = Rig()
    rig.run(1.0)
    snapshot = rig.app.state.snapshot
    assert snapshot is not None
    slow = replace(snapshot.loop, slowest=0.060, slowest_off_cpu=0.0599,
                   slowest_name="Connection.on_ready #3")
    line = loop._figures(rig.app.state, replace(snapshot, loop=slow), width)[2].plain
    assert line.startswith("slowest   60ms, of it 60ms ")
    assert "kept waiting" in line or "off CPU" in line


async def test_turns_are_counted_in_one_form() -> None:
    rig = Rig()
    rig.run(1.0)
    snapshot = rig.app.state.snapshot
    assert snapshot is not None
    counted = replace(snapshot.loop, turns=2_901, ready=123_456)
    lines = loop._figures(rig.app.state, replace(snapshot, loop=counted), 37)
    assert "so far    2,901 turns  123K events" in [line.plain for line in lines]


@pytest.mark.parametrize(("width", "keys"), [
    (80, "  [ ] step   S seek"), (33, "  [ ] step"), (24, "")])
async def test_how_far_back_a_turn_is_stands_before_its_keys_and_nothing_is_cut(
        width: int, keys: str) -> None:
    rig = Rig()
    rig.run(5.0)
    rig.app.state.seek_to("-2s")
    snapshot = rig.app.state.snapshot
    assert snapshot is not None
    title = turn_lines(rig.app.state, snapshot, width, 5)[0].plain
    age = rig.app.state.server_now - rig.app.state.now
    assert title == f"Tick {snapshot.turn:,}  (-{age:.1f}s){keys}"


async def test_a_pause_is_named_beside_its_turn() -> None:
    rig = Rig()
    rig.run(5.0)
    rig.app.state.pause()
    snapshot = rig.app.state.snapshot
    assert snapshot is not None
    assert turn_lines(rig.app.state, snapshot, 36, 5)[0].plain == (
        f"Tick {snapshot.turn:,}  PAUSED  [ ] step")
