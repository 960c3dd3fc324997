"""A node without its engine: whoever watches it is told at once, its clients after a while."""

from __future__ import annotations

from chatops.api import events
from chatops.chat import abroad
from chatops.server.state import ServerState

QUIET = 5.0                    # seconds without the engine, before anybody here is told

AWAY = "the other nodes cannot be reached; they hear later what is said here"
BACK = "the other nodes are reached again"


class Solitude:
    """Belongs to the reactor's thread."""

    def __init__(self, state: ServerState, node: str) -> None:
        self._state = state
        self._node = node
        self._lost_at = 0.0            # monotonic, when the engine was; 0 while it is there
        self._told = False

    def begin(self, engine: str, reason: str) -> None:
        """The engine cannot be reached.  Harmless while it could not be already."""
        if not self._lost_at:
            self._lost_at = self._state.reactor.now
            self._state.say(events.EngineLost(self._state.hub.at, engine, reason))
            self._state.reactor.call_later(QUIET, self._look)

    def end(self, engine: str) -> None:
        """It is reached."""
        if self._lost_at:
            self._state.say(events.EngineBack(self._state.hub.at, engine,
                                              self._state.reactor.now - self._lost_at))
            self._lost_at = 0.0
        if self._told:
            self._told = False
            self._tell_rooms(BACK)

    def _look(self) -> None:
        alone = self._state.reactor.now - self._lost_at
        if self._lost_at and not self._told and alone >= QUIET * 0.9:
            self._told = True
            self._tell_rooms(AWAY)

    def _tell_rooms(self, text: str) -> None:
        """Those rooms that have members elsewhere."""
        hub = self._state.hub
        for room in list(hub.rooms.values()):
            if room.elsewhere:
                abroad.note(hub, room.name, text, self._node)
