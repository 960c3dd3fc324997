"""What the link tells: the present of the server or program, whatever of it is looked at."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from msgspec.structs import replace

from chatops.api.events import TALK, Disconnected, Event
from chatops.api.link import LinkStatus
from chatops.api.snapshot import Pulse, Snapshot
from chatops.replay.history import TurnHistory
from tui.model.event_ring import LOGGED, EventRing
from tui.model.rates import Gauges, Meter
from tui.model.rates import gauges as gauges_between
from tui.model.series import Plots

CLOSED_KEPT = 50
LATE_AFTER = 1.5               # seconds of news without a snapshot: the server has no time for one


@dataclass(slots=True)
class Present:
    """Fed by the app; pure, as all of `tui.model.state`, which says what is shown of it."""

    status: LinkStatus = field(default_factory=lambda: LinkStatus(alive=True))
    live: Snapshot | None = None       # the newest
    previous: Snapshot | None = None   # the one before it
    pulse: Pulse | None = None         # the loop's counters now, where the link tells them
    dropped: int = 0                   # events lost on the way here
    mono_now: float = 0.0              # the console's clock at the last feed, a recording's own
    clock: float = 0.0                 # the console's clock then, whatever is played
    events: EventRing = field(default_factory=EventRing)
    log: EventRing = field(default_factory=EventRing)      # those of `LOGGED` once more
    closed: deque[Disconnected] = field(default_factory=lambda: deque(maxlen=CLOSED_KEPT))
    past: TurnHistory = field(default_factory=TurnHistory)
    plots: Plots = field(default_factory=Plots)
    version: int = 0                   # goes up when something to draw has changed
    _meter: Meter = field(default_factory=Meter)
    _received: float = 0.0
    _behind_since: float | None = None # the console's clock; there is news since then
    _gone_at: float | None = None      # the console's clock when the server was last there

    # -- fed by the app

    def feed(self, snapshot: Snapshot | None, events: Iterable[Event], mono_now: float, *,
             status: LinkStatus | None = None, dropped: int = 0) -> None:
        """Take in what the link had to give at `mono_now`, on the console's clock."""
        self.mono_now = mono_now
        alive = (status or self.status).alive
        if not alive and self._gone_at is None:
            self._gone_at = mono_now
        elif alive:
            self._gone_at = None       # again, or still
        fresh = list(events)
        if fresh:
            self.events.extend(fresh)
            # Nearly all is talk where it counts: thousands of lines between two feeds.
            rare = [event for event in fresh if type(event) not in TALK]
            self.log.extend(event for event in rare if isinstance(event, LOGGED))
            self.closed.extend(event for event in rare if isinstance(event, Disconnected))
        if snapshot is not None:
            if self.live is not None and snapshot.started_at != self.live.started_at:
                self._begin_anew()
            self.previous, self.live = self.live, snapshot
            self._received = mono_now - snapshot.age
            self._behind_since = None
            self.plots.add(snapshot)
        if status is not None:
            self.pulse, status = status.pulse, replace(status, pulse=None)
        self._note_lateness()
        gauges = self._meter.now
        self.past.add(snapshot, fresh)
        if self._gone_at is None or snapshot is not None:
            # Who is gone is not at rest.
            self._meter.feed(snapshot, mono_now, self.pulse)
        changed = (snapshot is not None or bool(fresh) or dropped != self.dropped
                   or (self.late and self._meter.now != gauges))
        if status is not None and status != self.status:
            self.status, changed = status, True
        self.dropped = dropped
        if changed:
            self.version += 1

    def _begin_anew(self) -> None:
        """Another server, or the same started again: nothing can be compared with the last."""
        self.live = None
        self._meter = Meter()

    def forget(self) -> None:
        """Nothing has been told yet: a recording is played again from an earlier moment."""
        self._begin_anew()
        self.previous = None
        self.events, self.log, self.plots = EventRing(), EventRing(), Plots()
        self.closed.clear()

    def _note_lateness(self) -> None:
        """Since when there is news that no snapshot has told of."""
        if self.pulse is None or not self.pulse.behind:
            self._behind_since = None
        elif self._behind_since is None:
            self._behind_since = self.mono_now

    # -- the server's clocks

    @property
    def server_now(self) -> float:
        """The server's clock in the present, whatever is shown; it stands still when the server
        is gone.
        """
        return self._meter.server_now(self.mono_now if self._gone_at is None else self._gone_at)

    @property
    def wall_now(self) -> float:
        """The server's wall clock in the present, as events are stamped with."""
        live = self.live
        return live.at + (self.server_now - live.mono) if live is not None else 0.0

    # -- what it does

    @property
    def gauges(self) -> Gauges:
        """What the server does now."""
        return self._meter.now

    @property
    def busy(self) -> float:
        """The share of the time that the reactor works, 0 to 1, as of the last two snapshots:
        the gauge of it takes a second to rise.
        """
        now, before, live = self.gauges.busy, self.previous, self.live
        if self._meter.asleep or before is None or live is None:
            return now
        return max(now, gauges_between(before, live, live.mono - before.mono).busy)

    @property
    def series(self) -> Mapping[str, deque[float]]:
        """The gauges over time, by the names of `Gauges`, newest last."""
        return self._meter.series

    @property
    def age(self) -> float:
        """Seconds since the newest snapshot came."""
        return self.mono_now - self._received if self.live is not None else 0.0

    @property
    def asleep(self) -> bool:
        """No snapshot comes, because nothing happens at the server."""
        return self._meter.asleep and not self.late

    @property
    def late(self) -> bool:
        """The newest snapshot is an old one: the server has no time for another."""
        return (self._behind_since is not None and self.status.alive and self.live is not None
                and self.mono_now - self._behind_since >= LATE_AFTER)

    @property
    def write_interest(self) -> tuple[str, float]:
        """"on-demand" or "always", and when that ends on the server's clock, 0 if it does not;
        told even while snapshots are late.
        """
        if self.pulse is not None:
            return self.pulse.write_interest, self.pulse.write_until
        loop = self.live.loop if self.live is not None else None
        return (loop.write_interest, loop.write_until) if loop is not None else ("on-demand", 0.0)
