"""How long the tests wait: one place that knows how fast this machine is, and for us, now.

Tests state their patience in seconds of a machine that is idle; `scaled` makes of it what a
test may wait here.  A fixed piece of work is timed in wall time, over what it takes on an
ordinary machine: that is how slow the core is, and how long one waits for it, both at once.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager

GENEROUS = 3.0                 # a test fails only after so many times what is ample
ORDINARY = 0.060               # seconds that the work takes on a core of its own
ROUNDS = 1_000_000             # of the work: longer than a scheduler's slice of the core

_slowness = 0.0


def _work() -> int:
    total = 0
    for n in range(ROUNDS):
        total += n & 7
    return total


def measure() -> float:
    """How many times slower than ordinary this machine is for us now; 1 and more.

    The slowest that it has been counts: whoever starves us comes and goes.
    """
    global _slowness
    began = time.perf_counter()
    _work()
    _slowness = max(1.0, _slowness, (time.perf_counter() - began) / ORDINARY)
    return _slowness


def scaled(seconds: float) -> float:
    """What to wait here for something that is ample done in so many seconds elsewhere."""
    return seconds * GENEROUS * (_slowness or measure())


@contextmanager
def uncollected() -> Iterator[None]:
    """No garbage is collected meanwhile, so that no other test's is part of what this costs.

    One collection of all that a worker's tests have left takes longer than most of what they
    measure, and it falls to whichever thread allocates next.
    """
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class Deadline:
    """The end of one wait, of seconds that are scaled already.  When it has come, the machine
    is measured again: if it has become slower since, the wait is as much longer, once.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._slowness = _slowness or measure()
        self._at = time.monotonic() + seconds
        self._extended = False

    def left(self) -> float:
        """Seconds until it; 0 and less when the wait is over."""
        left = self._at - time.monotonic()
        if left <= 0 and not self._extended:
            self._extended = True
            self._at += self._seconds * (measure() / self._slowness - 1)
            left = self._at - time.monotonic()
        return left


PATIENCE = scaled(10.0)        # only what is broken takes longer
