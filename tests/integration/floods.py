"""Servers that are soon too much for who reads slowly, and what becomes of their readers."""

from __future__ import annotations

from chatops.cli import DEMO
from tests.integration.harness import Server

TIGHTLY = {"sndbuf": DEMO.sndbuf, "outbox": DEMO.outbox, "stall": DEMO.stall}


class StoppedClock:
    """The clock of a server, which stands still until the test puts it forward."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._now = server.call(lambda: server.chat.reactor.now)
        server.call(lambda: setattr(server.chat.reactor, "clock", lambda: self._now))

    def advance(self, seconds: float) -> None:
        self._now += seconds
        self._server.turn()


def evicted(server: Server) -> int:
    """How many were sent away as too slow so far."""
    return server.call(lambda: server.chat.state.evicted)


def held(server: Server) -> bool:
    """Whether talk waits for somebody."""
    return server.call(lambda: server.chat.state.context.pressed)
