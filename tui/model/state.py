"""Everything the console knows, without a widget: fed by the app, read by the panes.  The
present, as it is told, is `tui.model.present`; here is what is looked at, and chosen.

`ConsoleState` is pure: no Textual, no clock, no I/O.  The app calls `feed` ten times a
second and then `show(state)` on each visible pane.  Keys and commands change it through
its methods; nothing else writes to it.

What panes read:

- `snapshot`  what to draw: the present, the moment of the pause, or a turn of the past
- `now`       the server's monotonic clock that belongs to it; an age is `now - x_at`
- `rates`     `rates.of(client_row)`, `rates.fires(key_row)`, for that snapshot
- `gauges`, `series`   the present, for the header; they never freeze
- `shown_gauges`, `shown_series`, `departed`   the same, and who has left, for that snapshot
- `plotted(…)`         a figure of the server or of a client over minutes, up to what is shown
- `events`, `closed`   what happened lately
- `views[pane]`        filter, order and cursor of each pane; `view` is the active one's
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from chatops.api.command_table import PANES
from chatops.api.events import Disconnected, Event
from chatops.api.link import LinkStatus
from chatops.api.program import Program
from chatops.api.snapshot import ClientRow, Snapshot
from chatops.units import format_age
from tui.model.find import find_row
from tui.model.frozen import Bars, Frozen, bars_of_the_past, how_far
from tui.model.preferences import Preferences
from tui.model.present import Present
from tui.model.rates import AT_REST, WINDOW, Gauges, RateTable, at_rest
from tui.model.rates import gauges as gauges_between
from tui.model.series import LATE, SPANS, Series, of_the_past, over
from tui.model.view import CLIENT_COLUMNS, KEY_COLUMNS, PaneView

FASTEST, USUAL, SLOWEST = 0.1, 0.2, 5.0    # seconds between refreshes


@dataclass(slots=True)
class ConsoleState(Present):
    """See the module."""
    fault: str = ""            # of the console itself, in a line
    tags: set[int] = field(default_factory=set)
    hidden_tags: frozenset[int] = frozenset()      # of those, which a filter hides: as drawn last
    followed: int | None = None
    pane: str = "clients"
    zoomed: bool = False
    refresh: float = USUAL             # seconds between redraws; what is pulled is not less
    draining: bool = False
    attached: bool = False             # the server lives elsewhere,
    in_browser: bool = False           # and who looks is no user of this machine
    replay: bool = False               # the link is a recording, played
    speed: float = 1.0                 # so many times as fast as it happened
    recording: str = ""                # what the header says of a recording being made
    refusal: Callable[[str], str] = lambda _: ""       # why a server's command is not known here
    greeting: str = ""                 # stands beside the prompt until a command is given
    views: dict[str, PaneView] = field(default_factory=lambda: {
        "clients": PaneView(CLIENT_COLUMNS, "APPQ", inverted=True),
        "selector": PaneView(KEY_COLUMNS, "FD"),
        **{name: PaneView() for name in PANES[2:]},
    })
    preferences: Preferences = field(default_factory=Preferences)
    went_live: int = 0                 # times that the present, and the newest of it, was asked for
    _frozen: Frozen | None = None
    _past_plot: tuple[tuple[float, str, int], Series] | None = None    # the last one made

    # -- fed by the app

    def feed(self, snapshot: Snapshot | None, events: Iterable[Event], mono_now: float, *,
             status: LinkStatus | None = None, dropped: int = 0) -> None:
        """Take in what the link had to give at `mono_now`, on the console's clock."""
        Present.feed(self, snapshot, events, mono_now, status=status, dropped=dropped)
        if snapshot is not None and self.tags:
            self.tags &= {row.id for row in (*snapshot.clients, *snapshot.elsewhere)}

    def take_up(self, passed: Iterable[tuple[Snapshot, Sequence[Event]]], anew: bool) -> None:
        """Of a recording: what was passed over, before it is played on from what follows.
        `anew`: that is all there was before, and what has been told does not count.
        """
        tags, followed = set(self.tags), self.followed
        if anew:
            self.forget()
        self._frozen = None
        for snapshot, events in passed:
            self.feed(snapshot, events, snapshot.mono)
        rows = self.live.clients if self.live is not None else ()
        self.tags, self.followed = tags & {row.id for row in rows}, followed
        self.version += 1

    def _begin_anew(self) -> None:
        """Nor can anything be shown or chosen that was of the last."""
        Present._begin_anew(self)      # `super()` would look in the class before it had slots
        self._frozen = self.followed = None
        self.tags.clear()

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
    def wall(self) -> float:
        """The wall clock that belongs to it, as events are stamped with."""
        return self._frozen.snapshot.at if self._frozen is not None else self.wall_now

    @property
    def rates(self) -> RateTable:
        """Rates that belong to `snapshot`."""
        return self._frozen.rates if self._frozen is not None else self._meter.table

    @property
    def shown_gauges(self) -> Gauges:
        """What the server does at the moment that is shown."""
        return self._frozen.gauges if self._frozen is not None else self.gauges

    @property
    def shown_series(self) -> Bars:
        """The gauges over time up to there."""
        return self._frozen.bars if self._frozen is not None else self.series

    @property
    def departed(self) -> list[Disconnected]:
        """Who had left lately by then, oldest first."""
        if self._frozen is None:
            return list(self.closed)
        return [event for event in self.closed if event.at <= self._frozen.snapshot.at]

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
            ahead = self.now - self.server_now         # in a recording there is what is to come
            far = format_age(abs(ahead)) if abs(ahead) >= 10 else f"{abs(ahead):.1f}s"
            return f"TURN {turn:,} ({'+' if ahead > 0 else '-'}{far})"
        if self.paused:
            return "PAUSED"
        if self.replay:
            return f"REPLAY {how_far(self.server_now, self.past.span, self.speed)}"
        return "LATE" if self.late else "LIVE"

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

    @property
    def tags_text(self) -> str:
        """`3 tagged, 1 hidden`; "" where none is."""
        if not self.tags:
            return ""
        hidden = len(self.hidden_tags & self.tags)
        return f"{len(self.tags)} tagged" + (f", {hidden} hidden" if hidden else "")

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
            self._frozen = None
            self.version += 1
        elif self.live is not None:
            bars = {name: tuple(values) for name, values in self.series.items()}
            self._frozen = Frozen(self.live, self.rates, self.gauges, bars, self.events.total,
                                  self.log.total, travelled=False)
            self.version += 1
        return self.paused

    def go_live(self) -> None:
        """Back to the present, and to the newest of it."""
        self._frozen = None
        self.went_live += 1
        self.version += 1

    def step(self, turns: int) -> bool:
        """Go back or forward by turns of the past; False when none is held.  Of the present
        there is none ahead but in a recording.
        """
        shown = self.snapshot
        if turns > 0 and not self.paused and not self.replay:
            return shown is not None
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
        before = self._second_before(snapshot)
        seconds = snapshot.mono - before.mono if before is not None else 0.0
        self._frozen = Frozen(
            snapshot, RateTable(before, seconds) if before is not None else AT_REST,
            gauges_between(before, snapshot, seconds) if before is not None else at_rest(snapshot),
            bars_of_the_past((picture for picture, _ in self.past.frames()), snapshot.mono),
            self.events.first_after(snapshot.at), self.log.first_after(snapshot.at),
            travelled=True)
        self.version += 1
        return True

    def _second_before(self, snapshot: Snapshot) -> Snapshot | None:
        """How things stood then; None where that is not held, and nothing can be compared."""
        try:
            since = self.past.seek(f"-{WINDOW:g}s", snapshot.turn)
        except ValueError:
            since = self.past.oldest
        before = self.past.at(since)
        return before if before is not None and before.mono < snapshot.mono else None
