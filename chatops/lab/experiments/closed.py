"""A descriptor closed while it is registered: each mechanism fails in a way of its own.

For epoll it matters whether the close was the last one: it watches open files, not
numbers, and a duplicate (dup, or a child that inherited it) keeps the file open.
"""

from __future__ import annotations

import errno
import os
import select
import selectors
import socket
from collections.abc import Callable

import msgspec

from chatops.loop import backends

ASKED = 20                     # polls without waiting, to see whether it goes on and on

Reports = list[tuple[int, int]]


class Aftermath(msgspec.Struct, frozen=True):
    """What a mechanism said of a closed descriptor, asked `ASKED` times without waiting."""

    mechanism: str
    duplicated: bool           # another descriptor kept the file open
    error: str                 # "EBADF" when the call failed for everybody
    reports: int               # times the closed number was reported
    flags: str                 # with what, "POLLNVAL"
    removable: str             # how an attempt to unregister the number ended
    through_selectors: str     # what the `selectors` class of the same kind did
    # The number was given to a new socket, on which nothing has come: is it reported?
    newcomer_blamed: bool


class Closed(msgspec.Struct, frozen=True):
    cases: tuple[Aftermath, ...]

    def of(self, mechanism: str, *, duplicated: bool) -> Aftermath:
        return next(c for c in self.cases
                    if c.mechanism == mechanism and c.duplicated is duplicated)


def measure() -> Closed:
    cases = []
    for mechanism, watch in (("select", _SelectWatch), ("poll", _PollWatch),
                             ("epoll", _EpollWatch)):
        if mechanism in backends.available():
            cases += [_aftermath(mechanism, watch, duplicated) for duplicated in (False, True)]
    return Closed(tuple(cases))


class _SelectWatch:
    """select(2) has no memory: the set is handed over on each call."""

    def __init__(self, fd: int) -> None:
        self._fds = [fd]

    def ask(self) -> Reports:
        return [(fd, select.POLLIN) for fd in select.select(self._fds, [], [], 0)[0]]

    def remove(self, fd: int) -> None:
        self._fds.remove(fd)

    def close(self) -> None:
        self._fds.clear()


class _PollWatch:
    def __init__(self, fd: int) -> None:
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN)

    def ask(self) -> Reports:
        return self._poll.poll(0)

    def remove(self, fd: int) -> None:
        self._poll.unregister(fd)

    def close(self) -> None:
        """There is nothing in the kernel to give back."""


class _EpollWatch:
    def __init__(self, fd: int) -> None:
        self._epoll = select.epoll()
        self._epoll.register(fd, select.EPOLLIN)

    def ask(self) -> Reports:
        return self._epoll.poll(0)

    def remove(self, fd: int) -> None:
        self._epoll.unregister(fd)

    def close(self) -> None:
        self._epoll.close()


Watch = _SelectWatch | _PollWatch | _EpollWatch


def _aftermath(mechanism: str, kind: Callable[[int], Watch], duplicated: bool) -> Aftermath:
    reader, sender = socket.socketpair()
    with reader, sender:
        sender.send(b"never read")
        number = reader.fileno()
        watch = kind(number)
        spare = os.dup(number) if duplicated else -1
        reader.close()
        try:
            error, reports, flags = _asked(watch)
            blamed = _newcomer_blamed(watch, number)
            removable = _removed(watch, number)
        finally:
            watch.close()
            if duplicated:
                os.close(spare)
    return Aftermath(mechanism, duplicated, error, reports, flags, removable,
                     _through_selectors(mechanism, duplicated), blamed)


def _asked(watch: Watch) -> tuple[str, int, str]:
    reports, flags = 0, 0
    for _ in range(ASKED):
        try:
            said = watch.ask()
        except OSError as error:
            return _name(error), reports, ""
        reports += len(said)
        flags |= said[0][1] if said else 0
    # poll's flags and epoll's have the same values, and POLLNVAL is poll's alone.
    names = ("POLLIN", "POLLNVAL") if isinstance(watch, _PollWatch) else ("EPOLLIN",)
    return "", reports, " ".join(name for name in names if flags & getattr(select, name))


def _newcomer_blamed(watch: Watch, number: int) -> bool:
    """Hand the number to a quiet socket, as the kernel soon would, and ask once more."""
    quiet, peer = socket.socketpair()
    with quiet, peer:
        if number in (quiet.fileno(), peer.fileno()):
            return bool(watch.ask())
        os.dup2(quiet.fileno(), number, inheritable=False)
        try:
            return bool(watch.ask())
        finally:
            os.close(number)


def _removed(watch: Watch, number: int) -> str:
    try:
        watch.remove(number)
    except OSError as error:
        return _name(error)
    return "done"


def _through_selectors(mechanism: str, duplicated: bool) -> str:
    """The same fault, seen by a loop on `selectors`."""
    reader, sender = socket.socketpair()
    with backends.make(mechanism) as selector, reader, sender:
        sender.send(b"never read")
        selector.register(reader, selectors.EVENT_READ)
        spare = os.dup(reader.fileno()) if duplicated else -1
        reader.close()
        try:
            return "ready, on every turn" if selector.select(0) else "silence"
        except OSError as error:
            return f"select() raises {_name(error)}"
        finally:
            if duplicated:
                os.close(spare)


def _name(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, type(error).__name__)
