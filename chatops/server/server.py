"""The chat server: wires reactor, connections and hub together, and carries out effects."""

from __future__ import annotations

import selectors
import socket
import ssl
import time
import traceback
from collections.abc import Callable, Sequence

from chatops.api import events
from chatops.chat.hub import Hub
from chatops.chat.limits import ChatLimits
from chatops.loop import backends
from chatops.loop.bus import EventBus
from chatops.loop.deadlines import Deadlines
from chatops.loop.naming import callback_name
from chatops.loop.observed import ObservedSelector
from chatops.loop.reactor import Reactor
from chatops.net.connection import Connection
from chatops.net.context import Traffic
from chatops.net.handshake import Handshake
from chatops.net.kernel import be_patient, host_with_zone
from chatops.net.listener import Listener, Shortage
from chatops.server.acceptor import Acceptor
from chatops.server.admission import Admission
from chatops.server.bans import Bans
from chatops.server.effects import Delivery
from chatops.server.shutdown import Drain
from chatops.settings import Settings
from chatops.system.addresses import with_port
from chatops.units import format_duration, format_size

LINGER = 5.0                   # seconds a closing client has to take its last lines


class ChatServer:
    """Everything the reactor's thread owns.  Made by another thread, then handed over whole."""

    def __init__(self, settings: Settings, socks: Sequence[socket.socket],
                 bus: EventBus[events.Event], *, bans: Bans | None = None,
                 descriptors: int = 1024, tls: ssl.SSLContext | None = None,
                 clock: Callable[[], float] = time.monotonic,
                 wall: Callable[[], float] = time.time) -> None:
        """`socks` listen already, on one port; `descriptors` is how many this process may have.
        With `tls` that is all that it speaks.
        """
        self.settings = settings
        self.bus = bus
        # A ring of its own: a journal woken by every line that is said would take the GIL
        # from the reactor at each of its system calls, a tenth of the CPU of a busy room.
        self.log: EventBus[events.Event] = EventBus()
        self.wall = wall
        self.addresses = tuple((host_with_zone(sock.getsockname()), int(sock.getsockname()[1]))
                               for sock in socks)
        self.phase = "running"
        self.selector = ObservedSelector(backends.make(settings.selector), clock=clock)
        self.reactor = Reactor(self.selector, clock=clock)
        self.hub = Hub()
        self.traffic = Traffic(self.reactor, self, settings.outbox, "evict", settings.stall,
                               LINGER)
        self.admission = Admission(settings, bans or Bans(), descriptors)
        self.connections: dict[int, Connection] = {}
        self.delivery = Delivery(self)
        self.partials = Deadlines(self.reactor, settings.line_deadline, self._never_ended)
        self.idles = Deadlines(self.reactor, settings.idle_timeout, self._idle)
        self.newcomers = Deadlines(self.reactor, settings.announce_after, self._stayed)
        self.accepted = self.refused = self.evicted = self.lines_dropped = 0
        self.bytes_out_before = self.lines_out_before = 0   # of connections that are gone
        self.on_publish: list[Callable[[], None]] = []
        self.acceptor = Acceptor(self, tls)
        self.reasons: dict[int, tuple[str, int]] = {}      # why, and lines lost by then
        self._dropping: dict[Connection, int] = {}
        for sock in socks:
            be_patient(sock, settings.stall)   # every socket that it accepts inherits it
        self.apply(settings)
        self.reactor.on_wake = self._begin
        self.reactor.on_failure = self._failed
        self.reactor.hooks = [self.flush, self.traffic.reap, self._publish]
        shortage = Shortage(self.reactor, paused=self._paused, resumed=self._resumed)
        self.listeners = tuple(Listener(self.reactor, sock, shortage,
                                        accepted=self.acceptor.accepted) for sock in socks)
        self._begin()
        self.say(events.ServerStarted(self.hub.at, *self.address, self.selector.backend,
                                      self.also))

    @property
    def address(self) -> tuple[str, int]:
        """The first of the addresses: host and port."""
        return self.addresses[0]

    @property
    def listener(self) -> Listener:
        """The one on the first of the addresses; most servers have no other."""
        return self.listeners[0]

    @property
    def also(self) -> tuple[str, ...]:
        """The others, as they are printed."""
        return tuple(with_port(*address) for address in self.addresses[1:])

    def apply(self, settings: Settings) -> None:
        """Make these the limits from now on."""
        self.settings = settings
        self.hub.limits = ChatLimits(
            line=settings.line, rate=settings.rate_limit, burst=float(settings.rate_burst),
            nick_width=settings.nick_width, ascii_nicks=settings.nicks == "ascii",
            announce_after=settings.announce_after)
        for session in self.hub.sessions.values():
            session.framer.limit = settings.line
        traffic = self.traffic
        traffic.outbox_limit = settings.outbox
        traffic.policy = settings.slow_consumer  # type: ignore[assignment]  # checked there
        if traffic.stalls.seconds != settings.stall:
            for sock in (*(listener.sock for listener in self.listeners),
                         *(c.sock for c in self.connections.values())):
                be_patient(sock, settings.stall)
        for deadlines, seconds in ((traffic.stalls, settings.stall),
                                   (self.partials, settings.line_deadline)):
            if deadlines.seconds != seconds:
                deadlines.change(seconds)
        if self.idles.seconds != settings.idle_timeout:
            self.idles.change(settings.idle_timeout)
            for connection in self.connections.values():
                self.idles.start(connection)
        self.admission.change(settings)

    # -- the turn

    def _begin(self) -> None:
        self.hub.now = self.reactor.now
        self.hub.at = self.wall()

    def flush(self) -> None:
        """Carry out all that this turn decided, and what follows from it, in order."""
        hub = self.hub
        hub.flush()
        while hub.effects:
            effects, hub.effects = hub.effects, []
            self.delivery.carry_out(effects)
            if self.traffic.queued > self.settings.total_outbox:
                self._relieve()
            hub.flush()

    def _publish(self) -> None:
        for publish in self.on_publish:
            publish()
        self.log.flush()

    def say(self, event: events.Event) -> None:
        """Publish an event to whoever watches and, unless it is talk, to the log."""
        self.bus.publish(event)
        if type(event) not in events.TALK:
            self.log.publish(event)

    # -- the listeners

    def stop_listening(self) -> None:
        """Let nobody in any more."""
        for listener in self.listeners:
            listener.close()

    def _paused(self, reason: str, seconds: float) -> None:
        self.say(events.ListenerPaused(self.hub.at, reason, seconds))

    def _resumed(self) -> None:
        self.say(events.ListenerResumed(self.hub.at))

    # -- what connections report (chatops.net.connection.Owner)

    def received(self, connection: Connection, data: bytes) -> None:
        session = connection.session
        before = session.lines_in
        self.hub.receive(session, data)
        framer = session.framer
        if framer.partial or framer.overlong:
            if session.lines_in != before or connection not in self.partials:
                self.partials.start(connection)
        elif self.partials:
            self.partials.stop(connection)
        if self.idles.seconds:
            self.idles.start(connection)
        if self.selector.watched:
            self.selector.note(f"{connection.label} recv {len(data)} bytes")

    def ended(self, connection: Connection) -> None:
        self.hub.end(connection.session)

    def lost(self, connection: Connection, reason: str) -> None:
        if connection in self.acceptor.refusing:
            self.acceptor.refusing.discard(connection)
            return
        session = connection.session
        why, lost = self.reasons.pop(connection.client_id, (reason or "left", 0))
        self.hub.disconnect(session, why)
        if connection.fan is not None:
            connection.fan.discard(connection)
        if connection.outbox is not None:
            lost += connection.outbox.unsent_lines
        self._report_dropped(connection)
        self.partials.stop(connection)
        self.idles.stop(connection)
        self.newcomers.stop(connection)
        self.bytes_out_before += connection.bytes_out
        self.lines_out_before += connection.lines_out
        del self.connections[connection.client_id]
        self.admission.left(connection.host)
        self.say(events.Disconnected(
            self.hub.at, connection.client_id, connection.fd, session.nick, session.room.name,
            connection.peer, why, lost))

    def filled(self, connection: Connection) -> None:
        self.say(events.QueueGrew(self.hub.at, connection.client_id, connection.session.nick,
                                  connection.queued))

    def emptied(self, connection: Connection) -> None:
        outbox = connection.outbox
        assert outbox is not None
        self.say(events.QueueEmptied(
            self.hub.at, connection.client_id, connection.session.nick, outbox.high_water,
            self.hub.now - outbox.since))

    def gap(self, lines: int) -> bytes:
        return f"*** error: {lines} lines were dropped here: you read too slowly\n".encode()

    def overflowed(self, connection: Connection, lines: int) -> None:
        if self.traffic.policy == "evict":
            self.evict(connection, f"evicted: queue full ({format_size(self.settings.outbox)})",
                       lines)
            return
        self.lines_dropped += lines
        if connection not in self._dropping:
            self.reactor.call_later(1.0, lambda: self._report_dropped(connection))
        self._dropping[connection] = self._dropping.get(connection, 0) + lines

    def _report_dropped(self, connection: Connection) -> None:
        lines = self._dropping.pop(connection, 0)
        if lines:
            self.say(events.LinesDropped(self.hub.at, connection.client_id,
                                         connection.session.nick, lines, self.traffic.policy))

    def stalled(self, connection: Connection) -> None:
        self.evict(connection, "evicted: took next to nothing for "
                               f"{format_duration(self.settings.stall)}")

    # -- sending away

    def evict(self, connection: Connection, reason: str, lost: int = 0) -> None:
        """Give a slow reader up: its queue goes, and it is told how much that was."""
        self.evicted += 1
        lost += connection.discard()
        self.reasons[connection.client_id] = (reason, lost)
        self.hub.disconnect(connection.session, reason)
        connection.finish(f"*** error: {reason}; {lost} lines were lost\n".encode())

    def _relieve(self) -> None:
        """All outboxes together are over their limit: the worst go first."""
        worst = sorted(self.connections.values(), key=lambda c: c.queued, reverse=True)
        for connection in worst:
            if self.traffic.queued <= self.settings.total_outbox or not connection.queued:
                return
            if connection.is_open:
                self.evict(connection, "evicted: all queues together reached "
                                       f"{format_size(self.settings.total_outbox)}")

    def _never_ended(self, connection: Connection) -> None:
        if connection.is_open:
            seconds = format_duration(self.settings.line_deadline)
            self.hub.leave(connection.session, "line never ended",
                           f"*** error: a line was begun {seconds} ago and never ended")

    def _stayed(self, connection: Connection) -> None:
        self.hub.introduce(connection.session)

    def _idle(self, connection: Connection) -> None:
        if connection.is_open:
            seconds = format_duration(self.settings.idle_timeout)
            self.hub.leave(connection.session, "idle",
                           f"*** error: you said nothing for {seconds}")

    def _failed(self, key: selectors.SelectorKey | None, error: Exception) -> None:
        """A callback raised: log it, close its connection, go on."""
        name = callback_name(key.data) if key is not None else "timer or command"
        owner = getattr(key.data, "__self__", None) if key is not None else None
        self.mishap(name, key.fd if key is not None else -1, error,
                    owner if isinstance(owner, Connection | Handshake) else None)

    def mishap(self, name: str, fd: int, error: Exception,
               culprit: Connection | Handshake | None) -> None:
        text = "".join(traceback.format_exception(error, limit=-3)).strip()
        self.say(events.CallbackFailed(self.hub.at, name, fd, text))
        if culprit is not None:
            culprit.abort("internal error")

    # -- the end

    def drain(self, seconds: float, done: Callable[[], None]) -> None:
        """Stop accepting, tell everybody, deliver what is queued, close; then call `done`.

        Whatever is left after so many seconds is closed as it is.
        """
        if self.phase != "running":
            return
        self.phase = "draining"
        Drain(self, seconds, done).begin()

    def close(self, reason: str = "stopped") -> None:
        """Unregister and close everything.  After the loop has ended, on its thread."""
        if self.phase == "stopped":
            return
        self.phase = "stopped"
        self.stop_listening()
        self.acceptor.abort("server stopped")
        for connection in [*self.connections.values(), *self.acceptor.refusing]:
            connection.abort("server stopped")
        self.traffic.reap()
        self.hub.effects.clear()
        self.reactor.close()
        self.say(events.ServerStopped(self.wall(), reason))
        self.log.flush()
