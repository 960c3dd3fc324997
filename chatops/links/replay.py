"""A recording behind a console's link: it plays as it happened, and can be stepped through."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future

from msgspec.structs import replace

from chatops.api.commands import Command, CommandResult
from chatops.api.events import Event
from chatops.api.link import LinkStatus
from chatops.api.snapshot import Snapshot, Turn
from chatops.replay.history import TurnHistory
from chatops.replay.recording import Moment, Recording

REFUSAL = "this is a recording: what happened in it can be looked at, not changed"
THE_END = "END of the recording"


class WholePast(TurnHistory):
    """All of a recording, from the first look on; what plays is in it already."""

    def __init__(self, moments: Sequence[Moment]) -> None:
        # A recording was bounded when it was read; these share its rows.
        super().__init__(keyframes=len(moments), rows=2**63)
        for snapshot, events in moments:
            super().add(snapshot, events)

    def add(self, snapshot: Snapshot | None, events: Iterable[Event] = ()) -> None:
        """Nothing: it is complete."""


class ReplayLink:
    """A recording as a `ConsoleLink`: plays at the speed it happened, or faster or slower, and
    stops at its end.

    What is looked at meanwhile is the console's, in `history`, which reaches to the end of the
    recording however far it has played.  Belongs to the console's thread.
    """

    in_process = False

    def __init__(self, recording: Recording, clock: Callable[[], float] = time.monotonic) -> None:
        """Time runs from the first `poll`, `drain` or `now`, on `clock`, in seconds."""
        self.recording = recording
        self.history = WholePast(recording.moments)
        self._clock = clock
        self._moments = recording.moments
        self._monos = [moment.snapshot.mono for moment in recording.moments]
        self._speed = 1.0
        self._held = False
        self._since: float | None = None   # on `clock`, when it was played up to
        self._at = self._monos[0]          # this moment, on the recorded server's clock
        self._polled = 0           # moments whose snapshot has been given out
        self._drained = 0          # and those whose events have
        self._dropped = 0

    @property
    def status(self) -> LinkStatus:
        """Alive until the last snapshot has been shown."""
        over = self._polled == len(self._moments)
        return LinkStatus(alive=not over, detail=THE_END if over else "")

    @property
    def now(self) -> float:
        """Up to where it has been played, on the recorded server's monotonic clock."""
        if self._since is None:
            self._since = self._clock()
        if self._held:
            return self._at
        return min(self._at + (self._clock() - self._since) * self._speed, self._monos[-1])

    @property
    def speed(self) -> float:
        """How much faster than it happened; set it while it plays."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        self._mark()
        self._speed = speed

    def hold(self, held: bool) -> None:
        """Stand still, or go on."""
        if held != self._held:
            self._mark()
            self._held = held

    def play_from(self, mono: float) -> tuple[Sequence[Moment], bool]:
        """Go on from this moment.  Returns those before it that `poll` and `drain` will not give
        out any more; True with them if they begin anew, as it lies before what they gave.
        """
        reached = bisect_right(self._monos, mono)
        anew = reached < max(self._polled, self._drained)
        first, drained = (0, 0) if anew else (self._polled, self._drained)
        passed = [moment if number >= drained else moment._replace(events=())
                  for number, moment in enumerate(self._moments[first:reached], first)]
        self._polled = self._drained = reached
        self._mark()
        self._at = mono
        return passed, anew

    def _mark(self) -> None:
        """What changes now counts from here."""
        self._at, self._since = self.now, self._clock()

    @property
    def events_dropped(self) -> int:
        return self._dropped

    def submit(self, command: Command) -> Future[CommandResult]:
        """Refused: it has all happened."""
        future: Future[CommandResult] = Future()
        future.set_result(CommandResult(False, REFUSAL))
        return future

    def drain(self, limit: int | None = None) -> list[Event]:
        reached = self._reached()
        events = [event for moment in self._moments[self._drained:reached]
                  for event in moment.events]
        self._drained = reached
        excess = max(0, len(events) - limit) if limit is not None else 0
        self._dropped += excess
        return events[excess:]

    def poll(self) -> Snapshot | None:
        """The snapshot of this moment, with the turns of those that were passed over."""
        reached = self._reached()
        passed = [moment.snapshot for moment in self._moments[self._polled:reached]]
        self._polled = reached
        if len(passed) < 2:
            return passed[0] if passed else None
        return replace(passed[-1], turns=_joined(passed))

    def report(self, event: Event) -> None:
        """Nothing: a recording has no log."""

    def close(self) -> None:
        """Nothing is held but memory."""

    def _reached(self) -> int:
        """How many moments have come by now."""
        return bisect_right(self._monos, self.now)


def _joined(snapshots: Iterable[Snapshot]) -> tuple[Turn, ...]:
    """The turns of several snapshots; one that went on is kept as it was last."""
    turns = {turn.n: turn for snapshot in snapshots for turn in snapshot.turns}
    return tuple(turns.values())
