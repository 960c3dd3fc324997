"""The metrics' door while the selector has no room: it waits, and collectors come in again."""

from __future__ import annotations

import errno
import os
import selectors
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from chatops.metrics.door import ASKING, HttpDoor, Request, Respond, Response
from chatops.net.listener import PAUSE
from tests.unit.ticking import Ticking

ASK = b"GET /metrics HTTP/1.1\r\n\r\n"


class Rig:
    """A door with one place, and a selector that can be full."""

    def __init__(self, ticking: Ticking, listening: socket.socket) -> None:
        self.ticking = ticking
        self.address = listening.getsockname()
        self.full = False
        self.failures: list[Exception] = []
        ticking.reactor.on_failure = lambda _, error: self.failures.append(error)
        self.door = HttpDoor(ticking.reactor, listening, self._serve, places=1)
        self.waiting: list[Respond] = []

    def _serve(self, _request: Request, respond: Respond) -> None:
        self.waiting.append(respond)

    def answered(self, sock: socket.socket, at: float) -> bytes | None:
        """What a collector gets that asks now."""
        sock.sendall(ASK)
        for _ in range(3):                 # it comes in, is read, and is written to
            self.ticking.turn_at(at)
            while self.waiting:
                self.waiting.pop()(Response(200, b"figures"))
        return heard(sock)


def heard(sock: socket.socket) -> bytes | None:
    """What has come, b"" for the end; over loopback it is there at once."""
    try:
        return sock.recv(1 << 12, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return None


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    with Ticking() as ticking, ExitStack() as stack:
        made = Rig(ticking, stack.enter_context(socket.create_server(("127.0.0.1", 0))))
        register = ticking.reactor.selector.register

        def maybe_full(sock: socket.socket, mask: int, data: object) -> selectors.SelectorKey:
            if made.full:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))     # epoll_ctl(2)
            return register(sock, mask, data)

        monkeypatch.setattr(ticking.reactor.selector, "register", maybe_full)
        yield made
        made.door.close()
        assert len(ticking.reactor.selector.get_map()) == 1        # the waker's
        assert made.failures == []


def test_a_collector_for_whom_the_selector_has_no_room_closes_the_door_for_nobody(
        rig: Rig) -> None:
    with (socket.create_connection(rig.address) as first,
          socket.create_connection(rig.address) as second):
        rig.full = True
        rig.ticking.turn_at(0.0)
        assert (heard(first), len(rig.door)) == (b"", 0)
        rig.full = False
        rig.ticking.turn_at(PAUSE)
        assert b"figures" in (rig.answered(second, PAUSE) or b"")


def test_the_next_one_comes_in_although_the_door_could_not_be_watched_when_the_last_one_left(
        rig: Rig) -> None:
    with (socket.create_connection(rig.address),
          socket.create_connection(rig.address) as second):
        rig.ticking.turn_at(0.0)
        rig.full = True
        rig.ticking.turn_at(ASKING)        # it has said nothing: its place is free
        assert len(rig.door) == 0
        rig.full = False
        rig.ticking.turn_at(ASKING + PAUSE)
        assert b"figures" in (rig.answered(second, ASKING + PAUSE) or b"")


def test_a_place_is_free_again_when_its_answer_cannot_be_waited_for(rig: Rig) -> None:
    with (socket.create_connection(rig.address) as first,
          socket.create_connection(rig.address) as second):
        first.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 12)
        first.sendall(ASK)
        rig.ticking.turn_at(0.0)
        rig.ticking.turn_at(0.0)
        rig.full = True
        rig.waiting.pop()(Response(200, b"." * (64 << 20)))        # more than the kernel takes
        rig.full = False
        rig.ticking.turn_at(PAUSE)
        assert b"figures" in (rig.answered(second, PAUSE) or b"")
