"""What an observed selector remembers: a registration's life, and a turn."""

from __future__ import annotations

from collections import deque
from selectors import SelectorKey
from types import CodeType
from typing import TYPE_CHECKING

from chatops.api.words import MapChange

# A program that is watched starts with this module, and the structs would cost it the import of
# msgspec, tens of milliseconds, although perhaps nobody ever looks.
if TYPE_CHECKING:
    from chatops.api.snapshot import KeyRow

Event = tuple[SelectorKey, int]
# What happened, descriptor, masks before and after, whose it is, call site, client or 0.
MapChangeRecord = tuple[MapChange, int, int, int, str, str, int]


class Registration:
    """The life of one descriptor in the map."""

    __slots__ = ("armed_at", "armed_by", "armed_by_shown", "busy", "data", "events", "fd",
                 "fileobj", "fires", "fires_seen", "last_mask", "masks", "registered_at", "row",
                 "slowest", "slowest_off_cpu", "values")

    def __init__(self, key: SelectorKey, now: float, by: tuple[CodeType, int]) -> None:
        self.fd = key.fd
        self.fileobj = key.fileobj
        self.data = key.data
        self.events = key.events
        self.registered_at = self.armed_at = now
        self.armed_by = by
        self.fires = 0
        self.fires_seen = 0        # as of the last snapshot
        self.last_mask = 0
        self.busy = 0.0
        self.slowest = 0.0
        self.slowest_off_cpu = 0.0
        self.masks: deque[int] | None = None
        # As it was shown last: the row, the values of its fields, and whose name is in it.
        self.row: KeyRow | None = None
        self.values: tuple[object, ...] = ()
        self.armed_by_shown: tuple[CodeType, int] | None = None


class TurnRecord:
    """One return of `select`, and how many exactly like it followed."""

    __slots__ = ("at", "changes", "costs", "n", "notes", "off_cpu", "offs", "queues", "ready",
                 "repeats", "timeout", "waited", "worked")

    def __init__(self, n: int, at: float, timeout: float | None, waited: float,
                 ready: list[Event]) -> None:
        self.n = n
        self.at = at
        self.timeout = timeout
        self.waited = waited
        self.worked = 0.0
        self.ready = ready
        self.repeats = 0
        self.off_cpu = 0.0
        self.costs: list[float] | None = None
        self.offs: list[float] | None = None   # off-CPU seconds of each of `costs`
        self.changes: list[MapChangeRecord] | None = None
        self.notes: list[str] | None = None
        self.queues: dict[int, int] | None = None
