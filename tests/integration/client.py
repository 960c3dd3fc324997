"""A client as somebody outside the server would be: real sockets, and deadlines on every wait."""

from __future__ import annotations

import itertools
import re
import socket
import ssl
import struct
from collections.abc import Callable

from tests.patience import PATIENCE, Deadline, scaled

SOON = scaled(3.0)             # seconds within which two newcomers must be able to talk

_tokens = itertools.count(1)


class Ended(Exception):  # noqa: N818  (it is what a client sees, not an error)
    """The server closed this connection; what came before is in the message."""


class Client:
    """A blocking socket that speaks lines, as somebody outside the server would."""

    def __init__(self, address: tuple[str, int], *, rcvbuf: int = 0, source: str = "",
                 greeted: bool = True, trust: ssl.SSLContext | None = None) -> None:
        """`greeted` reads the welcome; `source` is the address to come from.  With `trust` it
        speaks TLS, and takes no end for one that is not said in TLS.
        """
        self.sock = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        self.nick = ""
        self.id = 0
        self._buffer = bytearray()
        try:
            self.sock.settimeout(PATIENCE)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if rcvbuf:
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
            if source:
                self.sock.bind((source, 0))
            self.sock.connect(address)
            if trust is not None:
                self.sock = trust.wrap_socket(self.sock, server_hostname=address[0],
                                              suppress_ragged_eofs=False)
            if greeted:
                self._greet()
        except BaseException:
            self.sock.close()
            raise

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _greet(self) -> None:
        line = self.read_line()
        match = re.match(r"\*\*\* welcome, (guest-[a-z]*(\d+))!", line)
        assert match is not None, line
        self.nick, self.id = match[1], int(match[2])

    # -- speaking

    def send(self, data: bytes) -> None:
        """These bytes, as they are."""
        self.sock.settimeout(PATIENCE)
        self.sock.sendall(data)

    def say(self, *lines: str) -> None:
        """Whole lines."""
        self.send("".join(f"{line}\n" for line in lines).encode())

    def rename(self, nick: str) -> None:
        """`/nick`, and wait until the room is told."""
        self.say(f"/nick {nick}")
        self.expect(f"*** {self.nick} is now {nick}")
        self.nick = nick

    def join(self, room: str) -> None:
        """`/join`, and wait until it is done."""
        self.say(f"/join {room}")
        self.read_until(lambda line: line.startswith(f"*** you are in {room}"))

    def half_close(self) -> None:
        """Say no more, but go on reading."""
        self.sock.shutdown(socket.SHUT_WR)

    # -- listening

    def read_line(self, timeout: float = PATIENCE) -> str:
        """The next line.  Raises `Ended`, ConnectionResetError or TimeoutError."""
        return self._line_by(Deadline(timeout))

    def _line_by(self, deadline: Deadline) -> str:
        while (end := self._buffer.find(b"\n")) < 0:
            self._fill(deadline)
        line = self._buffer[:end].decode()
        del self._buffer[:end + 1]
        return line

    def read_until(self, wanted: str | Callable[[str], bool], timeout: float = PATIENCE
                   ) -> list[str]:
        """All lines up to the first that is, or satisfies, `wanted`."""
        deadline = Deadline(timeout)
        lines: list[str] = []
        while True:
            try:
                lines.append(self._line_by(deadline))
            except (OSError, Ended) as error:
                raise AssertionError(f"{wanted!r} never came, but {error!r}, after "
                                     f"{lines[-10:]}") from error
            if lines[-1] == wanted or (callable(wanted) and wanted(lines[-1])):
                return lines

    def expect(self, wanted: str, timeout: float = PATIENCE) -> str:
        """Skip to the line that is exactly this."""
        return self.read_until(wanted, timeout)[-1]

    def heard(self) -> list[str]:
        """All lines that the server has sent so far.  It asks, and what was on its way
        comes before the answer, so nobody has to wait in order to hear nothing.
        """
        token = f"heard-{next(_tokens)}"
        self.say(f"/{token}")
        return self.read_until(f"*** error: no command /{token}; /help lists them")[:-1]

    def to_the_end(self, timeout: float = PATIENCE) -> list[str]:
        """All lines until the server's end of file; a reset is an error."""
        deadline = Deadline(timeout)
        lines = []
        while True:
            try:
                lines.append(self._line_by(deadline))
            except Ended:
                return lines

    def read_available(self) -> list[str]:
        """The lines that one read completes; for a caller who knows that it can be read."""
        self._fill(Deadline(PATIENCE))
        *lines, rest = self._buffer.split(b"\n")
        self._buffer = bytearray(rest)
        return [line.decode() for line in lines]

    def read_bytes(self, count: int, timeout: float = PATIENCE) -> bytes:
        """The next `count` bytes, as they are."""
        deadline = Deadline(timeout)
        while len(self._buffer) < count:
            self._fill(deadline)
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data

    def _fill(self, deadline: Deadline) -> None:
        while True:
            self.sock.settimeout(max(0.001, deadline.left()))
            try:
                data = self.sock.recv(1 << 16)
                break
            except TimeoutError:
                if deadline.left() <= 0:
                    raise
        if not data:
            raise Ended(bytes(self._buffer))
        self._buffer += data

    # -- leaving

    def reset(self) -> None:
        """Vanish with a RST instead of a FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self) -> None:
        self.sock.close()


def two_can_talk(address: tuple[str, int], timeout: float = SOON,
                 trust: ssl.SSLContext | None = None) -> None:
    """Two newcomers come in, each hears the other, and they leave, all within `timeout`."""
    deadline = Deadline(timeout)
    with Client(address, trust=trust) as one, Client(address, trust=trust) as other:
        for speaker, hearer in ((one, other), (other, one)):
            text = f"can you hear me? {next(_tokens)}"
            speaker.say(text)
            hearer.expect(f"{speaker.nick}: {text}", deadline.left())
