"""Nicks of this node, and what the engine has been told of them.  Sans-I/O.

A nick is its client's at once, unless somebody elsewhere is known to have it; the engine is told
after that, and says who was first.  So nobody waits for the engine, and what happens when two
choose one nick in the same moment is what happens after a split: the later one is renamed.
"""

from __future__ import annotations

from itertools import islice
from typing import NamedTuple

AT_ONCE = 500                  # nicks in one script: 20 ms of the engine's time at most


class Claim(NamedTuple):
    """A look, and the client that has it from now on, or None where it is free.  Whoever is
    `owner` of an account takes the nick of its name from anybody.
    """

    look: str
    id: int | None
    owner: bool = False


class Claims:
    """Which look belongs to which client, and what has not been told yet."""

    def __init__(self) -> None:
        self.ids: dict[str, int] = {}          # by look
        self._looks: dict[int, str] = {}
        self._untold: dict[str, None] = {}
        self._owned: dict[int, str] = {}       # looks that clients take from whoever has them

    def __len__(self) -> int:
        """Looks of which the engine has to be told."""
        return len(self._untold)

    def set(self, id: int, look: str) -> None:  # noqa: A002
        """This client's nick looks like that; "" is a guest's, or nobody's."""
        old = self._looks.pop(id, "")
        if self._owned.get(id, look) != look:
            del self._owned[id]
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

    def take_over(self, id: int, look: str) -> None:  # noqa: A002
        """This client owns it, and is about to claim it."""
        self._owned[id] = look

    def again(self) -> None:
        """The engine is to be told of everything: it has forgotten, or it has gone unheard."""
        for look in self.ids:
            self._untold[look] = None

    def take(self) -> list[Claim]:
        """What the engine is to be told next."""
        taken = []
        for look in list(islice(self._untold, AT_ONCE)):
            id = self.ids.get(look)  # noqa: A001
            owner = id is not None and self._owned.get(id) == look
            if id is not None and owner:
                del self._owned[id]
            del self._untold[look]
            taken.append(Claim(look, id, owner))
        return taken

    def untold(self, claims: list[Claim]) -> None:
        """These have not arrived, or nobody knows."""
        for look, id, owner in claims:  # noqa: A001
            self._untold[look] = None
            if owner and id is not None and self.ids.get(look) == id:
                self._owned[id] = look
