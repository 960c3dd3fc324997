"""Sockets that a supervisor has opened and handed over (sd_listen_fds(3)).

They go on listening while nobody serves them, so that a restart refuses nobody: who connects
meanwhile waits in the kernel's backlog.
"""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping

from chatops.system.errors import ChatopsError

FIRST = 3                      # SD_LISTEN_FDS_START
VARIABLES = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")
METRICS = "metrics"            # FileDescriptorName= of the one that is for collectors


class InheritedError(ChatopsError):
    """What was handed over is not what a chat server listens on; one line."""


class Inherited:
    """What there is for the chat, and for collectors; None where nothing was handed over."""

    def __init__(self, chat: socket.socket | None = None,
                 metrics: socket.socket | None = None) -> None:
        self.chat = chat
        self.metrics = metrics


def inherited(environ: MutableMapping[str, str] = os.environ, first: int = FIRST) -> Inherited:
    """Take them, and the variables out of `environ`.  Raises `InheritedError`."""
    pid, count, names = (environ.pop(name, "") for name in VARIABLES)
    if pid != str(os.getpid()) or not count.isdecimal():
        return Inherited()
    called = names.split(":")
    found = Inherited()
    for n in range(int(count)):
        sock = _listener(first + n)
        if n < len(called) and called[n] == METRICS and found.metrics is None:
            found.metrics = sock
        elif found.chat is None:
            found.chat = sock
        else:
            raise InheritedError(f"{count} sockets were handed over: one for the chat, and one "
                                 f"with FileDescriptorName={METRICS}, is what can be used")
    return found


def _listener(fd: int) -> socket.socket:
    """The socket of this descriptor, which must be a TCP one that listens."""
    try:
        sock = socket.socket(fileno=fd)
    except OSError as error:
        raise InheritedError(f"descriptor {fd} was handed over and is no socket "
                             f"({error.strerror})") from None
    os.set_inheritable(fd, False)
    if (sock.family not in (socket.AF_INET, socket.AF_INET6) or sock.type != socket.SOCK_STREAM
            or not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)):
        sock.close()
        raise InheritedError(f"descriptor {fd} was handed over and is no TCP socket that "
                             "listens: ListenStream= makes one")
    return sock
