"""What was said before, and how it is asked for: messages as they were, by their ids and times.

Nothing here knows where they are kept; whoever does answers later, on the thread of the hub.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

from chatops.chat.groups import Sender

PastKind = Literal["talk", "action", "notice"]
KEPT: tuple[PastKind, ...] = ("talk", "action", "notice")

How = Literal["latest", "before", "after", "around", "between"]


class PastMessage(NamedTuple):
    """One line that somebody said in a room; `at` is wall clock, in seconds."""

    at: float
    msgid: str
    kind: PastKind
    sender: Sender
    text: str
    tags: str = ""             # client-only tags, as they stand in a message (IRCv3)


class Reference(NamedTuple):
    """A place in what was said: a message, or else a moment, in milliseconds of the Unix epoch."""

    msgid: str = ""
    at: int = 0


class Selection(NamedTuple):
    """Messages of one room, at most `limit`, none of which is what is referred to; but `around`
    has it in its middle.  `between` counts from its first end, whichever is the earlier.
    """

    room: str
    how: How
    limit: int
    first: Reference | None = None     # None only of `latest`: with no such end
    second: Reference | None = None    # only of `between`


Found = Sequence[PastMessage] | None   # oldest first; None: it cannot be told now, or not from
                                       # there, for what is referred to is not kept


class ChatArchive(Protocol):
    """Who keeps what was said.  No method waits; each answers once."""

    def select(self, selection: Selection, answer: Callable[[Found], None]) -> None:
        """Look up these messages."""

    def newest(self, rooms: Sequence[str],
               answer: Callable[[Mapping[str, float] | None], None]) -> None:
        """When each of these rooms last heard something, of those that have; None: it cannot
        be told now.
        """
