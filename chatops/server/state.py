"""What the parts of the server share: state goes down to all of them, wiring stays above."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from chatops.api import events
from chatops.api.snapshot import ClientRow, EngineRow, NodeRow
from chatops.api.words import Phase
from chatops.chat.dialect import Rendered
from chatops.chat.effects import Effect, Recall
from chatops.chat.groups import Group
from chatops.chat.hub import Hub
from chatops.chat.past import ChatArchive
from chatops.chat.session import Session
from chatops.loop import backends
from chatops.loop.bus import EventBus
from chatops.loop.deadlines import Deadlines
from chatops.loop.observed import ObservedSelector
from chatops.loop.reactor import Reactor
from chatops.net.connection import Connection
from chatops.net.context import ConnectionContext
from chatops.net.handshake import Handshake, Handshakes
from chatops.net.owner import ConnectionOwner
from chatops.server.admission import Admission
from chatops.server.bans import BanList
from chatops.server.counts import Counts
from chatops.server.orders import Obeys, Ordered, Told
from chatops.settings import Settings

LINGER = 5.0                   # seconds a closing client has to take its last lines

ClientConnection = Connection[Session]


class ChatHistorySink(ChatArchive, Protocol):
    """Where what rooms hear is kept.  No method waits."""

    @property
    def fault(self) -> str:
        """What is wrong with it now; "" if nothing is."""

    def keep(self, room: str, rendered: Rendered, groups: Sequence[Group]) -> None:
        """Have what a room hears kept, these groups in plain words."""

    def note(self, did: events.AdminDid) -> None:
        """Have it kept what an admin has done, and who that was."""

    def recent(self, room: str) -> list[str]:
        """Its last lines, with their time, for who enters."""

    def recall(self, question: Recall) -> None:
        """Look lines up for a client, which is told some time later."""


class OtherNodes(Protocol):
    """The way to the others, where this server is one of several nodes.  No method waits."""

    node: str                  # what this one is called
    obeys: Obeys               # does what an admin of another wants done here

    def decided(self, effects: Sequence[Effect]) -> None:
        """What has been decided here, before it is carried out; what rooms hear from other nodes
        is among it.
        """

    def order(self, node: str, what: Ordered, told: Told) -> None:
        """Have this done on a node, or on all others if that is ""; `told` gets one answer of
        each, or why there is none.
        """

    def leaving(self) -> None:
        """From here on everybody here goes, which is no news of each."""

    def close(self) -> None:
        """This node ends."""

    def rows(self) -> tuple[NodeRow, ...]:
        """All nodes, this one first."""

    def people_rows(self) -> tuple[ClientRow, ...]:
        """Who is on the others, as many as a console can show."""

    def engine_row(self) -> EngineRow:
        """What joins them."""


class ServerState:
    """Data, and how to say that something happened.  Belongs to the reactor's thread; made by
    another, and then handed over whole.
    """

    def __init__(self, settings: Settings, bus: EventBus[events.Event], *,
                 bans: BanList | None = None, descriptors: int = 1024) -> None:
        """`descriptors` is how many there are for clients and for `SPARE`."""
        self.settings = settings
        self.phase: Phase = "running"
        self.wall = time.time          # seconds since the epoch
        self.bus = bus
        # A ring of its own: a journal woken by every line that is said would take the GIL
        # from the reactor at each of its system calls, a tenth of the CPU of a busy room.
        self.log: EventBus[events.Event] = EventBus()
        self.selector = ObservedSelector(backends.make(settings.selector))
        self.reactor = Reactor(self.selector)
        self.hub = Hub()
        self.admission = Admission(settings, bans if bans is not None else BanList(), descriptors)
        self.connections: dict[int, ClientConnection] = {}
        self.poured: dict[ClientConnection, int] = {}      # bytes of the long answer that one has
                                       # not read to its end: held beside its outbox
        self.reasons: dict[int, tuple[str, int]] = {}      # of an end: why, and lines lost by then
        self.counts = Counts()
        self.accepted = self.refused = self.evicted = self.lines_dropped = 0
        self.bytes_out_before = self.lines_out_before = 0   # of connections that are gone
        self.history: ChatHistorySink | None = None
        self.accounts_fault = ""       # why nobody can log in; "" if they can
        self.others: OtherNodes | None = None
        self.held_rooms: Collection[str] = ()      # where talk waits for those who hear it
        self.named: Callable[[int, str], None] = lambda _id, _nick: None   # told of each new nick
        self.handshakes: list[Handshakes] = []     # of all ports that speak TLS
        self.log_fault: Callable[[], str] = str    # why it cannot be written; "" if it can
        # What connections share names their owner, and the deadlines what they call: made by
        # `clients.Clients`, which is both.
        self.context: ConnectionContext[ConnectionOwner[ClientConnection]]
        self.partials: Deadlines[ClientConnection]
        self.idles: Deadlines[ClientConnection]
        self.newcomers: Deadlines[ClientConnection]

    def say(self, event: events.Event) -> None:
        """Publish an event to whoever watches and, unless it is talk, to the log."""
        self.bus.publish(event)
        if type(event) not in events.TALK:
            self.log.publish(event)

    def mishap(self, name: str, fd: int, error: Exception,
               culprit: ClientConnection | Handshake | None) -> None:
        """Something raised that should not have: say so, and close what it was done for."""
        text = "".join(traceback.format_exception(error, limit=-3)).strip()
        self.say(events.CallbackFailed(self.hub.at, name, fd, text))
        if culprit is not None:
            culprit.abort("internal error")
