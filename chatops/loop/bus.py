"""The event bus: one writer that never waits, any number of readers that may lag.

A ring of fixed size.  The writer (the thread that owns the server) stores and counts up;
it takes no lock and allocates nothing.  A reader keeps its own position and copies what
is new.  One that lags by more than the ring loses the oldest events, and is told how many.

Thread safety rests on two facts of CPython: storing a list item and storing an attribute
are each atomic, and become visible in program order.  A slot is stored before the count
that announces it.  While a reader copies, the writer may lap it; the reader looks at the
count again afterwards and discards what may have been overwritten.
"""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Subscription(Generic[T]):
    """One reader's place in the ring.  Owned by the thread that drains it."""

    __slots__ = ("_bus", "_seen", "dropped", "wakeup")

    def __init__(self, bus: EventBus[T], *, backlog: bool) -> None:
        self._bus = bus
        self._seen = max(0, bus.published - bus.size) if backlog else bus.published
        self.dropped = 0
        self.wakeup = threading.Event()

    @property
    def pending(self) -> int:
        """How many events wait, lost ones included."""
        return self._bus.published - self._seen

    def drain(self, limit: int | None = None) -> list[T]:
        """Everything published since the last call, oldest first; never blocks.

        With `limit`, at most that many, the newest: what is skipped counts as dropped.
        """
        bus = self._bus
        first, last = self._seen, bus.published
        keep = bus.size if limit is None else min(limit, bus.size)
        if last - first > keep:
            self.dropped += last - first - keep
            first = last - keep
        events = bus.copy(first, last)
        lapped = bus.published - bus.size - first
        if lapped > 0:
            lapped = min(lapped, len(events))
            self.dropped += lapped
            del events[:lapped]
        self._seen = last
        return events


class EventBus(Generic[T]):
    """A bounded ring of events.  `publish` and `flush` belong to the writer's thread."""

    __slots__ = ("_last_flush", "_ring", "_slots", "_waiting", "published", "size")

    def __init__(self, size: int = 8192) -> None:
        """`size` is the number of events kept for readers; beyond it the oldest go."""
        if size < 1:
            raise ValueError(f"a bus holds at least one event, not {size}")
        self.size = size
        self.published = 0
        # One slot more than is kept: the one that may be half-way to its next event.
        self._slots = size + 1
        self._ring: list[T | None] = [None] * self._slots
        self._waiting: list[Subscription[T]] = []
        self._last_flush = 0

    def publish(self, event: T) -> None:
        """Store an event.  Never waits, never fails, whatever the readers do."""
        n = self.published
        self._ring[n % self._slots] = event
        self.published = n + 1

    def subscribe(self, *, backlog: bool = False, wake: bool = False) -> Subscription[T]:
        """A new reader, from now on or (`backlog`) from the oldest event still held.

        With `wake`, `subscription.wakeup` is set by the writer's next `flush` after
        something was published: for readers that sleep instead of polling.
        """
        subscription = Subscription(self, backlog=backlog)
        if wake:
            self._waiting = [*self._waiting, subscription]
        return subscription

    def unsubscribe(self, subscription: Subscription[T]) -> None:
        """Stop waking this reader.  Harmless when it never asked to be woken."""
        self._waiting = [s for s in self._waiting if s is not subscription]

    def flush(self) -> None:
        """Wake the readers that sleep, if anything was published since the last flush."""
        if self.published != self._last_flush:
            self._last_flush = self.published
            for subscription in self._waiting:
                subscription.wakeup.set()

    def copy(self, first: int, last: int) -> list[T]:
        """The slots of events first..last-1; the caller checks that it was not lapped."""
        slots, ring = self._slots, self._ring
        if first >= last:
            return []
        a, b = first % slots, last % slots
        return ring[a:b] if a < b else ring[a:] + ring[:b]  # type: ignore[return-value]  # announced slots are never None
