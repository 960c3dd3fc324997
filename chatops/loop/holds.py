"""The times that a loop was held, and what kept it: read out of two snapshots.  Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from chatops.api.snapshot import KeyRow, Ready, Snapshot, Turn

HELD = 0.05                    # seconds: what people begin to notice
ITSELF = "itself"


class LoopHold(NamedTuple):
    """One time that the loop was held, in seconds by the wall and of them off the CPU."""

    seconds: float
    off_cpu: float
    text: str
    fd: int = -1
    client: int = 0
    since: float = 0.0         # monotonic: when the turn began; 0 where that is not known

    @property
    def at_work(self) -> float:
        return self.seconds - self.off_cpu


def kept_by(now: Snapshot, before: Snapshot | None, off_cpu: float) -> str | None:
    """Who or what kept the loop from running for so long, or `ITSELF` where a call waited;
    None for a time that is no matter.

    The threads tell: one that waits for a core counts that, and who has the interpreter while
    others wait for it runs, or waits for a core itself.
    """
    if off_cpu < HELD:
        return None
    earlier = {row.native_id: row for row in (before.threads if before is not None else ())}
    busiest, name, known = 0.0, "", False
    for row in now.threads:
        was = earlier.get(row.native_id)
        ran = row.cpu - was.cpu if was is not None else row.cpu
        delayed = row.delayed - was.delayed if was is not None else row.delayed
        if row.native_id == now.loop.thread:
            if delayed >= off_cpu / 2:
                return "no core was free for it"
            known = ran == ran     # NaN: the system does not tell
        elif ran + delayed > busiest:
            busiest, name = ran + delayed, row.name
    if busiest >= off_cpu / 2:
        return f"{name} had the interpreter"
    return ITSELF if known else "the system does not tell by whom"


def holds(now: Snapshot, before: Snapshot | None) -> Iterator[LoopHold]:
    """Each time that the loop was held since the snapshot before."""
    told = False
    program = now.program
    # asyncio times its calls by name and not by turn: which of them it was is not known here.
    by_name = program is not None and program.kind == "asyncio"
    alone = "" if by_name else ", no callback alone,"
    for turn in now.turns:
        for ready in _untold(turn, before):
            if ready.cost >= HELD:
                row = next((row for row in now.keys if row.fd == ready.fd), None)
                yield LoopHold(ready.cost, ready.off_cpu, ready.name, ready.fd,
                               row.client if row is not None else 0, turn.at)
                told = True
        if by_name and turn.repeats:
            continue               # one may have worked for all: its call is told, not a share
        worked = turn.worked / (1 + turn.repeats)
        if before is not None and turn.n == before.turn:
            worked -= before.built_in      # the console's own look is not the server's
        if worked >= HELD and not any(ready.cost >= HELD for ready in turn.ready):
            yield LoopHold(worked, min(worked, turn.off_cpu / (1 + turn.repeats)),
                           f"turn {turn.n:,}{alone}", since=turn.at)
            told = True
    if before is not None and not told:
        yield from _untimed(now, before)


def _untold(turn: Turn, before: Snapshot | None) -> tuple[Ready, ...]:
    """The callbacks of a turn that the snapshot before has not told of: its last turn, which was
    not over then, comes again.
    """
    last = before.turns[-1] if before is not None and before.turns else None
    if last is None or (last.n, last.repeats) != (turn.n, turn.repeats):
        return turn.ready
    known = sum([ready.cost == ready.cost for ready in last.ready])    # NaN: not over yet
    return turn.ready[known:]


def _untimed(now: Snapshot, before: Snapshot) -> Iterator[LoopHold]:
    """Those of turns that nobody timed, or that were lost: by each descriptor's slowest call."""
    earlier = {row.fd: row for row in before.keys}
    for row in now.keys:
        was = earlier.get(row.fd)
        known = was.slowest if was is not None and was.registered_at == row.registered_at else 0.0
        if row.slowest >= HELD and row.slowest > known:
            yield LoopHold(row.slowest, row.slowest_off_cpu, f"{row.callback} of {_who(now, row)}",
                           row.fd, row.client)


def _who(now: Snapshot, row: KeyRow) -> str:
    client = next((client for client in now.clients if client.fd == row.fd), None)
    return f"#{client.id} {client.nick}" if client is not None else f"{row.type} fd {row.fd}"
