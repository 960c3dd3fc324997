"""Until the rooms of the other nodes are known, nobody comes into a room here.

A node that has just come up, or back, knows of no key and no ban that others have set: who
asked in that moment would be let in, as the maker of a room that is somebody else's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from chatops.chat.elsewhere import Elsewhere
from chatops.cluster.peers import Peer
from chatops.loop.reactor import Timer


class Settling:
    """Belongs to the reactor's thread.  Sans-I/O but for what it is given to call."""

    def __init__(self, there: Elsewhere, let_in: Callable[[], None],
                 after: Callable[[float, Callable[[], None]], Timer], patience: float) -> None:
        """`let_in` is called when it is over: at the latest `patience` seconds after it began,
        for a node may hold its lease and be dead.
        """
        self._there = there
        self._let_in = let_in
        self._after = after
        self._patience = patience
        self._awaited: set[str] = set()
        self._timer: Timer | None = None

    def begin(self, living: Iterable[str] = ()) -> None:
        """From here on, until these nodes have told all of theirs."""
        self._cancel()
        self._awaited = set(living)
        self._there.settled = False
        self._timer = self._after(self._patience, self.end)

    @property
    def pending(self) -> bool:
        """Whether it is not over yet."""
        return not self._there.settled

    def look(self, peers: Mapping[str, Peer]) -> None:
        """The log has been read so far: is that all?"""
        known = {node for node, peer in peers.items()
                 if peer.all_told or peer.state == "other version"}
        if not self._there.settled and self._awaited <= known:
            self.end()

    def end(self) -> None:
        """Harmless when it is over already."""
        self._cancel()
        if not self._there.settled:
            self._there.settled = True
            self._let_in()

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
