"""The benchmark's load: what it counts, what it waits for, and when it gives up."""

from __future__ import annotations

import socket
import sys
import threading
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from chatops.bench import crowd as crowd_module
from chatops.bench import relay, runner
from chatops.bench.contenders import PYTHON
from chatops.bench.crowd import Crowd, LoadError
from chatops.bench.flow import measure_latency, measure_throughput
from chatops.bench.load import LoadSpec, run
from chatops.bench.ports import HeldPort
from chatops.bench.runner import BenchError
from chatops.bench.tongues import TONGUES
from tests.integration.harness import Server
from tests.patience import scaled

SHORT = LoadSpec(port=0, clients=5, senders=2, warm_up=0.05, seconds=0.2, rate=100.0,
                 latency_seconds=0.2)


@contextmanager
def in_thread(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """Serve one listener in a thread until it returns; the port to connect to."""
    listener = relay.listen(0)
    listener.settimeout(scaled(10.0))
    thread = threading.Thread(target=serve, args=(listener,))
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        thread.join(scaled(10.0))
        listener.close()
        assert not thread.is_alive()


@contextmanager
def bare_relay() -> Iterator[int]:
    """The batching relay in a thread, ended by the last client leaving."""
    done = threading.Event()

    def serve(listener: socket.socket) -> None:
        server = relay.BareRelay(listener)
        while not done.is_set():
            server.turn(0.02)
        server.close()

    with in_thread(serve) as port:
        try:
            yield port
        finally:
            done.set()


def test_a_closed_loop_counts_every_delivery_once() -> None:
    with bare_relay() as port:
        crowd = Crowd("127.0.0.1", port, senders=2, size=64)
        try:
            crowd.connect(5)
            crowd.settle()
            found = measure_throughput(crowd, window=16, warm_up=0.02, seconds=0.1)
        finally:
            crowd.close()
    assert found.deliveries_per_s > 0
    assert crowd.arrived == crowd.due == crowd.sent * 5
    assert crowd.closed == 0


def test_an_open_loop_samples_every_arrival() -> None:
    with bare_relay() as port:
        crowd = Crowd("127.0.0.1", port, senders=2, size=64)
        try:
            crowd.connect(4)
            crowd.settle()
            found = measure_latency(crowd, rate=200.0, seconds=0.1)
        finally:
            crowd.close()
    assert found.samples == crowd.arrived == crowd.due == crowd.sent * 4
    assert 0 < found.p50 <= found.p99 <= found.p999 <= found.worst


def test_who_speaks_irc_hears_all_but_itself_and_nothing_else_has_the_mark(
        server: Callable[..., Server]) -> None:
    chat = server(irc_port=0, rate_limit=0.0)
    port = chat.call(lambda: chat.chat.intake.irc_port)
    crowd = Crowd("127.0.0.1", port, senders=2, size=64, tongue=TONGUES["irc"])
    try:
        crowd.connect(4)
        crowd.settle()
        flow = measure_throughput(crowd, window=16, warm_up=0.02, seconds=0.1)
        assert crowd.arrived == crowd.due == crowd.sent * 3 > 0
        delay = measure_latency(crowd, rate=200.0, seconds=0.1)
    finally:
        crowd.close()
    assert flow.deliveries_per_s > 0
    assert delay.samples == crowd.arrived == crowd.due == crowd.sent * 3 > 0
    assert crowd.closed == 0


def test_what_would_not_fit_into_a_line_and_whom_nobody_hears_is_no_load(
        server: Callable[..., Server]) -> None:
    with pytest.raises(LoadError, match="at most 380 bytes"):
        Crowd("127.0.0.1", 1, senders=1, size=381, tongue=TONGUES["irc"])
    chat = server(irc_port=0)
    port = chat.call(lambda: chat.chat.intake.irc_port)
    with pytest.raises(LoadError, match="nobody hears"):
        run(LoadSpec(port=port, spoken="irc", clients=1, size=64, senders=1))


def test_a_stamp_cut_in_two_is_one_sample() -> None:
    def serve(listener: socket.socket) -> None:
        peer, _ = listener.accept()
        with peer:
            peer.sendall(b"*** hello\n")
            said = peer.recv(4096)
            peer.sendall(said[:9])
            peer.recv(1)           # the client has read the first half
            peer.sendall(said[9:] + said)

    with in_thread(serve) as port:
        crowd = Crowd("127.0.0.1", port, senders=1, size=32)
        try:
            crowd.connect(1)
            crowd.say(1)
            samples: array[float] = array("d")
            while not crowd._halves:
                crowd.sample(1.0, samples)
            assert not samples
            crowd._sockets[0].send(b"y")
            while crowd.arrived < 2:
                crowd.sample(1.0, samples)
        finally:
            crowd.close()
    assert len(samples) == 2
    assert min(samples) > 0


def test_chunks_that_only_look_alike_are_counted_each() -> None:
    chunks = [b"a@b\n", b"a@b\n", b"@@b\n", b"a@b\n", b"aab\n", b"a@b\na@b\n"]

    def serve(listener: socket.socket) -> None:
        peer, _ = listener.accept()
        with peer:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            peer.sendall(b"*** hello\n")
            for chunk in chunks:
                peer.recv(1)
                peer.sendall(chunk)
            peer.recv(1)

    with in_thread(serve) as port:
        crowd = Crowd("127.0.0.1", port, senders=1, size=32)
        arrived = []
        try:
            crowd.connect(1)
            for _ in chunks:
                crowd._sockets[0].send(b"y")
                crowd.read(5.0)
                arrived.append(crowd.arrived)
        finally:
            crowd.close()
    assert arrived == [1, 2, 4, 5, 5, 7]


def test_a_client_that_is_turned_away_ends_the_load_with_the_servers_words() -> None:
    def serve(listener: socket.socket) -> None:
        listener.accept()[0].close()

    with in_thread(serve) as port, pytest.raises(LoadError, match="turned away"):
        run(LoadSpec(port=port, clients=1))


def test_a_server_that_closes_everybody_ends_the_load() -> None:
    def serve(listener: socket.socket) -> None:
        peer, _ = listener.accept()
        with peer:
            peer.sendall(b"*** hello\n")
            peer.recv(64)

    with in_thread(serve) as port, pytest.raises(LoadError, match="closed every client"):
        run(LoadSpec(port=port, clients=1, seconds=5.0))


def test_whoever_joins_is_waited_for_until_the_answer_is_whole() -> None:
    answered = threading.Event()

    def serve(listener: socket.socket) -> None:
        peer, _ = listener.accept()
        with peer:
            peer.sendall(b"*** welcome! you are in lobby with 0 others\n")
            assert peer.recv(64) == b"/join den\n"
            peer.sendall(b"*** you are in d")
            assert not answered.wait(0.1)
            answered.set()
            peer.sendall(b"en with 0 others\n")
            peer.recv(1)

    with in_thread(serve) as port:
        crowd = Crowd("127.0.0.1", port, senders=1, size=32)
        try:
            crowd.connect(1, "den")
            assert answered.is_set()
        finally:
            crowd.close()


def test_a_join_that_is_never_answered_ends_the_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd_module, "PATIENCE", 0.2)
    with bare_relay() as port, pytest.raises(LoadError, match="1 clients were never answered"):
        run(LoadSpec(port=port, clients=1, room="den"))


def test_the_load_as_a_process_says_why_it_failed() -> None:
    with HeldPort() as port, pytest.raises(BenchError, match="refused"):
        runner.run_load(LoadSpec(port=port.number, clients=1))
    assert sys.executable == PYTHON
