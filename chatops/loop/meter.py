"""What the calls of an asyncio loop cost, by name, while somebody looks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

KEPT = 256                     # of each name, for its percentiles
NAMES = 200                    # beyond these all are one
OTHERS = object()              # what all calls beyond those go by
LATELY = 1.0                   # seconds that the worst of something is remembered


class Cost:
    """Of all calls with one name, in seconds."""

    __slots__ = ("add", "around", "busy", "called", "calls", "name", "recent", "slowest")

    def __init__(self, name: str, called: object) -> None:
        self.name = name
        self.called = called           # kept, so that nothing else gets its number
        self.around = False            # whether it is to go by what is inside, where that shows
        self.calls = 0
        self.busy = 0.0
        self.slowest = 0.0
        self.recent: deque[float] = deque(maxlen=KEPT)
        self.add = self.recent.append


class CallMeter:
    """One per loop; belongs to its thread.  Written to by `private.time_handles`, which is why
    what can be worked out at a look is worked out there, and not at each call.
    """

    __slots__ = ("_worst", "_worst_at", "costs", "last", "slowest", "slowest_name", "tasks",
                 "waited", "waited_at")

    def __init__(self) -> None:
        # By id(): the hash of a code object is worked out each time, out of all its constants
        # and in Python 3.12 out of all its instructions, at a microsecond or more.
        self.costs: dict[int, Cost] = {}
        self.tasks: dict[int, list[float]] = {}    # id(task): seconds, steps
        self.last = 0.0                            # seconds of the last call
        self.slowest = 0.0                         # seconds, since the last look
        self.slowest_name = ""
        self.waited = 0.0                          # seconds that a due call had to wait, of late
        self.waited_at = 0.0
        self._worst = (0.0, "")
        self._worst_at = 0.0

    def new(self, called: object, name: Callable[[], str]) -> Cost:
        """A cost for calls that have not been seen; of the last of very many, for all others."""
        if len(self.costs) >= NAMES:
            called, name = OTHERS, lambda: "others"
            if id(called) in self.costs:
                return self.costs[id(called)]
        cost = self.costs[id(called)] = Cost(name(), called)
        return cost

    def was_late(self, seconds: float, now: float) -> None:
        """A call has begun so long after it was due."""
        if seconds > self.waited or now - self.waited_at > LATELY:
            self.waited, self.waited_at = seconds, now

    def lag(self, now: float) -> float:
        """The longest that a call which was due had to wait, lately."""
        return max(0.0, self.waited) if now - self.waited_at <= LATELY else 0.0

    def worst(self, now: float) -> tuple[float, str]:
        """The slowest call of late: seconds, and its name; the last there was, where none is."""
        if self.slowest and (self.slowest >= self._worst[0] or now - self._worst_at > LATELY):
            self._worst, self._worst_at = (self.slowest, self.slowest_name), now
        self.slowest = 0.0
        return self._worst
