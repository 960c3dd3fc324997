"""A selector that can be looked into while it works, and swapped for another kind.

`ObservedSelector` is a `selectors.BaseSelector` around any other, so it fits wherever one
is taken: our reactor, a tutorial's loop, `asyncio.SelectorEventLoop(selector)`.  It knows
who registered what and from where, which masks were asked for and when, which descriptors
fired in which turn, and how long each callback took, without help from the loop.

Nothing is free, so there are two depths.  Unwatched, a turn costs two looks at the clock
and one list append; the fires are counted later, in bulk.  Watched, every event is timed:
`select` returns a list whose iteration notices how long its consumer took per event.

Time by the wall is not work: a thread that waits for the interpreter, for a core or in a
call looks as busy as one that computes.  So a watched turn is measured by the thread's CPU
time too, and what is missing there is its off-CPU time.

Belongs to the thread that calls `select`.
"""

from __future__ import annotations

import selectors
import time
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from operator import itemgetter
from types import CodeType
from typing import Any, cast

from chatops.api.words import MapChange
from chatops.loop import backends
from chatops.loop.naming import (
    call_site,
    callback_name,
    client_of,
    describe,
    format_call_site,
)
from chatops.loop.records import Event, Registration, TurnRecord
from chatops.loop.timed import COST_BUCKETS, Clock, TimedEvents

# Fires of unwatched turns are counted when this many turns wait, or when somebody asks.
FOLD_AT = 256
# Ready events held by the ring in all: at 10,000 descriptors ready per turn, 4,096 turns
# would be two gigabytes.
EVENTS_KEPT = 1 << 16
MASK_HISTORY = 16
COST_HISTORY = 1024
SPIN_PEEK = 50                 # fires between two looks that make a descriptor suspicious

_key_of = itemgetter(0)
_mask_of = cast("Callable[[Event], int]", itemgetter(1))
_fd_of = cast("Callable[[selectors.SelectorKey], int]", itemgetter(1))


class ObservedSelector(selectors.BaseSelector):
    """Any selector, seen from outside.  Not thread-safe, as no selector's map is."""

    def __init__(self, inner: selectors.BaseSelector | None = None, *,
                 clock: Clock = time.monotonic, turns: int = 4096,
                 cpu: Clock | None = None) -> None:
        """`turns` is how many different turns are remembered; like ones count as one.  `cpu`
        tells the calling thread's CPU time: by default the system's, and with a clock that is
        not the system's, that one.
        """
        self.clock = clock
        self.cpu = cpu or (time.thread_time if clock is time.monotonic else clock)
        self.watched = False
        self._watchers = 0
        self.turns = 0
        self.ready = 0
        self.waited = 0.0
        self.worked = 0.0
        self.off_cpu = 0.0         # of `worked`, in turns that were watched
        self.started_at = clock()
        # Seconds, name, when, and seconds of it off the CPU.
        self.slowest: tuple[float, str, float, float] = (0.0, "", 0.0, 0.0)
        self.costs: deque[float] = deque(maxlen=COST_HISTORY)
        self.cost_counts = [0] * (len(COST_BUCKETS) + 1)   # of watched callbacks, by bucket
        self.cost_total = 0.0
        self.ring: deque[TurnRecord] = deque()
        self._ring_size = turns
        self._held = 0             # ready events in the ring
        self._inner = inner if inner is not None else selectors.DefaultSelector()
        self._select = self._inner.select
        self._registrations: dict[int, Registration] = {}
        self._unfolded: list[list[Event]] = []
        self._cpu_began: float | None = None   # CPU time when the turn began, if watched
        self._cpu_read = 0.0       # when it was read last
        self._turn = TurnRecord(0, self.started_at, None, 0.0, [])
        self._returned = self._entered = self.started_at
        for key in self._inner.get_map().values():
            self._registrations[key.fd] = Registration(key, self.started_at, call_site())

    def __repr__(self) -> str:
        return (f"<ObservedSelector {self.backend} fds={len(self._registrations)} "
                f"turns={self.turns}{' watched' if self.watched else ''}>")

    # -- selectors.BaseSelector

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """As `BaseSelector.register`; remembers when, and by whom."""
        key = self._inner.register(fileobj, events, data)
        by = call_site()
        self._registrations[key.fd] = Registration(key, self.clock(), by)
        if self.watched:
            self._changed("register", key, 0, events, by)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """As `BaseSelector.unregister`."""
        key = self._inner.unregister(fileobj)
        self._fold()
        if self.watched:
            self._changed("unregister", key, key.events, 0, call_site())
        self._registrations.pop(key.fd, None)
        return key

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """As `BaseSelector.modify`; a change of mask starts a new "armed since"."""
        try:
            key = self._inner.modify(fileobj, events, data)
        except Exception:
            self._forget_lost()    # `selectors` lets go of what it cannot modify
            raise
        registration = self._registrations[key.fd]
        registration.data = data
        registration.row = None
        before = registration.events
        if before != events:
            registration.events = events
            registration.armed_at = self.clock()
            registration.armed_by = by = call_site()
            if self.watched:
                self._changed("modify", key, before, events, by)
        return key

    def select(self, timeout: float | None = None) -> list[Event]:
        """As `BaseSelector.select`, and remembers the turn."""
        clock = self.clock
        self._entered = entered = clock()
        if self._cpu_began is not None:
            self._end_turn(entered - self._returned, self._cpu_began)
        ready = self._select(timeout)
        returned = clock()
        waited = returned - entered
        worked = entered - self._returned
        self._returned = returned
        self.waited += waited
        self.worked += worked
        self.turns += 1
        self.ready += len(ready)
        last = self._turn
        last.worked += worked
        try:
            # A timeout that runs down to a timer's deadline differs in every turn of a spin.
            alike = ready == last.ready and bool(timeout == last.timeout
                                                 or (timeout and last.timeout))
        except Exception:
            alike = False          # somebody's data cannot be compared
        if self.watched:
            return self._select_watched(ready, returned, timeout, waited, alike)
        self._unfolded.append(ready)
        if len(self._unfolded) >= FOLD_AT:
            self._fold()
        if alike:
            last.repeats += 1
            last.waited += waited
        else:
            self._remember(TurnRecord(self.turns, returned, timeout, waited, ready))
        return ready

    def rotate(self, ready: list[Event], first: int) -> list[Event]:
        """What this turn's `select` returned, from `first` on and then those before it; of a
        watched turn they are timed still, and remembered in the order in which they run.
        """
        turned = ready[first:] + ready[:first]
        if not isinstance(ready, TimedEvents):
            return turned
        self._turn.ready = turned
        return TimedEvents(turned, self)

    def close(self) -> None:
        """Close the backend; the registrations are forgotten, the past is kept."""
        self._fold()
        self._registrations.clear()
        self._inner.close()

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._inner.get_map()

    # -- what the observer adds

    @property
    def backend(self) -> str:
        """Name of the backend in use."""
        return backends.name_of(self._inner)

    @property
    def in_turn_since(self) -> float | None:
        """When the turn in progress began, None inside `select`.  May be asked by any thread."""
        returned = self._returned
        return returned if self._entered <= returned else None

    @property
    def inner(self) -> selectors.BaseSelector:
        """The selector that does the work."""
        return self._inner

    def watch(self, on: bool = True) -> None:
        """Begin, or end, timing every event and recording every change of the map.

        It goes on until each of those who began it has ended it.
        """
        self._fold()
        self._watchers = max(0, self._watchers + (1 if on else -1))
        self.watched = self._watchers > 0

    def swap(self, name: str) -> None:
        """Go on with another backend; every registration moves, none is disturbed.

        Readiness is level-triggered in all of them, so nothing that was ready is missed.
        Raises `BackendError` as `backends.moved` does; then nothing has changed.
        """
        new = backends.moved(self._inner, name)
        self._fold()
        old, self._inner, self._select = self._inner, new, new.select
        old.close()

    def note(self, text: str) -> None:
        """Add a line to the story of this turn.  Call it only while `watched`."""
        turn = self._turn
        if turn.notes is None:
            turn.notes = []
        if len(turn.notes) < 32:
            turn.notes.append(text)

    def queue(self, client: int, size: int) -> None:
        """Remember a queue's size at the end of this turn.  Only while `watched`."""
        turn = self._turn
        if turn.queues is None:
            turn.queues = {}
        turn.queues[client] = size

    def registrations(self) -> list[Registration]:
        """Everything in the map, in the order of registration, counts up to date."""
        self._fold()
        return list(self._registrations.values())

    def registrations_by_descriptor(self) -> Mapping[int, Registration]:
        """The same, by their descriptors; good until the map changes."""
        self._fold()
        return self._registrations

    def recent_turns(self) -> Iterator[TurnRecord]:
        """The turns that are remembered, the last one first."""
        return reversed(self.ring)

    # -- inside

    def _select_watched(self, ready: list[Event], returned: float, timeout: float | None,
                        waited: float, alike: bool) -> list[Event]:
        registrations = self._registrations
        for key, mask in ready:
            registration = registrations[key.fd]
            registration.fires += 1
            registration.last_mask = mask
            if registration.masks is None:
                registration.masks = deque(maxlen=MASK_HISTORY)
            registration.masks.append(mask)
        last = self._turn
        if alike and last.changes is None and last.notes is None and last.queues is None:
            last.repeats += 1
            last.waited += waited
            last.costs = last.offs = None
        else:
            self._remember(TurnRecord(self.turns, returned, timeout, waited, ready))
        self._cpu_began = self._cpu_read = self.cpu()
        return TimedEvents(ready, self)

    def _end_turn(self, worked: float, cpu_began: float) -> None:
        """A watched turn worked so long by the wall: what of that was its thread off the CPU?"""
        off_cpu = max(0.0, worked - (self.cpu() - cpu_began))
        self.off_cpu += off_cpu
        self._turn.off_cpu += off_cpu
        self._cpu_began = None

    def _off_cpu(self, seconds: float) -> float:
        """Of so many seconds since the last reading, how many the thread did not run."""
        before, self._cpu_read = self._cpu_read, self.cpu()
        return max(0.0, seconds - (self._cpu_read - before))

    def _remember(self, turn: TurnRecord) -> None:
        self._turn = turn
        ring = self.ring
        ring.append(turn)
        self._held += len(turn.ready)
        if self._held > EVENTS_KEPT:
            self._fold()           # it holds the same lists
        while len(ring) > self._ring_size or (self._held > EVENTS_KEPT and len(ring) > 1):
            self._held -= len(ring.popleft().ready)

    def _spent(self, key: selectors.SelectorKey, seconds: float, off_cpu: float) -> None:
        """A callback of this turn took so long, and was so long of that off the CPU."""
        registration = self._registrations.get(key.fd)
        if registration is not None:
            registration.busy += seconds
            if seconds > registration.slowest:
                registration.slowest = seconds
                registration.slowest_off_cpu = off_cpu
        turn = self._turn
        if turn.costs is None or turn.offs is None:
            turn.costs, turn.offs = [], []
        turn.costs.append(seconds)
        turn.offs.append(off_cpu)
        self.costs.append(seconds)
        self.cost_counts[bisect_left(COST_BUCKETS, seconds)] += 1
        self.cost_total += seconds
        if seconds > self.slowest[0] or self._returned - self.slowest[2] > 1.0:
            self.slowest = (seconds, callback_name(key.data), self._returned, off_cpu)

    def _changed(self, what: MapChange, key: selectors.SelectorKey, before: int, after: int,
                 by: tuple[CodeType, int]) -> None:
        turn = self._turn
        if turn.changes is None:
            turn.changes = []
        turn.changes.append((what, key.fd, before, after, describe(key.data, key.fileobj),
                             format_call_site(by), client_of(key.data)))

    def _fold(self) -> None:
        """Count the fires of the turns that nobody watched: in C, a batch at a time."""
        if not self._unfolded:
            return
        events = list(chain.from_iterable(self._unfolded))
        fds = list(map(_fd_of, map(_key_of, events)))
        last_masks = dict(zip(fds, map(_mask_of, events), strict=True))
        for fd, count in Counter(fds).items():
            registration = self._registrations.get(fd)
            if registration is not None:
                registration.fires += count
                registration.last_mask = last_masks[fd]
        self._unfolded = []

    def _forget_lost(self) -> None:
        self._fold()
        held = {key.fd for key in self._inner.get_map().values()}
        for fd in self._registrations.keys() - held:
            del self._registrations[fd]
