"""A socket in the selector: watched for what its state wants, until it is closed."""

from __future__ import annotations

import socket

from chatops.loop.naming import not_a_call_site
from chatops.net import kernel
from chatops.net.context import ConnectionContext
from chatops.net.state import MOVES, ConnectionState, reason_of


class WatchedSocket:
    """The life of a connection, as `net.state` has it, but for what goes over it: its mask
    in the selector, and its end.  Belongs to the reactor's thread.
    """

    __slots__ = ("context", "fd", "mask", "paused", "sock", "state")

    def __init__(self, context: ConnectionContext[object], sock: socket.socket) -> None:
        """Takes over a socket, and makes it non-blocking; `watch` begins to watch it."""
        sock.setblocking(False)
        self.context = context
        self.sock = sock
        self.fd = sock.fileno()
        self.state = ConnectionState.OPEN
        self.paused = False            # by the layer above: it is not read
        self.mask = 0                  # what the selector watches; 0 is not registered

    @property
    def is_open(self) -> bool:
        """Whether lines may still be put on the way to it."""
        return self.state is ConnectionState.OPEN

    def kernel_queued(self) -> int:
        """Bytes that the peer's kernel has not acknowledged."""
        return kernel.kernel_queued(self.sock)

    # -- interest

    def wanted(self) -> int:
        """What it should be watched for."""
        raise NotImplementedError

    def on_ready(self, mask: int) -> None:
        """The selector says that it can be read, or written, or that it is broken."""
        raise NotImplementedError

    @not_a_call_site
    def watch(self) -> None:
        """Begin to watch it.  Raises OSError where the selector cannot."""
        mask = self.wanted()
        self.context.reactor.selector.register(self.sock, mask, self.on_ready)
        self.mask = mask

    @not_a_call_site
    def update_interest(self) -> None:
        """Tell the selector, if it changed.  Unregisters rather than watch for nothing:
        with an empty mask epoll still reports a reset, for ever.
        """
        mask = self.wanted()
        if mask == self.mask:
            return
        selector = self.context.reactor.selector
        try:
            if not self.mask:
                selector.register(self.sock, mask, self.on_ready)
            elif not mask:
                selector.unregister(self.sock)
            else:
                selector.modify(self.sock, mask, self.on_ready)
        except OSError as error:       # closed by somebody else, or the selector has no room for
            self.mask = 0              # it any more; it is out of the map now
            self.abort(reason_of(error))
            return
        self.mask = mask

    @not_a_call_site
    def pause(self) -> None:
        """Do not read for now."""
        self.paused = True
        self.update_interest()

    @not_a_call_site
    def resume(self) -> None:
        """Read again."""
        self.paused = False
        self.update_interest()

    # -- the end

    def abort(self, reason: str) -> None:
        """Close without further ceremony, at the end of this turn.  Idempotent."""
        raise NotImplementedError

    def _move(self, state: ConnectionState) -> None:
        if state not in MOVES[self.state]:
            raise AssertionError(f"{self!r} cannot become {state.value}")
        self.state = state

    def _shut(self) -> None:
        self._move(ConnectionState.LINGERING)
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.abort("")
            return
        self.update_interest()

    @not_a_call_site
    def _close(self) -> None:
        """It is dead from here on, and closed when this turn ends."""
        self._move(ConnectionState.CLOSED)
        self.context.dead.append(self)
        self.update_interest()

    def reap(self) -> None:
        """Give the descriptor back; the context's `reap` calls it."""
        self.sock.close()
