"""The loop's own rates from its counters alone, which go on while snapshots are late.  Pure."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from chatops.api.snapshot import Pulse


class LoopRates(NamedTuple):
    """Those of `Gauges` that a pulse tells."""

    wakeups: float = 0.0
    ready: float = 0.0
    busy: float = 0.0
    off_cpu: float = 0.0


def between(before: Pulse, after: Pulse, seconds: float) -> LoopRates:
    """What the loop did between two pulses that lie so many seconds apart."""
    turns = after.turns - before.turns
    return LoopRates(turns / seconds,
                     (after.ready - before.ready) / turns if turns > 0 else 0.0,
                     min(1.0, max(0.0, (after.worked - before.worked) / seconds)),
                     min(1.0, max(0.0, (after.off_cpu - before.off_cpu) / seconds)))


class PulseMeter:
    """Turns pulses into the rates of the last `window` seconds, and into bars of `sample`."""

    def __init__(self, window: float, mark_every: float, sample: float) -> None:
        self.now: LoopRates | None = None      # None until there are two to compare
        self.drawn = float("-inf")             # the server's clock; there are bars until then
        self._window = window
        self._mark_every = mark_every
        self._sample = sample
        self._marks: deque[Pulse] = deque()
        self._since = float("-inf")            # the server's clock; it slept until then
        self._bar: Pulse | None = None         # counters where the current bar begins
        self._bar_since = float("-inf")        # the server's clock, from when they count

    def feed(self, pulse: Pulse) -> tuple[LoopRates, int] | None:
        """Take one in; the bar that it ends, and how many times the usual width that is."""
        marks = self._marks
        if marks and (pulse.mono < marks[-1].mono or pulse.turns < marks[-1].turns):
            self.forget()                      # another server
        if self._bar is None:
            self._bar, self.drawn = pulse, max(self.drawn, pulse.mono)
            self._bar_since = self.drawn
        while len(marks) > 1 and pulse.mono - marks[1].mono >= self._window:
            marks.popleft()
        if marks and pulse.mono > marks[0].mono:
            seconds = pulse.mono - max(marks[0].mono, self._since)
            self.now = between(marks[0], pulse, seconds) if seconds > 0 else self.now
        if not marks or pulse.mono - marks[-1].mono >= self._mark_every:
            marks.append(pulse)
        bars = int((pulse.mono - self.drawn) / self._sample)
        if bars < 1:
            return None
        bar = between(self._bar, pulse, pulse.mono - self._bar_since)
        self._bar, self._bar_since = pulse, pulse.mono
        self.drawn += bars * self._sample          # what is over is the next one's
        return bar, bars

    def rest(self, mono: float) -> int:
        """The server sleeps, and its clock shows this: how many empty bars there are to draw."""
        if self._bar is None:
            return 0
        bars = max(0, int((mono - self.drawn) / self._sample))
        self.drawn += bars * self._sample
        self._bar_since = max(self._bar_since, self.drawn)
        return bars

    def wake(self, mono: float) -> None:
        """The server slept until about this moment of its clock: its rates begin there."""
        while len(self._marks) > 1:
            self._marks.popleft()
        self._since = mono - self._window

    def forget(self) -> None:
        """Begin anew."""
        self._marks.clear()
        self._bar, self.now = None, None
        self._since = self.drawn = float("-inf")
