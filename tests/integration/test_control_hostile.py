"""Hostile, stalled and dying clients of the control socket: the chat goes on (U05)."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chatops.api import commands, events
from chatops.control.client import ControlClient
from chatops.control.frames import (
    HEAD,
    PROTOCOL,
    Ask,
    Bye,
    Done,
    Hello,
    Poll,
    Update,
    Welcome,
    pack,
)
from chatops.control.listener import MOST
from chatops.control.session import STALL
from chatops.control.socket_path import ControlError
from tests.integration.control import Raw
from tests.integration.harness import Clock, Server
from tests.patience import PATIENCE

StartServer = Callable[..., Server]

HOSTILE: dict[str, bytes] = {
    "two gigabytes": (1 << 31).to_bytes(HEAD) + b"x" * 100,
    "nothing": (0).to_bytes(HEAD),
    "no map": (3).to_bytes(HEAD) + b"abc",
    "nests": (60_000).to_bytes(HEAD) + b"\x91" * 60_000,
    "HTTP": b"GET / HTTP/1.1\r\n\r\n",
    "no Hello": pack(Poll()),
    "another protocol": pack(Hello(PROTOCOL + 1)),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_u05_who_does_not_keep_to_the_protocol_is_told_and_dropped(
        server: StartServer, control_path: Path, data: bytes) -> None:
    chat = server(control=str(control_path))
    ada, bob = chat.clients(2)
    with Raw(control_path, greeted=False) as hostile:
        hostile.sock.sendall(data)
        reply = hostile.read()
        assert isinstance(reply, Bye)
        assert hostile.at_end()
    assert "was dropped" in chat.wait_for(events.Warned).text
    ada.say("still here")
    bob.expect(f"{ada.nick}: still here")


def test_u05_who_dies_within_a_frame_is_forgotten(server: StartServer, control_path: Path) -> None:
    chat = server(control=str(control_path))
    with Raw(control_path) as dying:
        dying.sock.sendall(pack(Ask(1, commands.Bans()))[:-3])
    chat.until(lambda s: len(s.selector.get_map()) == 3)     # waker, listener, control


def test_u05_who_does_not_read_costs_little_and_is_dropped(
        server: StartServer, control_path: Path) -> None:
    chat = server(control=str(control_path))
    clock = Clock(chat)
    ada, bob = chat.clients(2)
    with Raw(control_path) as stalled:
        flood_until_unread(chat, stalled)
        for n in range(20):
            ada.say(f"line {n}")
            bob.expect(f"{ada.nick}: line {n}")
        clock.advance(STALL + 1)
        clock.advance(STALL + 1)
        dropped = chat.wait_for(events.Warned)
        assert "it did not read what it had asked for" in dropped.text
    chat.until(lambda s: not any(row.fileobj is stalled.sock
                                 for row in s.selector.registrations()))


def flood_until_unread(chat: Server, stalled: Raw) -> None:
    """Ask and ask, and read no answer, until the server reads no more either."""
    stalled.sock.setblocking(False)
    rest = b""
    while True:
        rest = rest or pack(Ask(1, commands.Limit())) * 100
        try:
            rest = rest[stalled.sock.send(rest):]
        except BlockingIOError:
            return
        chat.turn()


def test_u05_a_console_that_stalls_gets_the_newest_and_knows_what_it_lost(
        server: StartServer, control_path: Path) -> None:
    chat = server(control=str(control_path), rate_limit=0.0)
    ada, bob = chat.clients(2)
    with Raw(control_path) as console:
        console.send(Poll(now=True))
        assert isinstance(console.read(), Update)
        chat.turn()
        for n in range(90):        # more than the bus holds
            ada.say(*(f"/me {n}.{i}" for i in range(100)))
            bob.expect(f"* {ada.nick} {n}.99")
        console.send(Poll(now=True))
        reply = console.read()
        assert isinstance(reply, Update)
        acted = [event for event in reply.events if isinstance(event, events.Acted)]
        assert acted[-1].text == "89.99"
        assert reply.dropped > 0
        assert reply.dropped + len(reply.events) >= 9000


def test_only_so_many_may_be_connected_at_once(server: StartServer, control_path: Path) -> None:
    chat = server(control=str(control_path))
    raws = [Raw(control_path) for _ in range(MOST)]
    with Raw(control_path, greeted=False) as last:
        reply = last.read()
        assert isinstance(reply, Bye)
        assert "connected already" in reply.detail
    for raw in raws:
        raw.sock.close()
    chat.until(lambda s: len(s.selector.get_map()) == 3)


def test_a_thousand_commands_at_once_do_not_hold_the_loop(
        server: StartServer, control_path: Path) -> None:
    chat = server(control=str(control_path))
    before = chat.chat.selector.turns
    with Raw(control_path) as script:
        script.sock.sendall(b"".join(pack(Ask(n, commands.Bans())) for n in range(1000)))
        replies = [script.read() for _ in range(1000)]
    assert [reply.id for reply in replies if isinstance(reply, Done)] == list(range(1000))
    assert chat.chat.selector.turns - before > 10


def test_a_command_that_fails_where_nobody_foresaw_it_is_answered_and_reported(
        server: StartServer, control_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_command: commands.Command, _answer: commands.Answer, _uid: int) -> None:
        raise ZeroDivisionError("on purpose")

    chat = server(control=str(control_path))
    monkeypatch.setattr(chat.thread.control, "carry_out", fail)
    with Raw(control_path) as script:
        for n in range(2):
            script.send(Ask(n, commands.Bans()))
            reply = script.read()
            assert isinstance(reply, Done)
            assert "internal error" in reply.result.text
    assert "on purpose" in chat.wait_for(events.CallbackFailed).error


@pytest.mark.parametrize("command", [
    commands.Kick(()), commands.WriteInterest("sometimes"), commands.SlowConsumer("kill"),
    commands.Selector("guess"), commands.Ban("10.0.0.1", float("nan")),
    commands.Mute(("1",), float("inf")), commands.Ban("10.0.0.1", -5.0), commands.Quit("later"),
], ids=str)
def test_what_cannot_be_typed_cannot_be_asked(server: StartServer, control_path: Path,
                                              command: commands.Command) -> None:
    server(control=str(control_path))
    with Raw(control_path) as script:
        script.send(Ask(1, command))  # type: ignore[arg-type]  # all of these are the server's
        reply = script.read()
    assert isinstance(reply, Done)
    assert not reply.result.ok
    assert "internal error" not in reply.result.text


@pytest.mark.parametrize("unread", [b"", pack(Poll())], ids=["all read", "something unread"])
def test_a_server_that_dies_is_one_that_ended_without_a_word(
        control_path: Path, unread: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(control_path))
        door.listen(1)
        with ThreadPoolExecutor(1) as pool:
            connecting = pool.submit(ControlClient, control_path)
            server, _ = door.accept()
            with server:
                server.recv(len(pack(Hello(PROTOCOL))), socket.MSG_WAITALL)
                server.sendall(pack(Welcome(PROTOCOL, "1", 1, "127.0.0.1", 9999)))
                wire = connecting.result(PATIENCE)
                wire.send_some(bytearray(unread))
    with pytest.raises(ControlError, match="the server ended without a word"):
        wire.wait()
    wire.close()


def test_a_console_that_the_selector_lets_go_of_takes_nobody_s_place(
        server: StartServer, control_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chat = server(control=str(control_path))
    control = chat.thread.control
    assert control is not None
    selector = chat.chat.selector

    def modify(sock: socket.socket, *_: object) -> None:
        selector.unregister(sock)          # as `selectors` does with what it cannot modify
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))

    with Raw(control_path) as console:
        def answered() -> None:
            (session,) = control._sessions.values()
            monkeypatch.setattr(selector, "modify", modify)
            session._send(Done(1, commands.CommandResult(True, "x" * (16 << 20))))
            monkeypatch.undo()

        chat.call(answered)
        assert chat.call(lambda: len(control._sessions)) == 0
        assert console.at_end()
    with Raw(control_path):
        assert chat.call(lambda: len(control._sessions)) == 1


def test_a_console_that_has_gone_before_its_answer_is_not_said_to_have_been_dropped(
        server: StartServer, control_path: Path) -> None:
    chat = server(control=str(control_path))
    clock = Clock(chat)
    control = chat.thread.control
    assert control is not None
    with Raw(control_path) as console:
        (session,) = control._sessions.values()

        def answered() -> None:
            console.sock.close()
            session._send(Done(1, commands.CommandResult(True, "done")))

        chat.call(answered)
    assert chat.call(lambda: len(control._sessions)) == 0
    clock.advance(STALL + 1)
    assert not any(isinstance(event, events.Warned) for event in chat.events())
