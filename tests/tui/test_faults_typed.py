"""Whatever the console itself does wrong over a command is told, counted and survived.

The tables are walked: a command or a completer that is added is tried too.
"""

from __future__ import annotations

import pytest

from chatops.api.command_table import SPECS, Spec
from tests.tui.press import Page, begin, echo, press, write
from tests.tui.put_faults import FAULT, SIZE, assert_it_goes_on, fail, forgiving
from tests.tui.shots import Rig
from tui.actions import ACTIONS
from tui.dispatch import SHORTHANDS, Dispatcher
from tui.messages import RunLine
from tui.model import completion

NOBODY = "~nobody-of-this-name"


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
