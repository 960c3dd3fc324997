"""The commands that lead out of the main screen: into the lab, another loop, another process."""

from __future__ import annotations

from collections.abc import Awaitable

from chatops.api import commands as c
from chatops.api.command_line import CommandError
from chatops.api.commands import Command
from chatops.api.program import Program
from tui.console import Action, Console
from tui.model.state import ConsoleState
from tui.screens.loops import LoopsScreen


def _loops(console: Console, _: c.ChooseLoop) -> str:
    program = _program(console.state)
    if len(program.loops) < 2 and not program.processes:
        raise CommandError("there is one loop, and no other process")
    screen = LoopsScreen()
    console.app.push_screen(screen, lambda line: console.run(line) if line else None)
    screen.call_after_refresh(screen.show, console.state)
    return ""


def _process(console: Console, command: c.OtherProcess) -> Awaitable[str]:
    found = next((each for each in _program(console.state).processes
                  if each.pid == command.pid), None)
    if found is None:
        raise CommandError(f"no process {command.pid} of this program is observed")
    return console.navigation.process(found.path,
                                      read_only=console.state.status.read_only)


def _program(state: ConsoleState) -> Program:
    if state.program is None:
        raise CommandError("a chat server has one loop; programs may have several")
    return state.program


def _lab(console: Console, _: c.Lab) -> str:
    console.navigation.lab()
    return ""


def _stage(console: Console, command: c.Stage) -> str:
    console.navigation.stage(command.number)
    return ""


def _lesson(console: Console, command: c.Lesson) -> str:
    console.navigation.lesson(command.name)
    return ""


NAVIGATION: dict[type[Command], Action] = {
    c.ChooseLoop: _loops,
    c.OtherProcess: _process,
    c.Lab: _lab,
    c.Stage: _stage,
    c.Lesson: _lesson,
}
