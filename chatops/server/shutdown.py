"""The end in good order: what was held is said, everybody is told, what is queued is delivered."""

from __future__ import annotations

from collections.abc import Callable

from chatops.api import events
from chatops.net.state import ConnectionState
from chatops.server.state import ServerState

DELIVERY_LOOK = 0.05           # seconds between looks at what is left to deliver
HEARING = 0.5                  # of the time there is, at most, for what clients had said already
HEARING_TURN = 0.05            # seconds of one turn for that, so that a signal still gets through


class GracefulShutdown:
    """Belongs to the reactor's thread."""

    def __init__(self, state: ServerState, stop_accepting: Callable[[], None], seconds: float,
                 done: Callable[[], None]) -> None:
        """Whatever is left after so many seconds is closed as it is; `done` is called then, or
        as soon as there is nothing left.
        """
        self._state = state
        self._stop_accepting = stop_accepting
        self._seconds = seconds
        self._done = done
        self._heard_at = state.reactor.clock() + HEARING * seconds

    def begin(self) -> None:
        """Stop accepting and reading."""
        state = self._state
        state.say(events.ServerStopping(state.hub.at, self._seconds))
        self._stop_accepting()
        if state.others is not None:
            state.others.leaving()
        state.hub.flush()
        state.hub.limits.announce_up_to = -1    # N leaving would tell N others
        state.context.lingers.change(self._seconds)
        state.reactor.call_later(self._seconds, self._done)
        for connection in list(state.connections.values()):
            if connection.is_open:
                connection.pause()
        self._hear_out()

    def _hear_out(self) -> None:
        """What clients over their rate had said is said now, some of it in each turn: 64 KB of
        `/rooms` from each of many would take longer than there is.
        """
        state = self._state
        clock, hub = state.reactor.clock, state.hub
        turn_over = min(clock() + HEARING_TURN, self._heard_at)
        waiting = [session for session in hub.sessions.values() if session.held]
        for session in waiting:
            session.door.hear_out(session)
            if clock() >= turn_over:
                break
        if clock() < self._heard_at and any(session.held for session in hub.sessions.values()):
            state.reactor.call_soon(self._hear_out)
        else:
            self._send_away()

    def _send_away(self) -> None:
        hub = self._state.hub
        for session in list(hub.sessions.values()):
            session.announced = False  # to nobody it is news: N who leave would tell N others
            hub.leave(session, "server shut down", "the server is shutting down; bye")
        self._await_delivery()

    def _await_delivery(self) -> None:
        """Look again and again whether every peer's kernel has all there was for it.

        A peer that has it may still keep its side open, as `nc` does until its user ends
        it; there is nothing more to wait for.
        """
        state = self._state
        if all(connection.state is ConnectionState.LINGERING and not connection.kernel_queued()
               for connection in state.connections.values()):
            self._done()
        else:
            state.reactor.call_later(DELIVERY_LOOK, self._await_delivery)
