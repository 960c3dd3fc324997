"""Ports on loopback for servers that are told which one to take."""

from __future__ import annotations

import socket


def reserve() -> socket.socket:
    """Holds a port, while it is open, for a server that is about to start or to start again.

    It is bound and does not listen: Linux lets whoever names its port listen there (with
    SO_REUSEADDR, as servers do), and gives it to nobody who takes any that is free.
    """
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", 0))
    return sock
