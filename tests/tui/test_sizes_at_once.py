"""Of sizes that come faster than they can be drawn the last is drawn, and then it is over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from textual import events
from textual.geometry import Size

from tests.tui.feed import FakeLink, Feed
from tests.tui.press import Page, begin
from tests.tui.shots import Rig
from tui.lab.lesson import LessonScreen
from tui.lab.menu import LabScreen
from tui.process import _ChildConsole
from tui.screens.question import Question

WIDE, NARROW = Size(120, 40), Size(80, 24)
ENOUGH = 20                    # times that one who had not ended would have been told more


def nothing(rig: Rig) -> None:
    """The panes are in front."""


def question(rig: Rig) -> None:
    rig.app.dispatcher.typed("quit")


def lab(rig: Rig) -> None:
    rig.app.dispatcher.typed("lab")


def lesson(rig: Rig) -> None:
    rig.app.dispatcher.typed("lesson 1")


async def sizes_drawn(rig: Rig, pilot: Page, monkeypatch: pytest.MonkeyPatch) -> list[Size]:
    """For which sizes the screen in front is laid out, in the turns of the loop that follow."""
    screen, drawn = rig.app.screen, list[Size]()
    lay_out = screen._refresh_layout

    def counted(size: Size | None = None, scroll: bool = False) -> None:
        if size is not None:
            drawn.append(size)
        if len(drawn) < ENOUGH:        # else it would go on without an end
            lay_out(size, scroll)

    monkeypatch.setattr(screen, "_refresh_layout", counted)
    for size in (NARROW, WIDE):        # both on their way, with something else between them
        screen.post_message(events.Resize(size, size))
        screen.call_later(lambda: None)
    for _ in range(ENOUGH):
        done = asyncio.Event()
        screen.call_later(done.set)
        await done.wait()
    return drawn


@pytest.mark.parametrize(("opened", "kind"), [
    (nothing, None), (question, Question), (lab, LabScreen), (lesson, LessonScreen)])
async def test_two_sizes_at_once_do_not_follow_each_other_without_an_end(
        opened: Callable[[Rig], None], kind: type | None,
        monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig()
    async with rig.app.run_test(size=WIDE) as pilot:
        await begin(rig, pilot)
        opened(rig)
        await begin(rig, pilot, 0.1)
        assert kind is None or isinstance(rig.app.screen, kind)
        drawn = await sizes_drawn(rig, pilot, monkeypatch)
        assert set(drawn) <= {WIDE}
        assert len(drawn) < ENOUGH // 2


async def test_a_browser_has_the_size_that_it_asked_for_last_also_while_the_console_starts(
        ) -> None:
    app = _ChildConsole(FakeLink(Feed()), attached=True, in_browser=True)
    async with app.run_test(size=WIDE) as pilot:
        assert app._driver is not None
        app._driver._size = NARROW     # it was told so before the size at the start was
        app._on_time()
        await pilot.pause()
        assert app.size == app.screen.size == NARROW
