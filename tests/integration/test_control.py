"""Consoles in other processes see and do what the embedded one does, and cost no more."""

from __future__ import annotations

import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from chatops.api import commands, events
from chatops.api.link import ConsoleLink
from chatops.links.local import LocalLink
from chatops.links.remote import RemoteLink
from tests.integration.control import lost, resolved, seen, settle
from tests.integration.harness import PATIENCE, Clock, Served, Server
from tests.integration.talk import numbered, say_and_hear
from tests.integration.until import until

StartServer = Callable[..., Server]
Attach = Callable[[Path], RemoteLink]


# -- attaching


def test_an_attached_console_sees_what_an_embedded_one_sees(
        server: StartServer, control_path: Path, attach: Attach) -> None:
    chat = server(control=str(control_path))
    client = chat.client()
    client.rename("ada")
    link = attach(control_path)
    snapshot = seen(link, clients=1)
    assert [row.nick for row in snapshot.clients] == ["ada"]
    assert (snapshot.host, snapshot.port) == chat.address
    assert {row.type for row in snapshot.keys} == {"waker", "listener", "control", "connection"}
    assert "reactor" in {row.name for row in snapshot.threads}
    happened = [type(event) for event in link.drain()]
    assert happened[:3] == [events.ServerStarted, events.Connected, events.Renamed]
    assert link.events_dropped == 0
    client.say("hello")
    watcher = Watcher(link)
    until(lambda: watcher.take() and watcher.said == ["hello"])


def test_commands_of_an_attached_console_are_carried_out(
        server: StartServer, control_path: Path, attach: Attach) -> None:
    chat = server(control=str(control_path))
    client = chat.client()
    link = attach(control_path)
    result = resolved(link, link.submit(commands.Kick((str(client.id),), "too loud")))
    assert result == commands.CommandResult(True, f"kicked #{client.id} {client.nick}")
    assert client.to_the_end()[-1] == "*** you were kicked: too loud"
    refused = resolved(link, link.submit(commands.Kick(("99",))))
    assert not refused.ok


def test_built_in_clients_of_an_attached_console_live_with_it(
        server: StartServer, control_path: Path, attach: Attach) -> None:
    chat = server(control=str(control_path))
    link = attach(control_path)
    assert link.submit(commands.Spawn("mute", 3)).result(0).ok
    seen(link, clients=3)
    link.close()
    chat.until(lambda s: not s.state.connections)


def test_two_consoles_see_every_turn_and_every_event(
        server: StartServer, control_path: Path, attach: Attach) -> None:
    chat = server(control=str(control_path))
    one, other, local = attach(control_path), attach(control_path), LocalLink(chat.thread)
    client = chat.client()
    consoles = [Watcher(link) for link in (one, other, local)]
    for n in range(60):
        client.say(f"line {n}")
        client.expect(f"{client.nick}: line {n}")
        for every, console in enumerate(consoles, 1):
            if n % every == 0:
                console.take()
    last = chat.chat.selector.turns
    for console in consoles:
        until(console.has_seen(last))
        assert console.said == [f"line {n}" for n in range(60)]
        assert console.turns == set(range(min(console.turns), max(console.turns) + 1))
    local.close()


@pytest.mark.parametrize("lent", [False, True])
def test_a_snapshot_that_was_replaced_before_anybody_took_it_takes_no_turn_with_it(
        server: StartServer, lent: bool) -> None:
    chat = server()
    survey = chat.thread.survey
    slots = [chat.call(survey.view) for _ in range(2)]
    for slot in slots:
        chat.call(partial(survey.begin, slot))
    seen: set[int] = set()
    for n in range(20):
        chat.turn()
        if lent:                   # the other's, while nothing new can be afforded
            chat.call(lambda: survey._fill(slots[1:]))
            chat.call(lambda: survey.lend(slots[0]))
        else:
            chat.call(survey.fill)
        snapshot = slots[0].latest
        assert snapshot is not None
        if n % 3 == 2:
            slots[0].took(snapshot)
            for turn in snapshot.turns:
                seen.update(range(turn.n, turn.n + turn.repeats + 1))
    assert seen == set(range(min(seen), max(seen) + 1))
    for slot in slots:
        chat.call(partial(survey.end, slot))


class Watcher:
    """What one console has been shown so far."""

    def __init__(self, link: ConsoleLink) -> None:
        self.link = link
        self.turns: set[int] = set()
        self.said: list[str] = []

    def take(self) -> int:
        """Take in what is new; the last turn that was shown."""
        snapshot = self.link.poll()
        for turn in snapshot.turns if snapshot is not None else ():
            self.turns.update(range(turn.n, turn.n + turn.repeats + 1))
        for event in self.link.drain():
            if isinstance(event, events.Said):
                self.said += event.text.split("\n")
        return max(self.turns, default=0)

    def has_seen(self, turn: int) -> Callable[[], bool]:
        """Whether it has been shown this turn, after another look."""
        return lambda: self.take() >= turn


def test_the_selector_is_watched_until_the_last_console_has_gone(
        server: StartServer, control_path: Path, attach: Attach) -> None:
    chat = server(control=str(control_path))
    consoles: list[ConsoleLink] = [LocalLink(chat.thread)]
    consoles += [attach(control_path), attach(control_path)]
    for console in consoles:
        seen(console)
    for console in consoles:
        assert chat.call(lambda: chat.chat.selector.watched)
        console.close()
        console.close()
    chat.until(lambda s: not s.selector.watched)


def test_an_idle_server_sleeps_on_whoever_looks(
        server: StartServer, control_path: Path, attach: Attach) -> None:
    chat, busy = server(control=str(control_path)), server(rate_limit=0.0)
    chat.clients(3)
    speaker, reader = busy.clients(2)
    consoles = attach(control_path), attach(control_path), LocalLink(chat.thread)
    settle(*consoles)
    before = chat.chat.selector.turns
    for _ in range(10):
        say_and_hear(speaker, numbered(0, 4_000), [reader])    # as long as others take for it
        assert [console.poll() for console in consoles] == [None, None, None]
    assert chat.chat.selector.turns == before
    consoles[-1].close()


def test_a_snapshot_that_cannot_be_afforded_comes_when_it_can(
        server: StartServer, control_path: Path, attach: Attach) -> None:
    chat = server(control=str(control_path))
    clock = Clock(chat)
    link = attach(control_path)
    settle(link)
    chat.call(lambda: chat.thread.survey.charge(1.0))
    client = chat.client()
    client.say("hello")
    watcher = Watcher(link)
    until(lambda: watcher.take() or watcher.said)      # what happens is told all the same
    assert (watcher.said, watcher.turns) == (["hello"], set())
    clock.advance(60.0)
    assert seen(link).clients[0].id == client.id


# -- its end


def test_a_server_that_stops_says_so_to_those_who_are_attached(
        server: StartServer, control_path: Path, attach: Attach) -> None:
    chat = server(control=str(control_path))
    chat.must_live = False
    link = attach(control_path)
    seen(link)
    waiting = link.submit(commands.Quit("drain"))
    lost(link)
    assert (link.status.detail, link.status.failed) == ("the server has stopped", False)
    assert waiting.result(0).ok
    assert isinstance(link.drain()[-1], events.ServerStopped)
    late = link.submit(commands.Bans())
    assert not late.result(0).ok
    chat.thread.wait(PATIENCE)
    assert list(control_path.parent.iterdir()) == []


def test_a_server_that_crashes_says_so_to_those_who_are_attached(
        server: StartServer, control_path: Path, attach: Attach) -> None:
    chat = server(control=str(control_path))
    chat.must_live = False
    link = attach(control_path)
    seen(link)

    def fail() -> None:
        raise ZeroDivisionError("on purpose")

    chat.chat.reactor.submit(lambda: chat.chat.reactor.hooks.append(fail))
    lost(link)
    assert link.status.failed
    assert link.status.detail == "the server thread died: ZeroDivisionError: on purpose"


def test_a_server_that_is_killed_is_missed(
        served: Callable[..., Served], control_path: Path, attach: Attach) -> None:
    process = served("--control", str(control_path))
    process.must_live = False
    link = attach(control_path)
    seen(link)
    process.signal(signal.SIGSTOP)
    stat = Path(f"/proc/{process.pid}/stat")
    until(lambda: stat.read_text("ascii").rpartition(") ")[2].startswith("T"))
    waiting = link.submit(commands.Bans())
    process.signal(signal.SIGKILL)
    process.status()
    lost(link)
    assert link.status.failed
    assert not waiting.result(0).ok
