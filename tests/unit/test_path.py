"""What the kernel tells of the way to a peer, and that nothing depends on its telling."""

from __future__ import annotations

import socket
import sys
import timeit

import msgspec
import pytest

from chatops.api.snapshot import ClientRow
from chatops.net import kernel

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Pair:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        accepted, _ = server.accept()
    return accepted, client


@pytest.mark.skipif(sys.platform != "linux", reason="TCP_INFO is Linux's")
def test_the_kernel_tells_the_round_trip_of_a_connection_and_what_was_sent_again(
        pair: Pair) -> None:
    accepted, client = pair
    with accepted, client:
        accepted.sendall(b"ping")
        assert client.recv(16) == b"ping"
        client.sendall(b"pong")
        assert accepted.recv(16) == b"pong"
        rtt, retransmits = kernel.path_of(accepted)
        assert 0 < rtt < 60        # of loopback: any figure misread would be wild
        assert retransmits == 0


def test_a_system_that_does_not_tell_makes_it_unknown(
        pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    accepted, client = pair
    with accepted, client:
        monkeypatch.setattr(kernel, "TCP_INFO", None)
        assert kernel.path_of(accepted) == kernel.UNKNOWN_PATH


def test_a_socket_without_tcp_or_closed_meanwhile_is_no_error(pair: Pair) -> None:
    accepted, client = pair
    left, right = socket.socketpair()
    with left, right, client:
        assert kernel.path_of(left) == kernel.UNKNOWN_PATH
        accepted.close()
        assert kernel.path_of(accepted) == kernel.UNKNOWN_PATH


@pytest.mark.skipif(sys.platform != "linux", reason="TCP_INFO is Linux's")
def test_it_costs_about_what_asking_for_the_queue_does(pair: Pair) -> None:
    accepted, client = pair
    with accepted, client:
        def best(what: object) -> float:
            assert callable(what)
            return min(timeit.repeat(lambda: what(accepted), number=500, repeat=9))

        assert best(kernel.path_of) < 10 * best(kernel.kernel_queued)


def test_a_row_from_before_there_was_a_round_trip_is_still_read() -> None:
    row = ClientRow(1, 8, "bob", "lobby", "10.0.0.1:1", 1, 0, 0, 1, 0, 1, 0, 0.0, 0, 0, 0, 0, 0,
                    0.0, 0.0, 0.0)
    old = msgspec.to_builtins(row)
    del old["rtt"], old["retransmits"]
    read = msgspec.msgpack.decode(msgspec.msgpack.encode(old), type=ClientRow)
    assert (read.rtt, read.retransmits) == (-1.0, -1)
