"""Carrying out effects: the one place where what the hub has decided meets the sockets."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from chatops.api import events
from chatops.chat.effects import Answer, Close, Deliver, Effect, Enter, Hold, Leave, Recall, Tell
from chatops.net.connection import Connection
from chatops.net.fanout import FanOut
from chatops.net.kernel import pending_error
from chatops.net.state import reason_of
from chatops.storage.history_writer import Scribe

if TYPE_CHECKING:
    from chatops.server.server import ChatServer


# Bytes of lines for single clients that are gathered at most.  A chunk that the kernel has
# taken a part of is queued to its end, and one that finds no room is dropped as a whole: so it
# must be far smaller than an outbox.
GATHERED = 1 << 13


class Delivery:
    """One method per kind of effect.  Belongs to the reactor's thread."""

    def __init__(self, server: ChatServer) -> None:
        self.fans: dict[str, FanOut] = {}      # by room
        self.scribe: Scribe | None = None      # where history is kept
        self._server = server

    def carry_out(self, effects: list[Effect]) -> None:
        """Do these, in order.  One that fails costs the client it is for, and no other.

        Lines for single clients are gathered until something might overtake them, so that
        each client gets one write for all of them.
        """
        server = self._server
        told: dict[int, list[Tell]] = {}
        gathered = 0
        for effect in effects:
            if type(effect) is Tell:
                told.setdefault(effect.id, []).append(effect)
                gathered += len(effect.data)
                if gathered >= GATHERED:
                    self._tell(told)
                    gathered = 0
                continue
            method = _METHODS.get(type(effect))
            if method is not None and told:
                self._tell(told)
                gathered = 0
            try:
                if method is None:
                    server.say(effect)  # type: ignore[arg-type]  # the rest are events
                else:
                    method(self, effect)
            except Exception as error:
                server.mishap(type(effect).__name__, -1, error,
                              server.connections.get(getattr(effect, "id", 0)))
        self._tell(told)

    def _deliver(self, effect: Deliver) -> None:
        if self.scribe is not None:
            self.scribe.keep(effect)
        fan = self.fans.get(effect.room)
        if fan is not None:
            fan.send(effect.chunk, effect.lines)
            if self._server.selector.watched:
                self._server.selector.note(f"fan-out {effect.room}: {effect.lines} lines, "
                                           f"{len(effect.chunk)} bytes to {len(fan)}")

    def _tell(self, told: dict[int, list[Tell]]) -> None:
        """Write what was gathered, client by client, and begin anew."""
        for id, tells in told.items():  # noqa: A001
            connection = self._server.connections.get(id)
            if connection is None:
                continue
            try:
                connection.write(b"".join([tell.data for tell in tells]),
                                 sum([tell.lines for tell in tells]))
            except Exception as error:
                self._server.mishap(Tell.__name__, -1, error, connection)
        told.clear()

    def _answer(self, effect: Answer) -> None:
        connection = self._server.connections.get(effect.id)
        if connection is not None:
            connection.write(effect.data, 0)

    def _enter(self, effect: Enter) -> None:
        connection = self._server.connections.get(effect.id)
        if connection is not None and connection.is_open:      # it may have been evicted since
            fan = self.fans.get(effect.room)
            if fan is None:
                fan = self.fans[effect.room] = FanOut(effect.room)
            fan.add(connection)

    def _leave(self, effect: Leave) -> None:
        fan = self.fans.get(effect.room)
        connection = self._server.connections.get(effect.id)
        if fan is not None:
            if connection is not None:
                fan.discard(connection)
            if not fan:
                del self.fans[effect.room]

    def _hold(self, effect: Hold) -> None:
        server = self._server
        connection = server.connections.get(effect.id)
        if connection is not None and connection.is_open:
            connection.pause()
            server.partials.stop(connection)       # it is we who keep it waiting
            server.reactor.call_later(effect.seconds, lambda: self._read_on(connection))

    def _read_on(self, connection: Connection) -> None:
        server = self._server
        # The selector does not watch who is held: a reset would go unnoticed until all that
        # is held was said.
        if connection.is_open and (error := pending_error(connection.sock)) is not None:
            connection.abort(reason_of(error))
        if connection.is_open:
            if server.idles.seconds:
                server.idles.start(connection)
            if server.hub.resume(connection.session):
                connection.resume()
                framer = connection.session.framer
                if framer.partial or framer.overlong:
                    server.partials.start(connection)

    def _recall(self, effect: Recall) -> None:
        session = self._server.hub.sessions.get(effect.id)
        if self.scribe is not None:
            self.scribe.recall(effect)
        elif session is not None:
            self._server.hub.error(session, "no history is kept here")

    def _close(self, effect: Close) -> None:
        connection = self._server.connections.get(effect.id)
        if connection is not None:
            self._server.reasons.setdefault(effect.id, (effect.reason, 0))
            connection.finish(effect.last_words)

    def _renamed(self, event: events.Renamed) -> None:
        connection = self._server.connections.get(event.id)
        if connection is not None:
            connection.label = f"#{event.id} {event.new}"
        self._server.say(event)


_METHODS: dict[type[Effect], Callable[[Delivery, Any], None]] = {
    Deliver: Delivery._deliver, Answer: Delivery._answer,
    Enter: Delivery._enter, Leave: Delivery._leave, Hold: Delivery._hold,
    Recall: Delivery._recall, Close: Delivery._close, events.Renamed: Delivery._renamed,
}
