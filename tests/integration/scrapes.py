"""Asking a server for its metrics, as a collector does."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

from tests.integration.harness import PATIENCE, Server

METRICS = "127.0.0.1:0"


def where(chat: Server) -> tuple[str, int]:
    assert chat.thread.exporter is not None
    host, port = chat.thread.exporter.address[:2]
    return host, port


@contextmanager
def held(chat: Server) -> Iterator[None]:
    """The server's loop stands still until the end of this."""
    began, go_on = Event(), Event()

    def hold() -> None:
        began.set()
        go_on.wait(PATIENCE)

    chat.chat.reactor.submit(hold)
    assert began.wait(PATIENCE)
    try:
        yield
    finally:
        go_on.set()


def asked(address: tuple[str, int], request: bytes) -> tuple[int, dict[str, str], str]:
    """Status, header fields and body of the answer."""
    with socket.create_connection(address, PATIENCE) as sock:
        sock.sendall(request)
        data = b"".join(iter(lambda: sock.recv(1 << 16), b""))
    head, _, body = data.decode().partition("\r\n\r\n")
    first, *fields = head.split("\r\n")
    return int(first.split()[1]), dict(line.split(": ", 1) for line in fields), body


def get(address: tuple[str, int], path: str = "/metrics", accept: str = "*/*"
        ) -> tuple[int, dict[str, str], str]:
    return asked(address, f"GET {path} HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\n\r\n".encode())


def value(text: str, sample: str) -> float:
    return float(next(line for line in text.splitlines()
                      if line.startswith(f"{sample} ")).split()[-1])
