"""What connections report, and what becomes of those that report it."""

from __future__ import annotations

from chatops.api import events
from chatops.loop.deadlines import Deadlines
from chatops.net.context import LINE, ConnectionContext
from chatops.server.backpressure import Backpressure
from chatops.server.keepalive import Keepalive
from chatops.server.state import LINGER, ClientConnection, ServerState
from chatops.units import counted, format_duration, format_size, they_were


class Clients:
    """The owner of all connections (`chatops.net.owner.ConnectionOwner`).  Belongs to the reactor's
    thread.
    """

    def __init__(self, state: ServerState) -> None:
        settings, reactor = state.settings, state.reactor
        self._state = state
        self.refusing: set[ClientConnection] = set()       # on their way out, never let in
        self._dropping: dict[ClientConnection, int] = {}
        state.context = ConnectionContext(reactor, self, settings.outbox, "evict",
                                          settings.stall, LINGER)
        state.partials = Deadlines(reactor, settings.line_deadline, self._never_ended)
        state.idles = Deadlines(reactor, settings.idle_timeout, self._idle)
        state.newcomers = Deadlines(reactor, settings.announce_after, self._stayed)
        self.keepalive = Keepalive(state)
        self.pressure = Backpressure(state)

    # -- what connections report (chatops.net.owner.ConnectionOwner)

    def received(self, connection: ClientConnection, data: bytes) -> None:
        session = connection.session
        before, was_mid_line = session.lines_in, session.mid_line
        session.door.receive(session, data)
        self._state.context.intake_left -= len(data) + LINE * (session.lines_in - before)
        if session.mid_line:
            if session.lines_in != before or connection not in self._state.partials:
                self._state.partials.start(connection)
        elif was_mid_line:
            self._state.partials.stop(connection)
        if self._state.idles.seconds:
            self._state.idles.start(connection)
        if session.door.protocol != "line":
            self.keepalive.heard(connection)
        if self._state.selector.watched:
            self._state.selector.note(f"{connection.label} recv {counted(len(data), 'byte')}")

    def ended(self, connection: ClientConnection) -> None:
        connection.session.door.end(connection.session)

    def lost(self, connection: ClientConnection, reason: str) -> None:
        if connection.client_id == 0:          # one that was turned away
            self.refusing.discard(connection)
            return
        session = connection.session
        why, lost = self._state.reasons.pop(connection.client_id, (reason or "left", 0))
        self._state.hub.disconnect(session, why)
        for fan in list(connection.fans):
            fan.discard(connection)
        if connection.outbox is not None:
            lost += connection.outbox.unsent_lines
        self._report_dropped(connection)
        self.pressure.over(connection)
        self._state.poured.pop(connection, None)
        self._state.partials.stop(connection)
        self._state.idles.stop(connection)
        self._state.newcomers.stop(connection)
        self.keepalive.stop(connection)
        self._state.bytes_out_before += connection.bytes_out
        self._state.lines_out_before += connection.lines_out
        del self._state.connections[connection.client_id]
        self._state.admission.left(connection.host)
        self._state.say(events.Disconnected(
            self._state.hub.at, connection.client_id, connection.fd, session.nick, session.where,
            connection.peer, why, lost))

    def filled(self, connection: ClientConnection) -> None:
        self._state.say(events.QueueGrew(self._state.hub.at, connection.client_id,
                                         connection.session.nick, connection.queued))

    def emptied(self, connection: ClientConnection) -> None:
        outbox = connection.outbox
        assert outbox is not None
        self.pressure.over(connection)
        self._state.say(events.QueueEmptied(
            self._state.hub.at, connection.client_id, connection.session.nick, outbox.high_water,
            self._state.hub.now - outbox.since))

    def gap(self, connection: ClientConnection, lines: int) -> bytes:
        session = connection.session
        return session.dialect.gap(session.sender, lines)

    def half_full(self, connection: ClientConnection) -> None:
        self.pressure.half_full(connection)

    def waits(self, connection: ClientConnection) -> bool:
        return self.pressure.waits(connection)

    def overflowed(self, connection: ClientConnection, lines: int) -> None:
        if self._state.context.policy == "evict":
            limit = format_size(self._state.settings.outbox)
            self.evict(connection, f"evicted: queue full ({limit})", lines)
            return
        self._state.lines_dropped += lines
        self._state.counts.dropped[self._state.context.policy] += lines
        if connection not in self._dropping:
            self._state.reactor.call_later(1.0, lambda: self._report_dropped(connection))
        self._dropping[connection] = self._dropping.get(connection, 0) + lines

    def _report_dropped(self, connection: ClientConnection) -> None:
        lines = self._dropping.pop(connection, 0)
        if lines:
            self._state.say(events.LinesDropped(
                self._state.hub.at, connection.client_id, connection.session.nick, lines,
                self._state.context.policy))

    def stalled(self, connection: ClientConnection) -> None:
        self.evict(connection, "evicted: took next to nothing for "
                               f"{format_duration(self._state.settings.stall)}", kind="stalled")

    # -- sending away

    def evict(self, connection: ClientConnection, reason: str, lost: int = 0, *,
              kind: str = "queue-full") -> None:
        """Give a slow reader up: its queue goes, and it is told how much that was."""
        self._state.evicted += 1
        self._state.counts.evicted[kind] += 1
        self._state.poured.pop(connection, None)
        connection.on_empty = None     # the rest of a long answer
        lost += connection.discard()
        self.pressure.over(connection)
        self._state.reasons[connection.client_id] = (reason, lost)
        session = connection.session
        self._state.hub.disconnect(session, reason)
        connection.finish(session.dialect.farewell(
            session.sender, f"{reason}; {they_were(lost, 'line')} lost", error=True))

    def relieve(self) -> None:
        """If all outboxes together are over their limit, the worst go; long answers that wait
        beside them count as well.
        """
        state, limit = self._state, self._state.settings.total_outbox
        poured = state.poured
        answers = sum(poured.values())
        if state.context.queued + answers <= limit:
            return

        def held(connection: ClientConnection) -> int:
            return connection.queued + poured.get(connection, 0)

        for connection in sorted(state.connections.values(), key=held, reverse=True):
            if state.context.queued + answers <= limit or not held(connection):
                return
            if connection.is_open:
                answers -= poured.get(connection, 0)
                self.evict(connection, "evicted: all queues together reached "
                                       f"{format_size(limit)}", kind="total-queue")

    def _never_ended(self, connection: ClientConnection) -> None:
        if connection.is_open:
            seconds = format_duration(self._state.settings.line_deadline)
            self._state.hub.leave(connection.session, "line never ended",
                           f"a line was begun {seconds} ago and never ended", error=True)

    def _stayed(self, connection: ClientConnection) -> None:
        self._state.hub.introduce(connection.session)

    def _idle(self, connection: ClientConnection) -> None:
        if connection.is_open:
            seconds = format_duration(self._state.settings.idle_timeout)
            self._state.hub.leave(connection.session, "idle",
                           f"you said nothing for {seconds}", error=True)
