"""The figures of a server, and of its clients, over a minute, five minutes and an hour.  Pure.

Three rings of buckets hold each figure: 60 of 1 s, 60 of 5 s and 120 of 30 s.  A bucket of a
rate holds what was counted in it and for how many of its seconds that is known; one of a
gauge holds the most that it was.  What no picture tells of is a gap, NaN, and never a zero:
the server was not looked at, or its pictures were late.

Memory is bounded: 240 buckets of 8 bytes for each figure, for their numbers and for what is
known of them, which is 19 KB for the server's seven figures and 13 KB for a client's four.  At
most `CLIENTS_KEPT` clients are followed, some 1.6 MB; where there are more of them, those that
were looked at last are among them.  Of those that have left, a few can be looked at still.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from chatops.api.events import Event
from chatops.api.snapshot import ClientRow, Snapshot

LATE = 3.0                     # seconds without a picture, at least, before a gap
LATE_INTERVALS = 3.0           # and in intervals between pictures: large servers have few
LATE_MOST = 30.0
STILL_TURNS = 3                # turns of a loop that slept between two pictures, at most
CLIENTS_KEPT = 128
GONE_KEPT = 4                  # of those that have left, and may be looked at still
CLIENTS_EVERY = 0.5            # seconds between two looks at the clients
PICTURES_PER_BUCKET = 4        # of the past, where there are more

Moment = tuple[Snapshot, Sequence[Event]]


@dataclass(frozen=True, slots=True)
class Span:
    """How far back a plot reaches, and in which steps."""

    name: str
    buckets: int
    step: float                # seconds of a bucket

    @property
    def seconds(self) -> float:
        return self.buckets * self.step


SPANS: Mapping[str, Span] = {span.name: span for span in (
    Span("1m", 60, 1.0), Span("5m", 60, 5.0), Span("1h", 120, 30.0))}


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that is plotted.  A rate comes from a counter; the rest are gauges."""

    name: str                  # as it is typed
    title: str
    rate: bool = False
    unit: str = ""             # "B" for bytes, "%" for a share


SERVER: tuple[Figure, ...] = (
    Figure("wake-ups", "wake-ups per second", rate=True),
    Figure("lines-in", "lines in per second", rate=True),
    Figure("lines-out", "lines out per second", rate=True),
    Figure("busy", "share of the time outside select()", rate=True, unit="%"),
    Figure("queued", "bytes queued in all outboxes", unit="B"),
    Figure("kernel", "bytes queued in the kernel", unit="B"),
    Figure("clients", "clients connected"),
)
CLIENT: tuple[Figure, ...] = (
    Figure("lines-in", "lines in per second", rate=True),
    Figure("lines-out", "lines out per second", rate=True),
    Figure("queued", "bytes queued in its outbox", unit="B"),
    Figure("kernel", "bytes queued in the kernel", unit="B"),
)
LINES = ("lines-in", "lines-out")      # of a chat: a program's connections carry bytes


def _of_server(snapshot: Snapshot) -> tuple[float, ...]:
    loop = snapshot.loop
    return (loop.turns, snapshot.lines_in, snapshot.lines_out, loop.worked * 100,
            snapshot.queued, snapshot.kernel_queued, len(snapshot.clients))


def _of_client(row: ClientRow) -> tuple[float, ...]:
    return row.lines_in, row.lines_out, row.queued, row.kernel_queued


class _Ring:
    """Buckets of one width, found by their number since the clock's zero."""

    __slots__ = ("_known", "_numbers", "_values", "span")

    def __init__(self, span: Span, figures: int) -> None:
        self.span = span
        self._numbers = array("q", [-1]) * span.buckets
        self._known = array("d", [0.0]) * span.buckets      # seconds
        self._values = [array("d", [0.0]) * span.buckets for _ in range(figures)]

    def add(self, start: float, end: float, amounts: Sequence[float],
            figures: Sequence[Figure]) -> None:
        """Between these times, so much per second (rates) or at most (gauges)."""
        step = self.span.step
        start = max(start, end - self.span.seconds)
        for number in range(math.floor(start / step), math.ceil(end / step)):
            seconds = min(end, (number + 1) * step) - max(start, number * step)
            if seconds > 0:
                self._put(number, seconds, amounts, figures)

    def _put(self, number: int, seconds: float, amounts: Sequence[float],
             figures: Sequence[Figure]) -> None:
        at = number % self.span.buckets
        fresh = self._numbers[at] != number
        self._numbers[at] = number
        self._known[at] = seconds + (0.0 if fresh else self._known[at])
        for figure, values, amount in zip(figures, self._values, amounts, strict=True):
            before = 0.0 if fresh else values[at]
            values[at] = before + amount * seconds if figure.rate else max(before, amount)

    def read(self, which: int, rate: bool, end: float) -> list[float]:
        """The buckets up to the one that `end` lies in, oldest first; NaN is a gap."""
        last, count = math.floor(end / self.span.step), self.span.buckets
        values = self._values[which]
        found: list[float] = []
        for number in range(last - count + 1, last + 1):
            at = number % count
            if number < 0 or self._numbers[at] != number:
                found.append(math.nan)
            else:
                found.append(values[at] / self._known[at] if rate else values[at])
        return found


class Series:
    """Some figures of one thing over time; times are the server's monotonic clock."""

    __slots__ = ("_last", "_last_at", "_rings", "figures")

    def __init__(self, figures: Sequence[Figure]) -> None:
        self.figures = figures
        self._rings = {name: _Ring(span, len(figures)) for name, span in SPANS.items()}
        self._last: tuple[float, ...] | None = None
        self._last_at = 0.0

    def add(self, at: float, values: tuple[float, ...], *, known: bool) -> None:
        """How things stood: counters for rates.  `known`: the time since the last picture is
        accounted for by these two; else it becomes a gap.
        """
        before, since = self._last, self._last_at
        self._last, self._last_at = values, at
        seconds = at - since
        if before is None or not known or seconds <= 0:
            return
        amounts = [(now - then) / seconds if figure.rate else max(now, then)
                   for figure, now, then in zip(self.figures, values, before, strict=True)]
        for ring in self._rings.values():
            ring.add(since, at, amounts, self.figures)

    def read(self, name: str, span: str, end: float) -> list[float]:
        """The figure over a span that ends at `end`, oldest bucket first; NaN is a gap."""
        which = next(i for i, figure in enumerate(self.figures) if figure.name == name)
        return self._rings[span].read(which, self.figures[which].rate, end)


class _GapDetector:
    """Tells whether the time between two snapshots is accounted for by them."""

    def __init__(self) -> None:
        self.latest: Snapshot | None = None
        self._interval = 0.0

    def is_other(self, snapshot: Snapshot) -> bool:
        """Of another server, or of one started anew: its counters begin at nothing."""
        latest = self.latest
        return latest is not None and (snapshot.started_at != latest.started_at
                                       or snapshot.mono < latest.mono)

    def account_for(self, snapshot: Snapshot) -> bool:
        """It came when it was due, or none came because nothing happened."""
        before, self.latest = self.latest, snapshot
        if before is None:
            return False
        seconds = snapshot.mono - before.mono
        if seconds <= min(LATE_MOST, max(LATE, LATE_INTERVALS * self._interval)):
            self._interval = seconds
            return True
        return snapshot.loop.turns - before.loop.turns <= STILL_TURNS


class Plots:
    """The series of a server and of its clients, fed with the snapshots as they come."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self.server = Series(SERVER)
        self.clients: dict[int, Series] = {}       # who was looked at last is last
        self._gone: dict[int, Series] = {}         # the same of those that are not here
        self._here: Mapping[int, ClientRow] = {}
        self._pictures = _GapDetector()
        self._clients_at = float("-inf")           # when they were last looked through
        self._clients_known = True                 # all the time since then is

    def add(self, snapshot: Snapshot) -> None:
        """Take in the next picture; one of another server begins anew."""
        if self._pictures.is_other(snapshot):
            self._begin()
        known = self._pictures.account_for(snapshot)
        self.server.add(snapshot.mono, _of_server(snapshot), known=known)
        self._clients_known = self._clients_known and known
        if snapshot.mono - self._clients_at >= CLIENTS_EVERY:
            self._add_clients(snapshot)

    def _add_clients(self, snapshot: Snapshot) -> None:
        known, self._clients_known = self._clients_known, True
        self._clients_at = snapshot.mono
        self._here = here = {row.id: row for row in snapshot.clients}
        for ident in [ident for ident in self.clients if ident not in here]:
            _put(self._gone, ident, self.clients.pop(ident), GONE_KEPT)
        for ident in here:
            if len(self.clients) >= CLIENTS_KEPT:
                break
            if ident not in self.clients:
                self.clients[ident] = Series(CLIENT)
        for ident, series in self.clients.items():
            series.add(snapshot.mono, _of_client(here[ident]), known=known)

    def look_at(self, ident: int, past: Iterable[Moment]) -> Series:
        """The series of this client, begun with what is held of the past where it has not
        been followed so far; from now on it is the last to go where there are too many.  One that
        is not here takes no place of those that are.
        """
        series = self.clients.get(ident)
        here = series is not None or ident in self._here
        if series is None and not here:
            series = self._gone.get(ident)
        if series is None:
            latest = self._pictures.latest     # a recording's past reaches into what is to come
            series = of_the_past(past, ident, end=latest.mono if latest is not None else 0.0)
        if here:
            self._gone.pop(ident, None)        # it had not come when it was looked at before
            _put(self.clients, ident, series, CLIENTS_KEPT)
        else:
            _put(self._gone, ident, series, GONE_KEPT)
        return series


def _put(kept: dict[int, Series], ident: int, series: Series, most: int) -> None:
    """Make it the last of `most`."""
    kept.pop(ident, None)
    while len(kept) >= most:
        del kept[next(iter(kept))]
    kept[ident] = series


def of_the_past(past: Iterable[Moment], ident: int = 0, *, end: float = math.inf,
                span: Span | None = None) -> Series:
    """The server's series, or this client's, as the snapshots of a past tell it up to `end`;
    of a `span`, only what it needs and no more of them than it has use for.
    """
    series = Series(CLIENT if ident else SERVER)
    pictures = _GapDetector()
    start = end - span.seconds - LATE if span is not None else -math.inf
    apart = span.step / PICTURES_PER_BUCKET if span is not None else 0.0
    last, all_known = -math.inf, True
    for snapshot, _events in past:
        if snapshot.mono > end:
            break
        if snapshot.mono < start:
            continue
        all_known = pictures.account_for(snapshot) and all_known
        if snapshot.mono - last < apart:
            continue
        row = next((row for row in snapshot.clients if row.id == ident), None)
        if ident and row is None:
            continue
        values = _of_client(row) if row is not None else _of_server(snapshot)
        series.add(snapshot.mono, values, known=all_known)
        last, all_known = snapshot.mono, True
    return series


def figure_of(name: str, *, client: bool) -> Figure:
    """The figure of this name, of the server or of a client.  Raises ValueError."""
    figures = CLIENT if client else SERVER
    found = next((figure for figure in figures if figure.name == name), None)
    if found is None:
        raise ValueError(f"no plot of '{name}' {'for a client' if client else 'here'}; there is "
                         f"{', '.join(figure.name for figure in figures)}")
    return found


def over(now: Sequence[float], then: Sequence[float]) -> list[float]:
    """`now`, and where that has a gap, `then`."""
    return [b if math.isnan(a) else a for a, b in zip(now, then, strict=True)]
