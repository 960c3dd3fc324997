"""Nicks of this node, and what the engine has been told of them.  Sans-I/O.

A nick is its client's at once, unless somebody elsewhere is known to have it; the engine is told
after that, and says who was first.  So nobody waits for the engine, and what happens when two
choose one nick in the same moment is what happens after a split: the later one is renamed.
"""

from __future__ import annotations

AT_ONCE = 500                  # nicks in one script: 20 ms of the engine's time at most


class Claims:
    """Which look belongs to which client, and what has not been told yet."""

    def __init__(self) -> None:
        self.ids: dict[str, int] = {}          # by look
        self._looks: dict[int, str] = {}
        self._untold: dict[str, None] = {}

    def __len__(self) -> int:
        """Looks of which the engine has to be told."""
        return len(self._untold)

    def set(self, id: int, look: str) -> None:  # noqa: A002
        """This client's nick looks like that; "" is a guest's, or nobody's."""
        old = self._looks.pop(id, "")
        if look:
            self._looks[id] = look
        if old == look:
            return
        if old and self.ids.get(old) == id:
            del self.ids[old]
            self._untold[old] = None
        if look:
            self.ids[look] = id
            self._untold[look] = None

    def again(self) -> None:
        """The engine is to be told of everything: it has forgotten, or it has gone unheard."""
        for look in self.ids:
            self._untold[look] = None

    def take(self) -> list[tuple[str, int | None]]:
        """What the engine is to be told next; None for a look that is free."""
        taken = [(look, self.ids.get(look)) for look, _ in zip(self._untold, range(AT_ONCE),
                                                               strict=False)]
        for look, _ in taken:
            del self._untold[look]
        return taken

    def untold(self, looks: list[tuple[str, int | None]]) -> None:
        """These have not arrived, or nobody knows."""
        for look, _ in looks:
            self._untold[look] = None
