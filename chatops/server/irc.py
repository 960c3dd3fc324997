"""The IRC door on this server: its sockets, its name, and the pings that find out who is gone."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import ssl
from base64 import b32encode
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, NamedTuple

from chatops import __version__
from chatops.chat.groups import Sender
from chatops.chat.hub import Hub
from chatops.chat.irc.door import IrcDoor
from chatops.chat.irc.network import Network
from chatops.chat.session import Session
from chatops.loop.deadlines import Deadlines
from chatops.net.connection import Connection
from chatops.net.listener import Listener
from chatops.settings import Settings

if TYPE_CHECKING:
    import socket

    from chatops.server.acceptor import Acceptor
    from chatops.server.server import ChatServer

REGISTER = 60.0                # seconds that a newcomer has to say who it is
QUIET = 120.0                  # of silence until it is asked whether it is there
PONG = 60.0                    # that it has to answer


class IrcSocket(NamedTuple):
    """One that listens, and what it needs to speak TLS."""

    sock: socket.socket
    tls: ssl.SSLContext | None = None


class Entrance(NamedTuple):
    """A listening socket and who decides about those who come by it."""

    listener: Listener
    acceptor: Acceptor


class Keepalive:
    """Three deadlines for clients whose protocol has PING: a dict entry each, and one timer for
    all that wait for the same.  Belongs to the reactor's thread.
    """

    def __init__(self, server: ChatServer) -> None:
        self._server = server
        reactor = server.reactor
        self.newcomers = Deadlines(reactor, REGISTER, self._never_said)
        self.quiet = Deadlines(reactor, QUIET, self._ask)
        self.asked = Deadlines(reactor, PONG, self._gone)

    def entered(self, connection: Connection[Session]) -> None:
        self.newcomers.start(connection)

    def heard(self, connection: Connection[Session]) -> None:
        """Bytes came from it."""
        if connection.session.registered:
            self.newcomers.stop(connection)
            self.asked.stop(connection)
            self.quiet.start(connection)

    def stop(self, connection: Connection[Session]) -> None:
        """It is no more.  Harmless for one that is not asked."""
        for deadlines in (self.newcomers, self.quiet, self.asked):
            deadlines.stop(connection)

    def _never_said(self, connection: Connection[Session]) -> None:
        if connection.is_open and not connection.session.registered:
            self._server.hub.leave(connection.session, "registration timed out",
                                   "Registration timed out", error=True)

    def _ask(self, connection: Connection[Session]) -> None:
        if connection.is_open:
            server = self._server
            name = server.settings.server_name
            server.hub.tell(connection.session, f"PING :{name}\r\n".encode())
            self.asked.start(connection)

    def _gone(self, connection: Connection[Session]) -> None:
        if connection.is_open:
            self._server.hub.leave(connection.session, "Ping timeout",
                                   f"Ping timeout: {QUIET + PONG:g} seconds", error=True)


def irc_door(hub: Hub, settings: Settings, line_port: int) -> IrcDoor:
    """The door, and what it is told of the world; the hub hides addresses from now on."""
    hub.cloak = cloaking(secrets.token_bytes(16))
    name, colon, _ = settings.oper.partition(":")
    return IrcDoor(hub, Network(
        server=settings.server_name, name=settings.server_name.partition(".")[0],
        description=settings.server_description, version=f"chatops-{__version__}",
        started_at=hub.at, token=secrets.token_hex(4), password=settings.irc_password,
        oper=settings.oper if name and colon else "", motd=_motd(line_port),
        line_port=line_port))


def _motd(line_port: int) -> tuple[str, ...]:
    return ("This server speaks two tongues: IRC here, and plain lines to nc and telnet on port "
            f"{line_port}.", "Who came by the other door is in #lobby: /join #lobby")


def cloaking(secret: bytes) -> Callable[[str], Sender]:
    """What others see of a peer: never its address, and the same for the same one."""
    def cloak(peer: str) -> Sender:
        host = peer.rpartition(":")[0].strip("[]").partition("%")[0]
        try:
            address = ip_address(host)
        except ValueError:
            return Sender(0, "", "~line", "localhost")
        if address.is_loopback:
            return Sender(0, "", "~line", "localhost")
        bits = 64 if address.version == 6 else 32
        network = ip_network((address, bits), strict=False)
        digest = hmac.digest(secret, str(network).encode(), hashlib.sha256)
        return Sender(0, "", "~line", f"{b32encode(digest)[:12].decode().lower()}.cloaked")
    return cloak
