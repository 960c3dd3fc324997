"""A console that only looks, one that finds its server again, and ways there."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from chatops.api import command_table, commands, events
from chatops.api.link import LinkStatus
from chatops.cli import main
from chatops.control.client import ControlClient
from chatops.control.frames import Ask, Done, Hello
from chatops.control.socket_path import ControlError
from chatops.links.remote import LONGEST_PAUSE, RemoteLink
from tests.integration.control import resolved, seen
from tests.integration.harness import PATIENCE, Server
from tests.integration.until import until
from tests.tui.feed import Feed
from tui.model.state import ConsoleState
from tui.widgets.title_line import chip, title_line

StartServer = Callable[..., Server]
CHANGES = [
    commands.Kick(("1",)), commands.Ban("10.0.0.0/8"), commands.Unban("10.0.0.0/8"),
    commands.Mute(("1",)), commands.Unmute(("1",)), commands.Broadcast("hi"),
    commands.Limit("line", "64"), commands.Reload(), commands.Reopen(),
    commands.Selector("poll"), commands.WriteInterest("always"),
    commands.SlowConsumer("drop-oldest"), commands.Spawn("chat", 1), commands.Despawn(),
    commands.Quit("now"), commands.Close(("1",)), commands.Cancel(("1",)), commands.Loop(1),
]


@pytest.fixture
def linked() -> Iterator[Callable[..., RemoteLink]]:
    with ExitStack() as stack:
        def start(path: Path, *, read_only: bool = False, reconnect: bool = False
                  ) -> RemoteLink:
            link = RemoteLink(path, read_only=read_only, reconnect=reconnect)
            stack.callback(link.close)
            return link

        yield start


def answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as sock:
        return sock.connect_ex(os.fspath(path)) == 0


def polled(link: RemoteLink) -> bool:
    link.poll()
    return True


# -- looking only


def test_every_command_of_the_server_is_tried_here() -> None:
    served = {spec.command for spec in command_table.SPECS if spec.where == "server"}
    assert {type(command) for command in CHANGES} | {commands.Bans} == served


def test_a_console_that_only_looks_changes_nothing_and_is_told_why(
        server: StartServer, control_path: Path, linked: Callable[..., RemoteLink]) -> None:
    chat = server(control=str(control_path))
    client = chat.client()
    link = linked(control_path, read_only=True)
    assert link.status == LinkStatus(True, read_only=True)
    assert [row.nick for row in seen(link, clients=1).clients] == [client.nick]
    for command in CHANGES:
        result = resolved(link, link.submit(command))
        assert not result.ok
        assert result.text == f"{command_table.spec_of(command).name}: {commands.ONLY_LOOKS}"
    for look in (commands.Bans(), commands.Limit(), commands.Limit("line")):
        assert resolved(link, link.submit(look)).ok
    client.say("still here")
    client.read_until(f"{client.nick}: still here")
    assert chat.snapshot().loop.backend != "poll"


def test_it_is_the_server_that_refuses_and_a_second_greeting_undoes_nothing(
        server: StartServer, control_path: Path) -> None:
    chat = server(control=str(control_path))
    wire = ControlClient(control_path, read_only=True)
    try:
        assert wire.welcome.read_only
        wire.send(Hello(wire.welcome.protocol))
        assert wire.wait() == wire.welcome
        wire.send(Ask(1, commands.Quit("now")))
        reply = wire.wait()
        assert isinstance(reply, Done)
        assert not reply.result.ok
        assert chat.thread.alive
    finally:
        wire.close()


def test_a_server_that_knows_no_read_only_is_not_trusted_with_it(
        server: StartServer, control_path: Path) -> None:
    chat = server(control=str(control_path))
    control = chat.thread.control
    assert control is not None
    welcome = control.welcome
    chat.call(lambda: setattr(control, "welcome", lambda _read_only: msgspec.structs.replace(
        welcome(False), read_only=False)))
    with pytest.raises(ControlError, match="older version"):
        ControlClient(control_path, read_only=True)


# -- a server that is started again


def test_a_console_finds_its_server_again_and_its_rows_get_going(
        server: StartServer, control_path: Path, linked: Callable[..., RemoteLink]) -> None:
    first = server(control=str(control_path))
    first.must_live = False
    old = first.client()
    link, state = linked(control_path, reconnect=True), ConsoleState()
    now = 1000.0

    def pull(seconds: float = 0.1) -> ConsoleState:
        nonlocal now
        now += seconds
        state.feed(link.poll(), link.drain(), now, status=link.status)
        return state

    until(lambda: (live := pull().live) is not None and live.clients)
    state.pause()
    first.thread.close()           # its client is still there
    until(lambda: not pull().status.alive)
    assert state.status.retrying
    assert state.live is not None
    assert [row.nick for row in state.live.clients] == [old.nick]      # it stays
    pull(31.0)                     # tenths were added up, none of which is one exactly
    assert state.age >= 30
    for command in (commands.Bans(), commands.Spawn("chat", 2)):
        assert link.submit(command).result(0) == commands.CommandResult(
            False, "the server is not running")
    second = server(control=str(control_path))
    client = second.client()
    client.rename("ada")
    until(lambda: (shown := pull().snapshot) is not None
          and [row.nick for row in shown.clients] == ["ada"])
    assert state.status == LinkStatus(True)
    assert not state.paused
    assert state.gauges.lines_in >= 0
    assert resolved(link, link.submit(commands.Kick((str(client.id),)))).ok


def test_it_is_looked_for_less_and_less_often(
        server: StartServer, control_path: Path) -> None:
    chat = server(control=str(control_path))
    chat.must_live = False
    now = 0.0
    link = RemoteLink(control_path, reconnect=True, clock=lambda: now)
    chat.close()
    until(lambda: polled(link) and not link.status.alive)
    tries: list[float] = []
    look = link._look_for_it

    def counted() -> None:
        before = link._try_at
        look()
        if link._try_at != before:
            tries.append(now)

    link._look_for_it = counted  # type: ignore[method-assign]
    while now < 60:
        now += 0.1
        link.poll()
    pauses = [b - a for a, b in itertools.pairwise(tries)]
    assert all(after > before - 0.15 for before, after in itertools.pairwise(pauses))
    assert pauses[0] < 0.5
    assert LONGEST_PAUSE <= pauses[-1] <= LONGEST_PAUSE + 0.2
    link.close()
    assert not link.status.retrying


def test_what_listens_there_and_says_nothing_does_not_hold_the_console(
        server: StartServer, control_path: Path, linked: Callable[..., RemoteLink]) -> None:
    chat = server(control=str(control_path))
    chat.must_live = False
    link = linked(control_path, reconnect=True)
    chat.close()
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(control_path))
        mute.listen()
        until(lambda: polled(link) and link._next is not None)
        for _ in range(100):
            link.poll()
        assert link.status.retrying


def test_a_connection_that_broke_tells_nothing_twice(
        server: StartServer, control_path: Path, linked: Callable[..., RemoteLink]) -> None:
    chat = server(control=str(control_path))
    chat.client()
    link = linked(control_path, reconnect=True)
    told: list[events.Event] = []

    def take() -> LinkStatus:
        link.poll()
        told.extend(link.drain())
        return link.status

    def came() -> int:
        take()
        return sum(isinstance(event, events.Connected) for event in told)

    def break_off() -> None:
        control = chat.thread.control
        assert control is not None
        for session in list(control._sessions.values()):
            session.close()

    until(came)
    chat.call(break_off)
    until(lambda: take().retrying)
    until(lambda: take().alive)
    chat.client()
    until(lambda: came() >= 2)
    assert came() == 2
    assert sum(isinstance(e, events.ServerStarted) for e in told) == 1
    chat.call(lambda: chat.thread.bus.publish(events.Warned(1.0, "the clock was set back")))

    def warned() -> bool:
        take()
        return any(isinstance(event, events.Warned) for event in told)

    until(warned)


def test_the_header_says_that_it_is_away_and_that_nothing_can_be_changed() -> None:
    feed, state = Feed(), ConsoleState()
    state.feed(feed.snapshot(), (), 1000, status=LinkStatus(True, read_only=True))
    assert " READ ONLY " in title_line(state, 120).plain
    assert chip(state)[0] == " ● LIVE "
    state.feed(None, (), 1012, status=LinkStatus(False, "gone", retrying=True, read_only=True))
    line = title_line(state, 120).plain
    assert " ↻ AWAY " in line
    assert "12s ago" in line
    assert " READ ONLY " in line


# -- ways there


@pytest.mark.skipif(shutil.which("socat") is None, reason="socat is not installed")
def test_a_forwarded_socket_is_as_good_as_the_servers_own(
        server: StartServer, control_path: Path, linked: Callable[..., RemoteLink]) -> None:
    chat = server(control=str(control_path))
    chat.client()
    forwarded = control_path.with_name("f.sock")
    socat = subprocess.Popen(["socat", f"UNIX-LISTEN:{forwarded},fork",
                              f"UNIX-CONNECT:{control_path}"])
    try:
        until(lambda: answers(forwarded))      # its name is there before it listens
        link = linked(forwarded, read_only=True)
        assert len(seen(link, clients=1).clients) == 1
        assert resolved(link, link.submit(commands.Bans())).ok
    finally:
        socat.terminate()
        socat.wait(PATIENCE)


def test_ctl_waits_for_a_server_that_is_starting(
        server: StartServer, control_path: Path) -> None:
    asked = threading.Timer(0.3, lambda: server(control=str(control_path)))
    asked.start()
    try:
        done = CliRunner().invoke(main, ["ctl", "--socket", str(control_path), "--wait",
                                         str(PATIENCE), "bans"])
    finally:
        asked.join(PATIENCE)
    assert (done.exit_code, done.output) == (0, "nobody is banned\n")


def test_ctl_waits_no_longer_than_it_is_told(control_path: Path) -> None:
    done = CliRunner().invoke(main, ["ctl", "--socket", str(control_path), "--wait", "0.2",
                                     "bans"])
    assert done.exit_code == 1
    assert done.stderr == f"chatops: there is no control socket {control_path}\n"
