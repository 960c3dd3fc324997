"""Where a client's outbox is going, measured over some seconds.  Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from chatops.api.snapshot import ClientRow, Snapshot
from tui.model.state import ConsoleState

LEVELS = 64                    # samples of an outbox
TREND = 10.0                   # seconds that its growth is measured over
TREND_LEAST = 2.0              # with less than this nothing is said of it
STEADY = 1.0                   # bytes per second under which an outbox is said to stand still


@dataclass(frozen=True, slots=True)
class Trend:
    """Where an outbox is going."""

    growth: float              # bytes per second
    seconds: float | None      # until it is full, or empty, at this rate; None for neither

    @property
    def is_steady(self) -> bool:
        return abs(self.growth) < STEADY or self.seconds is None


class Levels:
    """How full one client's outbox was, over the last seconds."""

    def __init__(self, ident: int) -> None:
        self.ident = ident
        self._levels: deque[tuple[float, int]] = deque(maxlen=LEVELS)

    def clear(self) -> None:
        """Begin anew."""
        self._levels.clear()

    def measure(self, snapshot: Snapshot) -> None:
        """Take in a picture that is later than those before."""
        row = next((row for row in snapshot.clients if row.id == self.ident), None)
        levels = self._levels
        if row is not None and (
                not levels or snapshot.mono > levels[-1][0] + TREND / LEVELS):
            levels.append((snapshot.mono, row.queued))

    def trend(self, row: ClientRow) -> Trend | None:
        """How it grows, None while too little is known or nothing waits."""
        if not self._levels or not row.queued:
            return None
        now, queued = self._levels[-1]
        then, before = next(level for level in self._levels if level[0] >= now - TREND)
        if now - then < TREND_LEAST:
            return None
        growth = (queued - before) / (now - then)
        seconds = None
        if growth > 0 and row.queue_limit:
            seconds = max(0.0, (row.queue_limit - row.queued) / growth)
        elif growth < 0:
            seconds = row.queued / -growth
        return Trend(growth, seconds)


def when_full(state: ConsoleState) -> str:
    """The policy for outboxes that are full; "" of a program or a stage of the lab, which have
    none, and whose limit may be a mark that is gone past.
    """
    live = state.live
    if live is None or live.program is not None or state.refusal("slow-consumer"):
        return ""
    return live.loop.slow_consumer
