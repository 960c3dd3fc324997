"""A handshake that is over stays over, whatever the selector still has to say of it."""

from __future__ import annotations

import errno
import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing
from selectors import EVENT_READ, EVENT_WRITE

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


@pytest.fixture
def owner() -> Owner:
    return Owner()


@pytest.fixture
def handshakes(reactor: Reactor, owner: Owner) -> Handshakes:
    context: ConnectionContext[object] = ConnectionContext(
        reactor, owner, 1 << 20, "evict", 30.0, 5.0)
    return Handshakes(context, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), owner)


@pytest.mark.parametrize("said", [bytes([HELLO]), b"GET / HTTP/1.1\r\n"])
def test_one_that_was_ended_earlier_in_the_same_turn_is_not_gone_on_with(
        reactor: Reactor, owner: Owner, handshakes: Handshakes, said: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        handshake = Handshake(handshakes, ours, "peer", "host")
        theirs.send(said)
        handshakes.abort("server shut down")       # by a callback that came before its own
        handshake.on_ready(EVENT_READ)
        handshakes.context.reap()
    assert owner.told == ["server shut down"]
    assert [key.fileobj for key in reactor.selector.get_map().values()] == [reactor.waker]


def test_one_that_the_selector_lets_go_of_can_still_be_ended(
        reactor: Reactor, owner: Owner, handshakes: Handshakes,
        monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        handshake = Handshake(handshakes, ours, "peer", "host")

        def let_go(sock: socket.socket, *_: object) -> None:       # as `selectors` does
            reactor.selector.unregister(sock)
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))

        with monkeypatch.context() as patch:
            patch.setattr(reactor.selector, "modify", let_go)
            patch.setattr(TlsSocket, "do_handshake", wants_room)
            theirs.send(bytes([HELLO]))
            handshake.on_ready(EVENT_READ)         # now it is watched for room,
            patch.setattr(TlsSocket, "do_handshake", wants_input)
            handshake.on_ready(EVENT_WRITE)        # and now no more
        handshakes.context.reap()
    assert owner.told == ["Bad file descriptor"]
    assert len(reactor.selector.get_map()) == 1


def wants_room(_: TlsSocket) -> None:
    raise ssl.SSLWantWriteError


def wants_input(_: TlsSocket) -> None:
    raise ssl.SSLWantReadError
