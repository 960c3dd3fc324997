"""Everything the console knows, without a widget: fed by the app, read by the panes.

`ConsoleState` is pure: no Textual, no clock, no I/O.  The app calls `feed` ten times a
second and then `show(state)` on each visible pane.  Keys and commands change it through
its methods; nothing else writes to it.

What panes read:

- `snapshot`  what to draw: the present, the moment of the pause, or a turn of the past
- `now`       the server's monotonic clock that belongs to it; an age is `now - x_at`
- `rates`     `rates.of(client_row)`, `rates.fires(key_row)`, for that snapshot
- `gauges`, `series`   the present, for the header and the loop pane; they never freeze
- `plotted(…)`         a figure of the server or of a client over minutes, up to what is shown
- `events`, `closed`   what happened lately
- `views[pane]`        filter, order and cursor of each pane; `view` is the active one's
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from msgspec.structs import replace

from chatops.api.commands import PANES
from chatops.api.events import TALK, Disconnected, Event
from chatops.api.link import LinkStatus
from chatops.api.snapshot import ClientRow, Program, Pulse, Snapshot
from chatops.replay.history import TurnHistory
from chatops.units import format_age
from tui.model.event_ring import LOGGED, EventRing
from tui.model.find import find_row
from tui.model.preferences import Preferences
from tui.model.rates import AT_REST, WINDOW, Gauges, Meter, RateTable
from tui.model.rates import gauges as gauges_between
from tui.model.series import LATE, SPANS, Plots, Series, of_the_past, over
from tui.model.view import CLIENT_COLUMNS, KEY_COLUMNS, PaneView

CLOSED_KEPT = 50
LATE_AFTER = 1.5               # seconds of news without a snapshot: the server has no time for one
FASTEST, USUAL, SLOWEST = 0.1, 0.2, 5.0    # seconds between refreshes


@dataclass(slots=True)
class _Frozen:
    """What the panes show while they do not show the present."""

    snapshot: Snapshot
    rates: RateTable
    events: int                # number of the first event that came after it
    logged: int                # the same in the log
    travelled: bool


@dataclass(slots=True)
class ConsoleState:
    """See the module."""

    fault: str = ""            # of the console itself, in a line
    status: LinkStatus = field(default_factory=lambda: LinkStatus(alive=True))
    live: Snapshot | None = None       # the newest
    previous: Snapshot | None = None   # the one before it
    pulse: Pulse | None = None         # the loop's counters now, where the link tells them
    dropped: int = 0                   # events lost on the way here
    mono_now: float = 0.0              # the console's clock at the last feed
    events: EventRing = field(default_factory=EventRing)
    log: EventRing = field(default_factory=EventRing)      # those of `LOGGED` once more
    closed: deque[Disconnected] = field(default_factory=lambda: deque(maxlen=CLOSED_KEPT))
    tags: set[int] = field(default_factory=set)
    followed: int | None = None
    pane: str = "clients"
    zoomed: bool = False
    refresh: float = USUAL             # seconds between redraws; what is pulled is not less
    draining: bool = False
    replay: bool = False               # the link is a recording
    recording: str = ""                # what the header says of a recording being made
    greeting: str = ""                 # stands beside the prompt until a command is given
    past: TurnHistory = field(default_factory=TurnHistory)
    views: dict[str, PaneView] = field(default_factory=lambda: {
        "clients": PaneView(CLIENT_COLUMNS, "APPQ", inverted=True),
        "selector": PaneView(KEY_COLUMNS, "FD"),
        **{name: PaneView() for name in PANES[2:]},
    })
    plots: Plots = field(default_factory=Plots)
    preferences: Preferences = field(default_factory=Preferences)
    version: int = 0                   # goes up when something to draw has changed
    _meter: Meter = field(default_factory=Meter)
    _received: float = 0.0
    _behind_since: float | None = None # the console's clock; there is news since then
    _gone_at: float | None = None      # the console's clock when the server was last there
    _frozen: _Frozen | None = None
    _past_plot: tuple[tuple[float, str, int], Series] | None = None    # the last one made

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
            if self.tags:
                self.tags &= {row.id for row in (*snapshot.clients, *snapshot.elsewhere)}
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
        self._frozen = self.followed = None
        self.tags.clear()

    def _note_lateness(self) -> None:
        """Since when there is news that no snapshot has told of."""
        if self.pulse is None or not self.pulse.behind:
            self._behind_since = None
        elif self._behind_since is None:
            self._behind_since = self.mono_now

    # -- read by the panes

    @property
    def snapshot(self) -> Snapshot | None:
        """What to draw."""
        return self._frozen.snapshot if self._frozen is not None else self.live

    @property
    def program(self) -> Program | None:
        """The program that is looked at, None at a chat server."""
        shown = self.snapshot
        return shown.program if shown is not None else None

    @property
    def panes(self) -> tuple[str, ...]:
        """Those that there is something for: tasks only of an asyncio program, nodes only of
        a server that is one of several.
        """
        program = self.program
        has_tasks = program is not None and program.kind == "asyncio"
        shown = self.snapshot
        there = {"tasks": has_tasks, "nodes": shown is not None and shown.engine is not None}
        return tuple(pane for pane in PANES if there.get(pane, True) or self.pane == pane)

    @property
    def now(self) -> float:
        """The server's clock that belongs to `snapshot`; it ticks only in the present."""
        if self._frozen is not None:
            return self._frozen.snapshot.mono
        return self.server_now

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

    @property
    def rates(self) -> RateTable:
        """Rates that belong to `snapshot`."""
        return self._frozen.rates if self._frozen is not None else self._meter.table

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

    def plotted(self, figure: str, span: str, ident: int = 0) -> list[float]:
        """The server's figure, or this client's, over a span (a key of `SPANS`) that ends with
        what is shown: a value a bucket, oldest first, NaN for what no picture tells of.
        """
        series = (self.plots.look_at(ident, self.past.frames()) if ident
                  else self.plots.server)
        if self._frozen is None:
            # A bucket just begun that no picture has reached yet would flicker at the end.
            live = self.live
            end = live.mono if live is not None and self.age < LATE else self.now
            return series.read(figure, span, end)
        if self._past_plot is None or self._past_plot[0] != (self.now, span, ident):
            told = of_the_past(self.past.frames(), ident, end=self.now, span=SPANS[span])
            self._past_plot = (self.now, span, ident), told
        told_of = self._past_plot[1].read(figure, span, self.now)
        # The last bucket of the series goes on after what is shown.
        older = [*series.read(figure, span, self.now)[:-1], math.nan]
        return over(told_of, older)

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

    @property
    def view(self) -> PaneView:
        """The active pane's."""
        return self.views[self.pane]

    @property
    def events_end(self) -> int:
        """Number of the first event that is not to be shown yet; `events.between` ends there."""
        return self._frozen.events if self._frozen is not None else self.events.total

    @property
    def log_end(self) -> int:
        """The same for `log`."""
        return self._frozen.logged if self._frozen is not None else self.log.total

    @property
    def paused(self) -> bool:
        return self._frozen is not None

    @property
    def travel(self) -> int | None:
        """The turn of the past that is shown, None in the present or at a mere pause."""
        if self._frozen is not None and self._frozen.travelled:
            return self._frozen.snapshot.turn
        return None

    @property
    def chip(self) -> str:
        """One word or two for the header: which time the panes show."""
        turn = self.travel
        if turn is not None:
            ago = self.server_now - self.now
            return f"TURN {turn:,} (-{format_age(ago) if ago >= 10 else f'{ago:.1f}s'})"
        if self.paused:
            return "PAUSED"
        return "REPLAY" if self.replay else "LATE" if self.late else "LIVE"

    def client(self, ident: int) -> ClientRow | None:
        """The row of this connection in what is shown."""
        rows = self.snapshot.clients if self.snapshot is not None else ()
        return next((row for row in rows if row.id == ident), None)

    def person(self, ident: int | None) -> ClientRow | None:
        """The row of this client of another node."""
        rows = self.snapshot.elsewhere if self.snapshot is not None else ()
        return next((row for row in rows if row.id == ident), None)

    def word_of(self, ident: int) -> str:
        """As a command names this connection."""
        person = self.person(ident) if ident < 0 else None
        return person.word if person is not None else str(ident)

    def find(self, target: str) -> ClientRow | None:
        """The client that is meant by this id (`3`, `#3`) or nick, in what is shown."""
        return find_row(target, self.snapshot)

    def selected(self) -> tuple[int, ...]:
        """Connection ids that an action takes: the tagged ones, or the one at the cursor."""
        if self.tags:
            return tuple(sorted(self.tags))
        ident = self.cursor_client()
        return (ident,) if ident is not None else ()

    def cursor_client(self) -> int | None:
        """The connection id at the cursor; from the selector pane, of its descriptor."""
        if self.pane != "selector":
            return (self.views["clients"].cursor if self.pane not in ("tasks", "nodes")
                    else None)
        fd = self.views["selector"].cursor
        keys = self.snapshot.keys if self.snapshot is not None else ()
        return next((row.client or None for row in keys if row.fd == fd), None)

    # -- changed by keys and commands

    def show_pane(self, name: str) -> None:
        self.pane = name
        self.version += 1

    def next_pane(self) -> None:
        panes = self.panes
        self.show_pane(panes[(panes.index(self.pane) + 1) % len(panes)])

    def set_filter(self, expression: str) -> None:
        """Of the active pane; "" shows all."""
        self.view.filter = expression.strip()
        self.version += 1

    def toggle_tag(self, ident: int) -> None:
        self.tags ^= {ident}
        self.version += 1

    def untag(self) -> None:
        self.tags.clear()
        self.version += 1

    def follow(self) -> int | None:
        """Follow the client at the cursor, or cease to; who is followed now."""
        self.followed = None if self.followed is not None else self.cursor_client()
        self.version += 1
        return self.followed

    def set_refresh(self, seconds: float) -> float:
        """Seconds between refreshes, within reason; returns what it became."""
        self.refresh = min(SLOWEST, max(FASTEST, seconds))
        return self.refresh

    def pause(self) -> bool:
        """Freeze the rows, or let them go; whether they are frozen now."""
        if self._frozen is not None:
            self.go_live()
        elif self.live is not None:
            self._frozen = _Frozen(self.live, self.rates, self.events.total,
                                   self.log.total, travelled=False)
            self.version += 1
        return self.paused

    def go_live(self) -> None:
        """Back to the present."""
        self._frozen = None
        self.version += 1

    def step(self, turns: int) -> bool:
        """Go back or forward by turns of the past; False when none is held."""
        shown = self.snapshot
        return shown is not None and self.seek(self.past.step(shown.turn, turns))

    def seek_to(self, where: str) -> None:
        """Go to `18204`, `-10s` or `+1m`, from what is shown.  Raises ValueError."""
        shown = self.snapshot
        self.seek(self.past.seek(where, shown.turn if shown is not None else 0))

    def seek(self, turn: int) -> bool:
        """Show how things stood after this turn; False when it is not held."""
        snapshot = self.past.at(turn)
        if snapshot is None:
            return False
        self._frozen = _Frozen(snapshot, self._rates_at(snapshot),
                               self.events.first_after(snapshot.at),
                               self.log.first_after(snapshot.at), travelled=True)
        self.version += 1
        return True

    def _rates_at(self, snapshot: Snapshot) -> RateTable:
        """Of the second before that moment of the past."""
        try:
            since = self.past.seek(f"-{WINDOW:g}s", snapshot.turn)
        except ValueError:
            since = self.past.oldest
        before = self.past.at(since)
        if before is None or before.mono >= snapshot.mono:
            return AT_REST
        return RateTable(before, snapshot.mono - before.mono)
