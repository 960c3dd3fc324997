"""Who has connections: their owner, who is told what happens on them, and what they are in."""

from __future__ import annotations

from typing import Protocol, TypeVar

C = TypeVar("C", contravariant=True)       # a connection, with what its owner keeps with it


class ConnectionOwner(Protocol[C]):
    """Who is told what happens on connections.  Called on the reactor's thread."""

    def received(self, connection: C, data: bytes) -> None:
        """Bytes came in."""

    def ended(self, connection: C) -> None:
        """The peer has sent all it will send; it may still read."""

    def lost(self, connection: C, reason: str) -> None:
        """The connection is closed now, or its time to take what was queued is over."""

    def filled(self, connection: C) -> None:
        """The outbox is worth mentioning; once until it is empty again."""

    def emptied(self, connection: C) -> None:
        """The outbox is empty again after having been worth mentioning."""

    def half_full(self, connection: C) -> None:
        """The outbox holds half of what it may, and did not before."""

    def waits(self, connection: C) -> bool:
        """Asked while the context is `pressed`, before it is read: whether it is not to be."""

    def overflowed(self, connection: C, lines: int) -> None:
        """So many lines found no room: they are dropped, or with policy `evict` the
        connection is to be given up."""

    def gap(self, connection: C, lines: int) -> bytes:
        """What this reader finds where so many lines were dropped: a line, with its newline,
        of at most `outbox.NOTICE` bytes."""

    def stalled(self, connection: C) -> None:
        """The peer has taken next to nothing for the whole stall deadline."""


class Fan(Protocol[C]):
    """What many connections get alike; a `FanOut`, as a connection sees it."""

    bytes: int                     # handed to each member, since the beginning
    lines: int

    def back(self, connection: C) -> None:
        """Its outbox began to fill: what comes is queued behind it."""

    def clear(self, connection: C) -> None:
        """Its outbox is empty: what comes is sent at once."""

    def discard(self, connection: C) -> None:
        """It gets no more."""
