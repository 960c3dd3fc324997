"""Where a snapshot waits for whoever wanted it."""

from __future__ import annotations

from chatops.api.snapshot import Snapshot


class SnapshotSlot:
    """One console's slot for its newest snapshot: latest wins, and no turn is lost by that.

    `wanted` and `on_news` may be set from any thread, `shown` by `took`; the rest is the
    reactor's to write.
    """

    __slots__ = ("activity", "latest", "on_news", "shown", "wanted")

    def __init__(self) -> None:
        self.wanted = False            # the next snapshot, as soon as it can be afforded
        self.on_news = False           # the same, once something has happened
        self.latest: Snapshot | None = None
        self.activity = -1             # of the survey when `latest` was made
        self.shown = 0                 # the last turn that the console has been told of

    def took(self, snapshot: Snapshot) -> None:
        """The console has this one.  Turns go on from there; those of a snapshot that was
        replaced before anybody took it come again with the next.
        """
        self.shown = snapshot.turn
