"""tests/FAULTS.md, limits (L01-L12 but for L09, L10): who may not come in is told why."""

from __future__ import annotations

import errno
import os
import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from chatops.api.commands import Limit
from chatops.api.events import ListenerPaused, ListenerResumed, Refused
from chatops.net.listener import PAUSE
from chatops.server.acceptor import REFUSED_AT_ONCE
from chatops.server.admission import SPARE
from chatops.server.state import LINGER
from tests.integration.client import Client
from tests.integration.harness import Clock, Served, Server, descriptors
from tests.integration.talk import numbered, say_and_hear
from tests.integration.until import until
from tests.patience import scaled

StartServer = Callable[..., Server]
StartServed = Callable[..., Served]

FULL = "*** error: the server is full ({} clients); try again later"


def refusal(server: Server, source: str = "") -> list[str]:
    """All that a newcomer reads before the end of file."""
    client = server.client(source=source, greeted=False)
    lines = client.to_the_end()
    client.close()
    return lines


# -- descriptors


def test_l01_without_descriptors_the_listener_waits_clients_stay_and_all_are_served_later(
        served: StartServed) -> None:
    server, busy = served("--rate-limit", "off"), served("--rate-limit", "off")
    speaker, reader = server.client(), server.client()
    reader.heard()
    soft, hard = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (server.descriptors() + 10, hard))
    with ExitStack() as stack:
        waiting = [stack.enter_context(Client(server.address, greeted=False))
                   for _ in range(100)]
        server.wait_for_line("ListenerPaused .*Too many open files")
        say_and_hear(speaker, numbered(0, 200), [reader])
        # Who waits and cannot be accepted costs nothing, where another server works.
        before = server.cpu()
        talk_for(busy, 0.3)
        assert server.cpu() - before < 0.3 / 3
        assert sum("ListenerPaused" in line for line in server.lines) == 1
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (soft, hard))
        for client in waiting:
            client.read_line()
    server.wait_for_line("ListenerResumed")


def talk_for(server: Served, seconds: float) -> None:
    """Keep it busy until it has used so much processor time."""
    speaker, reader = server.client(), server.client()
    reader.heard()
    began = server.cpu()
    while server.cpu() - began < seconds:
        say_and_hear(speaker, numbered(0, 2_000), [reader])


FEW = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
from chatops import cli
cli.main()
"""


def test_l01_with_64_descriptors_in_all_everybody_is_answered_and_none_runs_out(
        served: StartServed) -> None:
    server = served(program=("-c", FEW))
    speaker, reader = server.client(), server.client()
    with ExitStack() as stack:
        crowd = [stack.enter_context(Client(server.address, greeted=False)) for _ in range(100)]
        answers = [client.read_line() for client in crowd]
        welcomed = sum(line.startswith("*** welcome") for line in answers)
        assert welcomed == 64 - SPARE - 2
        assert answers.count(FULL.format(64 - SPARE)) == 100 - welcomed
        say_and_hear(speaker, numbered(0, 10), [reader])
    until(lambda: sum(" Disconnected " in line for line in server.lines) == welcomed)
    assert not any("ListenerPaused" in line for line in server.lines)


def test_l02_1500_connects_and_closes_leave_no_descriptor_behind(server: StartServer) -> None:
    chat = server()
    before = descriptors()
    for n in range(1500):
        client = Client(chat.address, greeted=n % 3 == 0)
        if n % 2:
            client.reset()
        else:
            client.close()
    chat.until(lambda chat: chat.state.accepted + chat.state.refused == 1500
               and not chat.state.connections)
    chat.turn()
    assert descriptors().keys() == before.keys()
    assert chat.call(lambda: chat.chat.delivery.fans) == {}


@pytest.mark.parametrize("number", [errno.ECONNABORTED, errno.EPERM, errno.EPROTO])
def test_l11_a_newcomer_that_cannot_be_accepted_is_skipped(server: StartServer, number: int
                                                           ) -> None:
    chat = server()
    failing(chat, number, number)
    assert chat.client().id == 1
    assert not any(isinstance(event, ListenerPaused) for event in chat.events())


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
def test_l11_out_of_something_the_listener_waits_says_so_once_and_goes_on(
        server: StartServer, number: int) -> None:
    chat = server()
    clock = Clock(chat)
    old = chat.client()
    failing(chat, number, number)
    newcomer = chat.client(greeted=False)
    assert chat.wait_for(ListenerPaused).reason == os.strerror(number)
    clock.advance(PAUSE)           # and again it fails
    old.heard()
    clock.advance(PAUSE)
    newcomer.expect("*** welcome, guest-2! you are in lobby with 1 other; /help lists what "
                    "you can do")
    chat.wait_for(ListenerResumed)
    assert sum(isinstance(event, ListenerPaused) for event in chat.events()) == 1


class _Failing:
    """A listening socket whose next accepts fail."""

    def __init__(self, sock: socket.socket, errors: list[int]) -> None:
        self._sock = sock
        self._errors = errors

    def accept(self) -> tuple[socket.socket, Any]:
        if self._errors:
            raise OSError(self._errors.pop(), "cannot accept")
        return self._sock.accept()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


def failing(server: Server, *errors: int, which: int = 0) -> None:
    """Let the next accepts of one of its listeners fail like this."""
    listener = server.chat.listeners[which]
    server.call(lambda: setattr(listener, "sock", _Failing(listener.sock, [*errors])))


def test_a_newcomer_that_the_selector_cannot_watch_is_told_so_and_closed(
        server: StartServer, monkeypatch: pytest.MonkeyPatch) -> None:
    chat = server()
    old = chat.client()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        chat.call(lambda: patch.setattr(chat.chat.selector, "register", full))
        lines = refusal(chat)
    assert lines == ["*** error: the server cannot watch more clients (No space left on device)"]
    assert old.heard() == []
    assert len(chat.snapshot().clients) == 1


def test_l12_more_than_1023_descriptors_are_no_limit_to_epoll(server: StartServer) -> None:
    chat = server()
    clients = [chat.client() for _ in range(1100)]
    first, last = clients[0], clients[-1]
    assert chat.row(last).fd > 1023
    for client in (first, last):
        client.heard()
    say_and_hear(last, ["above and beyond"], [first])
    say_and_hear(first, ["below"], [last])


@pytest.fixture
def crowded() -> Iterator[None]:
    """A process that has handed out all descriptors below select's limit, but a few."""
    taken: list[int] = []
    try:
        while not taken or taken[-1] < 1018:
            taken.append(os.open(os.devnull, os.O_RDONLY))
        yield
    finally:
        for fd in taken:
            os.close(fd)


def test_l12_select_refuses_whom_it_cannot_watch_and_serves_the_others(
        server: StartServer, crowded: None) -> None:
    chat = server(selector="select")
    chat.open_to_all = False
    clients = []
    while True:
        newcomer = chat.client(greeted=False)
        line = newcomer.read_line()
        if "welcome" not in line:
            break
        clients.append(newcomer)
    assert line == "*** error: the server is full: select() cannot watch more descriptors"
    assert newcomer.to_the_end() == []
    assert 0 < len(clients) < 5
    assert chat.wait_for(Refused).reason.startswith("the server is full")
    for client in clients:
        client.heard()


# -- newcomers


def test_l05_two_hundred_connects_at_once_are_all_served_in_two_seconds(
        server: StartServer) -> None:
    chat = server()
    with ExitStack() as stack:
        socks = [stack.enter_context(socket.socket()) for _ in range(200)]
        for sock in socks:
            sock.setblocking(False)
            assert sock.connect_ex(chat.address) in (0, errno.EINPROGRESS)
        for sock in socks:
            sock.settimeout(scaled(2.0))
            assert sock.recv(100).startswith(b"*** welcome")


def test_l06_beyond_the_limit_newcomers_are_told_counted_and_closed_and_a_place_is_reused(
        server: StartServer) -> None:
    chat = server(max_clients=3)
    chat.open_to_all = False
    clients = chat.clients(3)
    for _ in range(2):
        assert refusal(chat) == [FULL.format(3)]
    assert chat.snapshot().refused == 2
    assert chat.wait_for(Refused).reason == FULL.format(3).removeprefix("*** error: ")
    say_and_hear(clients[0], ["still here"], clients[1:])
    clients[2].close()
    chat.until(lambda chat: len(chat.state.connections) == 2)
    assert chat.client().id == 4


def test_l06_a_limit_lowered_while_it_runs_lets_nobody_else_in_and_sends_nobody_away(
        server: StartServer) -> None:
    chat = server()
    chat.open_to_all = False
    one, two = chat.clients(2)
    chat.do(Limit("max-clients", "1"))
    assert refusal(chat) == [FULL.format(2)]
    say_and_hear(one, ["still here"], [two])
    chat.do(Limit("max-clients", "off"))
    chat.client()


def test_l07_one_address_cannot_take_every_place_and_others_do_not_notice(
        server: StartServer) -> None:
    chat = server(per_address=2, trusted="none")
    here, there = "127.0.0.2", "127.0.0.3"
    clients = [chat.client(source=here) for _ in range(2)]
    told = ["*** error: too many connections from your address (2 allowed)"]
    assert refusal(chat, here) == told
    other = chat.client(source=there)
    clients[0].close()
    chat.until(lambda chat: len(chat.state.connections) == 2)
    chat.client(source=here)
    assert refusal(chat, here) == told
    other.heard()


def test_l07_trusted_networks_have_no_limit_per_address(server: StartServer) -> None:
    chat = server(per_address=2, connect_rate=1.0, trusted="127.0.0.2/32")
    for _ in range(20):
        chat.client(source="127.0.0.2")


def test_l08_who_connects_too_often_is_told_to_wait_and_others_do_not_notice(
        server: StartServer) -> None:
    chat = server(connect_rate=5.0, trusted="none")
    clock = Clock(chat)
    hasty = "127.0.0.2"
    chat.call(lambda: setattr(chat.chat.reactor, "clock", lambda: 1e6 + clock.ahead))
    let_in = 0
    told = set()
    for _ in range(200):
        client = chat.client(source=hasty, greeted=False)
        line = client.read_line()
        if "welcome" in line:
            let_in += 1
        else:
            told.add(line)
        client.close()
    assert let_in == 20
    assert told == {"*** error: you connect too often; wait a few seconds"}
    chat.client(source="127.0.0.3")
    clock.advance(1)
    for _ in range(5):
        chat.client(source=hasty)
    assert refusal(chat, hasty) == [*told]


def test_refused_newcomers_that_never_read_or_leave_hold_few_descriptors_and_not_for_long(
        server: StartServer) -> None:
    chat = server(max_clients=1)
    chat.open_to_all = False
    clock = Clock(chat)
    chat.client()
    before = descriptors()
    with ExitStack() as stack:
        rude = [stack.enter_context(Client(chat.address, greeted=False)) for _ in range(200)]
        chat.until(lambda chat: chat.state.refused == 200)
        assert len(descriptors()) - len(before) <= len(rude) + REFUSED_AT_ONCE
        clock.advance(LINGER)
        assert len(descriptors()) - len(before) == len(rude)
        for client in rude:
            assert client.to_the_end() == [FULL.format(1).replace("1 clients", "1 client")]
