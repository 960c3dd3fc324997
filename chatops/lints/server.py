"""What a reviewer would object to in a live selector: found, named and explained.

`find` is a pure function over two snapshots that follow each other: rates are differences
of counters over the difference of `mono`.  Give it the previous snapshot with the lints
that were found in that, so that each can say since when it holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from itertools import groupby
from operator import attrgetter
from selectors import EVENT_WRITE

from msgspec.structs import replace

from chatops.api.snapshot import ClientRow, KeyRow, Lint, Snapshot
from chatops.lints import nodes as node_lints
from chatops.lints import overlaps
from chatops.lints import program as program_lints
from chatops.lints.nodes import NODE_LINTS
from chatops.lints.program import PROGRAM_LINTS
from chatops.lints.server_texts import SERVER_LINTS
from chatops.loop.backends import SELECT_LIMIT
from chatops.loop.holds import HELD, ITSELF, LoopHold, holds, kept_by
from chatops.units import counted, format_age, format_bytes, format_seconds

BUSY_RATE = 100.0              # fires a second that no idle descriptor has
BUSY_FIRES = 10                # between the snapshots, so that a short one is no proof
NEAR_LIMIT = 900               # descriptors from here on are near select's limit
HELD_SHOWN = 10.0              # seconds that a hold is told of; it is over when it is seen
STALLED = 3.0                  # seconds without progress that make a reader slow
EACH = 5                       # more of a kind than this are told of in one line


LINTS = {**PROGRAM_LINTS, **NODE_LINTS, **SERVER_LINTS}
# and of no program
OF_SERVERS = ("accept-paused", "history-lost", "accounts-lost", "log-lost")


def looked_for(snapshot: Snapshot) -> list[str]:
    """The kinds that there can be: a server has no tasks, a program no history, one node no
    others.
    """
    absent = {*(PROGRAM_LINTS if snapshot.program is None else OF_SERVERS),
              *(NODE_LINTS if snapshot.engine is None else ())}
    return [code for code in LINTS if code not in absent]


def find(snapshot: Snapshot, previous: Snapshot | None = None) -> tuple[Lint, ...]:
    """The lints that hold now, grouped by kind, in the order of `LINTS`.

    A check that does not know since when leaves that to the lints of before.
    """
    look = _Comparison(snapshot, previous)
    before = {(lint.code, lint.fd, lint.client): lint.since
              for lint in (previous.lints if previous is not None else ())}
    found = []
    for check in _CHECKS:
        for lint in _gathered(list(check(look))):
            since = lint.since or before.get((lint.code, lint.fd, lint.client), snapshot.mono)
            found.append(replace(lint, since=since))
    return overlaps.marked(tuple(found), snapshot, look.before)


def distinct(lints: tuple[Lint, ...]) -> tuple[Lint, ...]:
    """Of several that tell of the same, the one that tells most; what a console shows."""
    return tuple([lint for lint in lints if not lint.told_by])


def age_of(lint: Lint, now: float) -> str:
    """`for 44s`, or `3s ago` of what was over when it was seen; "" where its summary says it."""
    if lint.dated or not lint.since:
        return ""
    text = LINTS.get(lint.code)
    if text is not None and text.is_over:
        return f"{format_age(now - (lint.last or lint.since))} ago"
    return f"for {format_age(now - lint.since)}"


class _Comparison:
    """Two snapshots, made ready for the checks."""

    def __init__(self, now: Snapshot, before: Snapshot | None) -> None:
        if before is not None and before.started_at != now.started_at:
            before = None
        self.now = now
        self.before = before
        self.seconds = now.mono - before.mono if before is not None else 0.0

    # Ten thousand rows are looked up only where there is something to look up.
    @cached_property
    def clients(self) -> Mapping[int, ClientRow]:
        """By descriptor."""
        return {row.fd: row for row in self.now.clients}

    @cached_property
    def earlier(self) -> Mapping[int, KeyRow]:
        """The descriptors of before."""
        return {row.fd: row for row in (self.before.keys if self.before is not None else ())}

    @cached_property
    def earlier_clients(self) -> Mapping[int, ClientRow]:
        """The clients of before, by id."""
        return {row.id: row for row in (self.before.clients if self.before is not None else ())}

    def rate(self, row: KeyRow) -> float:
        """Fires a second of this registration; 0 when they prove nothing."""
        was = self.earlier.get(row.fd)
        if was is None or was.registered_at != row.registered_at or self.seconds <= 0:
            return 0.0
        fires = row.fires - was.fires
        return fires / self.seconds if fires >= BUSY_FIRES else 0.0


def _gathered(lints: list[Lint]) -> Iterator[Lint]:
    """A few one by one, many in one line: the fault is named once.  A place in a program is one
    already.
    """
    for code, group in groupby(lints, attrgetter("code")):
        same = list(group)
        if len(same) <= EACH or same[0].place:
            yield from same
            continue
        which = ", ".join(str(lint.fd) for lint in same[:EACH] if lint.fd >= 0)
        many = (f"{len(same):,} descriptors ({which}, …)" if which else
                f"{len(same):,} of them; {same[0].summary}")
        yield Lint(code, f"{LINTS[code].title}: {many}", since=min(lint.since for lint in same))


def _who(look: _Comparison, row: KeyRow) -> str:
    client = look.clients.get(row.fd)
    return f"#{client.id} {client.nick}" if client is not None else f"{row.type} fd {row.fd}"


def _write_idle(look: _Comparison) -> Iterator[Lint]:
    idle: list[tuple[KeyRow, float]] = []
    for row in [row for row in look.now.keys if row.events & EVENT_WRITE]:
        client = look.clients.get(row.fd)
        if client is not None and not client.queued:
            rate = look.rate(row)
            if rate >= BUSY_RATE:
                idle.append((row, rate))
    if idle and look.now.loop.write_interest == "always":
        total = sum(rate for _, rate in idle)
        yield Lint("write-idle", "write interest is always on: "
                   f"{counted(len(idle), 'descriptor')} "
                   f"{'fires' if len(idle) == 1 else 'fire'} {total:,.0f}/s with nothing to write",
                   since=min(row.armed_at for row, _ in idle))
        return
    for row, rate in idle:
        yield Lint("write-idle", f"{_who(look, row)}: watched for writing, {rate:,.0f} fires/s, "
                   "nothing to write", row.fd, row.client, row.armed_at)


def _select_limit(look: _Comparison) -> Iterator[Lint]:
    if look.now.loop.backend != "select":
        return
    near = [row for row in look.now.keys if row.fd >= NEAR_LIMIT]
    if near:
        highest = max(near, key=lambda row: row.fd)
        room = max(0, SELECT_LIMIT - 1 - highest.fd)
        yield Lint("select-limit", f"fd {highest.fd} of select's {SELECT_LIMIT:,}: "
                   f"{room} numbers left", since=min(row.registered_at for row in near))


def _held_loop(look: _Comparison) -> Iterator[Lint]:
    """The worst hold since the previous snapshot that was somebody's doing, else the last one
    for a while.
    """
    worst: LoopHold | None = None
    for hold in holds(look.now, look.before):
        if ((hold.at_work >= HELD or kept_by(look.now, look.before, hold.off_cpu) == ITSELF)
                and (worst is None or hold.seconds > worst.seconds)):
            worst = hold
    if worst is None:
        yield from _told_before(look, "held-loop")
        return
    if worst.off_cpu < HELD:
        how = format_seconds(worst.seconds)
    elif worst.at_work >= HELD:
        how = f"{format_seconds(worst.at_work)}, and waited for {format_seconds(worst.off_cpu)}"
    else:
        how = (f"{format_seconds(worst.seconds)}, {format_seconds(worst.off_cpu)} of it in a call "
               "that waits")
    place = overlaps.place_of(worst, look.now, look.before)
    yield Lint("held-loop", f"{place or worst.text} held the loop for {how}", worst.fd,
               worst.client, look.now.mono, place, worst=worst.seconds,
               last=worst.since + worst.seconds if worst.since else look.now.mono)


def _kept_waiting(look: _Comparison) -> Iterator[Lint]:
    """The longest time since the previous snapshot that the loop had to wait for others."""
    longest: tuple[LoopHold, str] | None = None
    for hold in holds(look.now, look.before):
        by = kept_by(look.now, look.before, hold.off_cpu)
        if by not in (None, ITSELF) and (longest is None
                                          or hold.off_cpu > longest[0].off_cpu):
            longest = hold, str(by)
    if longest is None:
        yield from _told_before(look, "kept-waiting")
        return
    hold, by = longest
    yield Lint("kept-waiting", f"the loop was kept waiting for {format_seconds(hold.off_cpu)}: "
               f"{by} (in {hold.text.rstrip(',')}: {format_seconds(hold.at_work)} of work)",
               since=look.now.mono)


def _told_before(look: _Comparison, code: str) -> Iterator[Lint]:
    """What is over when it is seen is told of for a while."""
    for lint in look.before.lints if look.before is not None else ():
        if lint.code == code and look.now.mono - lint.since < HELD_SHOWN:
            yield lint


def _slow_reader(look: _Comparison) -> Iterator[Lint]:
    for row in [row for row in look.now.clients if row.queued]:
        stalled = look.now.mono - row.progress_at
        was = look.earlier_clients.get(row.id)
        filling = (row.queue_limit > 0 and row.queued * 2 >= row.queue_limit
                   and was is not None and row.queued >= was.queued > 0)
        if stalled >= STALLED or filling:
            yield Lint("slow-reader", _slow_text(row, stalled), row.fd, row.id,
                       row.progress_at if stalled >= STALLED else 0.0, dated=stalled >= STALLED)


def _slow_text(row: ClientRow, stalled: float) -> str:
    queued = format_bytes(row.queued)
    if stalled < STALLED:
        return (f"#{row.id} {row.nick} reads too slowly: {queued} of "
                f"{format_bytes(row.queue_limit)} queued")
    return f"#{row.id} {row.nick} does not read: {queued} queued, stuck {format_age(stalled)}"


def _closed_registered(look: _Comparison) -> Iterator[Lint]:
    for row in look.now.keys:
        if row.stale:
            yield Lint("closed-registered", f"fd {row.fd} ({row.data}) was closed while "
                       "registered", row.fd, row.client)


def _accept_paused(look: _Comparison) -> Iterator[Lint]:
    now = look.now
    if now.program is not None:
        return                         # it need not have one
    if now.phase == "running" and now.keys and not any(r.type == "listener" for r in now.keys):
        yield Lint("accept-paused", f"the listener of port {now.port} is not watched: "
                   "nobody is let in")


def _eof_unhandled(look: _Comparison) -> Iterator[Lint]:
    for row in look.now.keys:
        if row.at_eof:
            rate = look.rate(row)
            often = f", {rate:,.0f} fires/s" if rate else ""
            yield Lint("eof-unhandled", f"{_who(look, row)}: at end of file and still watched"
                       f"{often}", row.fd, row.client)


def _history_lost(look: _Comparison) -> Iterator[Lint]:
    if look.now.history_fault:
        yield Lint("history-lost", f"history: {look.now.history_fault}")


def _accounts_lost(look: _Comparison) -> Iterator[Lint]:
    if look.now.accounts_fault:
        yield Lint("accounts-lost", look.now.accounts_fault)


def _log_lost(look: _Comparison) -> Iterator[Lint]:
    if look.now.log_fault:
        yield Lint("log-lost", f"log: {look.now.log_fault}")


def _of_programs(look: _Comparison) -> Iterator[Lint]:
    yield from program_lints.find(look.now, look.before)


def _of_nodes(look: _Comparison) -> Iterator[Lint]:
    yield from node_lints.find(look.now, look.before)


_CHECKS: tuple[Callable[[_Comparison], Iterator[Lint]], ...] = (
    _of_programs, _write_idle, _select_limit, _held_loop, _kept_waiting, _slow_reader,
    _closed_registered, _accept_paused, _eof_unhandled, _history_lost, _accounts_lost,
    _log_lost, _of_nodes,
)
