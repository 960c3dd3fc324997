"""The newest events, numbered, so that each reader knows what is new to it.  Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import islice

from chatops.api import events as e
from chatops.api.events import Event

EVENTS_KEPT = 5000

# What the log pane keeps for itself, so that no chatter pushes it out of the ring.
LOGGED = (e.AdminDid, e.CallbackFailed, e.Crashed, e.HandshakeFailed, e.LinesDropped,
          e.ListenerPaused, e.ListenerResumed, e.Refused, e.ServerStarted, e.ServerStopped,
          e.ServerStopping, e.ThreadDied, e.Warned, e.Printed, e.LoopHeld, e.ProgramEnded)


class EventRing:
    """Bounded: the oldest go."""

    def __init__(self) -> None:
        self._items: deque[Event] = deque(maxlen=EVENTS_KEPT)
        self.total = 0             # ever added; the next event's number

    def extend(self, events: Iterable[Event]) -> None:
        """Add events, oldest first."""
        fresh = list(events)
        self._items.extend(fresh)
        self.total += len(fresh)

    @property
    def first(self) -> int:
        """Number of the oldest event still held."""
        return self.total - len(self._items)

    def first_after(self, at: float) -> int:
        """Number of the first event that happened after this wall-clock time."""
        newer = 0
        for event in reversed(self._items):
            if event.at <= at:
                break
            newer += 1
        return self.total - newer

    def between(self, first: int, last: int) -> list[Event]:
        """Events number `first` to `last` - 1, as far as they are still held."""
        start = max(0, first - self.first)
        return list(islice(self._items, start, max(start, last - self.first)))

    def newest(self, count: int, last: int | None = None) -> list[Event]:
        """The `count` events before number `last` (or the end), oldest first."""
        end = self.total if last is None else last
        return self.between(end - count, end)
