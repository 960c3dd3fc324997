"""The listening socket: accepts a bounded number a turn, and waits out shortages."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from selectors import EVENT_READ

from chatops.loop.reactor import Reactor, Timer
from chatops.net import kernel

ACCEPTS = 64                   # per turn, so that a flood of newcomers cannot starve the rest
BACKLOG = 4096                 # cut by net.core.somaxconn; takes a burst of connects
PAUSE = 1.0                    # seconds without accepting when descriptors run out

# accept(2): the process, the system or the kernel's memory is exhausted.  The newcomer
# stays in the backlog, still readable, so trying again at once would spin.
SHORTAGES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Listener:
    """Hands accepted sockets to `accepted(sock, address)`.  Belongs to the reactor's thread."""

    kind = "listener"
    label = "Listener"

    def __init__(self, reactor: Reactor, sock: socket.socket, *,
                 accepted: Callable[[socket.socket, object], None],
                 paused: Callable[[str, float], None], resumed: Callable[[], None]) -> None:
        self._reactor = reactor
        self._accepted = accepted
        self._paused = paused
        self._resumed = resumed
        self._timer: Timer | None = None
        self._short = False        # a shortage has been reported and is not over
        self.sock = sock
        sock.setblocking(False)
        reactor.selector.register(sock, EVENT_READ, self.on_ready)

    def __repr__(self) -> str:
        return f"<Listener fd={self.sock.fileno()}{' paused' if self._timer else ''}>"

    def on_ready(self, _mask: int) -> None:
        """Somebody waits in the backlog."""
        for _ in range(ACCEPTS):
            try:
                sock, address = self.sock.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno in SHORTAGES:
                    self._pause(os.strerror(error.errno))
                    return
                continue           # ECONNABORTED, EPERM …: that newcomer's trouble alone
            if self._short:
                self._short = False
                self._resumed()
            self._accepted(sock, address)

    def _pause(self, reason: str) -> None:
        self._reactor.selector.unregister(self.sock)
        self._timer = self._reactor.call_later(PAUSE, self._resume)
        if not self._short:
            self._short = True
            self._paused(reason, PAUSE)

    def _resume(self) -> None:
        self._timer = None
        self._reactor.selector.register(self.sock, EVENT_READ, self.on_ready)

    def close(self) -> None:
        """Accept no more.  Idempotent."""
        if self.sock.fileno() < 0:
            return
        if self._timer is not None:
            self._timer.cancel()
        else:
            self._reactor.selector.unregister(self.sock)
        self.sock.close()


def listen(host: str, port: int, *, sndbuf: int = 0) -> socket.socket:
    """A socket that listens on the first address of `host`.  Raises OSError."""
    family, kind, proto, _, address = socket.getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    sock = socket.socket(family, kind, proto)
    try:
        kernel.prepare(sock, sndbuf=sndbuf)
        sock.bind(address)
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock
