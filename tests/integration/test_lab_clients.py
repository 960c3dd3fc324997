"""Each kind of built-in client does what it says, seen from the server's side."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from chatops.api.events import Disconnected
from chatops.lab.clients import kinds, link
from chatops.lab.clients.client import BuiltIn
from chatops.lab.clients.spawner import AT_ONCE, IN_ALL, Spawner, SpawnError
from tests.integration.until import until
from tests.patience import scaled

DEADLINE = scaled(5.0)
class TinyServer:
    """One listening socket; the test itself accepts and reads."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.listener.settimeout(DEADLINE)
        self.address: tuple[str, int] = self.listener.getsockname()
        self.accepted: list[socket.socket] = []

    def accept(self) -> socket.socket:
        sock, _ = self.listener.accept()
        sock.settimeout(DEADLINE)
        self.accepted.append(sock)
        return sock

    def close(self) -> None:
        for sock in (self.listener, *self.accepted):
            sock.close()


def line_of(sock: socket.socket) -> str:
    """The next line, byte by byte, so that what follows stays in the socket."""
    line = b""
    while not line.endswith(b"\n"):
        byte = sock.recv(1)
        assert byte, f"the connection ended after {line!r}"
        line += byte
    return line.decode().rstrip("\n")


def fill(sock: socket.socket, limit: int = 8 << 20) -> int:
    """Send until the kernel takes no more for a while; how much it took."""
    sock.setblocking(False)
    sent = 0
    while sent < limit and select.select([], [sock], [], 0.2)[1]:
        with contextlib.suppress(BlockingIOError):
            sent += sock.send(b"x" * 1000)
    return sent


@pytest.fixture
def server() -> Iterator[TinyServer]:
    tiny = TinyServer()
    yield tiny
    tiny.close()


@pytest.fixture
def spawner() -> Iterator[Spawner]:
    spawner = Spawner()
    yield spawner
    spawner.close()


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("SLOW_PAUSE", 0.01), ("LOOK_PAUSE", 0.05), ("FLOOD_PAUSE", 0.02),
                          ("DRIP_PAUSE", 0.02), ("STAY", 0.05), ("REST", 0.2)):
        monkeypatch.setattr(kinds, name, seconds)


def test_chatty_ones_have_human_nicks_and_talk(server: TinyServer, spawner: Spawner) -> None:
    spawner.spawn("chat", 2, server.address)
    first, second = server.accept(), server.accept()
    assert {line_of(first), line_of(second)} == {"/nick alice", "/nick bob"}
    talking, _, _ = select.select([first, second], [], [], 8.0)
    assert talking
    assert line_of(talking[0])
    assert spawner.counts() == {"chat": 2}


def test_a_mute_one_reads_nothing_and_queues_show_after_kilobytes(
        server: TinyServer, spawner: Spawner) -> None:
    spawner.spawn("mute", 1, server.address)
    sock = server.accept()
    assert line_of(sock) == "/nick mute-1"
    assert fill(sock) + fill(sock) < 200_000       # a reader would let megabytes through


def test_a_slow_one_reads_and_yet_hardly(server: TinyServer, spawner: Spawner) -> None:
    spawner.spawn("slow", 1, server.address)
    sock = server.accept()
    assert line_of(sock) == "/nick slow-1"
    filled = 0
    while filled < 60_000:         # more than the kernel holds: some was read
        assert select.select([], [sock], [], DEADLINE)[1]
        sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            filled += sock.send(b"x" * 500)
    assert spawner.counts() == {"slow": 1}


def test_a_flood_sends_whole_lines_without_end(server: TinyServer, spawner: Spawner) -> None:
    spawner.spawn("flood", 1, server.address)
    sock = server.accept()
    data = b""
    while data.count(b"\n") < 2000:
        data += sock.recv(1 << 16)
    lines = data.split(b"\n")[:-1]
    assert lines[0] == b"/nick flood-1"
    assert {len(line) for line in lines[1:]} == {199}
    numbers = [int(line.split()[1].replace(b",", b"")) for line in lines[1:]]
    assert numbers == list(range(len(numbers)))


def test_a_flood_that_is_not_read_keeps_little(server: TinyServer, spawner: Spawner) -> None:
    spawner.spawn("flood", 1, server.address)
    sock = server.accept()
    assert line_of(sock) == "/nick flood-1"
    (client,) = spawner._crew._clients.values()
    until(lambda: client.unsent > 0)       # the kernel takes no more
    spawner.spawn("flood", 1, server.address)
    line_of(server.accept())               # and its loop has gone round since
    assert client.unsent < 100_000


def test_a_drip_begins_a_line_and_does_not_end_it(server: TinyServer, spawner: Spawner) -> None:
    spawner.spawn("drip", 1, server.address)
    sock = server.accept()
    assert line_of(sock) == "/nick drip-1"
    pieces = [sock.recv(100) for _ in range(10)]
    assert b"".join(pieces).startswith(b"wait for")
    assert b"\n" not in b"".join(pieces)


def test_a_half_closed_one_still_reads_and_comes_back(
        server: TinyServer, spawner: Spawner) -> None:
    spawner.spawn("half-close", 1, server.address)
    sock = server.accept()
    assert line_of(sock) == "/nick half-close-1"
    assert "still reading" in line_of(sock)
    assert sock.recv(100) == b""
    for _ in range(20):
        sock.send(b"still there?\n")       # a closed peer would reset
    sock.close()
    assert line_of(server.accept()) == "/nick half-close-1"
    assert spawner.counts() == {"half-close": 1}


def test_an_rst_breaks_the_connection_and_comes_back(
        server: TinyServer, spawner: Spawner) -> None:
    spawner.spawn("rst", 1, server.address)
    sock = server.accept()
    assert line_of(sock) == "/nick rst-1"
    line_of(sock)
    with pytest.raises(ConnectionResetError):
        sock.recv(100)
    assert line_of(server.accept()) == "/nick rst-1"


@pytest.mark.parametrize("kind", ["chat", "slow", "mute", "flood", "drip", "half-close", "rst"])
def test_who_is_sent_away_by_the_server_stays_away(
        server: TinyServer, spawner: Spawner, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(kinds, "STAY", 60.0)
    spawner.spawn(kind, 1, server.address)
    sock = server.accept()
    line_of(sock)
    sock.close()
    until(lambda: spawner.counts() == {})
    assert not select.select([server.listener], [], [], 0.4)[0]


@pytest.mark.parametrize("kind", ["half-close", "rst"])
def test_who_breaks_down_while_speaking_plans_no_return(
        server: TinyServer, spawner: Spawner, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    spoken = threading.Event()

    def broken(client: BuiltIn, line: str) -> None:
        if not line.startswith("/nick"):
            client.leave()
            spoken.set()

    monkeypatch.setattr(kinds.KINDS[kind], "say", broken)
    spawner.spawn(kind, 1, server.address)
    server.accept()
    assert spoken.wait(DEADLINE)
    until(lambda: spawner.counts() == {})
    assert not select.select([server.listener], [], [], 0.6)[0]


def test_despawn_takes_one_kind_and_leaves_the_rest(server: TinyServer, spawner: Spawner) -> None:
    spawner.spawn("chat", 3, server.address)
    spawner.spawn("mute", 2, server.address)
    clients = [server.accept() for _ in range(5)]
    for sock in clients:
        line_of(sock)
    assert spawner.despawn("mute") == 2
    until(lambda: spawner.counts() == {"chat": 3})
    assert spawner.despawn() == 3
    until(lambda: spawner.counts() == {})
    for sock in clients:
        while sock.recv(4096):
            pass


def test_despawn_reaches_those_that_are_still_on_their_way(
        server: TinyServer, spawner: Spawner) -> None:
    spawner.spawn("chat", 300, server.address)
    assert spawner.despawn("chat") == 300
    until(lambda: spawner.counts() == {})


def test_nobody_listening_means_nobody_comes(spawner: Spawner) -> None:
    free = socket.create_server(("127.0.0.1", 0))
    address = free.getsockname()
    free.close()
    spawner.spawn("chat", 3, address)
    until(lambda: spawner.counts() == {})


@pytest.mark.parametrize(("kind", "count", "why"), [
    ("nice", 1, "no kind 'nice'"), ("chat", 0, "from 1 to"), ("chat", -3, "from 1 to"),
    ("chat", AT_ONCE + 1, "from 1 to")])
def test_what_cannot_be_spawned_says_why(spawner: Spawner, kind: str, count: int,
                                         why: str) -> None:
    with pytest.raises(SpawnError, match=why):
        spawner.spawn(kind, count, ("127.0.0.1", 9))
    assert spawner.counts() == {}


def test_there_is_a_most_in_all_and_a_check_of_descriptors(
        server: TinyServer, spawner: Spawner, monkeypatch: pytest.MonkeyPatch) -> None:
    spawner._counts["chat"] = IN_ALL - 1
    with pytest.raises(SpawnError, match="are the most"):
        spawner.spawn("chat", 2, server.address)
    spawner._counts["chat"] = 0
    monkeypatch.setattr("resource.getrlimit", lambda _which: (200, 200))
    with pytest.raises(SpawnError, match=r"descriptors.*ulimit -n 200"):
        spawner.spawn("chat", 100, server.address)


def test_close_ends_the_thread_and_nothing_can_be_spawned_after(server: TinyServer) -> None:
    spawner = Spawner()
    spawner.spawn("chat", 3, server.address)
    spawner.close()
    spawner.close()
    assert not spawner._thread.is_alive()
    with pytest.raises(SpawnError, match="closed"):
        spawner.spawn("chat", 1, server.address)


def evicted(nick: str) -> Disconnected:
    return Disconnected(1.0, 8, 15, nick, "lobby", "127.0.0.1:9", "evicted: queue full (8.0K)", 3)


def test_the_demos_slow_one_comes_back_when_it_was_evicted_and_not_when_it_was_kicked(
        server: TinyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "AWAY", 0.01)
    built_in = link.BuiltInClients()
    try:
        built_in.demo(server.address)
        here = {line_of(sock): sock for sock in (server.accept() for _ in range(8))}
        here["/nick slow-1"].close()
        until(lambda: "slow" not in built_in.counts(), DEADLINE)
        built_in.heard([replace(evicted("slow-1"), reason="kicked: enough"), evicted("bot-1"),
                        evicted("slow-1"), evicted("slow-1")])
        assert line_of(server.accept()) == "/nick slow-1"
        assert built_in.counts()["slow"] == 1
    finally:
        built_in.close()


def test_the_demos_slow_one_comes_back_before_it_has_read_that_it_was_evicted(
        server: TinyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "AWAY", 0.01)
    monkeypatch.setattr(kinds, "SLOW_PAUSE", 60.0)
    built_in = link.BuiltInClients()
    try:
        built_in.demo(server.address)
        here = {line_of(sock): sock for sock in (server.accept() for _ in range(8))}
        slow = here["/nick slow-1"]
        fill(slow)
        slow.close()                           # the end of it stands behind all that is unread
        built_in.heard([evicted("slow-1")])
        assert line_of(server.accept()) == "/nick slow-1"
        assert built_in.counts()["slow"] == 1
    finally:
        built_in.close()


def test_who_is_sent_away_does_not_come_back(server: TinyServer, spawner: Spawner) -> None:
    spawner.bring_back("slow", "slow-1", 0.05, server.address)
    spawner.despawn("slow")
    spawner.bring_back("slow", "slow-2", 0.1, server.address)
    assert line_of(server.accept()) == "/nick slow-2"
