"""From `accept` to a client of the chat: who may come in, over TCP alone or TLS, and who not."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from ipaddress import ip_address

from chatops.api import events
from chatops.chat.session import Door
from chatops.loop import backends
from chatops.net.connection import Connection
from chatops.net.handshake import Handshake, Handshakes
from chatops.net.kernel import host_of, peer_text, spread_keepalive
from chatops.net.tls_connection import TlsConnection
from chatops.net.tls_socket import TlsSocket
from chatops.server.counts import Refusal
from chatops.server.state import ClientConnection, ServerState

REFUSED_AT_ONCE = 16           # newcomers being told why they may not come in; half of SPARE
REFUSALS_SAID = 20             # a second; thousands may come, and each would be a line of log
NO_TLS = "only TLS is spoken here"


class Acceptor:
    """Belongs to the reactor's thread."""

    def __init__(self, state: ServerState, door: Door, refusing: set[ClientConnection],
                 tls_context: ssl.SSLContext | None,
                 entered: Callable[[ClientConnection], None] = lambda _: None) -> None:
        """Who comes in goes through `door`; who may not stands in `refusing` until it is gone.
        With a `tls_context`, nobody comes in without TLS.  `entered` is told of who has come in.
        """
        self._entered = entered
        self.refusing = refusing
        self.handshakes = (Handshakes(state.context, tls_context, self) if tls_context is not None
                           else None)
        if self.handshakes is not None:
            state.handshakes.append(self.handshakes)
        self._state = state
        self._door = door
        self._refusals = 0         # since the first of this second

    def accepted(self, sock: socket.socket, address: object) -> None:
        """What the listener calls."""
        state = self._state
        host, peer = host_of(address), peer_text(address)
        here = len(state.connections) + sum(map(len, state.handshakes))
        reason = state.admission.refuse(host, here, state.hub.now, state.hub.at)
        if reason is None and not self._watchable(sock):
            reason = Refusal("descriptors",
                             "the server is full: select() cannot watch more descriptors")
        if reason is not None:
            self._refuse(sock, peer, reason)
            return
        try:
            spread_keepalive(sock, state.accepted)
            if self.handshakes is not None:
                Handshake(self.handshakes, sock, peer, host)
            else:
                self._enter(Connection(state.context, sock, peer, state.accepted + 1), host)
        except OSError as error:       # of the selector: epoll has a limit of its own
            self._refuse(sock, peer, Refusal(
                "descriptors", f"the server cannot watch more clients ({error.strerror})"))
            return
        state.admission.entered(host)

    def renew(self, tls_context: ssl.SSLContext) -> None:
        """Newcomers get this certificate from now on; who is in, or on the way, has theirs."""
        assert self.handshakes is not None, "a plain port does not turn into one for TLS"
        self.handshakes.tls_context = tls_context

    @property
    def asks(self) -> bool:
        """Whether clients are asked for a certificate of theirs."""
        return (self.handshakes is not None
                and self.handshakes.tls_context.verify_mode != ssl.CERT_NONE)

    def abort(self, reason: str) -> None:
        """Who is not in yet does not come in."""
        if self.handshakes is not None:
            self.handshakes.abort(reason)

    def _watchable(self, sock: socket.socket) -> bool:
        limit = backends.BACKENDS[self._state.selector.backend].max_fd
        return limit is None or sock.fileno() <= limit

    def _enter(self, connection: ClientConnection, host: str) -> None:
        state = self._state
        state.accepted += 1
        connection.host = host
        state.connections[connection.client_id] = connection
        session = self._door.connect(connection.client_id, connection.fd, connection.peer)
        connection.session = session
        session.tls = bool(connection.tls)
        session.certificate = connection.certificate
        session.secure = session.tls or _is_loopback(host)
        connection.label = f"#{session.id} {session.nick}"
        state.newcomers.start(connection)
        self._entered(connection)
        if state.idles.seconds:
            state.idles.start(connection)

    # -- turning away

    def _refuse(self, sock: socket.socket, peer: str, reason: Refusal) -> None:
        """Said to a newcomer over TCP.  Over TLS that would take a handshake, whose signature
        costs more than anything else a stranger can ask for, so there the socket is only closed.
        """
        self._refused(peer, reason)
        if self.handshakes is None:
            self._send_away(sock, peer, self._door.dialect.farewell(None, reason, error=True))
        else:
            sock.close()

    def _refused(self, peer: str, reason: Refusal) -> None:
        self._state.refused += 1
        self._state.counts.refused[reason.kind] += 1
        self._say(events.Refused(self._state.hub.at, peer, str(reason)))

    def _say(self, event: events.Refused | events.HandshakeFailed) -> None:
        self._refusals += 1
        if self._refusals == 1:
            self._state.reactor.call_later(1.0, self._count_refusals)
        if self._refusals <= REFUSALS_SAID:
            self._state.say(event)

    def _count_refusals(self) -> None:
        more, self._refusals = self._refusals - REFUSALS_SAID, 0
        if more > 0:
            self._state.say(events.Warned(
                self._state.hub.at, f"{more} more newcomers were refused within a second"))

    def _send_away(self, sock: socket.socket, peer: str, line: bytes) -> None:
        """One line that says why, then the close, in order where that can be afforded."""
        if len(self.refusing) < REFUSED_AT_ONCE and self._watchable(sock):
            try:
                connection: ClientConnection = Connection(self._state.context, sock, peer, 0)
            except OSError:
                pass
            else:
                self._finish(connection, line)
                return
        sock.setblocking(False)
        try:
            sock.send(line)
            sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        sock.close()

    def _finish(self, connection: ClientConnection, line: bytes) -> None:
        connection.label = "refused"
        self.refusing.add(connection)
        connection.finish(line)

    # -- how handshakes end (chatops.net.handshake.HandshakeOwner)

    def secured(self, handshake: Handshake, sock: TlsSocket) -> None:
        state, host, peer = self._state, handshake.host, handshake.peer
        banned = state.admission.banned(host, state.hub.at)      # since it was accepted
        try:
            connection = TlsConnection(state.context, sock, peer,
                                       0 if banned else state.accepted + 1)
        except OSError as error:
            sock.close()
            self.failed(handshake, f"the server cannot watch more clients ({error.strerror})")
            return
        if banned is None:
            self._enter(connection, host)
            return
        state.admission.left(host)
        self._refused(peer, banned)
        self._finish(connection, self._door.dialect.farewell(None, banned, error=True))

    def plain(self, handshake: Handshake, sock: socket.socket) -> None:
        self.failed(handshake, "it does not speak TLS")
        self._send_away(sock, handshake.peer,
                        self._door.dialect.farewell(None, NO_TLS, error=True))

    def failed(self, handshake: Handshake, reason: str) -> None:
        state = self._state
        state.admission.left(handshake.host)
        state.counts.refused["handshake"] += 1
        self._say(events.HandshakeFailed(state.hub.at, handshake.peer, reason))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False
