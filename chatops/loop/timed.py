"""What each callback of a turn takes: a list of ready events that times whoever goes through it.

The thread's CPU time comes from a system call, so inside a turn it is read at most once per
`CPU_WORTH` of wall time: callbacks that are shorter share a reading, and which of them waited
is known to within that.
"""

from __future__ import annotations

import selectors
from collections.abc import Callable, Iterator
from typing import Protocol

from chatops.loop.records import Event

Clock = Callable[[], float]

# Seconds: bounds of a histogram of what callbacks take, each belonging to the bucket below it.
COST_BUCKETS = (1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05,
                0.1, 0.25, 0.5, 1.0)
CPU_WORTH = 0.001              # seconds by the wall that are worth a look at the CPU time


class Timing(Protocol):
    """Who is told; an `ObservedSelector`, as its list of events sees it."""

    clock: Clock

    def _spent(self, key: selectors.SelectorKey, seconds: float, off_cpu: float) -> None:
        """A callback of this turn took so long, and was so long of that off the CPU."""

    def _off_cpu(self, seconds: float) -> float:
        """Of so many seconds since the last reading, how many the thread did not run."""


class TimedEvents(list[Event]):
    """The ready list of a watched turn: whoever iterates it is timed, event by event."""

    __slots__ = ("_selector",)

    def __init__(self, events: list[Event], selector: Timing) -> None:
        super().__init__(events)
        self._selector = selector

    def __iter__(self) -> Iterator[Event]:
        selector = self._selector
        clock, spent = selector.clock, selector._spent
        unread = 0.0               # by the wall, since the CPU time was read
        started = clock()
        for event in super().__iter__():
            yield event
            ended = clock()
            took = ended - started
            unread += took
            if unread < CPU_WORTH:
                spent(event[0], took, 0.0)
            else:
                spent(event[0], took, min(took, selector._off_cpu(unread)))
                unread = 0.0
            started = ended
