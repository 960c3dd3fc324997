"""Between a node and its engine: passes bytes on, until it is told to do something worse."""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

CHUNK = 1 << 16


class FaultProxy:
    """A thread of its own.  Its attributes may be set by any thread, at any moment."""

    def __init__(self, port: int) -> None:
        """In front of what listens at this port of loopback."""
        self.mute = False              # nothing comes back, nor goes on: a black hole
        self.answer = b""              # to whatever is asked, and nothing is passed on
        self.swallow = b""             # the answer to the next command with these bytes in it
        self.swallowed = 0             # is not passed on, and the connection is cut
        self._target = port
        self._selector = selectors.DefaultSelector()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._fated: set[socket.socket] = set()    # to the engine; its next answer is swallowed
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def close(self) -> None:
        self._wake.send(b"x")
        self._thread.join()
        for sock in [*self._pairs, self._listener, self._wake, self._woken]:
            sock.close()
        self._selector.close()

    def _run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                sock = key.fileobj
                assert isinstance(sock, socket.socket)
                if sock is self._woken:
                    return
                if sock is self._listener:
                    self._accept()
                elif sock in self._pairs:
                    self._pass_on(sock, engine=bool(key.data))

    def _accept(self) -> None:
        near, _ = self._listener.accept()
        try:
            far = socket.create_connection(("127.0.0.1", self._target), 5.0)
        except OSError:
            near.close()
            return
        self._pairs[near], self._pairs[far] = far, near
        self._selector.register(near, selectors.EVENT_READ, False)
        self._selector.register(far, selectors.EVENT_READ, True)

    def _pass_on(self, sock: socket.socket, *, engine: bool) -> None:
        other = self._pairs[sock]
        try:
            data = sock.recv(CHUNK)
        except OSError:
            data = b""
        if not data:
            self._cut(sock)
        elif self.mute:
            return
        elif self.answer:
            if not engine:
                sock.sendall(self.answer)
        elif engine and sock in self._fated:
            self.swallowed += 1
            self._cut(sock)
        else:
            if not engine and self.swallow and self.swallow in data:
                self.swallow = b""
                self._fated.add(other)
            try:
                other.sendall(data)
            except OSError:
                self._cut(sock)

    def _cut(self, sock: socket.socket) -> None:
        other = self._pairs.pop(sock)
        del self._pairs[other]
        self._fated -= {sock, other}
        for each in (sock, other):
            self._selector.unregister(each)
            each.close()


@contextmanager
def before(port: int) -> Iterator[FaultProxy]:
    """One in front of this port, closed in the end."""
    proxy = FaultProxy(port)
    try:
        yield proxy
    finally:
        proxy.close()
