"""Handshakes with a server over TLS: who knocks, and what becomes of it."""

from __future__ import annotations

import socket

from chatops.api.events import HandshakeFailed
from tests.integration.harness import Server
from tests.patience import PATIENCE


def knock(server: Server, data: bytes = b"") -> socket.socket:
    """Somebody who connects and says this."""
    sock = socket.create_connection(server.address, PATIENCE)
    sock.sendall(data)
    return sock


def under_way(server: Server, count: int) -> None:
    """Wait until so many are in their handshakes, and no more."""
    server.until(lambda chat: len(chat.acceptor.handshakes or ()) == count)


def failed(server: Server, peer: tuple[str, int]) -> str:
    """Why the handshake of this one came to nothing."""
    return server.wait_for(HandshakeFailed,
                           lambda event: event.peer == f"{peer[0]}:{peer[1]}").reason


def at_end(sock: socket.socket) -> bytes:
    """All that it is sent up to the end of file."""
    data = b""
    while part := sock.recv(1 << 16):
        data += part
    return data
