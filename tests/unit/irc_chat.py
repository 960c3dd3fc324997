"""A chat with an IRC door and a plain one, on wires instead of sockets."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

from chatops.api import events
from chatops.chat.effects import PauseReading
from chatops.chat.hub import Hub
from chatops.chat.intake import Intake
from chatops.chat.irc.door import IrcDoor
from chatops.chat.irc.network import Network
from chatops.chat.session import Session
from chatops.server.backpressure import Backpressure
from chatops.server.effects import EffectRunner
from chatops.server.irc import cloaking
from chatops.server.state import ServerState
from tests.unit.wire import Net, Wire

NETWORK = Network(server="irc.test", name="test", started_at=1000.0, token="m",
                  oper="root:secret", line_port=9999)


class IrcChat:
    """What clients say is said at once, and what they hear is there at the end of a turn."""

    def __init__(self, network: Network = NETWORK) -> None:
        self.net = Net(limit=1 << 20)
        self.hub = Hub()
        self.hub.at = 1000.0
        self.hub.cloak = cloaking(b"secret")
        self.irc = IrcDoor(self.hub, network)
        self.plain = Intake(self.hub)
        self.connections: dict[int, Any] = {}
        self.wires: dict[int, Wire] = {}
        self.history: Any = None
        self.others: Any = None
        self.events: list[events.Event] = []
        self.selector = SimpleNamespace(watched=False)
        self.context = self.net.context
        self.partials = SimpleNamespace(start=lambda _: None, stop=lambda _: None)
        self.idles = SimpleNamespace(seconds=0.0)
        self.bus = SimpleNamespace(publish=self.events.append)
        self.soon: list[Callable[[], None]] = []       # what is left for the next turn
        self.reactor = SimpleNamespace(call_soon=self.soon.append)
        self.named = lambda _id, _nick: None
        self.reasons: dict[int, tuple[str, int]] = {}
        state = cast(ServerState, self)
        self.delivery = EffectRunner(state, lambda: None, Backpressure(state))

    def say(self, event: events.Event) -> None:
        self.events.append(event)

    def mishap(self, _name: str, _fd: int, error: Exception, _culprit: Any) -> None:
        raise error

    def come(self, *, irc: bool = True, peer: str = "192.0.2.7:4000") -> Session:
        """A newcomer by one of the doors."""
        connection, wire = self.net.connect()
        door = self.irc if irc else self.plain
        session = door.connect(connection.client_id, 7, peer)
        connection.session = session
        self.connections[session.id], self.wires[session.id] = connection, wire
        return session

    def person(self, nick: str, caps: str = "", *, peer: str = "192.0.2.7:4000") -> Session:
        """Somebody who has registered with these capabilities, and has read the welcome."""
        session = self.come(peer=peer)
        if caps:
            self.send(session, f"CAP REQ :{caps}", "CAP END")
        self.send(session, f"NICK {nick}", f"USER {nick} 0 * :{nick.title()}")
        assert session.registered, self.heard(session)
        self.heard(session)
        return session

    def line_user(self, nick: str = "") -> Session:
        session = self.come(irc=False)
        if nick:
            self.plain.receive(session, f"/nick {nick}\n".encode())
        self.heard(session)
        return session

    def send(self, session: Session, *lines: str) -> None:
        """Lines without their ends, in one piece."""
        end = "\r\n" if session.door is self.irc else "\n"
        self.raw(session, "".join([f"{line}{end}" for line in lines]).encode())

    def raw(self, session: Session, data: bytes) -> None:
        """These bytes, and whatever holds it until all is said."""
        session.door.receive(session, data)
        while session.held:
            self.hub.effects = [effect for effect in self.hub.effects
                                if not isinstance(effect, PauseReading)]
            self.hub.now += 1.0
            self.hub.costly = 0
            session.door.resume(session)

    def heard(self, session: Session) -> list[str]:
        """What it has got since this was last asked, when nothing is left to be done."""
        self.hub.effects = [effect for effect in self.hub.effects
                            if not isinstance(effect, PauseReading)]
        self.delivery.flush()
        while self.soon:
            soon, self.soon[:] = self.soon[:], []
            for call in soon:
                call()
            self.delivery.flush()
        wire = self.wires[session.id]
        lines = wire.out.decode().splitlines()
        wire.out = b""
        return lines

    def asked(self, session: Session, *lines: str) -> list[str]:
        """What it hears once it has said these."""
        self.heard(session)
        self.send(session, *lines)
        return self.heard(session)

    def codes(self, session: Session, *lines: str) -> list[str]:
        """The commands or numerics of what it hears then."""
        return [line.split(" ")[1] for line in self.asked(session, *lines)]
