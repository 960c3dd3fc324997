"""The quickest way this system has to learn which of many descriptors can be read.

`selectors` builds a key and a tuple for each; a load that must outrun the server cannot
afford them, and wants nothing but the descriptor.
"""

from __future__ import annotations

import select
import selectors
from typing import Protocol


class ReadySet(Protocol):
    """Descriptors watched for reading."""

    def add(self, fd: int) -> None: ...
    def discard(self, fd: int) -> None: ...
    def poll(self, timeout: float) -> list[int]:
        """Those that can be read now, or within `timeout` seconds."""

    def close(self) -> None: ...


class EpollSet:
    """epoll without anything around it."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._size = 1

    def add(self, fd: int) -> None:
        self._epoll.register(fd, select.EPOLLIN)
        self._size += 1

    def discard(self, fd: int) -> None:
        self._epoll.unregister(fd)

    def poll(self, timeout: float) -> list[int]:
        return [fd for fd, _ in self._epoll.poll(timeout, self._size)]

    def close(self) -> None:
        self._epoll.close()


class SelectorSet:
    """What `selectors` has to offer, where there is no epoll."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def add(self, fd: int) -> None:
        self._selector.register(fd, selectors.EVENT_READ)

    def discard(self, fd: int) -> None:
        self._selector.unregister(fd)

    def poll(self, timeout: float) -> list[int]:
        return [key.fd for key, _ in self._selector.select(timeout)]

    def close(self) -> None:
        self._selector.close()


def ready_set() -> ReadySet:
    """The best one here."""
    return EpollSet() if hasattr(select, "epoll") else SelectorSet()
