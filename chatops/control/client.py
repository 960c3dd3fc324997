"""The other end of the control socket: a connection to a server, for consoles and scripts."""

from __future__ import annotations

import errno
import os
import re
import socket
from pathlib import Path

from chatops.control.frames import (
    MAX_REPLY,
    PROTOCOL,
    Bye,
    ControlMessage,
    FrameDecoder,
    FrameError,
    Hello,
    Reply,
    Welcome,
    pack,
    read_reply,
)
from chatops.control.socket_path import ControlError, may_talk, peer

PATIENCE = 5.0                 # seconds for a server to answer
CHUNK = 1 << 18
# Who has ended the connection has said why, and that is still to be read.
GONE = (BrokenPipeError, ConnectionResetError)

_PROGRAM = re.compile(r"[^/]+-[1-9][0-9]*\.sock")      # a server's is called by its port
NO_PYTHON = "; is it stopped, or no Python, or one with -I, -S or -E?"


class CutOffError(ControlError):
    """The connection ended inside a message, as it does for whoever does not read in time."""


class ControlClient:
    """A connection that has been greeted.  Raises `ControlError`, with one line that says why."""

    welcome: Welcome

    def __init__(self, path: Path, *, read_only: bool = False, wait: bool = True,
                 patience: float = PATIENCE) -> None:
        """Connect, and wait for the greeting, each for `patience` seconds at most; without `wait`
        neither takes any time, and `greeted` says whether it has come.
        """
        self._path = path
        self._read_only = read_only
        self._sock = _connected(path, patience if wait else 0.0)
        self._splitter = FrameDecoder(MAX_REPLY)
        try:
            self.send(Hello(PROTOCOL, read_only))
            if wait:
                self._take(self.wait(patience))
        except BaseException:
            self._sock.close()
            raise

    def greeted(self) -> bool:
        """Take the greeting in once it is there.  Raises `ControlError` when it is another."""
        if not self.receive():
            return False
        reply = self.next()
        if reply is not None:
            self._take(reply)
        return reply is not None

    def _take(self, reply: Reply) -> None:
        if not isinstance(reply, Welcome):
            raise ControlError(reply.detail if isinstance(reply, Bye) else
                               f"what listens at {self._path} is no chatops")
        if self._read_only and not reply.read_only:
            raise ControlError("this server is of an older version, which knows no --read-only")
        self.welcome = reply

    @property
    def _of_a_program(self) -> bool:
        """Which may be killed, and may replace itself, and close what it does not know."""
        welcome: Welcome | None = getattr(self, "welcome", None)
        return welcome is not None and welcome.what == "program"

    @property
    def _who(self) -> str:
        if self._of_a_program or _is_program(self._path):
            return "the program"
        return "the server" if self._path.stem.isdecimal() else f"what listens at {self._path}"

    @property
    def _why_not(self) -> str:
        """What is to be known of a program that does not even greet."""
        return NO_PYTHON if _is_program(self._path) and not hasattr(self, "welcome") else ""

    def fileno(self) -> int:
        return self._sock.fileno()

    def setblocking(self, blocking: bool) -> None:
        """Whether `send` and `receive` wait; at first they do, for `PATIENCE`."""
        self._sock.settimeout(PATIENCE if blocking else 0.0)

    def send(self, message: ControlMessage) -> None:
        """Send a whole message, on a connection that may wait."""
        try:
            self._sock.sendall(pack(message))
        except GONE:
            pass
        except OSError as error:
            raise ControlError(f"the server does not listen: {error.strerror or error}") from None

    def send_some(self, data: bytearray) -> None:
        """Send what goes without waiting, and take it out of `data`."""
        try:
            while data:
                del data[:self._sock.send(bytes(data))]
        except (BlockingIOError, *GONE):
            pass

    def wait(self, patience: float | None = PATIENCE) -> Reply:
        """The next message; None waits for ever."""
        self._sock.settimeout(patience)
        while (reply := self.next()) is None:
            try:
                self._read()
            except TimeoutError:
                raise ControlError(f"{self._who} has not answered for {patience:g} s"
                                   f"{self._why_not}") from None
        return reply

    def receive(self) -> bool:
        """Take in what has come, on a non-blocking connection; False when nothing has."""
        try:
            self._read()
        except BlockingIOError:
            return False
        return True

    def _read(self) -> None:
        try:
            data = self._sock.recv(CHUNK)
        except (BlockingIOError, TimeoutError):
            raise
        except ConnectionResetError:
            data = b""             # what Linux says when it had not read all that we had sent
        except OSError as error:
            raise ControlError(f"the server is gone: {error.strerror}") from None
        if not data and self._splitter.held:
            raise CutOffError("this console was dropped: it did not read what it had asked for, "
                             "or the server was killed as it answered")
        if not data and not hasattr(self, "welcome"):
            raise ControlError(f"no server answers at {self._path}: it is just ending, or a "
                               "forwarded socket leads to one that does not run")
        if not data:
            raise ControlError("the program has ended the connection without a word"
                               if self._of_a_program else "the server ended without a word")
        self._splitter.feed(data)

    def next(self) -> Reply | None:
        """The next message of those that have come whole."""
        try:
            body = self._splitter.next()
            return read_reply(body) if body is not None else None
        except FrameError as error:
            raise ControlError(f"the server cannot be understood: {error}") from None

    def close(self) -> None:
        self._sock.close()


def _is_program(path: Path) -> bool:
    """Whether a socket is called as those of programs that are watched are."""
    return bool(_PROGRAM.fullmatch(path.name))


def _connected(path: Path, patience: float) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(patience)
    try:
        sock.connect(os.fspath(path))
    except OSError as error:
        sock.close()
        match error.errno:
            case errno.ENOENT:
                why = f"there is no control socket {path}"
            case errno.ECONNREFUSED:
                why = (f"nobody listens at {path} any more" if path.is_socket()
                       else f"{path} is not a socket")
            case errno.EACCES | errno.EPERM:
                why = f"{path} belongs to another user"
            case _:
                why = f"cannot connect to {path}: {error.strerror or error}"
        raise ControlError(why) from None
    if not may_talk(sock) and os.geteuid() != 0:
        user = peer(sock)
        sock.close()
        raise ControlError(f"what listens at {path} belongs to another user ({user})")
    return sock
