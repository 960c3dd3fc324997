"""Rates from counters: differences of two snapshots over the time that really passed.

Pure.  Nothing here is smoothed: a rate is what happened within the last second or so,
divided by how long that was on the server's clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from chatops.api.program import CallbackRow
from chatops.api.snapshot import ClientRow, KeyRow, Pulse, Snapshot
from tui.model.pulses import LoopRates, PulseMeter

WINDOW = 1.0                   # seconds that a rate looks back
MARK_EVERY = 0.25              # seconds between the snapshots that are kept to look back to
SAMPLE = 0.5                   # seconds of one bar of a sparkline
SAMPLES = 240                  # bars kept: two minutes
ASLEEP_AFTER = 1.0             # seconds without a snapshot: nothing happens over there
ASLEEP_AT_MOST = 3.0           # the same for a server whose snapshots come slowly


class Rates(NamedTuple):
    """What one client does in a second."""

    bytes_in: float = 0.0
    bytes_out: float = 0.0
    lines_in: float = 0.0
    lines_out: float = 0.0


class Gauges(NamedTuple):
    """What the whole server does in a second, and what waits in its queues now."""

    wakeups: float = 0.0
    ready: float = 0.0         # events per wake-up
    busy: float = 0.0          # share of the time spent outside select(), 0 to 1
    lines_in: float = 0.0
    lines_out: float = 0.0
    queued: float = 0.0        # bytes in all outboxes
    kernel_queued: float = 0.0
    off_cpu: float = 0.0       # share of the time that is in `busy` and was no work
    lag: float = 0.0           # of a program: seconds that a due call had to wait, at the worst


NO_RATES = Rates()


class RateTable:
    """The rates of every client and descriptor of one snapshot, worked out when asked."""

    __slots__ = ("_calls", "_clients", "_keys", "_seconds")

    def __init__(self, before: Snapshot | None, seconds: float) -> None:
        """`seconds` passed since `before`; without a `before` every rate is 0."""
        self._clients: Mapping[int, ClientRow] = (
            {row.id: row for row in before.clients} if before is not None else {})
        self._keys: Mapping[int, KeyRow] = (
            {row.fd: row for row in before.keys} if before is not None else {})
        self._calls: Mapping[str, CallbackRow] = (
            {row.name: row for row in before.program.callbacks}
            if before is not None and before.program is not None else {})
        self._seconds = seconds if before is not None else 0.0

    def of(self, row: ClientRow) -> Rates:
        """Of this client; one that came since then counts from nothing."""
        seconds = self._seconds
        if not seconds:
            return NO_RATES
        old = self._clients.get(row.id)
        if old is row:
            return NO_RATES
        if old is None:
            return Rates(row.bytes_in / seconds, row.bytes_out / seconds,
                         row.lines_in / seconds, row.lines_out / seconds)
        return Rates((row.bytes_in - old.bytes_in) / seconds,
                     (row.bytes_out - old.bytes_out) / seconds,
                     (row.lines_in - old.lines_in) / seconds,
                     (row.lines_out - old.lines_out) / seconds)

    def lines(self, rows: Iterable[ClientRow]) -> tuple[float, float]:
        """In and out, of all these together."""
        lines_in = lines_out = 0
        before = self._clients
        for row in rows:
            old = before.get(row.id)
            if old is None:
                lines_in += row.lines_in
                lines_out += row.lines_out
            elif old is not row:
                lines_in += row.lines_in - old.lines_in
                lines_out += row.lines_out - old.lines_out
        seconds = self._seconds
        return (lines_in / seconds, lines_out / seconds) if seconds else (0.0, 0.0)

    def fires(self, row: KeyRow) -> float:
        """How often this descriptor fires per second."""
        return self._key_rate(row, "fires")

    def busy(self, row: KeyRow) -> float:
        """The share of the time that its callback takes, 0 to 1."""
        return self._key_rate(row, "busy")

    def calls(self, row: CallbackRow) -> float:
        """How often a program's loop makes these calls per second."""
        old = self._calls.get(row.name)
        before = old.calls if old is not None and old.calls <= row.calls else 0
        return (row.calls - before) / self._seconds if self._seconds else 0.0

    def call_share(self, row: CallbackRow) -> float:
        """The share of the loop's time that they take, 0 to 1."""
        old = self._calls.get(row.name)
        before = old.busy if old is not None and old.calls <= row.calls else 0.0
        return min(1.0, (row.busy - before) / self._seconds) if self._seconds else 0.0

    def _key_rate(self, row: KeyRow, counter: str) -> float:
        if not self._seconds:
            return 0.0
        old = self._keys.get(row.fd)
        same = old is not None and old.registered_at == row.registered_at
        before: float = getattr(old, counter) if same else 0
        now: float = getattr(row, counter)
        return (now - before) / self._seconds


AT_REST = RateTable(None, 0.0)


def gauges(before: Snapshot, after: Snapshot, seconds: float) -> Gauges:
    """What the server did between two snapshots that lie `seconds` apart."""
    a, b = before.loop, after.loop
    turns = b.turns - a.turns
    if seconds <= 0:
        return at_rest(after)
    return Gauges(
        wakeups=turns / seconds,
        ready=(b.ready - a.ready) / turns if turns > 0 else 0.0,
        busy=min(1.0, max(0.0, (b.worked - a.worked) / seconds)),
        lines_in=(after.lines_in - before.lines_in) / seconds,
        lines_out=(after.lines_out - before.lines_out) / seconds,
        queued=after.queued,
        kernel_queued=after.kernel_queued,
        off_cpu=min(1.0, max(0.0, (b.off_cpu - a.off_cpu) / seconds)),
        lag=b.lag,
    )


def at_rest(snapshot: Snapshot) -> Gauges:
    """A server where nothing moves: no rates, the queues as they are."""
    return Gauges(queued=snapshot.queued, kernel_queued=snapshot.kernel_queued)


class Meter:
    """Turns a stream of snapshots, and of moments without one, into rates and bars."""

    def __init__(self) -> None:
        self.table = AT_REST
        self.now = Gauges()
        self.asleep = True
        self.series: dict[str, deque[float]] = {
            name: deque(maxlen=SAMPLES) for name in Gauges._fields}
        self._marks: deque[Snapshot] = deque()
        self._latest: Snapshot | None = None
        self._received = 0.0       # console's clock, when `_latest` came
        self._interval = 0.0       # seconds between the last two
        self._bar: Snapshot | None = None   # counters where the current bar begins
        self._bar_since = 0.0      # the server's clock, from when they count
        self._bar_at = 0.0         # the same, up to when there are bars
        self._loop: PulseMeter | None = None       # where the link tells pulses

    def feed(self, snapshot: Snapshot | None, mono_now: float,
             pulse: Pulse | None = None) -> None:
        """Take in a snapshot, or that none came; `mono_now` is the console's clock.

        A `pulse` says whether a server without snapshots sleeps, and how its loop turns;
        without one, who is silent for long is taken to sleep.
        """
        if snapshot is not None:
            self._arrived(snapshot, mono_now)
        elif self._latest is not None and not self.asleep:
            patience = (ASLEEP_AFTER if pulse is not None else
                        min(ASLEEP_AT_MOST, max(ASLEEP_AFTER, 3 * self._interval)))
            if mono_now - self._received >= patience and not (pulse and pulse.behind):
                self._fall_asleep(self._latest)
        if self.asleep and self._latest is not None:
            self._rest(self._latest, mono_now)
        elif pulse is not None:
            self._beat(pulse)

    def server_now(self, mono_now: float) -> float:
        """The server's clock now, as far as the console can tell."""
        latest = self._latest
        return latest.mono + (mono_now - self._received) if latest is not None else mono_now

    def _arrived(self, snapshot: Snapshot, mono_now: float) -> None:
        latest = self._latest
        if latest is not None and (snapshot.started_at != latest.started_at
                                   or snapshot.mono < latest.mono):
            self._marks.clear()    # another server: its counters begin anew
            self._bar = latest = None
        if latest is not None:
            self._interval = mono_now - self._received
        slept = self.asleep and latest is not None
        if slept and self._loop is not None:
            self._loop.wake(self.server_now(mono_now))
        began = self._latest_moment(mono_now) if slept else None
        self.asleep = False
        self._latest, self._received = snapshot, mono_now - snapshot.age
        before, since = self._look_back(snapshot, began)
        seconds = snapshot.mono - since if before is not None else 0.0
        if before is not None and seconds > 0:
            self.table = RateTable(before, seconds)
            self.now = gauges(before, snapshot, seconds)
        else:
            self.table, self.now = AT_REST, at_rest(snapshot)
        self._draw_bars(snapshot)

    def _latest_moment(self, mono_now: float) -> float:
        """A sleeper did nothing until just now: its rates begin with this wake-up."""
        return self.server_now(mono_now) - WINDOW

    def _look_back(self, snapshot: Snapshot,
                   awake_since: float | None) -> tuple[Snapshot | None, float]:
        marks = self._marks
        before = None
        while marks and snapshot.mono - marks[0].mono >= WINDOW:
            before = marks.popleft()
        if before is not None:
            marks.appendleft(before)
        elif marks:
            before = marks[0]
        if not marks or snapshot.mono - marks[-1].mono >= MARK_EVERY:
            marks.append(snapshot)
        if before is None or before is snapshot:
            return None, 0.0
        return before, max(before.mono, awake_since) if awake_since else before.mono

    def _fall_asleep(self, latest: Snapshot) -> None:
        self.asleep = True
        self.table, self.now = AT_REST, at_rest(latest)
        self._marks.clear()
        self._marks.append(latest)
        if self._bar is None:
            return
        if self._bar is not latest:    # what happened in a bar that was not full when it slept
            self._append(gauges(self._bar, latest, SAMPLE), 1)
            self._bar_at += SAMPLE
        self._bar, self._bar_since = latest, max(self._bar_at, latest.mono)

    def _rest(self, latest: Snapshot, mono_now: float) -> None:
        """Nothing happens: the bars go on, empty."""
        now = self.server_now(mono_now)
        if self._bar is None:
            self._begin_bar(latest)
        if (bars := int((now - self._bar_at) / SAMPLE)) > 0:
            self._append(self.now, bars)
            self._bar_at += bars * SAMPLE
            self._bar, self._bar_since = latest, max(self._bar_at, latest.mono)
        if self._loop is not None and (bars := self._loop.rest(now)):
            self._extend(LoopRates()._asdict(), bars)

    def _draw_bars(self, snapshot: Snapshot) -> None:
        before = self._bar or self._begin_bar(snapshot)
        # A bar ends with the picture after its end, and the next begins where it should have.
        if (bars := int((snapshot.mono - self._bar_at) / SAMPLE)) > 0:
            seconds = snapshot.mono - self._bar_since
            self._append(gauges(before, snapshot, seconds), bars)
            self._bar, self._bar_since = snapshot, snapshot.mono
            self._bar_at += bars * SAMPLE

    def _begin_bar(self, snapshot: Snapshot) -> Snapshot:
        self._bar, self._bar_since, self._bar_at = snapshot, snapshot.mono, snapshot.mono
        return snapshot

    def _beat(self, pulse: Pulse) -> None:
        """The loop's own gauges and bars are a pulse's, however late the next snapshot is."""
        if self._loop is None:
            self._loop = PulseMeter(WINDOW, MARK_EVERY, SAMPLE)
        bar = self._loop.feed(pulse)
        if self._loop.now is not None:
            self.now = self.now._replace(**self._loop.now._asdict())
        if bar is not None:
            rates, bars = bar
            self._extend(rates._asdict(), bars)

    def _append(self, sample: Gauges, bars: int) -> None:
        values = sample._asdict()
        if self._loop is not None:
            for name in LoopRates._fields:     # drawn from pulses
                del values[name]
        self._extend(values, bars)

    def _extend(self, values: Mapping[str, float], bars: int) -> None:
        for name, value in values.items():
            self.series[name].extend([value] * min(bars, SAMPLES))
