"""The sockets that a stage gets: they behave as any, and tell what is done with them.

So a stage needs no line of its own for it, be it written with `selectors` or with asyncio.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from typing import Any


class NoticedListener(socket.socket):
    """A listening socket whose `accept` is noticed."""

    def __init__(self, family: int, came: Callable[[NoticedConnection, object], None]) -> None:
        super().__init__(family, socket.SOCK_STREAM)
        self._came = came

    def accept(self) -> tuple[socket.socket, Any]:
        accepted, address = super().accept()
        connection = NoticedConnection(accepted.family, accepted.type, accepted.proto,
                                       accepted.detach())
        self._came(connection, address)
        return connection, address


class NoticedConnection(socket.socket):
    """A client's socket, which counts what was read from it and what the kernel took for it."""

    bytes_in = bytes_out = 0
    lines_in = lines_out = 0       # ends of lines, wherever a call began and ended

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        data = super().recv(size, flags)
        self.bytes_in += len(data)
        self.lines_in += data.count(b"\n")
        return data

    def send(self, data: Any, flags: int = 0, /) -> int:
        taken = super().send(data, flags)
        self._took(data, taken)
        return taken

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        super().sendall(data, flags)
        self._took(data, len(data))

    def sendmsg(self, buffers: Iterable[Any], *others: Any) -> int:
        """What asyncio calls, from Python 3.12 on, for what has waited."""
        held = list(buffers)
        taken = super().sendmsg(held, *others)
        self._took(b"".join(held), taken)
        return taken

    def _took(self, data: Any, count: int) -> None:
        self.bytes_out += count
        self.lines_out += bytes(memoryview(data)[:count]).count(b"\n")
