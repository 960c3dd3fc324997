"""What all built-in clients share: a socket that connects, speaks, and goes away."""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import socket
from collections.abc import Callable
from selectors import EVENT_READ, EVENT_WRITE
from typing import ClassVar, Protocol

from chatops.loop.reactor import Reactor, Timer

RECEIVE = 1 << 16
UNSENT_LIMIT = 1 << 18         # bytes a client keeps that its server does not take
# Clients in the server's own process share its descriptors.  They take numbers from here
# on, so that they do not use up the 1,024 that select(2) can watch.
HIGH_DESCRIPTORS = 8192
# A small receive buffer alone leaves about 1.7 MB to the server's kernel, whose send buffer
# grows with the size of segments (65,483 bytes on loopback).  With segments of 536 bytes
# (the least that RFC 9293 lets a host take) it is 43 KB, and queues show within seconds.
SMALL_BUFFER = 1024
SMALL_SEGMENT = 536


# As the system has an address; one of IPv6 with its flow and the number of its zone.
Numeric = tuple[str, int] | tuple[str, int, int, int]


class ClientOwner(Protocol):
    """Whom a client belongs to.  Called on the clients' thread."""

    reactor: Reactor

    def arrived(self, client: BuiltIn) -> None:
        """It is connected and has said its nick."""

    def gone(self, client: BuiltIn) -> None:
        """It is closed and will not come back."""


class BuiltIn:
    """One client.  Belongs to the clients' thread.

    A kind of client says what it does in `begin`, `received`, `ended` and `tick`.
    """

    kind: ClassVar[str] = ""
    tiny: ClassVar[bool] = False       # small buffers, so that the server's queues show
    reads: ClassVar[bool] = True       # as soon as something comes

    def __init__(self, crew: ClientOwner, nick: str, address: Numeric) -> None:
        self.crew = crew
        self.nick = nick
        self.address = address
        self.sock: socket.socket | None = None
        self._connected = False
        self._left = False             # for good; nothing is planned any more
        self._mask = 0
        self._unsent = bytearray()
        self._timer: Timer | None = None

    def __repr__(self) -> str:
        fd = self.sock.fileno() if self.sock is not None else -1
        return f"<{type(self).__name__} {self.nick} fd={fd} unsent={len(self._unsent)}>"

    # -- what makes a kind of its own

    def begin(self) -> None:
        """Connected, and the nick is said."""

    def received(self, data: bytes) -> None:
        """Something was read; most do not care what."""

    def ended(self) -> None:
        """The server has closed its side: a kicked client stays away."""
        self.leave()

    # -- coming and going

    def connect(self) -> None:
        """Begin to connect; goes away if that cannot even begin."""
        try:
            self.sock = open_socket(self.address, tiny=self.tiny)
            status = self.sock.connect_ex(self.address)
        except OSError:
            self.leave()
            return
        if status not in (0, errno.EINPROGRESS):
            self.leave()
            return
        self._watch(EVENT_WRITE)

    def _on_connected(self) -> None:
        assert self.sock is not None
        if self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.leave()
            return
        self._connected = True
        self.say(f"/nick {self.nick}")
        if self.sock is not None:
            self.crew.arrived(self)
            self.begin()

    def leave(self) -> None:
        """Close, for good.  Idempotent."""
        self._left = True
        self.hang_up()
        self.crew.gone(self)

    def hang_up(self, *, reset: bool = False) -> None:
        """Close the connection; with `reset` the server gets an RST instead of a FIN."""
        self._watch(0)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.sock is not None:
            if reset:
                # l_onoff=1, l_linger=0: close() discards and resets (socket(7)).
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                     b"\1\0\0\0\0\0\0\0")
            self.sock.close()
            self.sock = None
        self._connected = False
        self._unsent.clear()

    def come_back(self, seconds: float) -> None:
        """Connect again after so long."""
        self.hang_up()
        self.later(seconds, self.connect)

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Do this next; a client plans one thing at a time."""
        if self._timer is not None:
            self._timer.cancel()
        if self._left:
            return

        def run() -> None:
            self._timer = None
            self._guarded(call)

        self._timer = self.crew.reactor.call_later(seconds, run)

    # -- reading and writing

    def say(self, line: str) -> None:
        """Send a line; what the kernel does not take at once follows when it does."""
        self.send(line.encode() + b"\n")

    def send(self, data: bytes) -> None:
        """As `say`, in bytes.  More than the limit is not kept: nobody would read it."""
        if self._connected and len(self._unsent) + len(data) <= UNSENT_LIMIT:
            self._unsent += data
            self._guarded(self._flush)

    @property
    def unsent(self) -> int:
        """Bytes that the kernel has not taken yet."""
        return len(self._unsent)

    def _flush(self) -> None:
        while self._unsent and self.sock is not None:
            try:
                taken = self.sock.send(self._unsent)
            except (BlockingIOError, InterruptedError):
                break
            del self._unsent[:taken]
        self._watch((EVENT_READ if self.reads else 0) | (EVENT_WRITE if self._unsent else 0))

    def _watch(self, mask: int) -> None:
        selector, sock = self.crew.reactor.selector, self.sock
        if mask == self._mask or sock is None:
            return
        if not self._mask:
            selector.register(sock, mask, self.on_ready)
        elif mask:
            selector.modify(sock, mask, self.on_ready)
        else:
            selector.unregister(sock)
        self._mask = mask

    def on_ready(self, mask: int) -> None:
        """The selector's callback."""
        self._guarded(lambda: self._work(mask))

    def _work(self, mask: int) -> None:
        if not self._connected:
            self._on_connected()
            return
        if mask & EVENT_WRITE:
            self._flush()
        if mask & EVENT_READ and self.sock is not None:
            self.read(RECEIVE)

    def read(self, size: int) -> None:
        """Take at most so many bytes, if there are any."""
        assert self.sock is not None
        try:
            data = self.sock.recv(size)
        except (BlockingIOError, InterruptedError):
            return
        if data:
            self.received(data)
        else:
            self.ended()

    def _guarded(self, call: Callable[[], None]) -> None:
        """A connection that breaks ends its client and nobody else."""
        try:
            call()
        except OSError:
            self.leave()

    def is_over(self) -> bool:
        """Whether the server has hung up, for those that do not read up to the end of file."""
        if self.sock is None or not hasattr(socket, "TCP_INFO"):
            return False
        # The first byte of struct tcp_info is the state of the connection.
        state = self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
        return state != TCP_ESTABLISHED


TCP_ESTABLISHED = 1


def open_socket(address: Numeric, *, tiny: bool = False) -> socket.socket:
    """A socket that does not block, for this address.  Raises OSError."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    sock = _lifted(socket.socket(family, socket.SOCK_STREAM))
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_KEEPIDLE"):      # a server that forgot us is noticed
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5)
        if tiny:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SMALL_SEGMENT)
    except OSError:
        sock.close()
        raise
    return sock


def _lifted(sock: socket.socket) -> socket.socket:
    """The same socket under a high descriptor, where there are enough of them."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit != resource.RLIM_INFINITY and limit < 2 * HIGH_DESCRIPTORS:
        return sock
    try:
        high = fcntl.fcntl(sock, fcntl.F_DUPFD_CLOEXEC, HIGH_DESCRIPTORS)
    except OSError:
        return sock
    family, kind = sock.family, sock.type
    sock.close()
    try:
        return socket.socket(family, kind, fileno=high)
    except OSError:
        os.close(high)
        raise
