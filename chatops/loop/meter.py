"""What the calls of an asyncio loop cost, by name, while somebody looks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

KEPT = 256                     # of each name, for its percentiles
NAMES = 200                    # beyond these all are one
LATELY = 1.0                   # seconds that the worst of something is remembered


class Cost:
    """Of all calls with one name, in seconds."""

    __slots__ = ("add", "busy", "calls", "name", "recent", "slowest")

    def __init__(self, name: str) -> None:
        self.name = name
        self.calls = 0
        self.busy = 0.0
        self.slowest = 0.0
        self.recent: deque[float] = deque(maxlen=KEPT)
        self.add = self.recent.append


class CallMeter:
    """One per loop; belongs to its thread.  Written to by `private.time_handles`."""

    def __init__(self) -> None:
        self.costs: dict[Any, Cost] = {}
        self.tasks: dict[int, list[float]] = {}    # id(task): seconds, steps
        self.slowest = 0.0                         # seconds, of late
        self.slowest_name = ""
        self.slowest_at = 0.0
        self.waited = 0.0                          # seconds that a due call had to wait, of late
        self.waited_at = 0.0

    def new(self, key: object, name: Callable[[], str]) -> Cost:
        """A cost for calls that have not been seen; of the last of very many, for all others."""
        if len(self.costs) >= NAMES:
            key, name = None, lambda: "others"
            if key in self.costs:
                return self.costs[key]
        cost = self.costs[key] = Cost(name())
        return cost

    def lag(self, now: float) -> float:
        """The longest that a call which was due had to wait, lately."""
        return max(0.0, self.waited) if now - self.waited_at <= LATELY else 0.0
