"""What all connections of a server share."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from chatops.loop.deadlines import Deadlines
from chatops.loop.reactor import Reactor
from chatops.net.outbox import Policy

Told = TypeVar("Told", covariant=True)


class Reapable(Protocol):
    """What holds a descriptor until the end of the turn in which it died."""

    fd: int

    def reap(self) -> None:
        """Give it back."""


class Timed(Hashable, Protocol):
    """What is given so long to take something, or to be gone."""

    def check_progress(self) -> None:
        """The stall deadline is over."""

    def give_up(self) -> None:
        """The linger deadline is over."""


@dataclass(slots=True)
class ConnectionContext(Generic[Told]):
    """Limits, totals, deadlines and the dead.  Belongs to the reactor's thread."""

    reactor: Reactor
    owner: Told                # whom connections tell what happens on them
    outbox_limit: int
    policy: Policy
    stall_seconds: float
    linger_seconds: float
    always_write: bool = False
    always_until: float = 0.0  # monotonic, of its return to on demand; 0 if it stays
    queued: int = 0            # bytes in all outboxes
    bytes_in: int = 0
    dead: list[Reapable] = field(default_factory=list)
    stalls: Deadlines[Timed] = field(init=False)
    lingers: Deadlines[Timed] = field(init=False)

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
