"""Who was here: the last hundred that have gone or changed their nick."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from chatops.chat.masks import fold

KEPT = 100


class Past(NamedTuple):
    """Somebody, as others last saw it."""

    nick: str
    user: str
    host: str
    realname: str
    at: float                      # wall clock


class WhoWas:
    """The newest first."""

    def __init__(self) -> None:
        self._past: deque[Past] = deque(maxlen=KEPT)

    def add(self, past: Past) -> None:
        self._past.appendleft(past)

    def find(self, nick: str, count: int = 0) -> list[Past]:
        """Those that were called this; 0 or less are all."""
        found = [past for past in self._past if fold(past.nick) == fold(nick)]
        return found[:count] if count > 0 else found
