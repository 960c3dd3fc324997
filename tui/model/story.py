"""What one client has said, been told and been watched for, as far as it is still held.  Pure.

Lines come from the events that the console keeps, masks from the turns of the past.  Both
are bounded where they are kept; a story keeps `LINES` and `CHANGES` of them.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from chatops.api import events as e
from chatops.api.events import Event
from chatops.api.snapshot import ClientRow, Turn
from tui.model.state import ConsoleState
from tui.model.trend import Levels, Trend

LINES = 12                     # said or told
CHANGES = 8                    # of its mask
BROADCAST = "broadcast "       # how the admin's command begins


class StoryLine(NamedTuple):
    """One thing said, `said` by the client itself or `told` to it."""

    at: float                  # wall clock
    way: Literal["said", "told"]
    who: str
    text: str                  # "" for a whisper, whose text nobody keeps
    note: str = ""


class MaskChange(NamedTuple):
    """From when on it was watched for something else.  `before` 0 is not registered."""

    at: float                  # the server's monotonic clock
    before: int
    after: int
    by: str


def lines_of(row: ClientRow, happened: list[Event]) -> list[StoryLine]:
    """The last lines it said and was told, oldest first; `happened` is oldest first, too.

    Backwards, so that the rooms it was in are known at each of them.
    """
    found: list[StoryLine] = []
    rooms = set(row.rooms or (row.room,))
    for event in reversed(happened):
        if isinstance(event, e.Connected) and event.id == row.id:
            break
        if isinstance(event, e.Moved | e.Joined | e.Parted) and event.id == row.id:
            _step_back(rooms, event)
        elif (line := _line(event, row.id, rooms)) is not None:
            found.append(line)
            if len(found) == LINES:
                break
    return found[::-1]


def _step_back(rooms: set[str], event: e.Moved | e.Joined | e.Parted) -> None:
    """Make of the rooms that it was in after this those of before."""
    match event:
        case e.Moved(old=old, new=new):
            rooms.discard(new)
            rooms.add(old)
        case e.Joined(room=room):
            rooms.discard(room)
        case e.Parted(room=room):
            rooms.add(room)


def _line(event: Event, ident: int, rooms: set[str]) -> StoryLine | None:
    match event:
        case e.Said(at=at, id=who, nick=nick, room=where, text=text):
            if who == ident or where in rooms:
                return StoryLine(at, "said" if who == ident else "told", nick, text)
        case e.Acted(at=at, id=who, nick=nick, room=where, text=text):
            if who == ident or where in rooms:
                return StoryLine(at, "said" if who == ident else "told", f"* {nick}", text)
        case e.Whispered(at=at, id=who, nick=nick, to_id=to, to_nick=to_nick, to_node=node):
            if who == ident:
                return StoryLine(at, "said", nick, "", f"whispered to {to_nick}")
            if to == ident and not node:
                return StoryLine(at, "told", nick, "", "whispered")
        case e.AdminDid(at=at, line=line, ok=True) if line.startswith(BROADCAST):
            return StoryLine(at, "told", "the admin", line.removeprefix(BROADCAST))
        case _:
            pass
    return None


class Story:
    """Follows one client while somebody looks at it; one for each look."""

    def __init__(self, ident: int) -> None:
        self.ident = ident
        self._changes: dict[int, tuple[MaskChange, ...]] = {}      # by turn, oldest first
        self._levels = Levels(ident)
        self._until = float("-inf")    # the server's clock of the last picture looked at

    @property
    def changes(self) -> list[MaskChange]:
        """Of its mask, the last ones, oldest first."""
        return [change for turn in self._changes.values() for change in turn][-CHANGES:]

    def follow(self, state: ConsoleState) -> None:
        """Take in what has come since the last call; a step back in time begins anew."""
        shown = state.snapshot
        if shown is None:
            return
        if shown.mono < self._until:
            self._changes.clear()
            self._levels.clear()
            self._until = float("-inf")
        for snapshot, turns in state.past.since(self._until):
            if snapshot.mono > shown.mono:
                break
            self._until = snapshot.mono
            self._levels.measure(snapshot)
            self._watch(turns)

    def _watch(self, turns: tuple[Turn, ...]) -> None:
        for turn in turns:
            found = tuple(
                MaskChange(turn.at, change.before, change.after, change.by)
                for change in turn.changes if change.owner == self.ident)
            if found:
                self._changes[turn.n] = found
                if len(self._changes) > CHANGES:
                    del self._changes[next(iter(self._changes))]

    def trend(self, row: ClientRow) -> Trend | None:
        """How its outbox grows, None while too little is known or nothing waits."""
        return self._levels.trend(row)
