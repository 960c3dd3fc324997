"""The little of HTTP/1.1 (RFC 9112) that a collector needs: one GET a connection, then the end.

Whoever connects is a stranger: it gets `ASKING` for its request and `PATIENCE` until it has the
answer.  While all places are taken the next ones wait in the kernel's backlog.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from selectors import EVENT_READ, EVENT_WRITE
from typing import NamedTuple

from chatops.loop.reactor import Reactor, Timer
from chatops.net.listener import PAUSE, SHORTAGES

ASKING = 2.0                   # seconds; it is a single packet
PATIENCE = 10.0                # seconds; Prometheus' own timeout for a scrape is that
PLACES = 16                    # connections at once: they take descriptors from the chat
LONGEST = 1 << 13              # bytes of a request's head
STATUS = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed",
          431: "Request Header Fields Too Large", 500: "Internal Server Error",
          503: "Service Unavailable"}
PLAIN = "text/plain; charset=utf-8"


class Request(NamedTuple):
    """What is asked for: the path without its query, and what may come back."""

    path: str
    accept: str


class Response(NamedTuple):
    status: int
    body: bytes
    content_type: str = PLAIN


Respond = Callable[[Response], None]
Serve = Callable[[Request, Respond], None]


class HttpDoor:
    """Lets collectors in and hands `serve` what they ask.  Belongs to its reactor's thread."""

    def __init__(self, reactor: Reactor, sock: socket.socket, serve: Serve,
                 places: int = PLACES) -> None:
        """`sock` listens; `serve` is given a call to make with the answer, then or later."""
        self.reactor = reactor
        self.serve = serve
        self._sock = sock
        self._places = places
        self._inside: set[Visit] = set()
        self._accepting = False
        self._short: Timer | None = None
        sock.setblocking(False)
        self._accept(True)

    def __len__(self) -> int:
        return len(self._inside)

    def on_ready(self, _mask: int) -> None:
        """Somebody waits in the backlog."""
        while len(self._inside) < self._places:
            try:
                sock, _ = self._sock.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in SHORTAGES:
                    self._pause()
                    return
                continue           # that newcomer's trouble alone
            try:
                self._inside.add(Visit(self, sock))
            except OSError:        # epoll_ctl(2) lacks memory, or has its own limit
                sock.close()
                self._pause()
                return
        self._accept(False)        # until somebody leaves

    def _pause(self) -> None:
        """To try again at once would spin."""
        self._accept(False)
        self._short = self.reactor.call_later(PAUSE, self._over)

    def _over(self) -> None:
        self._short = None
        self._accept(len(self._inside) < self._places)

    def _accept(self, on: bool) -> None:
        if on == self._accepting or self._sock.fileno() < 0:
            return
        if not on:
            self.reactor.selector.unregister(self._sock)
        else:
            try:
                self.reactor.selector.register(self._sock, EVENT_READ, self.on_ready)
            except OSError:        # as for a visit
                self._pause()
                return
        self._accepting = on

    def left(self, visit: Visit) -> None:
        """Said by itself."""
        self._inside.discard(visit)
        if self._short is None:
            self._accept(True)

    def close(self) -> None:
        """Let nobody in, and everybody go."""
        self._accept(False)
        self._sock.close()
        for visit in list(self._inside):
            visit.close()


class Visit:
    """One connection: a request, an answer, the end."""

    def __init__(self, door: HttpDoor, sock: socket.socket) -> None:
        self._door = door
        self._sock = sock
        self._head = bytearray()
        self._out: memoryview | None = None
        self._no_body = False
        self._open = True
        self._registered = False
        sock.setblocking(False)
        door.reactor.selector.register(sock, EVENT_READ, self.on_ready)
        self._registered = True
        self._timer = door.reactor.call_later(ASKING, self.close)

    def on_ready(self, mask: int) -> None:
        """What the selector calls."""
        if self._out is not None:
            self._write()
            return
        try:
            data = self._sock.recv(LONGEST)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        self._head += data
        end = min((at for at in (self._head.find(b"\r\n\r\n"), self._head.find(b"\n\n"))
                   if at >= 0), default=-1)
        if end > LONGEST or (end < 0 and len(self._head) > LONGEST):
            self._respond(Response(431, b"too long\n"))
        elif end >= 0:
            self._asked(bytes(self._head[:end]).decode("latin-1"))

    def _asked(self, head: str) -> None:
        first, *fields = head.splitlines() or [""]
        words = first.split()
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            self._respond(Response(400, b"this is not HTTP/1.1\n"))
            return
        if words[0] not in ("GET", "HEAD"):
            self._respond(Response(405, b"only GET is answered here\n"))
            return
        self._no_body = words[0] == "HEAD"
        named = dict(reversed([_field(line) for line in fields]))
        self._watch(0)             # until there is an answer nothing it says matters
        self._timer.cancel()
        self._timer = self._door.reactor.call_later(PATIENCE, self.close)
        self._door.serve(Request(words[1].partition("?")[0], named.get("accept", "")),
                         self._respond)

    def _respond(self, response: Response) -> None:
        if not self._open:
            return
        head = (f"HTTP/1.1 {response.status} {STATUS[response.status]}\r\n"
                f"Content-Type: {response.content_type}\r\n"
                f"Content-Length: {len(response.body)}\r\n"
                + ("Allow: GET, HEAD\r\n" if response.status == 405 else "")
                + "Cache-Control: no-store\r\nConnection: close\r\n\r\n").encode("ascii")
        self._out = memoryview(head + (b"" if self._no_body else response.body))
        self._write()

    def _write(self) -> None:
        assert self._out is not None
        try:
            while self._out:
                self._out = self._out[self._sock.send(self._out):]
        except BlockingIOError:
            with suppress(OSError):        # the selector may have no room for it
                self._watch(EVENT_WRITE)
                return
        except OSError:
            pass                   # it has gone
        self.close()

    def _watch(self, mask: int) -> None:
        selector = self._door.reactor.selector
        if self._registered:
            self._registered = False
            selector.unregister(self._sock)
        if mask:
            selector.register(self._sock, mask, self.on_ready)
            self._registered = True

    def close(self) -> None:
        """Idempotent."""
        if not self._open:
            return
        self._open = False
        self._timer.cancel()
        self._watch(0)
        self._sock.close()
        self._door.left(self)


def _field(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip().lower(), value.strip()
