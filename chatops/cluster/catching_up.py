"""What was said while this node was away goes to its history, out of the log, and is not shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from chatops.api import events
from chatops.chat import abroad
from chatops.chat.dialect import PLAIN
from chatops.chat.past import KEPT
from chatops.cluster.engine import moment
from chatops.cluster.frames import Codec, Heard, NodeFrame, unpack
from chatops.cluster.numbers import Seen
from chatops.cluster.reading import stamped
from chatops.server.state import ServerState
from chatops.storage.chat_history import Chunk, Cursor
from chatops.units import counted


class Archive(Protocol):
    """The history, as a node sees it."""

    def archived(self, past: Sequence[Chunk], cursor: Cursor) -> None:
        """The log has been read up to there.  To be kept with these, with all that rooms have
        heard so far, and with nothing that they hear later.
        """


class CatchingUp:
    """Belongs to the reactor's thread."""

    def __init__(self, state: ServerState, archive: Archive | None, since: Cursor | None) -> None:
        self._known = since is not None    # where the history ends in the log
        self._state = state
        self._archive = archive
        self._past: list[Chunk] = []
        self._log = self._entry = ""   # what was read last, and the archive has not been told
        self._lines: dict[str, int] = {}   # said elsewhere, by where they are kept
        self._missing: dict[str, int] = {} # frames, by their nodes

    def take(self, frame: NodeFrame, seen: Seen, codec: Codec) -> None:
        """A frame of another node that was written before this one began."""
        if not seen.new:
            return
        if seen.missing:
            self._missing[frame.node] = self._missing.get(frame.node, 0) + seen.missing
        for raw in frame.items:
            item = unpack(raw)
            if isinstance(item, Heard):
                for room, lines in self.unheard(item, frame.node, codec.skew - frame.skew):
                    self._lines[room] = self._lines.get(room, 0) + lines

    def unheard(self, heard: Heard, node: str, ahead: float) -> list[tuple[str, int]]:
        """Have it archived, for nobody here has heard it; where that is, and lines of it."""
        if self._archive is None:
            return []
        kept = []
        for group in heard.groups:
            ours = stamped(group, node, ahead)
            plain = PLAIN.render(heard.room, [ours])
            if plain.chunk and ours.kind in KEPT:
                room = heard.kept_as or heard.room
                self._past.append(Chunk(ours.at, room, plain.chunk, [ours], plain.parts))
                kept.append((room, ours.lines))
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
            past, self._past = self._past, []
            self._archive.archived(past, Cursor(self._log, self._entry, dict(numbers)))
        self._entry = ""

    def gap(self) -> None:
        """The log does not go back as far as the history goes."""
        self._say("of what was said while this node was away the log has not kept all: the "
                  "history lacks it")

    def over(self) -> None:
        """All that there was has been read.  Harmless if that has been told before."""
        lines, self._lines = self._lines, {}
        for room, count in lines.items():
            was = "was" if count == 1 else "were"
            text = f"{counted(count, 'line')} of {room} {was} said while this node was away"
            self._say(f"{text}; the history has {'it' if count == 1 else 'them'}")
            abroad.note(self._state.hub, room, f"{text}; /history shows "
                                               f"{'it' if count == 1 else 'them'}", "")
        missing, self._missing = self._missing, {}
        for node, frames in missing.items():
            self._say(f"the history lacks some lines of node {node}: {counted(frames, 'frame')} "
                      "of it came never")

    def _say(self, text: str) -> None:
        self._state.say(events.Warned(self._state.hub.at, text))


def is_past(entry: str, live_from: str) -> bool:
    """Whether it was written before this node began."""
    return moment(entry) <= moment(live_from)
