"""Who is still there: PING, for clients whose protocol has it."""

from __future__ import annotations

from chatops.loop.deadlines import Deadlines
from chatops.server.state import ClientConnection, ServerState

REGISTER = 60.0                # seconds that a newcomer has to say who it is
QUIET = 120.0                  # of silence until it is asked whether it is there
PONG = 60.0                    # that it has to answer
GRAIN = 1.0                    # all of them wake the loop so often at most: 10,000 clients that
                               # are asked every two minutes would else do so 83 times a second


class Keepalive:
    """Three deadlines: a dict entry for each client, and one timer for all that wait for the
    same.  Belongs to the reactor's thread.
    """

    def __init__(self, state: ServerState) -> None:
        self._state = state
        self.newcomers = Deadlines(state.reactor, REGISTER, self._never_said, grain=GRAIN)
        self.quiet = Deadlines(state.reactor, QUIET, self._ask, grain=GRAIN)
        self.asked = Deadlines(state.reactor, PONG, self._gone, grain=GRAIN)

    def entered(self, connection: ClientConnection) -> None:
        """It has come, and is nobody yet."""
        self.newcomers.start(connection)

    def heard(self, connection: ClientConnection) -> None:
        """Bytes came from it."""
        if (connection.session.registered and connection.is_open
                and self.quiet.start(connection)):     # or it has been heard in this very grain
            self.newcomers.stop(connection)
            self.asked.stop(connection)

    def stop(self, connection: ClientConnection) -> None:
        """It is no more.  Harmless for one that is not asked."""
        for deadlines in (self.newcomers, self.quiet, self.asked):
            deadlines.stop(connection)

    def _never_said(self, connection: ClientConnection) -> None:
        if connection.is_open and not connection.session.registered:
            self._state.hub.leave(connection.session, "registration timed out",
                                  "Registration timed out", error=True)
        elif connection.is_open:       # by what was held, and has not been heard of since
            self.quiet.start(connection)

    def _ask(self, connection: ClientConnection) -> None:
        if connection.is_open:
            name = self._state.settings.server_name
            self._state.hub.tell(connection.session, f"PING :{name}\r\n".encode())
            self.asked.start(connection)

    def _gone(self, connection: ClientConnection) -> None:
        if connection.is_open:
            self._state.hub.leave(connection.session, "Ping timeout",
                                  f"Ping timeout: {QUIET + PONG:g} seconds", error=True)
