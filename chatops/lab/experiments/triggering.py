"""Level against edge: read half of what came, and see who is told again."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable

import msgspec

HALF = 1000                    # bytes


class ReadyReports(msgspec.Struct, frozen=True):
    """Did the mechanism report the socket, asked without waiting, at each step?"""

    mechanism: str
    sent: bool                 # 2N bytes have come
    half_read: bool            # N of them read, nothing new
    more_sent: bool            # N more have come
    asked_twice: bool          # once more, with nothing read and nothing new
    rearmed: bool              # after the same interest was set again
    emptied: bool              # everything read


class Triggering(msgspec.Struct, frozen=True):
    half: int
    told: tuple[ReadyReports, ...]

    def of(self, mechanism: str) -> ReadyReports:
        return next(told for told in self.told if told.mechanism == mechanism)


Watch = tuple[str, Callable[[], bool], Callable[[], None]]    # name, ask, set interest again


def measure() -> Triggering:
    """Every mechanism of this machine that can be asked."""
    told = [_observe(_select)]
    if hasattr(select, "poll"):
        told.append(_observe(_poll))
    if hasattr(select, "epoll"):
        told += (_observe(_epoll_level), _observe(_epoll_edge))
    return Triggering(HALF, tuple(told))


def _observe(watch_for: Callable[[socket.socket], Watch]) -> ReadyReports:
    reader, sender = socket.socketpair()
    with reader, sender:
        name, ask, rearm = watch_for(reader)
        sender.sendall(bytes(2 * HALF))
        sent = ask()
        reader.recv(HALF)
        half_read = ask()
        sender.sendall(bytes(HALF))
        more_sent = ask()
        asked_twice = ask()
        rearm()
        rearmed = ask()
        reader.recv(4 * HALF)
        return ReadyReports(name, sent, half_read, more_sent, asked_twice, rearmed, ask())


def _select(reader: socket.socket) -> Watch:
    return "select", lambda: bool(select.select([reader], [], [], 0)[0]), lambda: None


def _poll(reader: socket.socket) -> Watch:
    poll = select.poll()
    poll.register(reader, select.POLLIN)
    return "poll", lambda: bool(poll.poll(0)), lambda: poll.modify(reader, select.POLLIN)


def _epoll_level(reader: socket.socket) -> Watch:
    return _epoll(reader, "epoll, level", 0)


def _epoll_edge(reader: socket.socket) -> Watch:
    return _epoll(reader, "epoll, edge", select.EPOLLET)


def _epoll(reader: socket.socket, name: str, flags: int) -> Watch:
    epoll = select.epoll()
    epoll.register(reader, select.EPOLLIN | flags)
    return (name, lambda: bool(epoll.poll(0)),
            lambda: epoll.modify(reader, select.EPOLLIN | flags))
