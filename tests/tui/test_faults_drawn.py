"""Whatever the console itself does wrong while it draws or waits is told, counted and survived.

The tables are walked: a pane that is added is tried too.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from textual.app import ComposeResult
from textual.content import Content
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from tests.tui.press import Page, begin, on_screen, press, until
from tests.tui.put_faults import FAULT, SIZE, assert_it_goes_on, fail, forgiving
from tests.tui.shots import Rig
from tui.faults import PLACEHOLDER, SHOWN
from tui.screens.dialog import Dialog
from tui.screens.main import MainScreen
from tui.widgets.live_table import LiveTable

PANES = list(MainScreen(Rig().app.state)._panes)


# -- panes, widgets, timers


async def drawn_badly(rig: Rig, pilot: Page, name: str) -> None:
    rig.app.state.show_pane(name)
    rig.app.state.zoomed = True
    rig.run(0.2)
    await pilot.pause()
    rig.run(0.2)
    await pilot.pause()


@pytest.mark.parametrize("name", PANES)
async def test_a_pane_that_cannot_show_what_there_is_says_so_until_it_can(
        name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = forgiving()
    async with rig.app.run_test(size=SIZE) as pilot:
        await begin(rig, pilot)
        with monkeypatch.context() as patch:
            patch.setattr(rig.app._main._panes[name], "show", fail)
            await drawn_badly(rig, pilot, name)
            assert PLACEHOLDER in on_screen(rig)
            await assert_it_goes_on(rig, pilot)
        rig.run(0.1)
        await pilot.pause()
        assert PLACEHOLDER not in on_screen(rig)
        rig.run(SHOWN + 1, step=1)
        await pilot.pause()
        assert FAULT not in on_screen(rig)


@pytest.mark.parametrize("method", ["render", "render_line"])
async def test_a_widget_that_cannot_be_drawn_leaves_the_others_alone(method: str) -> None:
    """Each class of ours on the main screen in turn."""
    for kind in await drawn_kinds():
        if method == "render_line" and kind.render_line is Widget.render_line:
            continue
        rig = forgiving()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(kind, method, fail)
            async with rig.app.run_test(size=SIZE) as pilot:
                await begin(rig, pilot)
                for widget in rig.app.screen.query(kind):
                    widget.refresh()
                await until(rig, pilot, partial(_others_are_there, rig, kind))
                assert rig.app.is_running
                rig.run(1)
                await pilot.pause()
                count = rig.app.faults.count
                await pilot.pause(0.05)
                assert rig.app.faults.count <= count + 1, "it spins"


def _others_are_there(rig: Rig, kind: type[Widget]) -> bool:
    """Whose rows the table has, or something else where it is the table that fails."""
    shown = on_screen(rig)
    return "guest-" in shown or "bob" in shown or (kind is LiveTable and bool(shown.strip()))


async def drawn_kinds() -> list[type[Widget]]:
    rig = Rig()
    async with rig.app.run_test(size=SIZE) as pilot:
        await begin(rig, pilot)
        kinds = {type(widget) for widget in rig.app.screen.walk_children(Widget)}
    return sorted((kind for kind in kinds if kind.__module__.startswith("tui.")),
                  key=lambda kind: kind.__name__)


async def test_a_row_that_cannot_be_drawn_does_not_cost_the_others(
        monkeypatch: pytest.MonkeyPatch) -> None:
    usual = LiveTable._line

    def line(table: LiveTable, y: int) -> Any:
        return fail() if y == 3 else usual(table, y)

    rig = forgiving()
    async with rig.app.run_test(size=SIZE) as pilot:
        await begin(rig, pilot)
        monkeypatch.setattr(LiveTable, "_line", line)
        for table in rig.app.screen.query(LiveTable):
            table.refresh()
        await pilot.pause()
        shown = on_screen(rig)
        assert PLACEHOLDER[:20] in shown
        assert "NICK" in shown
        assert rig.app.is_running


@pytest.mark.parametrize("method", ["poll", "drain"])
async def test_a_pull_that_raises_is_told_though_nothing_comes(
        method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = forgiving()
    async with rig.app.run_test(size=SIZE) as pilot:
        await begin(rig, pilot)
        with monkeypatch.context() as patch:
            patch.setattr(rig.link, method, fail)
            rig.app._on_time()
            rig.app.redraw()
        await assert_it_goes_on(rig, pilot)


async def test_a_timer_a_worker_and_a_call_after_a_refresh_are_guarded() -> None:
    async def work() -> None:
        fail()

    async def with_timer(rig: Rig) -> None:
        rig.app.set_timer(0.001, fail)

    async def with_worker(rig: Rig) -> None:
        rig.app.run_worker(work())

    async def with_call(rig: Rig) -> None:
        rig.app.call_after_refresh(fail)
        rig.app.screen.call_after_refresh(fail)

    for begin_fault in (with_timer, with_worker, with_call):
        rig = forgiving()
        async with rig.app.run_test(size=SIZE) as pilot:
            await begin(rig, pilot)
            await begin_fault(rig)
            for _ in range(100):
                await pilot.pause(0.01)
                if rig.app.faults.count:
                    break
            await assert_it_goes_on(rig, pilot)


# -- screens in front


class Uncomposed(Dialog[None]):
    def compose(self) -> ComposeResult:
        fail()


class Unmounted(Dialog[None]):
    def compose(self) -> ComposeResult:
        yield Static("something")

    def on_mount(self) -> None:
        fail()


class Undrawn(Dialog[None]):
    class Bad(Static):
        def render(self) -> Content:
            fail()

    class BadLines(Static):
        def render_line(self, y: int) -> Strip:
            fail()

    def compose(self) -> ComposeResult:
        yield Undrawn.Bad()
        yield Undrawn.BadLines("x")


class Unshown(Dialog[None]):
    def compose(self) -> ComposeResult:
        yield Static("something")

    def show(self, state: object) -> None:
        fail()


@pytest.mark.parametrize("kind", [Uncomposed, Unmounted, Undrawn, Unshown],
                         ids=lambda kind: kind.__name__)
async def test_a_screen_that_fails_can_be_left(kind: type[ModalScreen[None]]) -> None:
    rig = forgiving()
    async with rig.app.run_test(size=SIZE) as pilot:
        await begin(rig, pilot)
        rig.app.push_screen(kind())
        await pilot.pause()
        rig.run(0.1)
        await pilot.pause()
        await pilot.pause()
        assert rig.app.faults.count
        if kind is Undrawn:
            assert on_screen(rig).count(PLACEHOLDER) == 2
        if not isinstance(rig.app.screen, MainScreen):
            await press(rig, pilot, "escape")
        assert isinstance(rig.app.screen, MainScreen)
        await assert_it_goes_on(rig, pilot)


async def test_a_fault_that_comes_back_is_logged_once_and_counted_each_time() -> None:
    rig = forgiving()
    async with rig.app.run_test(size=SIZE) as pilot:
        await begin(rig, pilot)
        for _ in range(5):
            try:
                fail()
            except LookupError as error:
                rig.app.tell(error, "here")
        assert rig.app.faults.count == 5
        assert len(rig.link.reported) == 1
        assert "5 so far" in rig.app.faults.text


async def test_a_console_that_never_came_about_ends_as_a_failure(
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MainScreen, "compose", fail)
    rig = forgiving()
    with pytest.raises(LookupError, match=FAULT):
        async with rig.app.run_test(size=SIZE):
            pass
    assert rig.app.return_code == 1
