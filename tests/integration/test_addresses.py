"""Where a server listens: case 29."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from chatops.api import events
from chatops.api.commands import Limit, Quit
from chatops.net import listener
from chatops.net.listen_error import ListenError
from chatops.net.listener import PAUSE, listen
from chatops.service import ServerThread, StartError
from chatops.settings import Settings
from chatops.system.addresses import with_port
from tests.integration.client import Client
from tests.integration.harness import Clock, Server
from tests.integration.ipv6 import six
from tests.integration.test_faults_limits import failing
from tests.patience import PATIENCE

StartServer = Callable[..., Server]
Resolver = Callable[[Sequence[str]], None]
NAME = "several.test"


@pytest.fixture
def resolves(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    """Has `NAME` be the name of these addresses, in this order."""
    real = socket.getaddrinfo

    def set_to(addresses: Sequence[str]) -> None:
        def found(host: Any, *args: Any, **kwargs: Any) -> Any:
            hosts = addresses if host == NAME else [host]
            return [info for each in hosts for info in real(each, *args, **kwargs)]

        monkeypatch.setattr(socket, "getaddrinfo", found)

    return set_to


def closed(socks: Sequence[socket.socket]) -> None:
    for sock in socks:
        sock.close()


# -- a name with several addresses


@six
@pytest.mark.parametrize("addresses", [["::1", "127.0.0.1"], ["127.0.0.1", "::1"],
                                       ["::1", "127.0.0.1", "127.0.0.2", "::1"]])
def test_a_name_is_listened_on_at_all_of_its_addresses(
        server: StartServer, resolves: Resolver, addresses: list[str]) -> None:
    resolves(addresses)
    chat = server(host=NAME)
    several = list(dict.fromkeys(addresses))
    port = chat.address[1]
    assert chat.call(lambda: chat.chat.addresses) == tuple((host, port) for host in several)
    clients = [Client((host, port)) for host in several]
    clients[0].say("hello")
    for client in clients:
        client.expect("guest-1: hello")
        client.close()
    started = chat.wait_for(events.ServerStarted)
    assert (started.host, started.port) == (several[0], port)
    assert started.also == tuple(with_port(host, port) for host in several[1:])


@six
def test_each_of_them_is_in_the_map_and_in_the_snapshot(
        server: StartServer, resolves: Resolver) -> None:
    resolves(["::1", "127.0.0.1"])
    chat = server(host=NAME)
    snapshot = chat.snapshot()
    port = snapshot.port
    assert (snapshot.host, snapshot.also) == ("::1", (f"127.0.0.1:{port}",))
    assert [row.type for row in snapshot.keys].count("listener") == 2
    assert chat.call(lambda: len(chat.chat.selector.get_map())) == len(snapshot.keys)


@six
def test_they_close_together_when_the_server_drains_or_stops(
        server: StartServer, resolves: Resolver) -> None:
    resolves(["::1", "127.0.0.1"])
    chat = server(host=NAME, drain=60.0, sndbuf=4096)
    chat.must_live = False
    port = chat.address[1]
    slow, talker = chat.client(rcvbuf=4096), chat.client()
    talker.say(*("x" * 2000 for _ in range(100)))
    talker.heard()
    chat.do(Quit("drain"))
    chat.wait_for(events.ServerStopping)
    for host in ("::1", "127.0.0.1"):
        with pytest.raises(ConnectionRefusedError):
            Client((host, port))
    slow.to_the_end()
    assert chat.call(lambda: [each.sock.fileno() for each in chat.chat.listeners]) == [-1, -1]


@six
def test_a_limit_that_changes_reaches_every_one_of_them(
        server: StartServer, resolves: Resolver) -> None:
    resolves(["::1", "127.0.0.1"])
    chat = server(host=NAME, stall=30.0)
    option = getattr(socket, "TCP_USER_TIMEOUT", 0)
    if not option:
        pytest.skip("needs TCP_USER_TIMEOUT")

    def timeouts() -> set[int]:
        return {each.sock.getsockopt(socket.IPPROTO_TCP, option) for each in chat.chat.listeners}

    assert chat.call(timeouts) == {100_000}
    chat.do(Limit("stall", "1h"))
    assert chat.call(timeouts) == {0}


# -- a shortage


@six
@pytest.mark.parametrize("first", [0, 1])
def test_a_shortage_pauses_all_of_them_and_is_told_once(
        server: StartServer, resolves: Resolver, first: int) -> None:
    resolves(["::1", "127.0.0.1"])
    chat = server(host=NAME)
    clock = Clock(chat)
    port = chat.address[1]
    failing(chat, errno.EMFILE, which=first)
    waiting = Client((("::1", "127.0.0.1")[first], port), greeted=False)
    chat.wait_for(events.ListenerPaused)
    assert [row.type for row in chat.snapshot().keys].count("listener") == 0
    other = Client((("::1", "127.0.0.1")[1 - first], port), greeted=False)
    chat.turn()
    assert chat.snapshot().accepted == 0
    clock.advance(PAUSE)
    for client in (waiting, other):
        assert client.read_line().startswith("*** welcome")
        client.close()
    chat.wait_for(events.ListenerResumed)
    assert [row.type for row in chat.snapshot().keys].count("listener") == 2
    told = [event for event in chat.events()
            if isinstance(event, events.ListenerPaused | events.ListenerResumed)]
    assert len(told) == 2


@six
def test_a_server_that_is_paused_can_be_stopped(server: StartServer, resolves: Resolver) -> None:
    resolves(["::1", "127.0.0.1"])
    chat = server(host=NAME)
    chat.must_live = False
    failing(chat, errno.EMFILE)
    with Client(chat.address, greeted=False):
        chat.wait_for(events.ListenerPaused)
        chat.do(Quit("drain"))
        assert chat.thread.wait(PATIENCE)
    assert chat.thread.crash is None


# -- one port for all


@six
def test_with_port_0_a_port_is_tried_until_one_is_free_at_all_of_them(
        resolves: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    resolves(["::1", "127.0.0.1"])
    real, taken = listener._open, [3]

    def crowded(family: int, address: Any, *args: Any, **kwargs: Any) -> socket.socket:
        if family == socket.AF_INET and taken[0]:
            taken[0] -= 1
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        return real(family, address, *args, **kwargs)

    monkeypatch.setattr(listener, "_open", crowded)
    socks, lacking = listen(NAME, 0)
    try:
        assert len({sock.getsockname()[1] for sock in socks}) == 1
        assert (len(socks), lacking) == (2, [])
    finally:
        closed(socks)
    taken[0] = 1000
    with pytest.raises(ListenError) as full:
        listen(NAME, 0)
    assert full.value.errno == errno.EADDRINUSE


@six
def test_a_port_that_is_taken_at_one_address_is_refused_and_the_others_are_let_go(
        resolves: Resolver) -> None:
    resolves(["::1", "127.0.0.1"])
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(StartError, match=rf"^127\.0\.0\.1:{port} is in use") as refused:
            ServerThread(Settings(host=NAME, port=port, control="off")).start()
        assert "\n" not in str(refused.value)
        with socket.create_server(("::1", port), family=socket.AF_INET6):
            pass


@six
def test_every_address_of_the_machine_of_both_kinds_go_together(resolves: Resolver) -> None:
    resolves(["::", "0.0.0.0"])
    socks, _ = listen(NAME, 0)
    try:
        assert {sock.family for sock in socks} == {socket.AF_INET, socket.AF_INET6}
    finally:
        closed(socks)


@six
@pytest.mark.skipif(not Path("/proc/sys/net/ipv6/bindv6only").exists()
                    or Path("/proc/sys/net/ipv6/bindv6only").read_text("ascii").strip() != "0",
                    reason="IPv6 sockets are of IPv6 only here")
def test_every_address_alone_still_takes_ipv4_as_well(server: StartServer) -> None:
    chat = server(host="::")
    with Client(("127.0.0.1", chat.address[1])):
        assert chat.snapshot().clients[0].peer.startswith("127.0.0.1:")


# -- what the machine has not


@pytest.mark.parametrize(("number", "call"), [
    (errno.EAFNOSUPPORT, "socket"), (errno.EADDRNOTAVAIL, "bind")])
@pytest.mark.parametrize("addresses", [["::1", "127.0.0.1"], ["127.0.0.1", "::1"]])
def test_a_family_that_the_machine_lacks_is_passed_over_and_told(
        server: StartServer, resolves: Resolver, monkeypatch: pytest.MonkeyPatch,
        addresses: list[str], number: int, call: str) -> None:
    resolves(addresses)
    without_six(monkeypatch, number)
    chat = server(host=NAME)
    assert chat.call(lambda: chat.chat.addresses) == (("127.0.0.1", chat.address[1]),)
    warned = chat.wait_for(events.Warned)
    assert warned.text.startswith("not listening on [::1]:")
    assert warned.text.endswith(os.strerror(number))


def test_with_no_address_that_works_the_start_is_refused(
        resolves: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    resolves(["::1"])
    without_six(monkeypatch, errno.EAFNOSUPPORT)
    with pytest.raises(StartError, match=r"cannot listen on \[::1\]:0: Address family"):
        ServerThread(Settings(host=NAME, port=0, control="off")).start()


def without_six(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """No IPv6 in this process, as far as `listen` can tell."""
    real = listener._open

    def lacking(family: int, *args: Any, **kwargs: Any) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(number, os.strerror(number))
        return real(family, *args, **kwargs)

    monkeypatch.setattr(listener, "_open", lacking)
