"""Data that comes late on purpose: a real TCP connection, and a peer that waits before it sends."""

from __future__ import annotations

import signal
import socket
import threading
import time
from types import TracebackType

LATE = 0.3                     # seconds between the reader's asking and the sender's sending
# Small enough for one segment on loopback, so that one read takes all of it.
SIZE = 16 * 1024


def tcp_pair() -> tuple[socket.socket, socket.socket]:
    """Both ends of a connection over loopback.  Raises OSError."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname(), timeout=2)
        far, _ = listener.accept()
    near.settimeout(None)
    return near, far


class LateData:
    """A connection whose `reader` has nothing until `late` seconds after `begin`.

    All times are seconds since `begin`, on one clock for both ends.  `begin` and the
    reading belong to one thread; the sending is done by another.
    """

    def __init__(self, late: float = LATE) -> None:
        self.reader, self._sender = tcp_pair()
        self._late = late
        self._began = 0.0
        self._arrived = 0.0
        self._thread = threading.Thread(target=self._send, name="late data", daemon=True)

    def __enter__(self) -> LateData:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self._thread.ident is not None:
            self._thread.join()
        self.reader.close()
        self._sender.close()

    def begin(self) -> None:
        self._began = time.perf_counter()
        self._thread.start()

    def elapsed(self) -> float:
        return time.perf_counter() - self._began

    def arrived(self) -> float:
        """When the data was put on the wire; on loopback it is there at once."""
        self._thread.join()
        return self._arrived

    def _send(self) -> None:
        # A signal sent to the process may go to any thread that does not block it.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGIO})
        time.sleep(max(0.0, self._late - self.elapsed()))
        self._arrived = self.elapsed()
        self._sender.sendall(b"." * SIZE)
