"""tests/FAULTS.md, clients that are quiet (K01, K04, L09, L10); those that vanish are elsewhere."""

from __future__ import annotations

import fcntl
import os
import re
import socket
import time
from collections.abc import Callable

import pytest

from chatops.api.commands import Limit
from chatops.api.events import Disconnected
from chatops.server.server import ChatServer
from tests.integration.client import Client
from tests.integration.harness import Clock, Server

StartServer = Callable[..., Server]


# -- peers that vanish


def options(server: Server, client: Client) -> dict[str, int]:
    """What the socket of a client is set to, at the server's end."""

    def look() -> dict[str, int]:
        sock = server.chat.state.connections[client.id].sock
        return {"NODELAY": sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY),
                "KEEPALIVE": sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                "USER_TIMEOUT": sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
                if hasattr(socket, "TCP_USER_TIMEOUT") else 0,
                "BLOCKING": int(os.get_blocking(sock.fileno())),
                "CLOEXEC": fcntl.fcntl(sock, fcntl.F_GETFD) & fcntl.FD_CLOEXEC}

    return server.call(look)


def test_k01_accepted_sockets_have_the_options_they_should(server: StartServer) -> None:
    chat = server()
    found = options(chat, chat.client())
    assert found["KEEPALIVE"]
    assert found["NODELAY"]
    assert found["CLOEXEC"]
    assert not found["BLOCKING"]


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux")
def test_the_kernel_does_not_give_up_a_reader_before_the_stall_deadline(server: StartServer
                                                                       ) -> None:
    chat = server(stall=600.0)
    early = chat.client()
    assert options(chat, early)["USER_TIMEOUT"] == 0
    for value, milliseconds in (("5s", 100_000), ("1h", 0), ("100s", 100_000), ("off", 0)):
        assert chat.do(Limit("stall", value)).ok
        assert options(chat, early)["USER_TIMEOUT"] == milliseconds
        assert options(chat, chat.client())["USER_TIMEOUT"] == milliseconds


def test_a_deadline_that_is_turned_on_is_one_for_who_waits_already(server: StartServer) -> None:
    chat = server(line_deadline=0.0)
    slow, _ = chat.clients(2)
    slow.send(b"a line begun")
    chat.until(lambda chat: chat.hub.sessions[slow.id].mid_line)
    assert chat.do(Limit("line-deadline", "1h")).ok
    assert chat.call(lambda: [c.client_id for c in chat.chat.state.partials._ends]) == [slow.id]


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_k04_when_the_wall_clock_jumps_nobody_is_timed_out(server: StartServer, jump: float
                                                           ) -> None:
    chat = server(idle_timeout=60.0, line_deadline=60.0)
    talker, beginner = chat.clients(2)
    beginner.send(b"a line begun")
    chat.until(lambda chat: chat.state.partials)
    chat.call(lambda: setattr(chat.chat.state, "wall", lambda: time.time() + jump))
    chat.turn()
    beginner.say(" and ended")
    talker.expect(f"{beginner.nick}: a line begun and ended")
    assert not any(isinstance(event, Disconnected) for event in chat.events())


# -- the silent and the endless


def test_l09_a_client_that_never_says_a_word_may_listen_for_ever(server: StartServer) -> None:
    chat = server()
    clock = Clock(chat)
    lurker = chat.client()
    clock.advance(7 * 86400)
    assert lurker.heard() == []


def test_l09_with_an_idle_timeout_the_silent_are_told_and_closed_and_talkers_stay(
        server: StartServer) -> None:
    chat = server(idle_timeout=60.0)
    clock = Clock(chat)
    lurker, talker = chat.clients(2)
    clock.advance(30)
    talker.heard()
    clock.advance(30)
    assert lurker.to_the_end() == ["*** error: you said nothing for 1m"]
    lurker.close()
    event = chat.wait_for(Disconnected)
    assert (event.id, event.reason) == (lurker.id, "idle")
    assert talker.heard() == [f"*** {lurker.nick} left (idle)"]
    clock.advance(60)
    assert talker.to_the_end() == ["*** error: you said nothing for 1m"]


def test_l09_an_idle_timeout_set_while_it_runs_holds_for_those_who_are_there(
        server: StartServer) -> None:
    chat = server()
    clock = Clock(chat)
    lurker = chat.client()
    chat.do(Limit("idle-timeout", "10s"))
    clock.advance(10)
    assert lurker.to_the_end() == ["*** error: you said nothing for 10s"]


def test_l10_a_line_that_never_ends_is_dropped_at_a_deadline_from_its_first_byte(
        server: StartServer) -> None:
    chat = server()
    clock = Clock(chat)
    dripper, other = chat.clients(2)
    before = chat.row(dripper).bytes_in
    for n in range(6):
        dripper.send(b"x")
        chat.until(has_taken(dripper, before + n + 1))
        clock.advance(10)
    assert dripper.to_the_end() == ["*** error: a line was begun 1m ago and never ended"]
    dripper.close()
    assert chat.wait_for(Disconnected).reason == "line never ended"
    assert other.heard() == [f"*** {dripper.nick} left (line never ended)"]


def has_taken(client: Client, count: int) -> Callable[[ChatServer], bool]:
    """Whether so many bytes of a client have been taken in."""
    return lambda chat: chat.state.connections[client.id].bytes_in == count


def test_l10_a_line_that_ends_in_time_gives_the_next_one_its_own_deadline(
        server: StartServer) -> None:
    chat = server()
    clock = Clock(chat)
    slow, other = chat.clients(2)
    for n in range(5):
        slow.send(b"ning\nmor" if n else b"mor")
        if n:
            other.expect(f"{slow.nick}: morning")
        else:
            chat.until(lambda chat: chat.state.partials)
        clock.advance(50)
    slow.send(b"ning\n")
    other.expect(f"{slow.nick}: morning")
    assert not any(re.search("never ended", line) for line in slow.heard())
