"""What was said while this node was away, or is heard too late, goes to its history and is not
shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from chatops.api import events
from chatops.chat import abroad
from chatops.chat.dialect import PLAIN
from chatops.chat.groups import Group
from chatops.chat.past import KEPT
from chatops.cluster.frames import Codec, Heard, NodeFrame
from chatops.cluster.items import items_of
from chatops.cluster.lateness import stamped
from chatops.cluster.numbers import Seen
from chatops.server.state import ServerState
from chatops.storage.chat_history import Chunk, Cursor
from chatops.units import counted, format_age

SOON = 1.0                     # seconds between two looks at what came late: a room is told of it
MORE = 8                       # at the first that finds no more, the second at the earliest, or
                               # at this one


class Archive(Protocol):
    """The history, as a node sees it."""

    @property
    def fault(self) -> str:
        """What is wrong with it now, "" if nothing is."""

    def unheard(self, chunk: Chunk) -> None:
        """To be kept before what rooms hear at the end of this turn."""

    def archived(self, cursor: Cursor) -> None:
        """The log has been read up to there.  To be kept with all that was unheard, and that
        rooms have heard, so far, and with nothing that they hear later.
        """


class _Late:
    """What a room is to be told of."""

    def __init__(self, at: float) -> None:
        self.at = at               # wall clock, of the oldest
        self.lines = 0
        self.more = True           # has come since the last look


class CatchingUp:
    """Belongs to the reactor's thread."""

    def __init__(self, state: ServerState, node: str, archive: Archive | None,
                 since: Cursor | None) -> None:
        """`node` is this one; `since` is where the history ends in the log."""
        self._known = since is not None
        self._state = state
        self._node = node
        self._archive = archive
        self._log = self._entry = ""   # what was read last, and the archive has not been told
        self._lines: dict[str, int] = {}   # said elsewhere, by rooms
        self._missing: dict[str, int] = {} # frames, by their nodes
        self._over = False             # it has been told
        self._late: dict[str, _Late] = {}      # what rooms have not been told of
        self._waits = 0                # so many times until they are

    def take(self, frame: NodeFrame, seen: Seen, codec: Codec) -> None:
        """A frame of another node that was written before this one began."""
        if not seen.new:
            return
        if seen.missing:
            self._missing[frame.node] = self._missing.get(frame.node, 0) + seen.missing
        items, bad = items_of(frame)
        for item in items:
            if isinstance(item, Heard):
                self.unheard(item, frame.node, codec.skew - frame.skew)
        if bad is not None:
            raise bad

    @property
    def pending(self) -> bool:
        """Whether anybody has to be told when all that there was has been read."""
        return not self._over or bool(self._missing)

    @property
    def keeps(self) -> bool:
        """Whether there is a history, and it can be written."""
        return self._archive is not None and not self._archive.fault

    def unheard(self, heard: Heard, node: str, ahead: float) -> None:
        """Have it archived, for nobody is here to hear it."""
        lines = sum([group.lines for group in self._keep(heard, node, ahead)])
        if lines and not self._over:
            self._lines[heard.room] = self._lines.get(heard.room, 0) + lines

    def late(self, heard: Heard, node: str, ahead: float) -> None:
        """Have it archived, for it was said too long ago to be shown; who is in the room is told
        how much that is, soon.
        """
        kept = self._keep(heard, node, ahead)
        if kept:
            late = self._late.setdefault(heard.room, _Late(kept[0].at))
            late.at = min(late.at, kept[0].at)
            late.lines += sum([group.lines for group in kept])
            late.more = True
            if not self._waits:
                self._waits = MORE
                self._state.reactor.call_later(SOON, self._tell_late)

    def _tell_late(self) -> None:
        self._waits -= 1
        if self._waits and any(late.more for late in self._late.values()):
            for late in self._late.values():
                late.more = False
            self._state.reactor.call_later(SOON, self._tell_late)
            return
        self._waits = 0
        told, self._late = self._late, {}
        for room, late in told.items():
            age = format_age(self._state.hub.at - late.at)
            text = (f"{counted(late.lines, 'line')} of {room}, said elsewhere up to {age} ago, "
                    "came only now")
            self._say(f"{text}; the history has {_them(late.lines)}")
            self._tell(room, f"{text}; /history shows {_them(late.lines)}")

    def _keep(self, heard: Heard, node: str, ahead: float) -> list[Group]:
        """Have archived what of it a history keeps, and which that is."""
        if self._archive is None:
            return []
        kept = []
        for group in heard.groups:
            ours = stamped(group, node, ahead)
            plain = PLAIN.render(heard.room, [ours])
            if plain.chunk and ours.kind in KEPT:
                room = heard.kept_as or heard.room
                self._archive.unheard(Chunk(ours.at, room, plain.chunk, [ours], plain.parts))
                kept.append(ours)
        return kept

    def begin(self, log: str, live_from: str) -> None:
        """It is one of several nodes (again); a history that was none's yet begins here."""
        if not self._known:
            self._known = True
            self.read(log, live_from)

    def read(self, log: str, entry: str) -> None:
        """This one has been read, whatever was in it."""
        self._log, self._entry = log, entry

    def flush(self, numbers: Mapping[tuple[str, str], int]) -> None:
        """At the end of a turn, when rooms have heard all that was read in it."""
        if self._entry and self._archive is not None:
            self._archive.archived(Cursor(self._log, self._entry, dict(numbers)))
        self._entry = ""

    def gap(self) -> None:
        """The log does not go back as far as the history goes."""
        self._say("of what was said while this node was away the log has not kept all: the "
                  "history lacks it")

    def over(self) -> None:
        """All that there was has been read.  Harmless if that has been told before."""
        self._over = True
        lines, self._lines = self._lines, {}
        for room, count in lines.items():
            was = "was" if count == 1 else "were"
            text = f"{counted(count, 'line')} of {room} {was} said while this node was away"
            self._say(f"{text}; the history has {_them(count)}")
            self._tell(room, f"{text}; /history shows {_them(count)}")
        missing, self._missing = self._missing, {}
        for node, frames in missing.items():
            self._say(f"the history lacks some lines of node {node}: {counted(frames, 'frame')} "
                      "of it never came")

    def _tell(self, room: str, text: str) -> None:
        abroad.note(self._state.hub, room, text, self._node)

    def _say(self, text: str) -> None:
        self._state.say(events.Warned(self._state.hub.at, text))


def _them(lines: int) -> str:
    return "it" if lines == 1 else "them"
