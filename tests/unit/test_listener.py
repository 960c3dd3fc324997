"""Listeners that wait out a shortage together, also one that does not end when it should."""

from __future__ import annotations

import errno
import os
import selectors
import socket
from contextlib import ExitStack

import pytest

from chatops.net.listener import PAUSE, Listener, Shortage
from tests.unit.ticking import Ticking


@pytest.mark.parametrize("fails", [1, 2])
def test_a_pause_goes_on_while_the_selector_takes_not_all_of_them(
        monkeypatch: pytest.MonkeyPatch, fails: int) -> None:
    said: list[str] = []
    with Ticking() as ticking, ExitStack() as stack:
        selector = ticking.reactor.selector
        shortage = Shortage(ticking.reactor, paused=lambda reason, _: said.append(reason),
                            resumed=lambda: said.append("resumed"))
        listeners = [Listener(ticking.reactor,
                              stack.enter_context(socket.create_server(("127.0.0.1", 0))),
                              shortage, accepted=lambda sock, _: sock.close())
                     for _ in range(2)]
        register, calls = selector.register, []

        def full(sock: socket.socket, mask: int, data: object) -> selectors.SelectorKey:
            calls.append(sock)
            if len(calls) == fails:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))     # epoll_ctl(2)
            return register(sock, mask, data)

        shortage.begin("Too many open files")
        monkeypatch.setattr(selector, "register", full)
        ticking.turn_at(PAUSE)
        assert (shortage.lasts, len(selector.get_map())) == (True, 1)      # the waker's
        ticking.turn_at(2 * PAUSE)
        assert (shortage.lasts, len(selector.get_map())) == (False, 3)
        with socket.create_connection(listeners[1].sock.getsockname()):
            ticking.turn_at(2 * PAUSE)
        for listener in listeners:
            listener.close()
        assert len(selector.get_map()) == 1
    assert said == ["Too many open files", "resumed"]
