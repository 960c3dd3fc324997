"""The datagrams of sd_notify(3): how the server is, for whoever started it.

A supervisor that does not read, or is gone, costs nothing: a datagram that cannot be sent at
once is not sent.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import MutableMapping

VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")


class Notifier:
    """Sends to NOTIFY_SOCKET; from any thread, and never waits."""

    def __init__(self, environ: MutableMapping[str, str] = os.environ) -> None:
        """Takes the variables out of `environ`: what is started from here on is not it."""
        values = {name: environ.pop(name, "") for name in VARIABLES}
        self._address = _address(values["NOTIFY_SOCKET"])
        self.watchdog = _seconds(values["WATCHDOG_USEC"], values["WATCHDOG_PID"])
        self._sock: socket.socket | None = None
        if self._address is not None:
            self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._sock.setblocking(False)
        else:
            self.watchdog = 0.0

    @property
    def supervised(self) -> bool:
        """Whether there is somebody to tell."""
        return self._sock is not None

    def tell(self, **fields: object) -> None:
        """One datagram: `tell(READY=1, STATUS="…")`."""
        if self._sock is None or self._address is None:
            return
        lines = [f"{name}={value}" for name, value in fields.items()]
        try:
            self._sock.sendto("\n".join(lines).encode(), self._address)
        except OSError:
            pass                   # nobody is there, or does not read

    def reloading(self) -> None:
        """For `Type=notify-reload`, which waits for READY=1 after this."""
        self.tell(RELOADING=1, MONOTONIC_USEC=time.monotonic_ns() // 1000)

    def close(self) -> None:
        """Idempotent."""
        if self._sock is not None:
            self._sock.close()
            self._sock = None


def _address(text: str) -> str | None:
    """A path, or with `@` a name in the abstract namespace (unix(7)); others are not known."""
    if text.startswith("/"):
        return text
    if text.startswith("@") and len(text) > 1:
        return "\0" + text[1:]
    return None


def _seconds(usec: str, pid: str) -> float:
    """How often WATCHDOG=1 is expected (sd_watchdog_enabled(3)); 0 for never."""
    if not usec.isdecimal() or (pid and pid != str(os.getpid())):
        return 0.0
    return int(usec) / 1e6
