"""The console that has started a program, and loses sight of it while that runs on or stands."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatops.api import events
from chatops.api.events import Event
from chatops.api.snapshot import Snapshot
from chatops.control.socket_path import ControlError
from chatops.links.remote import RemoteLink
from chatops.watch.launch import command_line, prepared
from chatops.watch.link import STARTS, UNSEEN, WatchLink
from tests.integration.until import until
from tests.integration.watched import START, script
from tui.model.state import ConsoleState

TICKER = """
    import asyncio

    async def tick():
        while True:
            await asyncio.sleep(PAUSE)

    asyncio.run(tick())
"""
SLEEPER = """
    import asyncio
    asyncio.run(asyncio.sleep(3600))
"""
REPLACED = """
    import asyncio, os, signal

    async def main():
        asyncio.get_running_loop().add_signal_handler(
            signal.SIGUSR1, os.execlp, "sleep", "sleep", "3600")
        await asyncio.sleep(3600)

    asyncio.run(main())
"""

ANEW = """
    import asyncio, os, signal, sys

    class Program:
        replace = os.execv

        async def main(self):
            try:
                os.execv("/nowhere/python", ["python"])
            except FileNotFoundError:
                pass
            asyncio.current_task().set_name(f"life {len(sys.argv)}")
            asyncio.get_running_loop().add_signal_handler(
                signal.SIGUSR1, self.replace, sys.executable,
                [sys.executable, *sys.argv, "again"])
            assert not [name for name in os.environ if "CHATOPS_WATCH" in name]
            assert "boot" not in os.environ.get("PYTHONPATH", "")
            await asyncio.sleep(3600)

    asyncio.run(Program().main())
"""


@pytest.fixture
def text() -> str:
    """The program."""
    return SLEEPER


@pytest.fixture
def link(tmp_path: Path, control_path: Path, text: str) -> Iterator[WatchLink]:
    program = script(tmp_path, text)
    link = WatchLink(prepared(command_line((str(program),)), "program.py",
                              path=str(control_path)), "program.py")
    yield link
    link.close()


def pulled(link: WatchLink, told: list[Event]) -> Snapshot | None:
    snapshot = link.poll()
    told += link.drain()
    return snapshot


def sees_tasks(link: WatchLink, told: list[Event]) -> bool:
    snapshot = pulled(link, told)
    return snapshot is not None and bool(snapshot.tasks)


def test_a_console_that_the_observer_has_dropped_says_so_and_looks_again(link: WatchLink) -> None:
    told: list[Event] = []
    until(lambda: sees_tasks(link, told), START)
    assert isinstance(link._remote, RemoteLink)
    link._remote._wire._sock.send(b"\xff" * 8)      # nobody can read that: it is dropped for it
    until(lambda: (pulled(link, told), link.status.detail)[1], START)
    assert link.status.alive
    assert link.status.detail.startswith(
        "out of sight, and looked for: this console was dropped:")
    until(lambda: sees_tasks(link, told), START)
    assert link.status.detail == ""
    warned = [event for event in told if isinstance(event, events.Warned)]
    assert len(warned) == 1
    assert "was dropped" in warned[0].text


def fed(state: ConsoleState, link: WatchLink) -> ConsoleState:
    state.feed(link.poll(), link.drain(), time.monotonic(), status=link.status)
    return state


def unsure(link: WatchLink) -> bool:
    return link._remote is not None and link._remote.unsure


@pytest.mark.parametrize("text", [ANEW])
def test_a_program_that_starts_itself_anew_stays_in_sight_each_time(link: WatchLink) -> None:
    for life in (1, 2, 3):
        state = ConsoleState()

        def lives(state: ConsoleState = state, name: str = f"life {life}") -> bool:
            live = fed(state, link).live
            return live is not None and any(task.name == name for task in live.tasks)

        until(lives, START)
        link.process.send_signal(signal.SIGUSR1)


@pytest.mark.parametrize("text", [REPLACED])
def test_a_program_that_has_replaced_itself_is_out_of_sight_and_its_end_is_told(
        link: WatchLink) -> None:
    told: list[Event] = []
    until(lambda: sees_tasks(link, told), START)
    link.process.send_signal(signal.SIGUSR1)
    until(lambda: (pulled(link, told), link.status.detail)[1], START)
    assert link.status.detail == "out of sight: it has become another program, sleep 3600"
    assert link.status.alive
    link.process.send_signal(signal.SIGTERM)
    until(lambda: (pulled(link, told), not link.status.alive)[1], START)
    assert link.status.detail == "the program has ended with status 143"
    pulled(link, told)
    assert any(isinstance(event, events.ProgramEnded) for event in told)


@pytest.mark.parametrize("text", [TICKER.replace("PAUSE", "0.02"), TICKER.replace("PAUSE", "0.5")],
                         ids=["often", "now and then"])
def test_a_program_that_is_stopped_makes_its_picture_late_until_it_goes_on(link: WatchLink) -> None:
    state = ConsoleState()
    until(lambda: fed(state, link).live is not None and state.live is not None
          and state.live.tasks and state.live.turn > 20, START)
    assert state.pulse is not None
    assert not state.late
    os.kill(link.process.pid, signal.SIGSTOP)
    until(lambda: fed(state, link).late, START)
    assert (state.chip, state.status.alive, state.asleep) == ("LATE", True, False)
    os.kill(link.process.pid, signal.SIGCONT)
    until(lambda: not fed(state, link).late, START)
    assert state.chip == "LIVE"


def test_a_program_that_sleeps_is_quiet_and_not_late(link: WatchLink) -> None:
    state = ConsoleState()
    until(lambda: fed(state, link).live is not None and state.live is not None
          and state.live.tasks and state.asleep, START)
    assert link.status.pulse is not None
    until(lambda: not fed(state, link).late and not unsure(link), START)
    assert link.status.pulse is not None
    assert not link.status.pulse.behind


@pytest.mark.parametrize("text", ["""
    import threading
    threading.Event().wait(3600)
"""], ids=["no loop"])
def test_a_program_without_a_loop_answers_that_it_is_there(link: WatchLink) -> None:
    state = ConsoleState()
    until(lambda: fed(state, link).pulse is not None, START)
    until(lambda: not fed(state, link).late and not unsure(link), START)
    assert link.status.pulse is not None
    assert not link.status.pulse.behind


@pytest.mark.parametrize(("why", "shown"), [
    ("the server has not answered for 5 s", UNSEEN),
    ("the program cannot be observed: ImportError: x",
     "the program cannot be observed: ImportError: x")])
def test_of_a_program_that_does_not_answer_it_is_not_said_for_ever_that_it_starts(
        link: WatchLink, monkeypatch: pytest.MonkeyPatch, why: str, shown: str) -> None:
    class Refused(RemoteLink):
        def __init__(self, *_: object, **__: object) -> None:
            raise ControlError(why)

    monkeypatch.setattr("chatops.watch.link.RemoteLink", Refused)
    seen: list[str] = []
    told: list[Event] = []

    def gives_up() -> bool:
        snapshot = pulled(link, told)
        if snapshot is not None and snapshot.program is not None:
            seen.append(snapshot.program.unseen)
        return len(seen) == 2

    until(gives_up, START)
    assert seen == [STARTS, shown]
    (warned,) = [event for event in told if isinstance(event, events.Warned)]
    assert warned.text.startswith(shown)


@pytest.mark.parametrize("text", ["raise SystemExit(3)"], ids=["exits"])
def test_of_a_program_that_ends_before_it_is_seen_the_console_does_not_say_that_it_starts(
        link: WatchLink) -> None:
    seen: list[str] = []

    def over() -> bool:
        snapshot = link.poll()
        if snapshot is not None and snapshot.program is not None:
            seen.append(snapshot.program.unseen)
        return not link.status.alive

    until(over, START)
    over()
    assert link.status.detail == "the program has ended with status 3"
    assert seen[-1] == "the program has ended"
    assert link.poll() is None


SAVES = """
    import os, signal, sys
    def end(*_):
        sys.stdout.write("last words " * 20_000)      # more than a pipe holds
        sys.stdout.flush()
        open(os.path.join(os.path.dirname(__file__), "saved"), "w").close()
        sys.exit(7)
    signal.signal(signal.SIGTERM, end)
    print("ready", flush=True)
    while True:
        signal.pause()
"""


@pytest.mark.parametrize("text", [SAVES], ids=["saves"])
def test_a_program_that_says_much_as_it_ends_comes_to_its_end(link: WatchLink, tmp_path: Path
                                                              ) -> None:
    told: list[Event] = []

    def ready() -> bool:
        pulled(link, told)
        return any(isinstance(event, events.Printed) and event.text == "ready" for event in told)

    until(ready, START)
    link.close()
    assert link.exit_status == 7
    assert (tmp_path / "saved").exists()


SAYS_MUCH = """
    import os
    for n in range(20_000):
        print("line", n, "x" * 200)
    open(os.path.join(os.path.dirname(__file__), "said"), "w").close()
    while True:
        os.read(os.pipe()[0], 1)
"""


@pytest.mark.parametrize("text", [SAYS_MUCH], ids=["says much"])
def test_a_program_that_says_much_is_not_held_up_by_a_console_that_does_not_look(
        link: WatchLink, tmp_path: Path) -> None:
    until((tmp_path / "said").exists, START)
    told: list[Event] = []
    until(lambda: (pulled(link, told), any(
        isinstance(event, events.Printed) and event.text.startswith("line 19999 ")
        for event in told))[1], START)
    shown = sum(isinstance(event, events.Printed) for event in told)
    assert shown + link.events_dropped == 20_000
    assert link.events_dropped > 0
