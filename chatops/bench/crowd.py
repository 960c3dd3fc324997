"""A crowd of clients in one thread, quick enough to keep up with the server.

A delivery is counted by its mark, a byte that occurs once in every message and in nothing else
that a server says (`chatops.bench.tongues`).  One byte is never split over two reads.  Counting
takes a third of a nanosecond a byte, comparing a tenth of that; and the clients of a room are
mostly sent the same chunk one after the other, so what is the same as before is not counted
again.
"""

from __future__ import annotations

import socket
import time
from array import array
from collections.abc import Callable

from chatops.bench.ready import ready_set
from chatops.bench.tongues import LINE, LineTongue
from chatops.system.errors import ChatopsError

STAMP = 16                     # hex digits after the mark: the time of the send in ns
BUFFER_SIZE = 1 << 18
CONNECT_BURST = 64             # clients that wait to be greeted at one time
PATIENCE = 30.0                # seconds without any progress before it is given up


class LoadError(ChatopsError, RuntimeError):
    """The server could not be loaded; one line says why."""


class Crowd:
    """Clients of one server.  Belongs to one thread; its sockets do not block."""

    def __init__(self, host: str, port: int, senders: int, size: int, tongue: LineTongue = LINE
                 ) -> None:
        """The first `senders` clients speak, messages of `size` bytes and what is around them."""
        if size > tongue.longest:
            raise LoadError(f"a message has at most {tongue.longest} bytes there")
        self.closed = 0            # clients that the server closed
        self.sent = 0              # messages
        self.arrived = 0           # deliveries
        self.due = 0               # deliveries of everything sent
        self._address = (host, port)
        self._senders = senders
        self._size = size
        self._tongue = tongue
        self._mark = tongue.mark
        self._buffer = bytearray(BUFFER_SIZE)
        self._ready = ready_set()
        self._sockets: list[socket.socket] = []
        self._receive: dict[int, Callable[[bytearray], int]] = {}
        self._unsent: dict[socket.socket, bytes] = {}
        self._halves: dict[int, bytes] = {}
        self._speaker = 0
        self._chunk = b"\n"        # counted last; never empty, which would be the end of file
        self._marks = 0            # and how many marks were in it

    @property
    def members(self) -> int:
        """Clients that are still connected."""
        return len(self._receive)

    @property
    def hearers(self) -> int:
        """How many are to hear of each message."""
        return max(0, len(self._receive) - (not self._tongue.echo))

    @property
    def outstanding(self) -> int:
        """Deliveries on their way; lost, when nothing arrives any more."""
        return max(0, self.due - self.arrived)

    # -- coming and going

    def connect(self, clients: int, room: str = "") -> float:
        """Connect so many and wait until each was greeted; seconds that took.

        With a room they join it as well, and nobody waits for anybody else's answer.
        """
        began = time.perf_counter()
        heard: dict[int, bytes] = {}
        pending = clients if room else CONNECT_BURST
        awaited = self._tongue.hello(0, room)[1]
        for number in range(clients):
            sock = socket.create_connection(self._address, PATIENCE)
            self._sockets.append(sock)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setblocking(False)
            hello = self._tongue.hello(number, room)[0]
            if hello:
                sock.send(hello)
            self._receive[sock.fileno()] = sock.recv_into
            self._ready.add(sock.fileno())
            heard[sock.fileno()] = b""
            if number % 16 == 15:
                self._hear(heard, awaited, 0.0)
            self._hear_all_but(pending, heard, awaited)
        self._hear_all_but(0, heard, awaited)
        return time.perf_counter() - began

    def settle(self, quiet: float = 0.1) -> None:
        """Read until nothing has come for `quiet` seconds: notices of who joined."""
        deadline = time.monotonic() + PATIENCE
        while self._ready.poll(quiet) and time.monotonic() < deadline:
            self.read(0.0)

    def close(self) -> None:
        self._ready.close()
        for sock in self._sockets:
            sock.close()

    def last_words(self) -> str:
        """What was read last, for an error message."""
        text = bytes(self._buffer[:256]).partition(b"\0")[0].decode(errors="replace").strip()
        return text.rpartition("\n")[2] or "nothing was said"

    def _hear_all_but(self, some: int, heard: dict[int, bytes], awaited: bytes) -> None:
        deadline = time.monotonic() + PATIENCE
        while len(heard) > some:
            if self._hear(heard, awaited, 0.05):
                deadline = time.monotonic() + PATIENCE
            elif time.monotonic() > deadline:
                raise LoadError(f"{len(heard)} clients were never answered")

    def _hear(self, heard: dict[int, bytes], awaited: bytes, timeout: float) -> bool:
        """Strike off those who have heard what is awaited; was there anybody?"""
        before = len(heard)
        for fd in self._ready.poll(timeout):
            got = self._receive_from(fd)
            if got == 0:
                raise LoadError(f"a client was turned away: {self.last_words()}")
            if fd in heard:
                heard[fd] += self._buffer[:max(0, got)]
                if awaited in heard[fd]:
                    del heard[fd]
        return len(heard) < before

    # -- reading

    def read(self, timeout: float) -> None:
        """Read once from everybody who has something, and count what arrived."""
        buffer, receive = self._buffer, self._receive
        same, chunk, marks = self._buffer.startswith, self._chunk, self._marks
        mark, size = self._mark, len(chunk)
        arrived = 0
        for fd in self._ready.poll(timeout):
            try:
                got = receive[fd](buffer)
            except OSError:
                got = self._receive_from(fd)
            if got == size and same(chunk):
                arrived += marks
            elif got > 0:
                size, chunk, marks = got, bytes(buffer[:got]), buffer.count(mark, 0, got)
                arrived += marks
            elif got == 0:
                self._lose(fd)
        self._chunk, self._marks = chunk, marks
        self.arrived += arrived

    def sample(self, timeout: float, samples: array[float]) -> None:
        """As `read`, and add how many microseconds each delivery was on its way."""
        buffer, halves, clock = self._buffer, self._halves, time.monotonic_ns
        mark = self._mark
        for fd in self._ready.poll(timeout):
            got = self._receive_from(fd)
            if got <= 0:
                if got == 0:
                    self._lose(fd)
                continue
            now = clock()
            data = halves.pop(fd, b"") + buffer[:got]
            at = data.find(mark)
            while at >= 0:
                stamp = data[at + 1:at + 1 + STAMP]
                if len(stamp) < STAMP:
                    halves[fd] = data[at:]     # the other half is on its way
                    break
                samples.append((now - int(stamp, 16)) / 1e3)
                self.arrived += 1
                at = data.find(mark, at + STAMP)

    def _receive_from(self, fd: int) -> int:
        """Read once: how many bytes, 0 when the connection is over, -1 for nothing yet."""
        try:
            return self._receive[fd](self._buffer)
        except BlockingIOError:
            return -1
        except OSError:
            return 0

    def _lose(self, fd: int) -> None:
        self._ready.discard(fd)
        del self._receive[fd]
        self.closed += 1

    # -- speaking

    def say(self, messages: int) -> None:
        """Have the senders say so many messages in turn, each its share in one write."""
        senders = min(self._senders, len(self._sockets))
        each, rest = divmod(messages, senders)
        for number in range(min(senders, messages)):
            self._speaker = (self._speaker + 1) % senders
            message = self._message() * (each + (number < rest))
            self._send(self._sockets[self._speaker], message)
        self.sent += messages
        self.due += messages * self.hearers

    def send_rest(self) -> None:
        """Try again what the kernel did not take."""
        for sock in list(self._unsent):
            self._send(sock, b"")

    def _message(self) -> bytes:
        stamped = self._mark + b"%016x" % time.monotonic_ns()
        return self._tongue.before + stamped.ljust(self._size, b"x") + self._tongue.end

    def _send(self, sock: socket.socket, data: bytes) -> None:
        data = self._unsent.pop(sock, b"") + data
        try:
            sent = sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            return  # reading will tell that it is gone
        if sent < len(data):
            self._unsent[sock] = data[sent:]
