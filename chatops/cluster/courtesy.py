"""What other nodes say waits for readers here who kept up so far, as own clients do
(`chatops.server.backpressure`).

All of the log waits then, for its order is to be kept: no longer than a room does for its
readers, however many rooms that is for.
"""

from __future__ import annotations

from chatops.loop.reactor import Timer
from chatops.server.backpressure import PATIENCE, READERS, WINDOW
from chatops.server.patience import Patience
from chatops.server.state import ServerState

LOG = "log"


class Courtesy:
    """Belongs to the reactor's thread."""

    def __init__(self, state: ServerState) -> None:
        self._state = state
        self._patience: Patience[str] = Patience(READERS * PATIENCE, WINDOW)
        self._since = 0.0              # monotonic, of this wait
        self._timer: Timer | None = None   # its end at the latest; None while nothing waits
        self._spent = False            # those that are waited for now had that long enough

    def waits(self) -> bool:
        """Whether nothing is to be read of the log now; there is a turn when that is over."""
        if self._timer is not None:
            return True
        state = self._state
        if not state.held_rooms or self._spent or not self._wanted():
            return False
        self._since = now = state.reactor.now
        most = min(PATIENCE, self._patience.left(now, LOG))
        if not most:
            return False
        self._timer = state.reactor.call_later(most, self._long_enough)
        return True

    def look(self) -> None:
        """At the end of each turn: those that were waited for may have read."""
        if (self._timer is not None or self._spent) and not self._wanted():
            self._end()
            self._spent = False

    def _wanted(self) -> bool:
        """Whether a room is held in which others may speak."""
        rooms = self._state.hub.rooms
        return any(room in rooms and rooms.open(room).elsewhere
                   for room in self._state.held_rooms)

    def _long_enough(self) -> None:
        self._spent = True
        self._end()

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            now = self._state.reactor.now
            self._patience.spend(now, LOG, now - self._since)
