"""Waking a selector from another thread: a socketpair that is itself in the map."""

from __future__ import annotations

import socket


class Waker:
    """`wake` may be called from any thread; everything else belongs to the reactor's.

    One byte is enough however many wake-ups are asked for before the loop gets to it, so
    a full buffer is success, and the flag saves the system call.  The flag is cleared
    after the bytes are read and before the work they announce is looked at: a wake that
    comes in between costs one turn too many, never one too few.
    """

    __slots__ = ("_reader", "_signalled", "_writer", "wakes")

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._signalled = False
        self.wakes = 0             # how often the loop was woken

    def __repr__(self) -> str:
        return f"<Waker fd={self._reader.fileno()}>"

    def fileno(self) -> int:
        """The descriptor to watch for reading."""
        return self._reader.fileno()

    def wake(self) -> None:
        """Make `select` return.  Never blocks; harmless after `close`."""
        if self._signalled:
            return
        self._signalled = True
        try:
            self._writer.send(b"\0")
        except BlockingIOError:
            pass  # plenty of wake-ups are waiting already
        except OSError:
            pass  # closed: there is nobody left to wake

    def on_ready(self, _mask: int = 0) -> None:
        """Take the bytes out, to the last one."""
        self.wakes += 1
        try:
            while len(self._reader.recv(4096)) == 4096:
                pass
        except BlockingIOError:
            pass
        self._signalled = False

    def close(self) -> None:
        self._signalled = True
        self._reader.close()
        self._writer.close()
