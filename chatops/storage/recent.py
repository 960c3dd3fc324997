"""The last lines of each room, in memory: for whoever enters, before anything new.

They are at hand when they are needed: what must be looked up on a disk would come after what
is said meanwhile.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence

from chatops.storage.chat_history import NOTICE, ChatLine
from chatops.storage.history_file import ROOMS

TODAY = 12 * 3600.0            # seconds; just after midnight, "23:50" is no riddle


def told(line: ChatLine, now: float) -> str:
    """As clients are told of it: with its time, and with its date if that is another day's."""
    try:
        then, today = time.localtime(line.at), time.localtime(now)
        form = ("%H:%M" if then[:3] == today[:3] or 0 <= now - line.at < TODAY else
                "%d %b %H:%M" if then.tm_year == today.tm_year else "%d %b %Y %H:%M")
        moment = time.strftime(form, then)
    except (OverflowError, ValueError, TypeError, OSError):
        moment = "--:--"           # a row that we have not written: no time of this calendar
    return f"{moment} {line.line}"


class Recent:
    """Belongs to the reactor's thread."""

    def __init__(self, count: int, known: Mapping[str, Sequence[ChatLine]] | None = None) -> None:
        """At most `count` lines of each of `ROOMS` rooms; `known` are those from before."""
        self._count = count
        self._rooms: OrderedDict[str, deque[ChatLine]] = OrderedDict(
            (room, deque(lines, count)) for room, lines in (known or {}).items())

    def heard(self, at: float, room: str, chunk: bytes) -> None:
        """What a room has heard, in plain words, notices among it."""
        if not self._count:
            return
        said = [line for line in chunk.split(b"\n") if line and not line.startswith(NOTICE)]
        if not said:
            return
        lines = [ChatLine(at, line.decode("utf-8", "replace")) for line in said[-self._count:]]
        self._rooms.setdefault(room, deque(maxlen=self._count)).extend(lines)
        self._rooms.move_to_end(room)
        if len(self._rooms) > ROOMS:
            self._rooms.popitem(last=False)

    def lines(self, room: str) -> Sequence[ChatLine]:
        """The oldest first."""
        return self._rooms.get(room, ())
