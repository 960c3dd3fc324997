"""When a node tells the others all of itself: its people and its rooms.

Each newcomer has to be told by everybody.  Where a thousand nodes begin at once that would be a
million rosters: so each tells again after a pause that grows with the number of nodes, and one
roster answers all who have come meanwhile.
"""

from __future__ import annotations

PAUSE = 0.005                  # seconds between two rosters for each other node: all nodes
                               # together write no more than two hundred a second


class Introductions:
    """Sans-I/O; times are monotonic, in seconds."""

    def __init__(self) -> None:
        self.owed = True               # somebody has to be told
        self._next_at = 0.0

    def wait(self, now: float) -> float:
        """Seconds until it may be told; what is owed is told at once if there was a pause."""
        return max(0.0, self._next_at - now)

    def told(self, now: float, peers: int) -> None:
        """It has been, to so many other nodes."""
        self.owed = False
        self._next_at = now + PAUSE * peers
