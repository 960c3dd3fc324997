"""How fast a node and the engine are with each other, and how long they wait."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """How often and how long, in seconds."""

    block: float = 3.0             # that a read waits at the engine
    answer: float = 2.0            # that an answer may take, beyond that
    lease: float = 15.0            # that a node lives without a word
    renew: float = 6.0
    order: float = 3.0             # that another node may take to do what an admin wants
    settle: float = 2.0            # that who wants into a room waits for what others know of it
    late: float = 10.0             # after which what was said is not shown as if it were said now
    first: float = 0.1             # between two tries to connect; doubled each time,
    last: float = 5.0              # up to this

    @property
    def renewed(self) -> float:
        """That the lease of a node has left, as long as it can still speak to the engine: it
        renews it with the first answer to a read after `renew`, or else connects anew.
        """
        return max(0.0, self.lease - self.renew - self.block - self.answer)
