"""`selectors`: a descriptor in the kernel's set that is not in the map."""

from __future__ import annotations

import selectors
import socket
from typing import Any


def wakes_later(inner: selectors.BaseSelector) -> bool:
    """Whether a descriptor that is added while it sleeps can wake it (epoll(7), kqueue(2))."""
    kernel = getattr(inner, "_selector", None)
    return type(kernel).__name__ in ("epoll", "kqueue")


def make_waker(inner: selectors.BaseSelector) -> tuple[socket.socket, socket.socket] | None:
    """Reader and writer of what wakes it when a byte is written; None where it cannot be."""
    try:
        reader, writer = socket.socketpair()
    except OSError:
        return None                # no descriptor left: it goes on unwoken
    reader.setblocking(False)
    writer.setblocking(False)
    if not add_waker(inner, reader.fileno()):
        reader.close()
        writer.close()
        return None
    return reader, writer


def add_waker(inner: selectors.BaseSelector, fd: int) -> bool:
    """Watch it for reading without its being in the map; False where that cannot be done."""
    import select

    kernel: Any = getattr(inner, "_selector", None)
    try:
        match type(kernel).__name__:
            case "epoll":
                kernel.register(fd, select.EPOLLIN)
            case "poll" | "devpoll":
                kernel.register(fd, select.POLLIN)
            case "kqueue":
                kernel.control([select.kevent(fd, select.KQ_FILTER_READ,  # type: ignore[attr-defined]  # on macOS
                                              select.KQ_EV_ADD)], 0, 0)   # type: ignore[attr-defined]  # the same
            case _:
                readers = getattr(inner, "_readers", None)
                if readers is None:
                    return False
                readers.add(fd)
    except OSError:
        return False
    return True
