"""Two relays to compare with, each the whole of what its design needs.

    python -m chatops.bench.relay asyncio PORT     streams, as every tutorial writes it
    python -m chatops.bench.relay uvloop PORT      the same on uvloop
    python -m chatops.bench.relay bare PORT        `selectors`, one write per client and turn

The first two are what people use instead.  The third has no nicks, no checks, no limits and
no way out for a slow reader: it is what Python can do at most, and so the limit that this
server is measured against.  All send each line to everybody, the sender included.
"""

from __future__ import annotations

import asyncio
import selectors
import socket
import sys
from collections.abc import Callable, Coroutine
from typing import Any

GREETING = b"*** hello\n"
BACKLOG = 4096
READ_SIZE = 65536


async def serve_streams(listener: socket.socket) -> None:
    """The streams relay: a write per line and client, as it is written everywhere."""
    members: set[asyncio.StreamWriter] = set()

    async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GREETING)
        members.add(writer)
        try:
            while line := await reader.readline():
                for member in members:
                    member.write(line)
                await writer.drain()
        except OSError:
            pass  # reset by its peer
        finally:
            members.discard(writer)
            writer.close()

    server = await asyncio.start_server(session, sock=listener, backlog=BACKLOG)
    await server.serve_forever()


class BareRelay:
    """The batching relay: what one turn read goes out as one write per client."""

    def __init__(self, listener: socket.socket) -> None:
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ, None)
        self._listener = listener
        listener.setblocking(False)
        self._waiting: dict[socket.socket, bytearray] = {}

    def serve_forever(self) -> None:
        while True:
            self.turn()

    def turn(self, timeout: float | None = None) -> None:
        """Wait for readiness once, read everyone who is ready, and write to everybody."""
        chunks: list[bytes] = []
        for key, mask in self._selector.select(timeout):
            if key.data is None:
                self._accept()
                continue
            if mask & selectors.EVENT_READ:
                self._read(key.data, chunks)
            if mask & selectors.EVENT_WRITE and key.data in self._waiting:
                self._send(key.data, b"")
        if chunks:
            batch = b"".join(chunks)
            for sock in list(self._waiting):
                self._send(sock, batch)

    def close(self) -> None:
        """Close every socket, the listener too."""
        for sock in (*self._waiting, self._listener):
            sock.close()
        self._selector.close()

    def _accept(self) -> None:
        try:
            while True:
                sock, _ = self._listener.accept()
                sock.setblocking(False)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._waiting[sock] = bytearray()
                self._selector.register(sock, selectors.EVENT_READ, sock)
                self._send(sock, GREETING)
        except BlockingIOError:
            pass

    def _read(self, sock: socket.socket, chunks: list[bytes]) -> None:
        try:
            data = sock.recv(READ_SIZE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            chunks.append(data)
        else:
            self._drop(sock)

    def _send(self, sock: socket.socket, data: bytes) -> None:
        waiting = self._waiting[sock]
        if waiting:
            waiting += data
            data = bytes(waiting)
        try:
            sent = sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._drop(sock)
            return
        if sent == len(data):
            if waiting:
                waiting.clear()
                self._selector.modify(sock, selectors.EVENT_READ, sock)
        elif waiting:
            del waiting[:sent]
        else:
            waiting += data[sent:]
            self._selector.modify(sock, selectors.EVENT_READ | selectors.EVENT_WRITE, sock)

    def _drop(self, sock: socket.socket) -> None:
        if self._waiting.pop(sock, None) is not None:
            self._selector.unregister(sock)
            sock.close()


def listen(port: int) -> socket.socket:
    """A socket that listens on loopback.

    Its protocol is named because asyncio sets TCP_NODELAY only where it is; without that,
    Nagle's algorithm would give the streams relay delays of 40 ms that are not its fault.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(BACKLOG)
    return listener


def run(kind: str, listener: socket.socket) -> None:
    """Serve until the process ends."""
    if kind == "bare":
        BareRelay(listener).serve_forever()
        return
    runner: Callable[[Coroutine[Any, Any, None]], None] = asyncio.run
    if kind == "uvloop":
        import uvloop  # a peer to compare with, taken only when it happens to be here

        runner = uvloop.run
    runner(serve_streams(listener))


def main() -> None:
    kind, port = sys.argv[1:]
    try:
        run(kind, listen(int(port)))
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
