"""The chat server: wires state, clients, listener and effects together on one reactor."""

from __future__ import annotations

import os
import selectors
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import ClassVar

from chatops.api import events
from chatops.chat.intake import Intake
from chatops.chat.irc.door import IrcDoor
from chatops.chat.limits import ChatLimits
from chatops.chat.login import Gate
from chatops.loop.bus import EventBus
from chatops.loop.naming import callback_name
from chatops.net.connection import Connection
from chatops.net.context import LINE, SHARE
from chatops.net.handshake import Handshake
from chatops.net.kernel import host_with_zone, set_user_timeout
from chatops.net.listener import Listener, Shortage
from chatops.server.acceptor import Acceptor
from chatops.server.bans import BanList
from chatops.server.clients import Clients
from chatops.server.effects import EffectRunner
from chatops.server.irc import IrcSocket, irc_door
from chatops.server.shutdown import GracefulShutdown
from chatops.server.state import ChatHistorySink, ServerState
from chatops.settings import Settings
from chatops.system.addresses import with_port

LEAST_TURN = 64                # lines of one client in a turn, however small outboxes are


class ChatServer:
    """Made by any thread, then handed over whole to the reactor's."""

    def __init__(self, settings: Settings, socks: Sequence[socket.socket],
                 bus: EventBus[events.Event], *, bans: BanList | None = None,
                 descriptors: int = 1024, tls: ssl.SSLContext | None = None,
                 irc: Sequence[IrcSocket] = (), metrics: str = "") -> None:
        """`socks` listen already, on one port; `descriptors` is how many there are for clients
        and for `SPARE`.  With `tls` that is all that it speaks.  `irc` are sockets for IRC
        clients, with or without TLS; `metrics` is where somebody else answers collectors.
        """
        state = self.state = ServerState(settings, bus, bans=bans, descriptors=descriptors)
        self.hub, self.reactor, self.selector = state.hub, state.reactor, state.selector
        self.bus, self.say, self.mishap = state.bus, state.say, state.mishap
        self.addresses = tuple((host_with_zone(sock.getsockname()), int(sock.getsockname()[1]))
                               for sock in socks)
        self.clients = Clients(state)
        self.delivery = EffectRunner(state, self.clients.relieve, self.clients.pressure)
        self.intake = Intake(state.hub)
        self.irc: IrcDoor | None = None
        self.acceptor = Acceptor(state, self.intake, self.clients.refusing, tls)
        self.acceptors = [self.acceptor]
        self.on_publish: list[Callable[[], None]] = []
        shortage = Shortage(self.reactor, paused=self._paused, resumed=self._resumed)
        self.listeners = tuple(Listener(self.reactor, sock, shortage,
                                        accepted=self.acceptor.accepted,
                                        speaks=_speech("lines", tls)) for sock in socks)
        self.irc_listeners: tuple[Listener, ...] = ()
        for sock in (*socks, *(entrance.sock for entrance in irc)):
            set_user_timeout(sock, settings.stall)   # every socket that it accepts inherits it
        self.apply(settings)
        self.reactor.on_wake = self._begin
        self.reactor.on_failure = self._failed
        self.reactor.hooks = [self.delivery.flush, state.context.reap, self._publish]
        self._begin()
        if irc:
            self.irc_listeners = self._open_irc(irc, shortage)
        ports = {secure: port for port, secure in self.irc_ports}
        state.say(events.ServerStarted(self.hub.at, *self.address, self.selector.backend,
                                       self.also, ports.get(False, 0), ports.get(True, 0),
                                       tls is not None, metrics))

    def _open_irc(self, entrances: Sequence[IrcSocket], shortage: Shortage
                  ) -> tuple[Listener, ...]:
        tls_port = next((sock.getsockname()[1] for sock, tls in entrances if tls is not None), 0)
        door = self.irc = irc_door(self.hub, self.state.settings, self.address[1], tls_port)
        self.intake.irc_port = entrances[0].sock.getsockname()[1]
        listeners = []
        for sock, context in entrances:
            acceptor = Acceptor(self.state, door, self.clients.refusing, context,
                                self.clients.keepalive.entered)
            self.acceptors.append(acceptor)
            listeners.append(Listener(self.reactor, sock, shortage, accepted=acceptor.accepted,
                                      speaks=_speech("IRC", context)))
        return tuple(listeners)

    @property
    def irc_ports(self) -> list[tuple[int, bool]]:
        """Those for IRC clients, and whether they speak TLS there."""
        return [(int(listener.sock.getsockname()[1]), acceptor.handshakes is not None)
                for listener, acceptor in zip(self.irc_listeners, self.acceptors[1:], strict=True)]

    @property
    def speaking_tls(self) -> list[Acceptor]:
        """Those that a renewed certificate is for."""
        return [acceptor for acceptor in self.acceptors if acceptor.handshakes is not None]

    def use_accounts(self, gate: Gate) -> None:
        """From here on people may log in."""
        self.intake.gate = gate
        if self.irc is not None:
            self.irc.irc.gate = gate

    def use_history(self, history: ChatHistorySink) -> None:
        """From here on what rooms hear is kept there."""
        self.state.history = history
        self.intake.keeps_history = True
        if self.irc is not None:
            self.irc.irc.keeps_history = True

    @property
    def token(self) -> str:
        """What begins the id of each message; "" where nobody sees ids."""
        return self.irc.irc.network.token if self.irc is not None else ""

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
        state = self.state
        state.settings = settings
        self.hub.limits = ChatLimits(
            line=settings.line, rate=settings.rate_limit, burst=float(settings.rate_burst),
            turn=max(LEAST_TURN, settings.outbox // SHARE // LINE // 2),
            nick_width=settings.nick_width, ascii_nicks=settings.nicks == "ascii",
            announce_after=settings.announce_after)
        for session in self.hub.sessions.values():
            session.framer.limit = session.door.line_limit
        context = state.context
        context.outbox_limit = settings.outbox
        context.policy = settings.slow_consumer
        if context.stalls.seconds != settings.stall:
            for sock in (*(listener.sock for listener in (*self.listeners, *self.irc_listeners)),
                         *(c.sock for c in state.connections.values())):
                set_user_timeout(sock, settings.stall)
        for deadlines, seconds, waits in (
                (context.stalls, settings.stall, lambda c: bool(c.outbox)),
                (state.partials, settings.line_deadline, lambda c: c.session.mid_line)):
            if deadlines.seconds != seconds:
                was_off = not deadlines.seconds
                deadlines.change(seconds)
                for connection in state.connections.values() if was_off else ():
                    if waits(connection):
                        deadlines.start(connection)
        if state.idles.seconds != settings.idle_timeout:
            state.idles.change(settings.idle_timeout)
            for connection in state.connections.values():
                state.idles.start(connection)
        state.admission.change(settings)

    # -- what the control socket asks (chatops.control.host.Host)

    purposes: ClassVar[dict[str, str]] = {
        "MainThread": "starts and stops the server, and draws its console if it has one",
        "reactor": "selector, sockets, hub",
        "journal": "log, bans, history, TLS",
        "recorder": "writes the recording",
        "auth": "accounts, and has passwords hashed",
        "hash": "hashes passwords, where nobody else wants the CPU",
        "metrics": "answers collectors over HTTP",
        "clients": "built-in clients of the lab",
    }

    what = "chat"
    possible: tuple[str, ...] = ()

    @property
    def wall(self) -> Callable[[], float]:
        return self.state.wall

    @property
    def tls(self) -> bool:
        return bool(self.state.settings.tls_cert)

    @property
    def history_file(self) -> str:
        path = self.state.settings.history
        return os.path.abspath(path) if path else ""

    # -- the turn

    def _begin(self) -> None:
        self.hub.now = self.reactor.now
        self.hub.at = self.state.wall()

    def _publish(self) -> None:
        for publish in self.on_publish:
            publish()
        self.state.log.flush()

    def _failed(self, key: selectors.SelectorKey | None, error: Exception) -> None:
        """A callback raised: log it, close its connection, go on."""
        name = callback_name(key.data) if key is not None else "timer or command"
        owner = getattr(key.data, "__self__", None) if key is not None else None
        self.state.mishap(name, key.fd if key is not None else -1, error,
                          owner if isinstance(owner, Connection | Handshake) else None)

    # -- the listener

    def _paused(self, reason: str, seconds: float) -> None:
        self.state.say(events.ListenerPaused(self.hub.at, reason, seconds))

    def _resumed(self) -> None:
        self.state.say(events.ListenerResumed(self.hub.at))

    # -- the end

    def drain(self, seconds: float, done: Callable[[], None]) -> None:
        """Stop accepting, tell everybody, deliver what is queued, close; then call `done`.

        Whatever is left after so many seconds is closed as it is.
        """
        if self.state.phase != "running":
            return
        self.state.phase = "draining"
        GracefulShutdown(self.state, self._stop_accepting, seconds, done).begin()

    def _stop_accepting(self, reason: str = "server shut down") -> None:
        for listener in (*self.listeners, *self.irc_listeners):
            listener.close()
        for acceptor in self.acceptors:
            acceptor.abort(reason)

    def close(self, reason: str = "stopped") -> None:
        """Unregister and close everything.  After the loop has ended, on its thread."""
        state = self.state
        if state.phase == "stopped":
            return
        state.phase = "stopped"
        self._stop_accepting("server stopped")
        for connection in [*state.connections.values(), *self.clients.refusing]:
            connection.abort("server stopped")
        if state.others is not None:
            state.others.close()
        state.context.reap()
        self.hub.effects.clear()
        self.reactor.close()
        state.say(events.ServerStopped(state.wall(), reason))
        state.log.flush()


def _speech(what: str, tls: object) -> str:
    """What is spoken at a port, in a word."""
    return f"{what}-TLS" if tls is not None else what
