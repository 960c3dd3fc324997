"""A program with several loops and processes: the list of them, and the console on another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.widgets import OptionList

from chatops.api.commands import Loop
from chatops.api.program import LoopRow, Process
from chatops.api.snapshot import Snapshot
from chatops.service import ServerThread
from chatops.settings import Settings
from tests.patience import Deadline, scaled
from tests.tui.feed import Feed
from tests.tui.press import looking, on_screen
from tests.tui.program_feed import ProgramFeed
from tests.tui.shots import Rig
from tui.nested import ProcessScreen
from tui.screens.loops import LoopsScreen

WIDE = (140, 40)


class _Several(ProgramFeed):
    """Two loops, and the processes that are given."""

    processes: tuple[Process, ...] = ()
    unseen_too = ""

    def snapshot(self) -> Snapshot:
        picture = super().snapshot()
        assert picture.program is not None
        other = LoopRow(2, "selectors", "worker-[bold]", "poll", 3, 7, "run (w.py:5)")
        return replace(picture, program=replace(
            picture.program, loops=(*picture.program.loops, other), processes=self.processes,
            unseen=self.unseen_too))


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Process]:
    """Something that listens on a control socket: a server, for there the console is at home."""
    path = tmp_path / "other.sock"
    thread = ServerThread(Settings(port=0, control=str(path)))
    thread.start()
    try:
        yield Process(777, str(path))
    finally:
        thread.close()


async def see(rig: Rig, pilot: object, what: Callable[[], bool]) -> None:
    deadline = Deadline(scaled(10.0))
    while not what():
        assert deadline.left() > 0, on_screen(rig)
        rig.run(0.1)
        await pilot.pause()  # type: ignore[attr-defined]  # a Pilot of whatever the app answers


async def test_the_list_names_loops_and_processes_and_asks_for_the_one_that_is_chosen() -> None:
    feed = _Several(clients=2)
    feed.processes = (Process(77, "/nowhere"),)
    async with looking(feed, WIDE) as (rig, pilot):
        await pilot.press("o")
        await pilot.pause()
        rig.run(0.1)
        await pilot.pause()
        assert isinstance(rig.app.screen, LoopsScreen)
        shown = on_screen(rig)
        assert "● loop 1" in shown
        assert "worker-[bold]" in shown                # as it is called, and no markup
        assert "process 77" in shown
        await pilot.press("down", "enter")
        await pilot.pause()
        assert rig.link.asked[-1] == Loop(2)


async def test_the_cursor_stays_on_its_line_when_a_process_comes() -> None:
    feed = _Several(clients=1)
    async with looking(feed, WIDE) as (rig, pilot):
        await pilot.press("o", "down")
        feed.processes = (Process(76, "/nowhere"), Process(77, "/nowhere"))
        rig.run(1)
        await pilot.pause()
        options = rig.app.screen.query_one(OptionList)
        assert options.option_count == 4
        assert options.highlighted_option is not None
        assert options.highlighted_option.id == "loop 2"


async def test_one_loop_is_nothing_to_choose_from() -> None:
    async with looking(ProgramFeed(clients=1), WIDE) as (rig, pilot):
        await pilot.press("o")
        await pilot.pause()
        assert "there is one loop, and no other process" in on_screen(rig)
    async with looking(Feed(clients=1), WIDE) as (rig, pilot):
        await pilot.press("o")
        await pilot.pause()
        assert "a chat server has one loop" in on_screen(rig)


async def test_another_process_has_the_whole_console_and_leaving_it_comes_back(
        other: Process) -> None:
    feed = _Several(clients=2)
    feed.processes = (other,)
    async with looking(feed, WIDE) as (rig, pilot):
        rig.app.action_command("process 777")
        await see(rig, pilot, lambda: isinstance(rig.app.screen, ProcessScreen))
        inner = rig.app.screen
        assert isinstance(inner, ProcessScreen)
        await see(rig, pilot, lambda: inner.state.live is not None)
        assert rig.app.state.program is not None       # the outer one looks at the program still
        await see(rig, pilot, lambda: " ATTACHED " in on_screen(rig))
        await pilot.press("q")
        await see(rig, pilot, lambda: not isinstance(rig.app.screen, ProcessScreen))
        assert not inner.link.status.alive or inner.link.poll() is None
        assert not rig.link.asked                   # and nothing was told to end


async def test_a_process_that_is_gone_is_told_in_a_line(tmp_path: Path) -> None:
    feed = _Several(clients=2)
    feed.processes = (Process(77, str(tmp_path / "gone.sock")),)
    async with looking(feed, WIDE) as (rig, pilot):
        rig.app.action_command("process 77")
        await see(rig, pilot, lambda: "gone.sock" in on_screen(rig))
        rig.app.action_command("process 78")
        await pilot.pause()
        assert "no process 78 of this program is observed" in on_screen(rig)


@pytest.mark.parametrize("read_only", [True, False])
async def test_who_may_only_look_may_only_look_there(other: Process, *, read_only: bool) -> None:
    feed = _Several(clients=2)
    feed.processes = (other,)
    rig = Rig(feed)
    rig.link.status = replace(rig.link.status, read_only=read_only)
    async with rig.app.run_test(size=WIDE) as pilot:
        rig.run(1)
        rig.app.action_command("process 777")
        await see(rig, pilot, lambda: isinstance(rig.app.screen, ProcessScreen))
        inner = rig.app.screen
        assert isinstance(inner, ProcessScreen)
        assert inner.link.status.read_only is read_only


async def test_why_there_is_nothing_to_see_names_the_processes_that_are() -> None:
    feed = _Several(clients=0)
    feed.processes = (Process(77, "/nowhere"),)
    feed.unseen_too = "the program has made no selector yet"
    async with looking(feed, WIDE) as (rig, _pilot):
        assert "no selector yet; `:loops` has 1 process more" in on_screen(rig)
        assert "+1 process " in on_screen(rig)
