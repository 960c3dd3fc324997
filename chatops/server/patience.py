"""So many seconds in a window for each, and no more: what was spent comes back bit by bit."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
KEPT = 1000                    # of whom it is known what they have spent, or twice as many as were
                               # left when those who have all of it again were last forgotten


class Patience(Generic[K]):
    """A token bucket for each (RFC 2698 calls it a meter), full at first.  Pure: time is an
    argument, in seconds that never go back.
    """

    def __init__(self, most: float, window: float) -> None:
        """At most `most` seconds at once, and as many again in each `window`."""
        self._most = most
        self._window = window
        self._left: dict[K, tuple[float, float]] = {}      # and when that was so
        self._kept = KEPT          # going through them each time would be quadratic

    def left(self, now: float, whose: K) -> float:
        """Seconds that it may still spend."""
        left, at = self._left.get(whose, (self._most, now))
        return min(self._most, left + (now - at) * self._most / self._window)

    def spend(self, now: float, whose: K, seconds: float) -> None:
        """It has spent so many; nobody has less than none left."""
        self._left[whose] = max(0.0, self.left(now, whose) - seconds), now
        if len(self._left) > self._kept:
            self._left = {each: known for each, known in self._left.items()
                          if self.left(now, each) < self._most}
            self._kept = max(KEPT, 2 * len(self._left))

    def forget(self, whose: K) -> None:
        """It is gone.  Harmless where nothing is known of it."""
        self._left.pop(whose, None)
