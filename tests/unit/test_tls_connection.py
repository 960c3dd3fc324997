"""A connection over TLS waits for what TLS waits for, and ends in its order."""

from __future__ import annotations

import errno
from selectors import EVENT_READ, EVENT_WRITE
from typing import Any, cast

import pytest

from chatops.net.state import ConnectionState, tls_interest
from chatops.net.tls_connection import TlsConnection
from tests.unit.wire import Net, Wire, drain

BOTH = EVENT_READ | EVENT_WRITE


class TlsWire(Wire):
    """A wire whose TLS may need the other direction first."""

    def __init__(self, room: int = 1 << 30) -> None:
        super().__init__(room)
        self.read_needs_room = self.write_needs_input = False
        self.input_missing = False     # what the next send will find
        self.room_for_bye = self.bye = False

    def version(self) -> str:
        return "TLSv1.3"

    def cipher(self) -> tuple[str, str, int]:
        return "A_CIPHER", "TLSv1.3", 256

    def getpeercert(self, *, binary_form: bool) -> bytes | None:
        assert binary_form
        return None                # as nearly all clients

    def say_bye(self) -> bool:
        self.bye = self.room_for_bye
        return self.bye

    def shutdown(self, how: int) -> None:
        assert self.bye, "TCP ended before TLS"
        super().shutdown(how)

    def send(self, data: bytes | memoryview) -> int:
        self.write_needs_input = self.input_missing
        if self.input_missing:
            raise BlockingIOError(errno.EAGAIN, "input first")
        return super().send(data)


def connect(net: Net, room: int = 1 << 30) -> tuple[TlsConnection[Any], TlsWire]:
    wire = TlsWire(room)
    return TlsConnection(net.context, cast(Any, wire), "peer", 1), wire


@pytest.mark.parametrize(("mask", "room", "input_", "expected"), [
    (BOTH, False, False, BOTH), (EVENT_READ, False, False, EVENT_READ),
    (EVENT_READ, True, False, EVENT_WRITE), (EVENT_WRITE, False, True, EVENT_READ),
    (BOTH, True, False, EVENT_WRITE), (BOTH, False, True, EVENT_READ),
    (EVENT_WRITE, True, False, EVENT_WRITE), (EVENT_READ, False, True, EVENT_READ),
    (0, True, True, 0),
])
def test_what_is_watched_is_what_tls_needs(mask: int, room: bool, input_: bool,
                                           expected: int) -> None:
    assert tls_interest(mask, room, input_) == expected


def test_it_says_what_it_speaks() -> None:
    assert connect(Net())[0].tls == "TLSv1.3 A_CIPHER"


def test_a_read_that_needs_room_goes_on_when_it_can_be_written() -> None:
    net = Net()
    connection, wire = connect(net)
    wire.read_needs_room = True
    connection.on_ready(EVENT_WRITE)       # nothing there yet
    assert net.mask(wire) == EVENT_WRITE
    wire.incoming.append(b"hello\n")
    connection.on_ready(EVENT_WRITE)
    assert net.events("received") == [(1, b"hello\n")]
    wire.read_needs_room = False
    connection.on_ready(EVENT_READ)
    assert net.mask(wire) == EVENT_READ


def test_a_paused_one_is_not_read_whatever_tls_needs() -> None:
    net = Net()
    connection, wire = connect(net)
    connection.pause()
    wire.read_needs_room = True
    wire.incoming.append(b"hello\n")
    connection.on_ready(BOTH)
    assert net.events("received") == []
    assert net.mask(wire) == 0


def test_a_write_that_needs_input_does_not_spin_and_goes_on_when_it_can_be_read() -> None:
    net = Net()
    connection, wire = connect(net)
    wire.input_missing = True
    connection.write(b"hello\n")
    assert net.mask(wire) == EVENT_READ
    connection.pause()
    assert net.mask(wire) == EVENT_READ    # for the write
    connection.on_ready(EVENT_READ)        # a part of it
    assert net.mask(wire) == EVENT_READ
    wire.input_missing = False
    connection.on_ready(EVENT_READ)
    assert wire.out == b"hello\n"
    assert net.mask(wire) == 0


def test_the_end_is_said_in_tls_before_tcp_and_waits_for_room() -> None:
    net = Net()
    connection, wire = connect(net)
    connection.finish(b"bye\n")
    assert (connection.state, wire.shut) == (ConnectionState.DRAINING, False)
    assert net.mask(wire) == EVENT_WRITE
    connection.on_ready(EVENT_WRITE)
    assert connection.state is ConnectionState.DRAINING
    wire.room_for_bye = True
    connection.on_ready(EVENT_WRITE)
    assert (connection.state, wire.shut, wire.out) == (ConnectionState.LINGERING, True, b"bye\n")
    assert net.mask(wire) == EVENT_READ
    wire.incoming += [b"late", b""]
    connection.on_ready(EVENT_READ)
    connection.on_ready(EVENT_READ)
    assert net.events("lost") == [(1, "")]


def test_the_end_comes_after_what_is_queued() -> None:
    net = Net()
    connection, wire = connect(net, room=2)
    wire.room_for_bye = True
    connection.write(b"hello\n")
    connection.finish(b"bye\n")
    assert not wire.bye
    drain(connection, wire)
    assert (wire.out, wire.bye, wire.shut) == (b"hello\nbye\n", True, True)


def test_one_that_breaks_is_given_up_once() -> None:
    net = Net()
    connection, wire = connect(net, room=2)
    connection.write(b"hello\n")
    wire.broken = errno.EPIPE
    connection.on_ready(BOTH)
    assert net.events("lost") == [(1, "peer reset")]
    assert net.mask(wire) == 0
