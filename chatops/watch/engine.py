"""What the observer does once somebody looks: the control socket, and the pictures.

It has a reactor of its own, on the observer's thread, with a selector that nobody observes
but itself.  It never touches what a loop owns: it leaves a call with the loop's selector,
which runs it between two turns and sends back what came of it.
"""

from __future__ import annotations

import os
import platform
import signal
import time
from collections.abc import Callable
from typing import Any

from chatops.api import command_table, commands, events
from chatops.api.command_line import render
from chatops.api.command_table import spec_of
from chatops.api.commands import Answer, Command, CommandResult
from chatops.api.program import Program
from chatops.chat.sanitize import clean_text
from chatops.control.host import ControlEndpoint
from chatops.control.listener import Control
from chatops.loop import backends, private
from chatops.loop.bus import EventBus
from chatops.loop.observed import ObservedSelector
from chatops.loop.reactor import Reactor
from chatops.units import counted
from chatops.watch import registry
from chatops.watch.loops import Loops
from chatops.watch.pictures import ProgramPictures


class Engine:
    """The host of the control socket (chatops.control.host.Host)."""

    purposes = {"MainThread": "the program's own"}  # noqa: RUF012  (a protocol's constant)
    what = "program"
    possible = command_table.OF_PROGRAMS
    tls = False
    history_file = ""
    address = ("", 0)

    def __init__(self, listening: ControlEndpoint, name: str) -> None:
        self._mishap = ""
        self.wall: Callable[[], float] = time.time
        self.bus: EventBus[events.Event] = EventBus()
        self.on_publish: list[Callable[[], None]] = []
        self.selector = ObservedSelector(backends.make("auto"))
        self.reactor = Reactor(self.selector)
        self.loops = Loops()
        self.program = Program(clean_text(name), os.getpid(), platform.python_version(), "")
        self.pictures = ProgramPictures(self.reactor, self.loops, self.program, self.say,
                                        str(listening.path))
        self.control = Control(listening, self, self.pictures, self.carry_out)
        self.reactor.hooks = [self._publish]
        self.reactor.on_failure = lambda _key, error: self.mishap("observer", -1, error, None)
        registry.on_failure.append(
            lambda error: self.reactor.submit(
                lambda: self.mishap("observer", -1, error, None)))

    def finish(self) -> None:
        """The program ends.  After the reactor has stopped."""
        self.control.finish("the program has ended")
        self.reactor.close()

    def abandon(self) -> None:
        """In a forked child: close what was inherited, and change nothing that is shared."""
        self.control.abandon()
        self.selector.inner.close()
        self.reactor.waker.close()

    def say(self, event: events.Event) -> None:
        """Publish an event."""
        self.bus.publish(event)

    def mishap(self, name: str, fd: int, error: BaseException, culprit: None) -> None:
        """Something of ours raised; the program is not touched by it.  Said once, not at
        each tick.
        """
        text = clean_text(f"chatops watch, {name}: {error!r}")
        if text != self._mishap:
            self._mishap = text
            self.say(events.Warned(self.wall(), text))

    def _publish(self) -> None:
        for publish in self.on_publish:
            publish()

    # -- commands

    def carry_out(self, command: Command, answer: Answer, _uid: int = -1) -> None:
        """Do it, and answer: at once, or when the loop comes round."""
        name = spec_of(command).name

        def done(result: CommandResult) -> None:
            self.say(events.AdminDid(self.wall(), clean_text(render(command)),
                                     clean_text(result.text), result.ok))
            answer(result)

        shown = self.loops.shown
        match command:
            case commands.Loop(number):
                done(self._choose(number))
            case commands.Quit(how):
                done(CommandResult(True, "told to end"))
                os.kill(os.getpid(), signal.SIGKILL if how == "now" else signal.SIGTERM)
            case commands.Selector() | commands.Close() | commands.Cancel():
                if shown is None:
                    done(CommandResult(False, "there is no loop"))
                else:
                    self._at_the_loop(command, done)
            case _:
                done(CommandResult(False, f"'{name}' is for a chat server; this is a program"))

    def _choose(self, number: int) -> CommandResult:
        if self.loops.choose(number):
            self.pictures.look_again()
            return CommandResult(True, f"loop {number} is shown")
        there = ", ".join(str(selector.number) for selector in registry.alive())
        return CommandResult(False, f"there is no loop {number}; there is {there or 'none'}")

    def _at_the_loop(self, command: Command, done: Answer) -> None:
        selector, painter = self.loops.shown, self.loops.painter
        assert selector is not None
        assert painter is not None

        def call() -> bool:
            try:
                result = _carried_out(command, painter)
            except Exception as error:
                result = CommandResult(False, clean_text(f"failed: {error!r}"))
            self.reactor.submit(lambda: done(result))
            return not isinstance(command, commands.Selector)

        selector.submit(call)


def _carried_out(command: Command, painter: Any) -> CommandResult:
    """On the loop's thread."""
    selector, loop = painter.selector, painter.loop
    if isinstance(command, commands.Selector):
        before = selector.backend
        if command.backend == before:
            return CommandResult(True, f"the selector is {before} already")
        try:
            selector.swap(command.backend)
        except backends.BackendError as error:
            return CommandResult(False, str(error))
        return CommandResult(True, f"{before} -> {selector.backend}: "
                                   f"{counted(len(selector.get_map()), 'descriptor')} moved")
    if loop is None:
        return CommandResult(False, "only asyncio's connections and tasks can be ended")
    done, missing = [], []
    if isinstance(command, commands.Close):
        for word in command.targets:
            transport = painter.transport(int(word)) if word.isdecimal() else None
            if transport is None or transport.is_closing():
                missing.append(f"#{word}")
            else:
                private.app_transport(transport).abort()
                done.append(f"#{word}")
        said = "aborted"
    else:
        assert isinstance(command, commands.Cancel)
        for word in command.tasks:
            task = painter.tasks.find(loop, word)
            if task is None or not task.cancel("cancelled from chatops"):
                missing.append(word)
            else:
                done.append(task.get_name())
        said = "cancelled"
    parts = [f"{said} {', '.join(done)}"] if done else []
    if missing:
        parts.append(f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not here "
                     "(any more)")
    return CommandResult(bool(done), "; ".join(parts))
