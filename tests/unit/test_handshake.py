"""A handshake that is over stays over, whatever the selector still has to say of it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import closing
from selectors import EVENT_READ

import pytest

from chatops.loop.reactor import Reactor
from chatops.net.context import ConnectionContext
from chatops.net.handshake import HELLO, Handshake, Handshakes
from chatops.net.tls_socket import TlsSocket


class Owner:
    """What it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def secured(self, _handshake: Handshake, _sock: TlsSocket) -> None:
        self.told.append("secured")

    def plain(self, _handshake: Handshake, _sock: socket.socket) -> None:
        self.told.append("plain")

    def failed(self, _handshake: Handshake, reason: str) -> None:
        self.told.append(reason)


@pytest.fixture
def reactor() -> Iterator[Reactor]:
    with closing(Reactor()) as reactor:
        yield reactor


@pytest.mark.parametrize("said", [bytes([HELLO]), b"GET / HTTP/1.1\r\n"])
def test_one_that_was_ended_earlier_in_the_same_turn_is_not_gone_on_with(
        reactor: Reactor, said: bytes) -> None:
    owner = Owner()
    context: ConnectionContext[object] = ConnectionContext(
        reactor, owner, 1 << 20, "evict", 30.0, 5.0)
    handshakes = Handshakes(context, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), owner)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        handshake = Handshake(handshakes, ours, "peer", "host")
        theirs.send(said)
        handshakes.abort("server shut down")       # by a callback that came before its own
        handshake.on_ready(EVENT_READ)
        context.reap()
    assert owner.told == ["server shut down"]
    assert [key.fileobj for key in reactor.selector.get_map().values()] == [reactor.waker]
