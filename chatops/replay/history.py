"""The bounded past of a server: what `pause`, `step`, `seek` and `save` look at.

`TurnHistory` is pure: no clock and no I/O.  It holds snapshots as they came (keyframes), all
turns in between, and the events.  `at(n)` shows how things stood after turn `n`: the last
keyframe at or before it, with the turns that followed played upon it
(`chatops.replay.reconstruct`).

A run of turns that were exactly alike is one position, numbered by its last turn; the
turns within a run can still be asked for.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter, is_not
from typing import TypeVar

from msgspec.structs import replace

from chatops.api.events import Event
from chatops.api.snapshot import ClientRow, KeyRow, Snapshot, Turn
from chatops.replay.reconstruct import last_of, play
from chatops.units import UnitError, format_seconds, parse_duration

KEYFRAMES = 600                # a minute at ten a second
ROWS = 150_000                 # of all kinds together, about 500 bytes each
EVENTS = 8192                  # of one keyframe
SHARED_PER_ROW = 50            # a row that did not change costs a pointer: a 50th of one
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?")
FREED, FREED_SHARE = 2_000, 8  # rows that are freed with each call, or a share of those to be

Row = TypeVar("Row", ClientRow, KeyRow)


@dataclass(slots=True)
class Keyframe:
    """A keyframe, with what happened since the one before it."""

    snapshot: Snapshot
    turns: tuple[Turn, ...]
    events: tuple[Event, ...]
    weight: int                # in rows


class TurnHistory:
    """See the module.  Belongs to the thread of the console."""

    def __init__(self, *, keyframes: int = KEYFRAMES, rows: int = ROWS) -> None:
        """At most so many snapshots and, of rows, turns and events together, `rows`."""
        self._keyframes = keyframes
        self._rows = rows
        self._weight = 0
        self._frames: list[Keyframe] = []
        self._numbers: list[int] = []      # the turn of each frame
        self._starts: list[int] = []       # the first turn of each run
        self._ends: list[int] = []         # and its last: the positions
        self._waiting: deque[Event] = deque(maxlen=EVENTS)
        self._gone: list[ClientRow | KeyRow] = []      # forgotten, and not freed yet

    def __len__(self) -> int:
        """How many snapshots are held."""
        return len(self._frames)

    def add(self, snapshot: Snapshot | None, events: Iterable[Event] = ()) -> None:
        """Take in what a link gave; events without a snapshot wait for the next one.

        A snapshot of another server, or of the same one started anew, begins a new past.
        """
        self._waiting.extend(events)
        self._free()
        if snapshot is None:
            return
        newest = self._frames[-1].snapshot if self._frames else None
        if newest is not None and (snapshot.turn < newest.turn
                                   or snapshot.started_at != newest.started_at):
            self._forget()
            newest = None
        again = newest is not None and snapshot.turn == newest.turn
        frame = self._frame(snapshot, self._replaced() if again else None)
        self._waiting.clear()
        self._frames.append(frame)
        self._numbers.append(snapshot.turn)
        self._weight += frame.weight
        self._index(frame)
        self._trim()

    # -- what is held

    @property
    def oldest(self) -> int:
        """The first turn that can be shown; 0 while there is none."""
        return self._numbers[0] if self._numbers else 0

    @property
    def newest(self) -> int:
        """The last turn that can be shown; 0 while there is none."""
        return self._numbers[-1] if self._numbers else 0

    @property
    def span(self) -> tuple[float, float]:
        """The monotonic clock of the first snapshot held and of the last; zeros without any."""
        if not self._frames:
            return 0.0, 0.0
        return self._frames[0].snapshot.mono, self._frames[-1].snapshot.mono

    def frames(self) -> Iterator[tuple[Snapshot, tuple[Event, ...]]]:
        """The keyframes with the events that led to each, oldest first."""
        for frame in self._frames:
            yield frame.snapshot, frame.events

    def since(self, mono: float) -> list[tuple[Snapshot, tuple[Turn, ...]]]:
        """The keyframes after this moment of the server's clock, oldest first, and the turns
        that led to each; the last of them may go on, and is then in the next one again.
        """
        first = bisect_right(self._frames, mono, key=lambda frame: frame.snapshot.mono)
        return [(frame.snapshot, frame.turns) for frame in self._frames[first:]]

    def at(self, turn: int) -> Snapshot | None:
        """How things stood after this turn, None when it is not held.

        Turns that were lost on the way here, from a loop too fast to be followed, are
        shown as they stood after the last one known.
        """
        if not self._frames or not self.oldest <= turn <= self.newest:
            return None
        i = bisect_right(self._numbers, turn) - 1
        keyframe = self._frames[i].snapshot
        if keyframe.turn == turn:
            return keyframe
        following = self._frames[i + 1]
        near = (event for frame in self._frames[i:i + 3] for event in frame.events)
        return play(keyframe, following.turns, turn, self._moment(turn), following.snapshot, near)

    def turn(self, n: int) -> Turn | None:
        """The recorded turn with this number, or the run it belongs to."""
        i = bisect_right(self._starts, n) - 1
        if i < 0 or n > self._ends[i]:
            return None
        start, end = self._starts[i], self._ends[i]
        # A run that went on over several keyframes is whole in the last that has it, and
        # the turn that a snapshot was taken in is finished only in the next one.
        frame = bisect_left(self._numbers, end)
        for turns in (near.turns for near in reversed(self._frames[frame:frame + 2])):
            at = bisect_left(turns, start, key=_number)
            if at < len(turns) and turns[at].n == start:
                return turns[at]
        return None

    def turns_around(self, n: int, k: int) -> tuple[Turn, ...]:
        """Up to `k` recorded turns before the one of number `n`, it, and `k` after."""
        i = bisect_right(self._starts, n) - 1
        around = (self.turn(start) for start in self._starts[max(0, i - k):i + k + 1])
        return tuple(turn for turn in around if turn is not None)

    # -- going through it

    def step(self, turn: int, by: int) -> int:
        """The position `by` steps after this turn, or before it; stops at either end."""
        if not self._frames or by == 0:
            return turn
        first_after = bisect_right(self._ends, turn) - 1
        i = first_after + by if by > 0 else bisect_left(self._ends, turn) + by
        if i < 0:
            return self.oldest
        return max(self.oldest, min(self._ends[min(i, len(self._ends) - 1)], self.newest))

    def seek(self, where: str, start: int) -> int:
        """The turn that `18204`, `18,204`, `-10s`, `+1 min` (from turn `start`) or a clock time
        such as `06:25:53` or `06:25` means: the latest that is held at which the clock read so.

        Raises ValueError; the message says what is held, or how it is written.
        """
        text = where.strip()
        if not self._frames:
            raise ValueError("nothing is held of the past yet")
        if text[:1] in ("-", "+"):
            return self._seek_time(text, max(self.oldest, min(start, self.newest)))
        if (read := _CLOCK.fullmatch(text)) is not None:
            hour, minute, second = (int(part or 0) for part in read.groups())
            return self._seek_clock(text, (hour, minute, second), 1 if read[3] else 60)
        digits = text.replace(",", "").replace("_", "")
        if not (digits.isascii() and digits.isdigit()):
            raise ValueError(f"'{where}' is no turn; write its number, a time as in -10s, or a "
                             "clock time as in 06:25:53")
        if len(digits) > 18 or not self.oldest <= int(digits) <= self.newest:
            raise ValueError(f"turn {text} is not held; the past reaches from "
                             f"{self.oldest:,} to {self.newest:,}")
        return int(digits)

    def _seek_time(self, text: str, start: int) -> int:
        try:
            seconds = parse_duration(text[1:])
        except UnitError as error:
            raise ValueError(f"'{text}' is no time to go to; write -10s or -1m30s") from error
        here = self._moment(start)
        target = here - seconds if text[0] == "-" else here + seconds
        first, last = self._moment(self.oldest), self._moment(self.newest)
        if target < first:
            raise ValueError(f"{text} is before what is held, which begins "
                             f"{format_seconds(here - first)} earlier")
        if target > last:
            raise ValueError(f"{text} is after what is held, which ends "
                             f"{format_seconds(last - here)} later")
        i = bisect_right(self._ends, target, key=self._moment) - 1
        return max(self.oldest, self._ends[max(0, i)])

    def _seek_clock(self, text: str, clock: tuple[int, int, int], lasts: int) -> int:
        """To the end of this second or minute of this machine's time, as events are told in."""
        hour, minute, second = clock
        newest = datetime.fromtimestamp(self._frames[-1].snapshot.at)
        try:
            begin = newest.replace(hour=hour, minute=minute, second=second, microsecond=0)
        except ValueError as error:
            raise ValueError(f"'{text}' is no time of a day; write 06:25 or 06:25:53") from error
        if begin > newest:
            begin -= timedelta(days=1)
        end = (begin + timedelta(seconds=lasts)).timestamp()
        first = self._frames[0].snapshot
        if end <= first.at:
            raise ValueError(f"{text} is not held; the past reaches from "
                             f"{datetime.fromtimestamp(first.at):%H:%M:%S} to {newest:%H:%M:%S}")
        # The frame says how the clocks belong together there: one of them may have been set.
        at = next(i for i in reversed(range(len(self._frames)))
                  if self._frames[i].snapshot.at < end)
        frame = self._frames[at].snapshot
        reached = bisect_left(self._ends, frame.mono + end - frame.at, key=self._moment) - 1
        ahead = self._numbers[at + 1] - 1 if at + 1 < len(self._frames) else self.newest
        return max(frame.turn, min(ahead, self._ends[max(0, reached)]))

    def _moment(self, turn: int) -> float:
        """When a turn happened, on the server's clock; runs are taken as evenly spread."""
        i = bisect_left(self._numbers, turn)
        if i == len(self._numbers) or self._numbers[i] == turn or i == 0:
            return self._frames[min(i, len(self._frames) - 1)].snapshot.mono
        keyframe, frame = self._frames[i - 1].snapshot, self._frames[i]
        at = bisect_right(frame.turns, turn, key=lambda t: t.n) - 1
        if at < 0:                 # lost on the way here
            return keyframe.mono
        found = frame.turns[at]
        ahead = frame.turns[at + 1].at if at + 1 < len(frame.turns) else frame.snapshot.mono
        into = (min(turn, last_of(found)) - found.n) / (1 + found.repeats)
        return max(keyframe.mono, found.at + max(0.0, ahead - found.at) * into)

    # -- keeping it small

    def _frame(self, snapshot: Snapshot, instead: Keyframe | None) -> Keyframe:
        """Of what came last, and of what led to the frame that it stands `instead` of."""
        before = self._frames[-1].snapshot if self._frames else None
        weight = 1
        if before is not None:
            clients, new_clients = share(before.clients, snapshot.clients, _client_id)
            keys, new_keys = share(before.keys, snapshot.keys, _key_fd)
            snapshot = replace(snapshot, clients=clients, keys=keys)
            weight += new_clients + new_keys
        else:
            weight += len(snapshot.clients) + len(snapshot.keys)
        weight += (len(snapshot.clients) + len(snapshot.keys)) // SHARED_PER_ROW
        done = before.turn if before is not None else snapshot.turn - 1
        turns = tuple(t for t in snapshot.turns if last_of(t) >= done)
        happened = tuple(self._waiting)
        if instead is not None:
            again = {t.n for t in turns}
            turns = tuple(t for t in instead.turns if t.n not in again) + turns
            happened = (instead.events + happened)[-EVENTS:]
        weight += len(happened) + sum(
            1 + len(t.ready) + len(t.changes) + len(t.queues) + len(t.notes) for t in turns)
        return Keyframe(snapshot, turns, happened, weight)

    def _replaced(self) -> Keyframe:
        """The newest frame, taken out: of a turn that has not ended, as of a loop that is held."""
        frame = self._frames.pop()
        self._numbers.pop()
        self._weight -= frame.weight
        self._bury(frame.snapshot)
        return frame

    def _index(self, frame: Keyframe) -> None:
        for turn in frame.turns:
            while self._starts and self._starts[-1] >= turn.n:     # it has grown since
                self._starts.pop()
                self._ends.pop()
            self._starts.append(turn.n)
            self._ends.append(last_of(turn))
        number = frame.snapshot.turn
        if not self._ends or self._ends[-1] < number:
            self._starts.append(number)
            self._ends.append(number)

    def _trim(self) -> None:
        gone = 0
        while len(self._frames) - gone > 2 and (len(self._frames) - gone > self._keyframes
                                                or self._weight > self._rows):
            self._weight -= self._frames[gone].weight
            self._bury(self._frames[gone].snapshot)
            gone += 1
        if gone:
            del self._frames[:gone], self._numbers[:gone]
            before = bisect_left(self._ends, self.oldest)
            del self._starts[:before], self._ends[:before]

    def _bury(self, snapshot: Snapshot) -> None:
        self._gone.extend(snapshot.clients)
        self._gone.extend(snapshot.keys)

    def _free(self) -> None:
        """Let go of some of the rows that are forgotten: all those of ten thousand clients at
        once would hold up whoever presses a key just then.
        """
        if self._gone:
            del self._gone[-max(FREED, len(self._gone) // FREED_SHARE):]

    def _forget(self) -> None:
        self._frames.clear()
        self._numbers.clear()
        self._starts.clear()
        self._ends.clear()
        self._weight = 0


def share(before: tuple[Row, ...], now: tuple[Row, ...],
          key: Callable[[Row], int]) -> tuple[tuple[Row, ...], int]:
    """`now` with its unchanged rows taken from `before`, and how many are new or changed."""
    # Tuples compare what is the same object without looking into it.
    if before == now:
        return before, 0
    held: Sequence[Row | None] = before
    if list(map(key, before)) != list(map(key, now)):      # somebody came or left
        held = list(map({key(row): row for row in before}.get, map(key, now)))
    rows = [row if was is None or (was is not row and was != row) else was
            for was, row in zip(held, now, strict=True)]
    return tuple(rows), sum(map(is_not, rows, held))


_number: Callable[[Turn], int] = attrgetter("n")
_client_id: Callable[[ClientRow], int] = attrgetter("id")
_key_fd: Callable[[KeyRow], int] = attrgetter("fd")
