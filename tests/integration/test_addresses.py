"""Where a server listens, and how that is printed: cases 29 and 30."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from chatops.api import events
from chatops.api.commands import Ban, Limit, Quit, Spawn
from chatops.links.local import LocalLink
from chatops.net import listener
from chatops.net.listen_error import ListenError, explain
from chatops.net.listener import PAUSE, listen
from chatops.service import ServerThread, StartError
from chatops.settings import Settings, SettingsError
from chatops.system.addresses import with_port
from tests.given import load
from tests.integration.client import Client
from tests.integration.harness import PATIENCE, Clock, Served, Server
from tests.integration.test_faults_limits import failing
from tests.integration.test_start import run

StartServer = Callable[..., Server]
Resolver = Callable[[Sequence[str]], None]

NAME = "several.test"


def has_six() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def link_local() -> str:
    """An address of this machine that needs its zone, with it; "" where there is none."""
    try:
        lines = Path("/proc/net/if_inet6").read_text("ascii").splitlines()
    except OSError:
        return ""
    for line in lines:
        digits, *_, flags, name = line.split()
        if digits.startswith("fe80") and not int(flags, 16) & 0x40:    # not tentative
            return f"{socket.inet_ntop(socket.AF_INET6, bytes.fromhex(digits))}%{name}"
    return ""


six = pytest.mark.skipif(not has_six(), reason="needs IPv6")


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
        assert chat.thread.wait(10)
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


# -- as it is printed


@six
@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_an_address_of_ipv6_is_printed_in_brackets_and_taken_in_them(
        served: Callable[..., Served], control_path: Path, tmp_path: Path, host: str) -> None:
    chat = served("--host", host, "--control", str(control_path))
    listed = next(line for line in chat.lines if "listening on" in line)
    port = chat.address[1]
    assert listed == f"chatops: listening on [::1]:{port} (epoll)" or "(epoll)" not in listed
    chat.address = ("::1", port)
    status = run("ctl", "--socket", str(control_path), "status", cwd=tmp_path)
    assert status.stdout.splitlines()[0].split() == ["server", f"[::1]:{port},", "running"]


@pytest.mark.skipif(not link_local(), reason="needs a link-local address")
@pytest.mark.parametrize("brackets", [False, True])
def test_a_link_local_address_works_with_its_zone_and_is_printed_with_it(
        server: StartServer, brackets: bool) -> None:
    host = link_local()
    chat = server(host=load({"host": f"[{host}]" if brackets else host}).host)
    port = chat.address[1]
    assert chat.address == (host, port)
    assert chat.snapshot().host == host
    address: Any = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4]
    chat.address = address         # with the number of the zone, as connect(2) wants it
    client = chat.client()
    bare = host.partition("%")[0]
    (row,) = chat.snapshot().clients
    assert row.peer.startswith(f"[{host}]:")
    link = LocalLink(chat.thread)
    assert link.submit(Spawn("mute", 1)).result(PATIENCE).ok
    chat.until(lambda server: server.state.accepted == 2)
    link.close()
    chat.until(lambda server: len(server.state.connections) == 1)
    assert chat.do(Ban(host)).text.startswith(f"banned {bare}/128 for good; #1 guest-1")
    assert client.to_the_end()[-1].startswith("*** you were banned")
    chat.open_to_all = False


@pytest.mark.skipif(not link_local(), reason="needs a link-local address")
@pytest.mark.parametrize(("zone", "says"), [
    ("", r"one of an interface, as in fe80:\S+%\w+; there are .*\blo\b"),
    ("%nosuch", r"there is no interface nosuch; there are .*\blo\b"),
])
def test_a_zone_that_is_missing_or_wrong_is_hinted_at(zone: str, says: str) -> None:
    host = link_local().partition("%")[0] + zone
    with pytest.raises(StartError, match=says) as refused:
        ServerThread(Settings(host=host, port=0, control="off")).start()
    assert str(refused.value).startswith(f"cannot listen on [{host}]:0: ")


@pytest.mark.parametrize(("host", "number", "says"), [
    ("::1", errno.EADDRINUSE, "[::1]:9 is in use"),
    ("::1", errno.EACCES, "[::1]:9 needs privileges"),
    ("fe80::1%lo", errno.EADDRINUSE, "[fe80::1%lo]:9 is in use"),
    ("127.0.0.1", errno.EIO, "cannot listen on 127.0.0.1:9: "),
])
def test_what_cannot_be_listened_on_is_said_with_brackets(
        host: str, number: int, says: str) -> None:
    assert explain(OSError(number, os.strerror(number)), host, 9).startswith(says)


@pytest.mark.parametrize(("given", "host"), [
    ("[::1]", "::1"), ("[fe80::1%eth0]", "fe80::1%eth0"), (" ::1 ", "::1"),
    ("127.0.0.1", "127.0.0.1"), ("localhost", "localhost")])
def test_a_host_is_read_in_brackets_and_without(given: str, host: str) -> None:
    assert load({"host": given}).host == host


@pytest.mark.parametrize("given", ["[]", " ", "[ ]"])
def test_empty_brackets_do_not_open_the_server_to_everybody(given: str) -> None:
    with pytest.raises(SettingsError, match="empty"):
        load({"host": given})


