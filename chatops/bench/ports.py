"""Ports on loopback for servers that are told which one to take."""

from __future__ import annotations

import socket
import sys
from types import TracebackType
from typing import Self


class HeldPort:
    """A port for a server that is about to start, or to start again; nobody else gets it.

    Its socket is bound and does not listen: Linux lets whoever names its port listen there (with
    SO_REUSEADDR, as servers do), and gives it to nobody who takes any that is free.  Elsewhere
    that server could not either, so it is let go at once, and somebody may be quicker.
    """

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", 0))
        self.number: int = self._socket.getsockname()[1]
        if sys.platform != "linux":
            self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Anybody may have it now."""
        self._socket.close()
