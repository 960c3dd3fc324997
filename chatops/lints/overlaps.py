"""One hold of a program's loop is seen by its watchdog, by what calls cost and by how long a turn
took: which of the lints that come of that tell of the same, and which of them tells most.  Pure.

A call that blocks tells most, since it has a line, a name and a remedy; then what holds the loop
at this moment, then the place that held it, and last that a turn did.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from chatops.api.program import Held
from chatops.api.snapshot import Lint, Snapshot
from chatops.loop.holds import LoopHold

SAME = 0.001                   # seconds between two readings of when a turn began
MOST = 0.8                     # of the time that a hold took: then it is what held the loop


def place_of(hold: LoopHold, now: Snapshot, before: Snapshot | None) -> str:
    """Where the program was in it, as its watchdog has seen; "" where it did not look."""
    seen = _of_turn(hold.since, now, before)
    return seen.at if seen is not None else ""


def marked(lints: tuple[Lint, ...], now: Snapshot, before: Snapshot | None) -> tuple[Lint, ...]:
    """The same, with `told_by` where another of them tells more."""
    if now.program is None:
        return lints
    return tuple([replace(lint, told_by=_teller(lint, lints, now, before)) for lint in lints])


def _teller(lint: Lint, lints: tuple[Lint, ...], now: Snapshot, before: Snapshot | None) -> str:
    """The code of what tells more of this; "" where nothing does."""
    held = now.program.held if now.program is not None else None
    if lint.code == "held-now":
        return "blocking-call" if held is not None and held.kind else ""
    if lint.code == "held-loop":
        if held is not None and held.at == lint.place:
            return "blocking-call" if held.kind else "held-now"
        return _of_turn_told(lint, lints, now, before)
    if lint.code == "slow-call" and lint.last == now.mono:     # it is new
        return _of_call_told(lint, lints, now, before)
    return lint.told_by


def _of_turn_told(turn: Lint, lints: tuple[Lint, ...], now: Snapshot,
                  before: Snapshot | None) -> str:
    """What tells more of a long turn than that it was one."""
    if turn.since != now.mono:
        return turn.told_by if turn.told_by != "held-now" else ""      # it was found before
    seen = _of_turn(turn.last - turn.worst, now, before)
    if seen is not None:
        return "blocking-call" if seen.kind else ""
    calls = [lint for lint in lints if lint.code == "slow-call" and lint.last == now.mono
             and lint.worst >= MOST * turn.worst]
    return "slow-call" if calls else ""


def _of_call_told(call: Lint, lints: tuple[Lint, ...], now: Snapshot,
                  before: Snapshot | None) -> str:
    """What tells more of a call that was long than that; of a call it is not known when."""
    since = before.mono if before is not None else 0.0
    for held in _seen(now, before):
        if held.kind and held.since + held.seconds >= since and call.worst >= MOST * held.seconds:
            return "blocking-call"
    turns = [lint for lint in lints if lint.code == "held-loop" and lint.place
             and lint.since == now.mono and call.worst >= MOST * lint.worst]
    return "held-loop" if turns else ""


def _of_turn(since: float, now: Snapshot, before: Snapshot | None) -> Held | None:
    """What the watchdog saw in the turn that began then."""
    return next((held for held in _seen(now, before) if abs(held.since - since) < SAME), None)


def _seen(now: Snapshot, before: Snapshot | None) -> Iterator[Held]:
    for snapshot in (now, before):
        program = snapshot.program if snapshot is not None else None
        if program is not None:
            yield from (held for held in (program.held, program.was_held) if held is not None)
