"""The listening sockets: each accepts a bounded number a turn; they wait out shortages together."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Sequence
from selectors import EVENT_READ

from chatops.loop.reactor import Reactor, Timer
from chatops.net import kernel
from chatops.net.listen_error import ListenError

ACCEPTS = 64                   # per turn, so that a flood of newcomers cannot starve the rest
BACKLOG = 4096                 # cut by net.core.somaxconn; takes a burst of connects
PAUSE = 1.0                    # seconds without accepting when descriptors run out
TRIES = 16                     # at a free port that is free at every address

# accept(2): the process, the system or the kernel's memory is exhausted.  The newcomer
# stays in the backlog, still readable, so trying again at once would spin.
SHORTAGES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
# socket(2), bind(2): this machine has no IPv6, or no IPv4, or it is switched off.
LACKING = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT})


class Shortage:
    """A pause of all listeners of a server at once: what one of them lacks, all of them do."""

    def __init__(self, reactor: Reactor, *, paused: Callable[[str, float], None],
                 resumed: Callable[[], None]) -> None:
        self._reactor = reactor
        self._paused = paused
        self._resumed = resumed
        self._timer: Timer | None = None
        self._short = False        # it has been reported and is not over
        self._listeners: list[Listener] = []

    @property
    def lasts(self) -> bool:
        """Whether nobody is accepted now."""
        return self._timer is not None

    def join(self, listener: Listener) -> None:
        """One more that pauses with the others."""
        self._listeners.append(listener)

    def leave(self, listener: Listener) -> None:
        """One that is closed; without any left there is nothing to wait for."""
        self._listeners.remove(listener)
        if not self._listeners and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def begin(self, reason: str) -> None:
        """Accept nobody for a while."""
        self._pause(self._listeners, reason)

    def over(self) -> None:
        """Somebody was accepted."""
        if self._short:
            self._short = False
            self._resumed()

    def _pause(self, watched: Sequence[Listener], reason: str) -> None:
        for listener in watched:
            self._reactor.selector.unregister(listener.sock)
        self._timer = self._reactor.call_later(PAUSE, self._end)
        if not self._short:
            self._short = True
            self._paused(reason, PAUSE)

    def _end(self) -> None:
        self._timer = None
        for at, listener in enumerate(self._listeners):
            try:
                listener.watch()
            except OSError as error:       # epoll_ctl(2) lacks memory, or has its own limit
                self._pause(self._listeners[:at], error.strerror or str(error))
                return


class Listener:
    """Hands accepted sockets to `accepted(sock, address)`.  Belongs to the reactor's thread."""

    kind = "listener"
    label: str = "Listener"

    def __init__(self, reactor: Reactor, sock: socket.socket, shortage: Shortage, *,
                 accepted: Callable[[socket.socket, object], None], speaks: str = "") -> None:
        """`shortage` is shared with the other listeners of the same server; what each `speaks`
        tells them apart, with the port.
        """
        if speaks:
            self.label = f"{sock.getsockname()[1]} {speaks}"
        self._reactor = reactor
        self._accepted = accepted
        self._shortage = shortage
        self.sock = sock
        sock.setblocking(False)
        shortage.join(self)
        self.watch()

    def __repr__(self) -> str:
        return f"<Listener fd={self.sock.fileno()}{' paused' if self._shortage.lasts else ''}>"

    def watch(self) -> None:
        """Be told of newcomers."""
        self._reactor.selector.register(self.sock, EVENT_READ, self.on_ready)

    def on_ready(self, _mask: int) -> None:
        """Somebody waits in the backlog."""
        if self._shortage.lasts:
            return                 # begun in this very turn, by another listener
        for _ in range(ACCEPTS):
            try:
                sock, address = self.sock.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno in SHORTAGES:
                    self._shortage.begin(os.strerror(error.errno))
                    return
                continue           # ECONNABORTED, EPERM …: that newcomer's trouble alone
            self._shortage.over()
            self._accepted(sock, address)

    def close(self) -> None:
        """Accept no more.  Idempotent."""
        if self.sock.fileno() < 0:
            return
        if not self._shortage.lasts:
            self._reactor.selector.unregister(self.sock)
        self._shortage.leave(self)
        self.sock.close()


def listen(host: str, port: int, *, sndbuf: int = 0
           ) -> tuple[list[socket.socket], list[ListenError]]:
    """Sockets that listen on every address of `host`, all on one port, and the addresses of a
    family that this machine has not.  Raises OSError, and then none listens.

    Port 0 is one that is free at all of them.
    """
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM,
                               flags=socket.AI_PASSIVE)
    addresses = list(dict.fromkeys((family, address) for family, _, _, _, address in found))
    for tries_left in reversed(range(TRIES)):
        try:
            return _listen(addresses, sndbuf)
        except OSError as error:
            if port or error.errno != errno.EADDRINUSE or not tries_left:
                raise
    raise AssertionError("the last try raises")


Address = tuple[int, tuple[object, ...]]


def _listen(addresses: Sequence[Address], sndbuf: int
            ) -> tuple[list[socket.socket], list[ListenError]]:
    opened: list[socket.socket] = []
    lacking: list[ListenError] = []
    port = addresses[0][1][1]
    both = len({family for family, _ in addresses}) > 1
    try:
        for family, (host, _, *rest) in addresses:
            try:
                opened.append(_open(family, (host, port, *rest), sndbuf, only_six=both))
            except OSError as error:
                lacking.append(ListenError(error, kernel.address_text((host, port, *rest))))
                if error.errno not in LACKING:
                    raise lacking[-1] from None
            else:
                port = opened[-1].getsockname()[1]
        if not opened:
            raise lacking[0]
    except OSError:
        for sock in opened:
            sock.close()
        raise
    return opened, lacking


def _open(family: int, address: tuple[object, ...], sndbuf: int, *, only_six: bool
          ) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        kernel.set_listener_options(sock, sndbuf=sndbuf)
        if family == socket.AF_INET6 and only_six:
            # Or `::` would take IPv4's port as well (RFC 3493, 5.3).
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address)
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock
