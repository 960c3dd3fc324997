"""The highest descriptor: what each mechanism says to number 1,023, and to 1,024."""

from __future__ import annotations

import os
import resource
import select
import socket
from collections.abc import Callable

import msgspec

from chatops.loop.backends import SELECT_LIMIT


class Trial(msgspec.Struct, frozen=True):
    """A descriptor with something to read, handed to one mechanism."""

    mechanism: str
    fd: int
    reported: bool
    error: str                 # "" when it was taken


class Limits(msgspec.Struct, frozen=True):
    trials: tuple[Trial, ...]
    soft: int                  # `ulimit -n`: descriptors this process may have
    hard: int                  # what it may raise that to

    def of(self, mechanism: str, fd: int) -> Trial:
        return next(t for t in self.trials if t.mechanism == mechanism and t.fd == fd)


def measure() -> Limits:
    """Raises OSError where the system does not let us have descriptor 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard <= SELECT_LIMIT:
        raise OSError(f"this process may have {hard:,} descriptors, and descriptor "
                      f"{SELECT_LIMIT:,} takes {SELECT_LIMIT + 1:,} (ulimit -n)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, SELECT_LIMIT + 1), hard))
    reader, sender = socket.socketpair()
    try:
        with reader, sender:
            sender.send(b".")
            return Limits(tuple(_try(name, ask, reader, fd)
                                for fd in (SELECT_LIMIT - 1, SELECT_LIMIT)
                                for name, ask in _mechanisms()), soft, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _mechanisms() -> list[tuple[str, Callable[[int], bool]]]:
    found: list[tuple[str, Callable[[int], bool]]] = [("select", _select)]
    if hasattr(select, "poll"):
        found.append(("poll", _poll))
    if hasattr(select, "epoll"):
        found.append(("epoll", _epoll))
    return found


def _try(name: str, ask: Callable[[int], bool], reader: socket.socket, fd: int) -> Trial:
    os.dup2(reader.fileno(), fd, inheritable=False)
    try:
        return Trial(name, fd, ask(fd), "")
    except (ValueError, OSError) as error:
        return Trial(name, fd, False, f"{type(error).__name__}: {error}")
    finally:
        os.close(fd)


def _select(fd: int) -> bool:
    return bool(select.select([fd], [], [], 0)[0])


def _poll(fd: int) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(0))


def _epoll(fd: int) -> bool:
    with select.epoll() as epoll:
        epoll.register(fd, select.EPOLLIN)
        return bool(epoll.poll(0))
