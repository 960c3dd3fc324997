"""One connection to the engine: commands go out, their answers come back in order."""

from __future__ import annotations

import errno
import socket
import ssl
from collections import deque
from collections.abc import Callable
from selectors import EVENT_READ, EVENT_WRITE
from typing import Any, NamedTuple

from hiredis import HiredisError, Reader

from chatops.loop.reactor import Reactor, Timer
from chatops.net.context import Reapable
from chatops.net.kernel import pending_error
from chatops.net.state import reason_of
from chatops.net.tls import why
from chatops.net.tls_socket import TlsSocket

CHUNK = 1 << 16                # bytes read in one turn; more would be mapped and unmapped by the
                               # system at each read, and keep own clients waiting
# What comes of an answer of another kind than was asked for.  It costs the connection, as one in
# another protocol does: others would wait for what its reader was about to do.
UNREADABLE = (TypeError, ValueError, LookupError, AttributeError)


def trusting() -> ssl.SSLContext:
    """What the system trusts, or the file that SSL_CERT_FILE names, and no other name than asked.
    It reads files: not for the reactor's thread.
    """
    return ssl.create_default_context()


Answer = Callable[[Any], None]
Address = tuple[socket.AddressFamily, Any]


class TlsTo(NamedTuple):
    """How it is made sure that it is the engine: whom we trust, and what it is called."""

    context: ssl.SSLContext
    name: str


class Pipe:
    """Belongs to the reactor's thread.  Watched for reading always, for writing while it
    connects or something waits to be written.

    It is given up when an answer is overdue: a peer that has vanished says nothing, and TCP
    would wait for a quarter of an hour.
    """

    kind = "engine"

    def __init__(self, reactor: Reactor, address: Address, name: str, patience: float,
                 lost: Callable[[str], None], bury: Callable[[Reapable], None],
                 tls: TlsTo | None = None) -> None:
        """`lost` is told once, why; `bury` has the descriptor closed at the end of the turn.
        An answer may take `patience` seconds.  Raises OSError where there is no descriptor left,
        or no room in the selector.
        """
        self.label = f"engine {name}"
        self.asked = 0                 # commands, so far
        self._reactor = reactor
        self._patience = patience
        self._lost = lost
        self._bury = bury
        self._reader = Reader()
        self._unsent = bytearray()
        self._waiting: deque[tuple[Answer, float]] = deque()
        self._guard: Timer | None = None
        self._connected = False        # and, over TLS, sure of who it is
        self._tls = tls
        self._mask = 0
        family, where = address
        self._sock: socket.socket = socket.socket(family, socket.SOCK_STREAM)
        self.fd = self._sock.fileno()
        self._sock.setblocking(False)
        if family != socket.AF_UNIX:
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.is_open = True
        result = self._sock.connect_ex(where)
        if result in (0, errno.EINPROGRESS):
            try:
                self._change(EVENT_READ | EVENT_WRITE)
            except OSError:
                self._sock.close()
                raise
        else:
            reactor.call_soon(lambda: self._fail(reason_of(OSError(result, ""))))
        self._arm(reactor.now)

    def __repr__(self) -> str:
        return f"<Pipe {self.label} fd {self.fd}, {len(self._waiting)} unanswered>"

    @property
    def queued(self) -> int:
        """Bytes that the kernel has not taken."""
        return len(self._unsent)

    def ask(self, command: bytes, answer: Answer) -> None:
        """Send a packed command; `answer` gets the reply, which may be a `hiredis.ReplyError`."""
        if not self.is_open:
            return
        self.asked += 1
        self._waiting.append((answer, self._reactor.now))
        if self._guard is None:        # or else it is for an older question
            self._arm(self._reactor.now)
        self._unsent += command
        if self._connected:
            self._write()

    def on_ready(self, mask: int) -> None:
        if not self._connected:
            if (error := pending_error(self._sock)) is not None:
                self._fail(reason_of(error))
                return
            if self._tls is not None and not self._secured(self._tls):
                return
            self._connected = True
            mask |= EVENT_WRITE
        if mask & EVENT_READ:
            self._read()
        if self.is_open and (mask & EVENT_WRITE):
            self._write()

    def _secured(self, tls: TlsTo) -> bool:
        """Whether the handshake is done; it goes on when the engine has said or read more."""
        sock = self._sock
        try:
            if not isinstance(sock, TlsSocket):
                self._watch(0)         # the socket is another object from here on
                sock = self._sock = TlsSocket(sock, tls.context, tls.name)
            sock.do_handshake()
        except ssl.SSLWantReadError:
            self._watch(EVENT_READ)
        except ssl.SSLWantWriteError:
            self._watch(EVENT_WRITE)
        except OSError as error:
            self._fail(error.verify_message if isinstance(error, ssl.SSLCertVerificationError)
                       else why(error))
        else:
            return True
        return False

    def look(self) -> None:
        """Take the answers that are there by now; nothing waits for them."""
        if self.is_open and self._connected:
            self._read()

    def push(self, data: bytes) -> None:
        """Hand the kernel what it takes now, as the last words; the answer is not waited for."""
        if self.is_open and self._connected:
            try:
                self._sock.send(bytes(self._unsent) + data)
            except OSError:
                pass

    def close(self) -> None:
        """Say nothing more; nobody is told."""
        if not self.is_open:
            return
        self.is_open = False
        self._waiting.clear()
        if self._guard is not None:
            self._guard.cancel()
        self._watch(0)
        self._bury(self)

    def reap(self) -> None:
        self._sock.close()

    def _fail(self, reason: str) -> None:
        if self.is_open:
            self.close()
            self._lost(reason)

    def _read(self) -> None:
        try:
            data = self._sock.recv(CHUNK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._fail(reason_of(error))
            return
        if not data:
            self._fail("closed by the engine")
            return
        try:
            self._reader.feed(data)
            while self.is_open and (answer := self._reader.gets()) is not False:
                if not self._waiting:
                    self._fail("it answers what nobody asked")
                    return
                take, _ = self._waiting.popleft()
                try:
                    take(answer)
                except UNREADABLE as error:
                    self._fail(f"an answer that means nothing: {type(error).__name__}: {error}")
            if not self._waiting and self._guard is not None:      # nothing is overdue, and an
                self._guard.cancel()                               # idle node is not to wake up
                self._guard = None
        except HiredisError as error:
            self._fail(f"it does not speak the protocol of Redis: {error}")

    def _write(self) -> None:
        if self._unsent:
            try:
                del self._unsent[:self._sock.send(
                    self._unsent if self._tls is None else bytes(self._unsent))]
            except (BlockingIOError, InterruptedError):
                pass
            except OSError as error:
                self._fail(reason_of(error))
                return
        self._watch(EVENT_READ | (EVENT_WRITE if self._unsent else 0))

    def _watch(self, mask: int) -> None:
        if mask != self._mask:
            try:
                self._change(mask)
            except OSError as error:       # epoll_ctl(2) lacks memory, or has its own limit
                self._fail(reason_of(error))

    def _change(self, mask: int) -> None:
        selector = self._reactor.selector
        before, self._mask = self._mask, 0     # where this fails it is in the map no more
        if not before:
            selector.register(self._sock, mask, self.on_ready)
        elif mask:
            selector.modify(self._sock, mask, self.on_ready)
        else:
            selector.unregister(self._sock)
        self._mask = mask

    def _arm(self, since: float) -> None:
        left = since + self._patience - self._reactor.now
        self._guard = self._reactor.call_later(left, self._look)

    def _look(self) -> None:
        self._guard = None
        since = self._waiting[0][1] if self._waiting else None
        if not self._connected:
            self._fail(f"no connection within {self._patience:g} s")
        elif since is not None and self._reactor.now - since >= self._patience:
            self._fail(f"no answer for {self._patience:g} s")
        elif since is not None:
            self._arm(since)
