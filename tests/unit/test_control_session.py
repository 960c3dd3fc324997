"""One console at the control socket: how long it has to read what it has asked for."""

from __future__ import annotations

import socket
from contextlib import closing
from types import SimpleNamespace
from typing import Any

from chatops.api.commands import CommandResult
from chatops.control.frames import Bye, Done
from chatops.control.session import STALL, ControlSession, say_last
from chatops.loop.bus import EventBus
from chatops.loop.reactor import Reactor

LONG = Done(1, CommandResult(True, "x" * 3_000_000))


class Rig:
    """A session and its console, which reads when it is told to; the clock is the test's."""

    def __init__(self) -> None:
        self.now = 100.0
        self.said: list[object] = []
        self.reactor = Reactor(clock=lambda: self.now)
        server = SimpleNamespace(reactor=self.reactor, selector=self.reactor.selector,
                                 bus=EventBus(), say=self.said.append, wall=lambda: 0.0)
        survey = SimpleNamespace(
            looks=0, activity=0, end=lambda _view: None,
            view=lambda: SimpleNamespace(wanted=False, on_news=False, latest=None))
        control: Any = SimpleNamespace(server=server, survey=survey, welcome=None,
                                       left=lambda _session: None)
        ours, self.console = socket.socketpair()
        for sock in (ours, self.console):
            sock.setblocking(False)
        self.session = ControlSession(control, ours, 1)

    def turn(self, at: float) -> None:
        self.now = at
        self.reactor.submit(lambda: None)
        self.reactor.turn()

    def read(self) -> None:
        """All that there is."""
        while True:
            try:
                self.console.recv(1 << 20)
            except BlockingIOError:
                if not self.session._out:
                    return
                self.turn(self.now)

    def close(self) -> None:
        self.session.close()
        self.console.close()
        self.reactor.close()


def test_what_is_sent_after_all_was_read_has_its_own_time() -> None:
    with closing(Rig()) as rig:
        rig.session._send(LONG)
        rig.read()
        rig.turn(100.0 + STALL - 0.01)
        rig.session._send(LONG)
        rig.turn(100.0 + STALL)
        assert not rig.said
        rig.turn(100.0 + 2 * STALL)
        assert len(rig.said) == 1              # it has not read in all of that


def test_last_words_to_one_that_is_closed_already_spoil_nothing() -> None:
    with closing(Rig()) as rig:
        gone = socket.socket()
        gone.close()
        say_last(gone, Bye("over", False))
        say_last(rig.session._sock, Bye("over", False))
        rig.session._mask = 0
        assert b"over" in rig.console.recv(1 << 16)
