"""Newcomers to a TLS port before they are anybody: watched, counted, and for a short time."""

from __future__ import annotations

import socket
import ssl
from selectors import EVENT_READ, EVENT_WRITE
from typing import Protocol

from chatops.loop.deadlines import Deadlines
from chatops.loop.naming import not_a_call_site
from chatops.net.context import ConnectionContext
from chatops.net.tls import why
from chatops.net.tls_socket import TlsSocket

DEADLINE = 10.0                # seconds from accept; what comes meanwhile does not extend it
SHARE = 0.02                   # seconds of one turn: a signature may take two milliseconds
HELLO = 22                     # the first byte of every handshake (RFC 8446, 5.1)


class HandshakeOwner(Protocol):
    """Who is told how handshakes end.  Called on the reactor's thread."""

    def secured(self, handshake: Handshake, sock: TlsSocket) -> None:
        """It is done, and the socket is the owner's now."""

    def plain(self, handshake: Handshake, sock: socket.socket) -> None:
        """The peer speaks something else than TLS; the socket is the owner's now."""

    def failed(self, handshake: Handshake, reason: str) -> None:
        """Nothing came of it."""


class Handshakes:
    """Those under way.  Belongs to the reactor's thread."""

    def __init__(self, context: ConnectionContext[object], tls_context: ssl.SSLContext,
                 owner: HandshakeOwner) -> None:
        self.context = context
        self.tls_context = tls_context     # for those that begin from now on
        self.owner = owner
        self.deadlines: Deadlines[Handshake] = Deadlines(
            context.reactor, DEADLINE,
            lambda handshake: handshake.abort(f"no handshake within {DEADLINE:g} seconds"))
        self.under_way: dict[Handshake, None] = {}
        self._turn = 0
        self._spent = 0.0          # seconds of that turn

    def __len__(self) -> int:
        return len(self.under_way)

    def affordable(self) -> bool:
        """Whether this turn has time for one more; who has to wait is ready again in the next."""
        turn = self.context.reactor.selector.turns
        if turn != self._turn:
            self._turn, self._spent = turn, 0.0
        return self._spent < SHARE

    def spent(self, seconds: float) -> None:
        self._spent += seconds

    def abort(self, reason: str) -> None:
        """End them all."""
        for handshake in list(self.under_way):
            handshake.abort(reason)


class Handshake:
    """One newcomer: first a plain socket, and TLS on it once the peer has begun with that."""

    __slots__ = ("_handshakes", "_mask", "_sock", "_tls", "fd", "host", "label", "peer")

    kind = "handshake"

    @not_a_call_site
    def __init__(self, handshakes: Handshakes, sock: socket.socket, peer: str, host: str) -> None:
        """Takes over a socket.  Raises OSError when the selector cannot watch it."""
        sock.setblocking(False)
        self._handshakes = handshakes
        self._sock = sock
        self._tls: TlsSocket | None = None
        self._mask = 0
        self.fd = sock.fileno()
        self.peer = peer
        self.host = host
        self.label = f"handshake {peer}"
        self._watch(EVENT_READ)
        handshakes.under_way[self] = None
        handshakes.deadlines.start(self)

    def __repr__(self) -> str:
        return f"<Handshake {self.peer} fd={self.fd} mask={self._mask}>"

    def on_ready(self, _mask: int) -> None:
        """The peer has said something, or has room for an answer."""
        handshakes = self._handshakes
        if self not in handshakes.under_way or not handshakes.affordable():
            return                 # ended earlier in this very turn, or to wait for the next
        clock = handshakes.context.reactor.clock
        began = clock()
        try:
            if self._tls is not None or self._begins():
                self._go_on()
        except OSError as error:
            self.abort(why(error))
        handshakes.spent(clock() - began)

    def _begins(self) -> bool:
        """Whether the peer speaks TLS, as its first byte shows."""
        try:
            first = self._sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        if first == bytes([HELLO]):
            self._watch(0)         # the socket is another object from here on
            self._tls = TlsSocket(self._sock, self._handshakes.tls_context)
            return True
        if first:
            self._leave()
            self._handshakes.owner.plain(self, self._sock)
        else:
            self.abort("it left before it said anything")
        return False

    def _go_on(self) -> None:
        assert self._tls is not None
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._watch(EVENT_READ)
        except ssl.SSLWantWriteError:
            self._watch(EVENT_WRITE)
        else:
            self._leave()
            self._handshakes.owner.secured(self, self._tls)

    def abort(self, reason: str) -> None:
        """Close it at the end of this turn.  Idempotent."""
        if self not in self._handshakes.under_way:
            return
        self._leave()
        self._handshakes.context.dead.append(self)
        self._handshakes.owner.failed(self, reason)

    def reap(self) -> None:
        """Give the descriptor back; only `ConnectionContext.reap` calls it."""
        (self._tls or self._sock).close()

    def _leave(self) -> None:
        self._watch(0)
        self._handshakes.deadlines.stop(self)
        del self._handshakes.under_way[self]

    @not_a_call_site
    def _watch(self, mask: int) -> None:
        if mask == self._mask:
            return
        selector = self._handshakes.context.reactor.selector
        sock = self._tls or self._sock
        before, self._mask = self._mask, 0     # where this fails it is in the map no more
        if not before:
            selector.register(sock, mask, self.on_ready)
        elif not mask:
            selector.unregister(sock)
        else:
            selector.modify(sock, mask, self.on_ready)
        self._mask = mask
