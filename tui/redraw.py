"""How often the console draws: as often as it is asked to, and as the reactor can spare.

Console and reactor share one interpreter, in which one of them runs at a time.  A frame at
120×40 with a hundred busy clients costs some 14 ms, which five times a second is 7 % of a
core: nothing to an idle server, a seventh of the lines to one that is busy all the time.
So drawing may take a share of what the reactor leaves free, and a little of what it does not.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from tui.model.state import FASTEST

# Seconds between redraws while nothing arrives.  Clocks tick, and with a tenth's jitter none
# of them skips a second; a redraw is nearly all that an idle console costs.
STILL = 0.9
SPARE_SHARE = 0.25             # of the time that the reactor sleeps
LEAST_SHARE = 0.03             # of all time, however busy the reactor is


class RedrawPacer:
    """Decides when the next frame is due.  Belongs to the thread that draws."""

    def __init__(self, clock: Callable[[], float], cpu: Callable[[], float] = time.thread_time
                 ) -> None:
        """`cpu` tells the seconds of CPU that the drawing thread has had."""
        self._clock = clock
        self._cpu = cpu
        self._drawn_at = float("-inf")
        self._cpu_then = cpu()
        self.version = -1         # of the state, as it was drawn last

    def is_due(self, version: int, refresh: float, busy: float) -> bool:
        """Whether to draw now: something has changed and `refresh` seconds are over, or
        the clocks on the screen are late; neither before the last frame has been paid for.
        `busy` is the reactor's, 0 to 1.
        """
        # The timer that asks comes every `FASTEST` seconds; its jitter must not halve the rate.
        since = self._clock() - self._drawn_at + FASTEST / 2
        if since < self.cost / max(LEAST_SHARE, SPARE_SHARE * (1 - busy)):
            return False
        return (since >= refresh and version != self.version) or since >= STILL

    def drew(self, version: int) -> None:
        """A frame of this version of the state is being drawn."""
        self.version = version
        self._drawn_at = self._clock()
        self._cpu_then = self._cpu()

    @property
    def cost(self) -> float:
        """Seconds of CPU that the last frame took, with all that was done since."""
        return self._cpu() - self._cpu_then
