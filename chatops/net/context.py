"""What all connections of a server share, and whom they tell what happens on them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from chatops.loop.deadlines import Deadlines
from chatops.loop.reactor import Reactor
from chatops.net.outbox import Policy

if TYPE_CHECKING:
    from chatops.net.connection import Connection


class Owner(Protocol):
    """Who is told what happens on connections.  Called on the reactor's thread."""

    def received(self, connection: Connection, data: bytes) -> None:
        """Bytes came in."""

    def ended(self, connection: Connection) -> None:
        """The peer has sent all it will send; it may still read."""

    def lost(self, connection: Connection, reason: str) -> None:
        """The connection is closed now, or its time to take what was queued is over."""

    def filled(self, connection: Connection) -> None:
        """The outbox is worth mentioning; once until it is empty again."""

    def emptied(self, connection: Connection) -> None:
        """The outbox is empty again after having been worth mentioning."""

    def overflowed(self, connection: Connection, lines: int) -> None:
        """So many lines found no room: they are dropped, or with policy `evict` the
        connection is to be given up."""

    def gap(self, lines: int) -> bytes:
        """What a reader finds where so many lines were dropped: a line, with its newline,
        of at most `outbox.NOTICE` bytes."""

    def stalled(self, connection: Connection) -> None:
        """The peer has taken next to nothing for the whole stall deadline."""


class Reapable(Protocol):
    """What holds a descriptor until the end of the turn in which it died."""

    fd: int

    def reap(self) -> None:
        """Give it back."""


@dataclass(slots=True)
class Traffic:
    """Limits, totals, deadlines and the dead.  Belongs to the reactor's thread."""

    reactor: Reactor
    owner: Owner
    outbox_limit: int
    policy: Policy
    stall_seconds: float
    linger_seconds: float
    always_write: bool = False
    always_until: float = 0.0  # monotonic, of its return to on demand; 0 if it stays
    queued: int = 0            # bytes in all outboxes
    bytes_in: int = 0
    dead: list[Reapable] = field(default_factory=list)
    stalls: Deadlines[Connection] = field(init=False)
    lingers: Deadlines[Connection] = field(init=False)

    def __post_init__(self) -> None:
        self.stalls = Deadlines(self.reactor, self.stall_seconds,
                                lambda connection: connection.check_progress())
        self.lingers = Deadlines(self.reactor, self.linger_seconds,
                                 lambda connection: connection.give_up())

    def reap(self) -> None:
        """Close what died in this turn.  Not before its end: a descriptor closed earlier
        could come back from `accept` under the same number and get the old one's events.
        """
        dead, self.dead = self.dead, []
        for closed in dead:
            closed.reap()
