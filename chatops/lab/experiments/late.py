"""Data that comes late on purpose: a real TCP connection, and a peer that waits before it sends."""

from __future__ import annotations

import os
import socket
import struct
import time
from types import TracebackType
from typing import NoReturn

LATE = 0.3                     # seconds between the reader's asking and the sender's sending
# Small enough for one segment on loopback, so that one read takes all of it.
SIZE = 16 * 1024

_stamp = struct.Struct("d")


def tcp_pair() -> tuple[socket.socket, socket.socket]:
    """Both ends of a connection over loopback.  Raises OSError."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname(), timeout=2)
        far, _ = listener.accept()
    near.settimeout(None)
    return near, far


class LateData:
    """A connection whose `reader` has nothing until `late` seconds after `begin`.

    The sender is a process: a thread would fight a reader that spins for the GIL, and be
    late by that.  It is forked, so this belongs into a process without other threads.
    The data begins with the time it was sent at, on the monotonic clock, which all
    processes of a system share.  All times are seconds since `begin`.
    """

    def __init__(self, late: float = LATE) -> None:
        self.reader, sender = tcp_pair()
        self._late = late
        self._began = 0.0
        self._sender = os.fork()
        if self._sender == 0:
            self.reader.close()
            _send_and_exit(sender)
        sender.close()

    def __enter__(self) -> LateData:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.reader.close()
        os.waitpid(self._sender, 0)

    def begin(self) -> None:
        """Say when to send, and set the clock going."""
        self.reader.sendall(_stamp.pack(time.monotonic() + self._late))
        self._began = time.monotonic()

    def elapsed(self) -> float:
        return time.monotonic() - self._began

    def sent_at(self, data: bytes | bytearray) -> float:
        """When the data was sent; on loopback it has arrived at once."""
        sent: float = _stamp.unpack_from(data)[0]
        return sent - self._began


def _send_and_exit(sender: socket.socket) -> NoReturn:
    """The other process: it must not come back into the code of the first."""
    try:
        if due := sender.recv(_stamp.size):
            time.sleep(max(0.0, _stamp.unpack(due)[0] - time.monotonic()))
            sender.sendall(_stamp.pack(time.monotonic()).ljust(SIZE, b"."))
    finally:
        os._exit(0)
