"""What all connections of a server share."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from chatops.loop.deadlines import Deadlines
from chatops.loop.reactor import Reactor
from chatops.net.outbox import Policy

Told = TypeVar("Told", covariant=True)

# One turn may bring in this part of an outbox, since all of it may be for the same reader.
SHARE = 4
LINE = 128                     # bytes that a line counts beside its own: who said it, and when


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
    intake_left: int = field(init=False)       # bytes that this turn may still bring in,
    intake_floor: int = field(init=False)      # below zero: there nobody more is read
    passed_over: bool = False  # somebody could have been read, and was not
    reserved: int = 0          # of what a turn may bring in, bytes that come from elsewhere
    pressed: bool = False      # some are not to be read: the owner is asked who
    dead: list[Reapable] = field(default_factory=list)
    stalls: Deadlines[Timed] = field(init=False)
    lingers: Deadlines[Timed] = field(init=False)

    def __post_init__(self) -> None:
        self._begin_intake()
        self.stalls = Deadlines(self.reactor, self.stall_seconds,
                                lambda connection: connection.check_progress())
        self.lingers = Deadlines(self.reactor, self.linger_seconds,
                                 lambda connection: connection.give_up())

    def reap(self) -> None:
        """The turn ends: close what died in it.  Not earlier: a descriptor closed before that
        could come back from `accept` under the same number and get the old one's events.
        """
        self._begin_intake()
        if self.passed_over:
            self.passed_over = False
            self.reactor.rotation += 1
        dead, self.dead = self.dead, []
        for closed in dead:
            closed.reap()

    def _begin_intake(self) -> None:
        share = self.outbox_limit // SHARE
        self.intake_left = share - self.reserved
        self.intake_floor = -(share // 4)
