"""The IRC door on this server: its sockets and its name, and what others see of an address."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import socket
import ssl
from base64 import b32encode
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from chatops.chat.groups import Sender
from chatops.chat.hub import Hub
from chatops.chat.irc.door import IrcDoor
from chatops.chat.irc.network import Network
from chatops.settings import Settings
from chatops.system.version import __version__


class IrcSocket(NamedTuple):
    """One that listens, and what it needs to speak TLS."""

    sock: socket.socket
    tls: ssl.SSLContext | None = None


def irc_door(hub: Hub, settings: Settings, line_port: int, tls_port: int = 0) -> IrcDoor:
    """The door, and what it is told of the world; the hub hides addresses from now on."""
    hub.cloak = cloaking(secrets.token_bytes(16))
    name, colon, _ = settings.oper.partition(":")
    return IrcDoor(hub, Network(
        server=settings.server_name, name=settings.server_name.partition(".")[0],
        description=settings.server_description, version=f"chatops-{__version__}",
        started_at=hub.at, token=secrets.token_hex(4), password=settings.irc_password,
        oper=settings.oper if name and colon else "",
        motd=_motd(line_port, secure=bool(settings.tls_cert)),
        sts=None if settings.irc_sts is None else int(settings.irc_sts), tls_port=tls_port,
        line_port=line_port))


def _motd(line_port: int, *, secure: bool) -> tuple[str, ...]:
    others = "over TLS" if secure else "to nc and telnet"
    return (f"This server speaks two tongues: IRC here, and plain lines {others} on port "
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
