"""Which selectors this machine has, what each can hold, and how to make one by name."""

from __future__ import annotations

import os
import selectors
from typing import Any, NamedTuple

from chatops.loop.naming import descriptor_of
from chatops.system.errors import ChatopsError

# FD_SETSIZE: select(2) takes a bit map of this many descriptors, whatever ulimit says.
SELECT_LIMIT = 1024


class BackendError(ChatopsError, ValueError):
    """This backend is not to be had, or cannot hold what is registered; says which."""


class Backend(NamedTuple):
    """A system call that waits for many descriptors."""

    name: str
    class_name: str            # in the `selectors` module, if the system has it
    max_fd: int | None         # the highest descriptor it can watch, None for no limit
    why: str

    @property
    def available(self) -> bool:
        return hasattr(selectors, self.class_name)


BACKENDS = {
    backend.name: backend
    for backend in (
        Backend("epoll", "EpollSelector", None, "Linux; keeps the set in the kernel and "
                "returns only what is ready"),
        Backend("kqueue", "KqueueSelector", None, "BSD and macOS; as epoll, for more kinds "
                "of events"),
        Backend("devpoll", "DevpollSelector", None, "Solaris; the set is written to a device"),
        Backend("poll", "PollSelector", None, "POSIX; an array of any length, scanned whole "
                "on every call"),
        Backend("select", "SelectSelector", SELECT_LIMIT - 1, "everywhere; a bit map scanned "
                "up to the highest descriptor"),
    )
}

# As they were at import: `chatops watch` puts observed ones in their place.
_CLASSES = {name: getattr(selectors, backend.class_name, None)
            for name, backend in BACKENDS.items()}


def available() -> tuple[str, ...]:
    """Names of what this machine has, best first."""
    return tuple(name for name, backend in BACKENDS.items() if backend.available)


def resolve(name: str) -> Backend:
    """The backend of this name, or for `auto` the best.  Raises `BackendError`."""
    if name == "auto":
        name = available()[0]
    backend = BACKENDS.get(name)
    if backend is None or not backend.available:
        raise BackendError(f"no selector '{name}' here; this machine has {', '.join(available())}")
    return backend


def make(name: str) -> selectors.BaseSelector:
    """A new selector.  Raises `BackendError`, and OSError when descriptors run out."""
    kind = _CLASSES[resolve(name).name]
    assert kind is not None        # it is available
    selector: selectors.BaseSelector = kind()
    return selector


def is_stale(fileobj: Any, fd: int) -> bool:
    """Whether a registered descriptor is closed, or is no longer its file object's."""
    try:
        os.fstat(fd)
    except OSError:
        return True
    return descriptor_of(fileobj) != fd


def moved(selector: selectors.BaseSelector, name: str) -> selectors.BaseSelector:
    """Another selector with all that is in this one's map, which stays as it is.  Raises
    `BackendError` when the backend is not to be had or cannot hold a registered descriptor.

    Nor is it moved while one is stale: epoll has forgotten it, where select would fail for all,
    poll would report it on every turn, and a newcomer of the same number would be taken for it.
    """
    backend = resolve(name)
    keys = list(selector.get_map().values())
    if backend.max_fd is not None:
        beyond = [key.fd for key in keys if key.fd > backend.max_fd]
        if beyond:
            raise BackendError(
                f"{backend.name} cannot watch descriptors above {backend.max_fd}, and "
                f"{len(beyond)} are registered (the highest is {max(beyond)})")
    for key in keys:
        if is_stale(key.fileobj, key.fd):
            raise BackendError(f"descriptor {key.fd} was closed and is still registered, which "
                               f"{backend.name} would not bear")
    try:
        new = make(name)
    except OSError as error:
        raise BackendError(f"no {backend.name} to be had: {error.strerror}") from error
    try:
        for key in keys:
            new.register(key.fileobj, key.events, key.data)
    except (OSError, ValueError) as error:
        new.close()
        raise BackendError(f"{backend.name} refused a descriptor: {error}") from error
    return new


def name_of(selector: selectors.BaseSelector) -> str:
    """`epoll` for an EpollSelector; the class's own name for one from elsewhere."""
    kind = type(selector).__name__
    return next((b.name for b in BACKENDS.values() if b.class_name == kind), kind)
