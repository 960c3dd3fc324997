"""Clients that are not read for a while: until a pause is over, or a long answer is out."""

from __future__ import annotations

from chatops.chat.effects import Park, PauseReading, Pour, Unpark
from chatops.chat.lines import cut
from chatops.net.context import LINE
from chatops.net.kernel import pending_error
from chatops.net.state import reason_of
from chatops.server.backpressure import Backpressure
from chatops.server.state import ClientConnection, ServerState

SLICE = 1 << 16                # bytes of a long answer that are sent at once
HELD = 1 << 12                 # bytes of what was held that are said at once, at least


class HeldClients:
    """One method per effect that holds a client, or lets it go.  Belongs to the reactor's thread.

    What it had sent before it was held is in `session.held`, and is said first afterwards.
    """

    def __init__(self, state: ServerState, pressure: Backpressure) -> None:
        self._state = state
        self._pressure = pressure
        pressure.read_on = self._resume

    def hold(self, effect: PauseReading) -> None:
        """It is not read for so many seconds."""
        state = self._state
        connection = state.connections.get(effect.id)
        if connection is not None and connection.is_open:
            connection.pause()
            state.partials.stop(connection)       # it is we who keep it waiting
            state.reactor.call_later(effect.seconds, lambda: self._read_on(connection))

    def park(self, effect: Park) -> None:
        """It is not read until it is unparked."""
        connection = self._state.connections.get(effect.id)
        if connection is not None and connection.is_open:
            connection.pause()
            self._state.partials.stop(connection)

    def unpark(self, effect: Unpark) -> None:
        """It is read again, from the next turn on."""
        connection = self._state.connections.get(effect.id)
        if connection is not None:
            self._read_on_soon(connection)

    def pour(self, effect: Pour) -> None:
        """A long answer, slice by slice; when all of it is out, it is read again."""
        connection = self._state.connections.get(effect.id)
        if connection is not None and connection.is_open:
            self._state.poured[connection] = len(effect.data)
            self._pour_on(connection, effect.data, 0)

    def _pour_on(self, connection: ClientConnection, data: bytes, start: int) -> None:
        """The next slice, and the one after it when this one is out, in a later turn."""
        if not connection.is_open:
            return
        slice_ = min(SLICE, self._state.context.outbox_limit // 4)
        end = data.rfind(b"\n", start, start + slice_) + 1 or len(data)
        connection.write(data[start:end], data.count(b"\n", start, end))
        if end == len(data):
            self._state.poured.pop(connection, None)
            connection.session.parked = False
            self._read_on_soon(connection)
        elif connection.outbox:
            connection.on_empty = lambda: self._pour_on(connection, data, end)
        else:
            self._state.reactor.call_soon(lambda: self._pour_on(connection, data, end))

    def _read_on_soon(self, connection: ClientConnection) -> None:
        """In the next turn: who has its answer at once may have many questions more."""
        self._state.reactor.call_soon(lambda: self._read_on(connection))

    def _read_on(self, connection: ClientConnection) -> None:
        if not self._pressure.comes_too_late(connection):
            self._resume(connection)

    def _resume(self, connection: ClientConnection) -> None:
        """Say what was held, and read what comes, unless its rooms cannot take more now."""
        state = self._state
        if connection.is_open and state.context.pressed and self._pressure.waits(connection):
            return
        # The selector does not watch who is held: a reset would go unnoticed until all that
        # is held was said.
        if connection.is_open and (error := pending_error(connection.sock)) is not None:
            connection.abort(reason_of(error))
        if connection.is_open:
            if state.idles.seconds:
                state.idles.start(connection)
            self._say_held(connection)

    def _say_held(self, connection: ClientConnection) -> None:
        """As much of it as this turn may bring in; then read what comes, if that was all."""
        state, session = self._state, connection.session
        before = session.lines_in
        session.held, later = cut(session.held, max(state.context.intake_left, HELD))
        said = len(session.held)
        read = session.door.resume(session)
        state.context.intake_left -= (said - len(session.held)
                                      + LINE * (session.lines_in - before))
        session.held += later
        if read and later:
            self._read_on_soon(connection)
        elif read:
            connection.resume()
            if session.mid_line:
                state.partials.start(connection)
