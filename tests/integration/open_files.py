"""What this process has open, for tests that look for leaks."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator


def sockets_on(port: int) -> set[int]:
    """Descriptors of this process that are TCP sockets bound to this port."""
    found = set()
    for fd in descriptors():
        try:
            sock = socket.socket(fileno=fd)
        except OSError:            # something else, or closed meanwhile
            continue
        try:
            if sock.family in (socket.AF_INET, socket.AF_INET6) and sock.getsockname()[1] == port:
                found.add(fd)
        except OSError:                # closed between the two
            pass
        finally:
            sock.detach()
    return found


def descriptors() -> dict[int, str]:
    """What this process has open: descriptors, and where each leads."""
    return dict(_open_descriptors())


def _open_descriptors() -> Iterator[tuple[int, str]]:
    for name in os.listdir("/dev/fd"):
        try:
            yield int(name), os.readlink(f"/dev/fd/{name}")
        except OSError:            # the one that the listing itself used
            pass
