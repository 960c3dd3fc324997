"""Whatever the console itself does wrong is told, counted and survived, wherever it happens.

The tables are walked: a command, a completer or a pane that is added is tried too.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NoReturn

import pytest
from textual.app import ComposeResult
from textual.content import Content
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from chatops.api.commands import SPECS, Spec
from chatops.api.events import CallbackFailed
from tests.tui.press import Page, begin, echo, on_screen, press, until, write
from tests.tui.shots import Rig
from tui.actions import ACTIONS
from tui.dispatch import SHORTHANDS, Dispatcher
from tui.faults import PLACEHOLDER, SHOWN
from tui.messages import RunLine
from tui.model import completion
from tui.screens.dialog import Dialog
from tui.screens.main import MainScreen
from tui.widgets.live_table import LiveTable

SIZE = (120, 40)
FAULT = "a fault put there by the test"
NOBODY = "~nobody-of-this-name"
PANES = list(MainScreen(Rig().app.state)._panes)


def fail(*_: object, **__: object) -> NoReturn:
    raise LookupError(FAULT)


def forgiving() -> Rig:
    rig = Rig()
    rig.app.forgiving = True
    return rig


async def assert_it_goes_on(rig: Rig, pilot: Page) -> None:
    """It is shown and logged, and the next key and the next second are as ever."""
    rig.run(0.1)
    await pilot.pause()
    assert rig.app.faults.count
    assert FAULT in on_screen(rig), on_screen(rig)
    reported = rig.link.reported[-1]
    assert isinstance(reported, CallbackFailed)
    assert FAULT in reported.error
    assert "Traceback" in reported.error
    assert rig.app.is_running
    before = on_screen(rig).splitlines()[0]
    rig.run(1)
    await pilot.pause()
    assert on_screen(rig).splitlines()[0] != before    # the header's clock goes on
    await press(rig, pilot, "colon")
    assert rig.app._front.prompt.is_open
    await press(rig, pilot, "escape")


async def run_line(rig: Rig, pilot: Page, line: str) -> None:
    await press(rig, pilot, "colon")
    await write(rig, pilot, line)
    await press(rig, pilot, "enter")
    await pilot.pause()


def example(spec: Spec) -> str:
    """A line that asks for this command, with nothing left open."""
    words = {"targets": "1", "target": "1", "ban": "192.0.2.1", "duration": "1m", "seconds": "1",
             "number": "1", "file": "x", "column": "nick", "limit": "outbox", "lesson": "1"}
    return " ".join([spec.name, *(
        param.choices[0] if param.kind == "choice" else words.get(param.kind, "x")
        for param in spec.params if not param.optional)])


# -- commands


@pytest.mark.parametrize("spec", [s for s in SPECS if s.command in ACTIONS], ids=lambda s: s.name)
async def test_an_action_that_raises_costs_its_command_alone(
        spec: Spec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ACTIONS, spec.command, fail)
    rig = forgiving()
    async with rig.app.run_test(size=SIZE) as pilot:
        await begin(rig, pilot)
        await run_line(rig, pilot, example(spec))
        assert "failed" in echo(rig)
        await assert_it_goes_on(rig, pilot)


@pytest.mark.parametrize("spec", [s for s in SPECS if s.command in ACTIONS], ids=lambda s: s.name)
async def test_an_action_that_raises_later_says_so_in_the_echo(
        spec: Spec, monkeypatch: pytest.MonkeyPatch) -> None:
    async def later() -> str:
        fail()

    monkeypatch.setitem(ACTIONS, spec.command, lambda console, command: later())
    rig = forgiving()
    async with rig.app.run_test(size=SIZE) as pilot:
        await begin(rig, pilot)
        await run_line(rig, pilot, example(spec))
        assert FAULT in echo(rig)
        assert rig.app.is_running


@pytest.mark.parametrize("spec", [s for s in SPECS if s.command not in ACTIONS],
                         ids=lambda s: s.name)
async def test_a_link_that_raises_costs_its_command_alone(
        spec: Spec, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = forgiving()
    async with rig.app.run_test(size=SIZE) as pilot:
        await begin(rig, pilot)
        monkeypatch.setattr(rig.link, "submit", fail)
        monkeypatch.setattr(Dispatcher, "_dialog", lambda self, command: None)
        await run_line(rig, pilot, example(spec))
        await assert_it_goes_on(rig, pilot)


@pytest.mark.parametrize("line", list(SHORTHANDS))
async def test_a_key_that_raises_is_one_key(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SHORTHANDS, line, fail)
    rig = forgiving()
    async with rig.app.run_test(size=SIZE) as pilot:
        await begin(rig, pilot)
        rig.app.screen.post_message(RunLine(line))
        await pilot.pause()
        await assert_it_goes_on(rig, pilot)


@pytest.mark.parametrize("method", ["typing", "cancelled", "typed", "key"])
async def test_the_ways_into_the_dispatcher_are_guarded(
        method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = forgiving()
    async with rig.app.run_test(size=SIZE) as pilot:
        await begin(rig, pilot)
        with monkeypatch.context() as patch:
            patch.setattr(Dispatcher, method, fail)
            await press(rig, pilot, "colon")
            if method != "key":
                await write(rig, pilot, "zoom")
                await press(rig, pilot, "enter" if method == "typed" else "escape")
        await assert_it_goes_on(rig, pilot)


# -- completers


@pytest.mark.parametrize("kind", list(completion._VALUES))
async def test_a_completer_that_raises_completes_nothing(
        kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(completion._VALUES, kind, fail)
    spec, at = next((spec, at) for spec in SPECS for at, param in enumerate(spec.params)
                    if param.kind == kind)
    rig = forgiving()
    async with rig.app.run_test(size=SIZE) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "colon")
        await write(rig, pilot, " ".join([spec.name, *["1"] * at, ""]))
        await press(rig, pilot, "tab", "escape")
        await assert_it_goes_on(rig, pilot)


@pytest.mark.parametrize("line", [f"save {NOBODY}/", f"record {NOBODY}/", f"save {NOBODY}"])
async def test_the_name_of_an_unknown_user_completes_to_nothing(line: str) -> None:
    rig = Rig()
    async with rig.app.run_test(size=SIZE) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "colon")
        await write(rig, pilot, line)
        assert rig.app._main.prompt._completion.candidates == ()
        assert rig.app.is_running


@pytest.mark.parametrize("line", [f"save {NOBODY}/x", f"record {NOBODY}", f"save {NOBODY}/"])
async def test_the_name_of_an_unknown_user_is_refused_in_a_line(line: str) -> None:
    rig = Rig()
    async with rig.app.run_test(size=SIZE) as pilot:
        await begin(rig, pilot)
        await run_line(rig, pilot, line)
        assert "no user 'nobody-of-this-name'" in echo(rig)
        assert not rig.app.faults.count


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
