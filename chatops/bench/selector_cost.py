"""What the observed selector costs: a turn of it against a turn of what it is wrapped around.

The selector inside is a stand-in that builds the same list a real one would and asks no
kernel, so that a system call's noise does not drown a difference of nanoseconds.
"""

from __future__ import annotations

import gc
import selectors
import statistics
import time
from collections.abc import Mapping
from typing import Any

import msgspec

from chatops.loop.observed import ObservedSelector

BATCH = 2000                   # turns that are timed together
WIDE = 64                      # ready events in the wide turns


class SelectorCost(msgspec.Struct, frozen=True):
    """Microseconds beyond the plain selector, per turn and per ready event."""

    turn: float
    event: float
    watched_turn: float
    watched_event: float


class StandIn(selectors.BaseSelector):
    """Always ready: one half of its keys in one turn, the other half in the next."""

    def __init__(self, ready: int) -> None:
        self._keys = {fd: selectors.SelectorKey(fd, fd, selectors.EVENT_READ, None)
                      for fd in range(1 << 20, (1 << 20) + 2 * ready)}
        keys = list(self._keys.values())
        self._now, self._next = keys[:ready], keys[ready:]

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._now, self._next = self._next, self._now
        return [(key, key.events) for key in self._now]

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        raise NotImplementedError("its keys are fixed")

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        raise NotImplementedError("its keys are fixed")


def seconds_per_turn(selector: selectors.BaseSelector, turns: int = BATCH) -> float:
    """Turn, and go through what is ready as a loop would."""
    select = selector.select
    began = time.perf_counter()
    for _ in range(turns):
        for _key, _mask in select(0):
            pass
    return (time.perf_counter() - began) / turns


def _selectors(ready: int) -> tuple[selectors.BaseSelector, ...]:
    """Plain, observed and watched, all with so many events ready in each turn."""
    watched = ObservedSelector(StandIn(ready))
    watched.watch()
    return StandIn(ready), ObservedSelector(StandIn(ready)), watched


def measure_selector(rounds: int = 15) -> SelectorCost:
    """Medians of interleaved rounds; a turn's own cost is that of one with one event."""
    narrow, wide = _selectors(1), _selectors(WIDE)
    plan = [(selector, BATCH) for selector in narrow] + [(each, BATCH // 8) for each in wide]
    gc.collect()
    costs = [[seconds_per_turn(selector, turns) for selector, turns in plan]
             for _ in range(rounds)]
    plain, unwatched, watched, *wides = map(statistics.median, zip(*costs, strict=True))
    wide_plain, wide_unwatched, wide_watched = wides

    def beyond(one: float, many: float) -> tuple[float, float]:
        slope = ((many - wide_plain) - (one - plain)) / (WIDE - 1)
        return (one - plain - slope) * 1e6, slope * 1e6

    return SelectorCost(*beyond(unwatched, wide_unwatched), *beyond(watched, wide_watched))
