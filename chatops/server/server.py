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
from chatops.chat.intake import Intake
from chatops.chat.irc.door import IrcDoor
from chatops.chat.limits import ChatLimits
from chatops.chat.login import Gate
from chatops.chat.session import Session
from chatops.loop import backends
from chatops.loop.bus import EventBus
from chatops.loop.deadlines import Deadlines
from chatops.loop.naming import callback_name
from chatops.loop.observed import ObservedSelector
from chatops.loop.reactor import Reactor
from chatops.net.connection import Connection
from chatops.net.context import Traffic
from chatops.net.handshake import Handshake
from chatops.net.kernel import be_patient
from chatops.net.listener import Listener
from chatops.server.acceptor import Acceptor
from chatops.server.admission import Admission
from chatops.server.bans import Bans
from chatops.server.effects import Delivery
from chatops.server.irc import Entrance, IrcSocket, Keepalive, irc_door
from chatops.server.shutdown import Drain
from chatops.settings import Settings
from chatops.units import format_duration, format_size

LINGER = 5.0                   # seconds a closing client has to take its last lines


class ChatServer:
    """Everything the reactor's thread owns.  Made by another thread, then handed over whole."""

    def __init__(self, settings: Settings, sock: socket.socket, bus: EventBus[events.Event], *,
                 bans: Bans | None = None, descriptors: int = 1024,
                 tls: ssl.SSLContext | None = None, irc: Sequence[IrcSocket] = (),
                 clock: Callable[[], float] = time.monotonic,
                 wall: Callable[[], float] = time.time) -> None:
        """`sock` listens already; `descriptors` is how many this process may have.  With `tls`
        that is all that it speaks.  `irc` are sockets for IRC clients, with or without TLS.
        """
        self.settings = settings
        self.bus = bus
        # A ring of its own: a journal woken by every line that is said would take the GIL
        # from the reactor at each of its system calls, a tenth of the CPU of a busy room.
        self.log: EventBus[events.Event] = EventBus()
        self.wall = wall
        self.address = sock.getsockname()
        self.phase = "running"
        self.selector = ObservedSelector(backends.make(settings.selector), clock=clock)
        self.reactor = Reactor(self.selector, clock=clock)
        self.hub = Hub()
        self.intake = Intake(self.hub)
        self.traffic = Traffic(self.reactor, self, settings.outbox, "evict", settings.stall,
                               LINGER)
        self.admission = Admission(settings, bans or Bans(), descriptors)
        self.connections: dict[int, Connection[Session]] = {}
        self.delivery = Delivery(self)
        self.partials = Deadlines(self.reactor, settings.line_deadline, self._never_ended)
        self.idles = Deadlines(self.reactor, settings.idle_timeout, self._idle)
        self.newcomers = Deadlines(self.reactor, settings.announce_after, self._stayed)
        self.accepted = self.refused = self.evicted = self.lines_dropped = 0
        self.bytes_out_before = self.lines_out_before = 0   # of connections that are gone
        self.on_publish: list[Callable[[], None]] = []
        self.refusing: set[Connection[Session]] = set()
        self.acceptor = Acceptor(self, self.intake, tls)
        self.doors: list[Entrance] = []
        self.irc: IrcDoor | None = None
        self.keepalive = Keepalive(self)
        self.reasons: dict[int, tuple[str, int]] = {}      # why, and lines lost by then
        self._dropping: dict[Connection[Session], int] = {}
        be_patient(sock, settings.stall)       # every socket that it accepts inherits it
        self.apply(settings)
        self.reactor.on_wake = self._begin
        self.reactor.on_failure = self._failed
        self.reactor.hooks = [self.delivery.flush, self.traffic.reap, self._publish]
        self.listener = Listener(self.reactor, sock, accepted=self.acceptor.accepted,
                                 paused=self._paused, resumed=self._resumed)
        self.doors.append(Entrance(self.listener, self.acceptor))
        self._begin()
        if irc:
            self._open_irc(irc)
        self.say(events.ServerStarted(self.hub.at, str(self.address[0]), self.address[1],
                                      self.selector.backend, self.intake.irc_port))

    @property
    def speaking_tls(self) -> list[Acceptor]:
        """Those that a renewed certificate is for."""
        return [door.acceptor for door in self.doors if door.acceptor.handshakes is not None]

    def use_accounts(self, gate: Gate) -> None:
        """From here on people may log in."""
        self.intake.gate = gate
        if self.irc is not None:
            self.irc.irc.gate = gate

    def _open_irc(self, sockets: Sequence[IrcSocket]) -> None:
        door = self.irc = irc_door(self.hub, self.settings, self.address[1])
        self.intake.irc_port = sockets[0].sock.getsockname()[1]
        for entrance in sockets:
            be_patient(entrance.sock, self.settings.stall)
            acceptor = Acceptor(self, door, entrance.tls)
            self.doors.append(Entrance(
                Listener(self.reactor, entrance.sock, accepted=acceptor.accepted,
                         paused=self._paused, resumed=self._resumed), acceptor))

    def apply(self, settings: Settings) -> None:
        """Make these the limits from now on."""
        self.settings = settings
        self.hub.limits = ChatLimits(
            line=settings.line, rate=settings.rate_limit, burst=float(settings.rate_burst),
            nick_width=settings.nick_width, ascii_nicks=settings.nicks == "ascii",
            announce_after=settings.announce_after)
        for session in self.hub.sessions.values():
            session.framer.limit = session.door.line_limit
        traffic = self.traffic
        traffic.outbox_limit = settings.outbox
        traffic.policy = settings.slow_consumer  # type: ignore[assignment]  # checked there
        if traffic.stalls.seconds != settings.stall:
            for sock in (*(door.listener.sock for door in self.doors),
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

    def _publish(self) -> None:
        for publish in self.on_publish:
            publish()
        self.log.flush()

    def say(self, event: events.Event) -> None:
        """Publish an event to whoever watches and, unless it is talk, to the log."""
        self.bus.publish(event)
        if type(event) not in events.TALK:
            self.log.publish(event)

    # -- the listener

    def _paused(self, reason: str, seconds: float) -> None:
        self.say(events.ListenerPaused(self.hub.at, reason, seconds))

    def _resumed(self) -> None:
        self.say(events.ListenerResumed(self.hub.at))

    # -- what connections report (chatops.net.connection.Owner)

    def received(self, connection: Connection[Session], data: bytes) -> None:
        session = connection.session
        before, was_mid_line = session.lines_in, session.mid_line
        session.door.receive(session, data)
        if session.mid_line:
            if session.lines_in != before or connection not in self.partials:
                self.partials.start(connection)
        elif was_mid_line:
            self.partials.stop(connection)
        if self.idles.seconds:
            self.idles.start(connection)
        if session.door is not self.intake:
            self.keepalive.heard(connection)
        if self.selector.watched:
            self.selector.note(f"{connection.label} recv {len(data)} bytes")

    def ended(self, connection: Connection[Session]) -> None:
        connection.session.door.end(connection.session)

    def lost(self, connection: Connection[Session], reason: str) -> None:
        if connection in self.refusing:
            self.refusing.discard(connection)
            return
        session = connection.session
        why, lost = self.reasons.pop(connection.client_id, (reason or "left", 0))
        self.hub.disconnect(session, why)
        self.delivery.forget(connection)
        if connection.outbox is not None:
            lost += connection.outbox.unsent_lines
        self._report_dropped(connection)
        self.partials.stop(connection)
        self.idles.stop(connection)
        self.newcomers.stop(connection)
        self.keepalive.stop(connection)
        self.bytes_out_before += connection.bytes_out
        self.lines_out_before += connection.lines_out
        del self.connections[connection.client_id]
        self.admission.left(connection.host)
        self.say(events.Disconnected(
            self.hub.at, connection.client_id, connection.fd, session.nick, session.where,
            connection.peer, why, lost))

    def filled(self, connection: Connection[Session]) -> None:
        self.say(events.QueueGrew(self.hub.at, connection.client_id, connection.session.nick,
                                  connection.queued))

    def emptied(self, connection: Connection[Session]) -> None:
        outbox = connection.outbox
        assert outbox is not None
        self.say(events.QueueEmptied(
            self.hub.at, connection.client_id, connection.session.nick, outbox.high_water,
            self.hub.now - outbox.since))

    def gap(self, connection: Connection[Session], lines: int) -> bytes:
        session = connection.session
        return session.dialect.gap(session.sender, lines)

    def overflowed(self, connection: Connection[Session], lines: int) -> None:
        if self.traffic.policy == "evict":
            self.evict(connection, f"evicted: queue full ({format_size(self.settings.outbox)})",
                       lines)
            return
        self.lines_dropped += lines
        if connection not in self._dropping:
            self.reactor.call_later(1.0, lambda: self._report_dropped(connection))
        self._dropping[connection] = self._dropping.get(connection, 0) + lines

    def _report_dropped(self, connection: Connection[Session]) -> None:
        lines = self._dropping.pop(connection, 0)
        if lines:
            self.say(events.LinesDropped(self.hub.at, connection.client_id,
                                         connection.session.nick, lines, self.traffic.policy))

    def stalled(self, connection: Connection[Session]) -> None:
        self.evict(connection, "evicted: took next to nothing for "
                               f"{format_duration(self.settings.stall)}")

    # -- sending away

    def evict(self, connection: Connection[Session], reason: str, lost: int = 0) -> None:
        """Give a slow reader up: its queue goes, and it is told how much that was."""
        self.evicted += 1
        lost += connection.discard()
        self.reasons[connection.client_id] = (reason, lost)
        session = connection.session
        self.hub.disconnect(session, reason)
        connection.finish(session.dialect.farewell(
            session.sender, f"{reason}; {lost} lines were lost", error=True))

    def relieve(self) -> None:
        """If all outboxes together are over their limit, the worst go."""
        if self.traffic.queued <= self.settings.total_outbox:
            return
        worst = sorted(self.connections.values(), key=lambda c: c.queued, reverse=True)
        for connection in worst:
            if self.traffic.queued <= self.settings.total_outbox or not connection.queued:
                return
            if connection.is_open:
                self.evict(connection, "evicted: all queues together reached "
                                       f"{format_size(self.settings.total_outbox)}")

    def _never_ended(self, connection: Connection[Session]) -> None:
        if connection.is_open:
            seconds = format_duration(self.settings.line_deadline)
            self.hub.leave(connection.session, "line never ended",
                           f"a line was begun {seconds} ago and never ended", error=True)

    def _stayed(self, connection: Connection[Session]) -> None:
        self.hub.introduce(connection.session)

    def _idle(self, connection: Connection[Session]) -> None:
        if connection.is_open:
            seconds = format_duration(self.settings.idle_timeout)
            self.hub.leave(connection.session, "idle",
                           f"you said nothing for {seconds}", error=True)

    def _failed(self, key: selectors.SelectorKey | None, error: Exception) -> None:
        """A callback raised: log it, close its connection, go on."""
        name = callback_name(key.data) if key is not None else "timer or command"
        owner = getattr(key.data, "__self__", None) if key is not None else None
        self.mishap(name, key.fd if key is not None else -1, error,
                    owner if isinstance(owner, Connection | Handshake) else None)

    def mishap(self, name: str, fd: int, error: Exception,
               culprit: Connection[Session] | Handshake | None) -> None:
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
        for door in self.doors:
            door.listener.close()
            door.acceptor.abort("server stopped")
        for connection in [*self.connections.values(), *self.refusing]:
            connection.abort("server stopped")
        self.traffic.reap()
        self.hub.effects.clear()
        self.reactor.close()
        self.say(events.ServerStopped(self.wall(), reason))
        self.log.flush()
