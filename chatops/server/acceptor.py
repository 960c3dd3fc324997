"""From `accept` to a client of the chat: who may come in, over TCP alone or TLS, and who not."""

from __future__ import annotations

import socket
import ssl
from ipaddress import ip_address
from typing import TYPE_CHECKING

from chatops.api import events
from chatops.chat.session import Door, Session
from chatops.loop import backends
from chatops.net.connection import Connection
from chatops.net.handshake import Handshake, Handshakes
from chatops.net.kernel import host_of, peer_text
from chatops.net.tls import TlsSocket
from chatops.net.tls_connection import TlsConnection

if TYPE_CHECKING:
    from chatops.server.server import ChatServer

REFUSED_AT_ONCE = 16           # newcomers being told why they may not come in; half of SPARE
REFUSALS_SAID = 20             # a second; thousands may come, and each would be a line of log
NO_TLS = "only TLS is spoken here"


class Acceptor:
    """Belongs to the reactor's thread."""

    def __init__(self, server: ChatServer, door: Door, context: ssl.SSLContext | None) -> None:
        """Who comes in goes through `door`.  With a `context`, nobody does without TLS."""
        self.refusing = server.refusing
        self.handshakes = (Handshakes(server.traffic, context, self) if context is not None
                           else None)
        self._server = server
        self._door = door
        self._refusals = 0         # since the first of this second

    def accepted(self, sock: socket.socket, address: object) -> None:
        """What the listener calls."""
        server = self._server
        host, peer = host_of(address), peer_text(address)
        here = len(server.connections) + sum([
            len(door.acceptor.handshakes) for door in server.doors if door.acceptor.handshakes])
        reason = server.admission.refuse(host, here, server.hub.now, server.hub.at)
        if reason is None and not self._watchable(sock):
            reason = "the server is full: select() cannot watch more descriptors"
        if reason is not None:
            self._refuse(sock, peer, reason)
            return
        try:
            if self.handshakes is not None:
                Handshake(self.handshakes, sock, peer, host)
            else:
                self._enter(Connection(server.traffic, sock, peer, server.accepted + 1), host)
        except OSError as error:       # of the selector: epoll has a limit of its own
            self._refuse(sock, peer, f"the server cannot watch more clients ({error.strerror})")
            return
        server.admission.entered(host)

    def renew(self, context: ssl.SSLContext) -> None:
        """Newcomers get this certificate from now on; who is in, or on the way, has theirs."""
        assert self.handshakes is not None, "a plain port does not turn into one for TLS"
        self.handshakes.context = context

    def abort(self, reason: str) -> None:
        """Who is not in yet does not come in."""
        if self.handshakes is not None:
            self.handshakes.abort(reason)

    def _watchable(self, sock: socket.socket) -> bool:
        limit = backends.BACKENDS[self._server.selector.backend].max_fd
        return limit is None or sock.fileno() <= limit

    def _enter(self, connection: Connection[Session], host: str) -> None:
        server = self._server
        server.accepted += 1
        connection.host = host
        server.connections[connection.client_id] = connection
        session = self._door.connect(connection.client_id, connection.fd, connection.peer)
        connection.session = session
        session.secure = bool(connection.tls) or _is_loopback(host)
        connection.label = f"#{session.id} {session.nick}"
        server.newcomers.start(connection)
        if self._door is not server.intake:
            server.keepalive.entered(connection)
        if server.idles.seconds:
            server.idles.start(connection)

    # -- turning away

    def _refuse(self, sock: socket.socket, peer: str, reason: str) -> None:
        """Said to a newcomer over TCP.  Over TLS it would cost a signature, the dearest thing
        that a stranger can ask for: such a one is only shut out.
        """
        self._refused(peer, reason)
        if self.handshakes is None:
            self._send_away(sock, peer, self._door.dialect.farewell(None, reason, error=True))
        else:
            sock.close()

    def _refused(self, peer: str, reason: str) -> None:
        self._server.refused += 1
        self._say(events.Refused(self._server.hub.at, peer, reason))

    def _say(self, event: events.Refused | events.HandshakeFailed) -> None:
        self._refusals += 1
        if self._refusals == 1:
            self._server.reactor.call_later(1.0, self._count_refusals)
        if self._refusals <= REFUSALS_SAID:
            self._server.say(event)

    def _count_refusals(self) -> None:
        more, self._refusals = self._refusals - REFUSALS_SAID, 0
        if more > 0:
            self._server.say(events.Warned(
                self._server.hub.at, f"{more} more newcomers were refused within a second"))

    def _send_away(self, sock: socket.socket, peer: str, line: bytes) -> None:
        """One line that says why, then the close, in order where that can be afforded."""
        if len(self.refusing) < REFUSED_AT_ONCE and self._watchable(sock):
            try:
                connection: Connection[Session] = Connection(self._server.traffic, sock, peer, 0)
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

    def _finish(self, connection: Connection[Session], line: bytes) -> None:
        connection.label = "refused"
        self.refusing.add(connection)
        connection.finish(line)

    # -- how handshakes end (chatops.net.handshake.HandshakeOwner)

    def secured(self, handshake: Handshake, sock: TlsSocket) -> None:
        server, host, peer = self._server, handshake.host, handshake.peer
        banned = server.admission.banned(host, server.hub.at)      # since it was accepted
        try:
            connection = TlsConnection(server.traffic, sock, peer,
                                       0 if banned else server.accepted + 1)
        except OSError as error:
            sock.close()
            self.failed(handshake, f"the server cannot watch more clients ({error.strerror})")
            return
        if banned is None:
            self._enter(connection, host)
            return
        server.admission.left(host)
        self._refused(peer, banned)
        self._finish(connection, self._door.dialect.farewell(None, banned, error=True))

    def plain(self, handshake: Handshake, sock: socket.socket) -> None:
        self.failed(handshake, "it does not speak TLS")
        self._send_away(sock, handshake.peer,
                        self._door.dialect.farewell(None, NO_TLS, error=True))

    def failed(self, handshake: Handshake, reason: str) -> None:
        server = self._server
        server.admission.left(handshake.host)
        self._say(events.HandshakeFailed(server.hub.at, handshake.peer, reason))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False
