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
from chatops.lints import program as program_lints
from chatops.lints.nodes import NODE_LINTS
from chatops.lints.program import PROGRAM_LINTS, LintText
from chatops.loop.backends import SELECT_LIMIT
from chatops.loop.holds import HELD, ITSELF, LoopHold, holds, kept_by
from chatops.units import counted, format_age, format_seconds, format_size

BUSY_RATE = 100.0              # fires a second that no idle descriptor has
BUSY_FIRES = 10                # between the snapshots, so that a short one is no proof
NEAR_LIMIT = 900               # descriptors from here on are near select's limit
HELD_SHOWN = 10.0              # seconds that a hold is told of; it is over when it is seen
STALLED = 3.0                  # seconds without progress that make a reader slow
EACH = 5                       # more of a kind than this are told of in one line


LINTS = {
    **PROGRAM_LINTS,
    **NODE_LINTS,
    "write-idle": LintText(
        "watched for writing with nothing to write",
        "A socket is writable whenever its kernel buffer has room, which is nearly always. "
        "Whoever watches for that with nothing to send is told so at once, on every turn: "
        "select() never sleeps, and a core is spent on learning that nothing is to be done.",
        "Try to send first. Register EVENT_WRITE only when the kernel did not take everything, "
        "and take it back the moment the queue is empty. Here: `write-interest on-demand`."),
    "select-limit": LintText(
        "close to the limit of select()",
        "select() takes a bit map of 1,024 descriptors. What counts is the descriptor's number, "
        "not how many are watched, and files and pipes take numbers too. From 1,024 on, C "
        "programs write past the map, and Python raises ValueError; `ulimit -n` changes nothing.",
        "Swap to poll or epoll, which have no such limit: `selector epoll`. The swap keeps every "
        "client. A program that must stay with select() has to refuse newcomers in time."),
    "held-loop": LintText(
        "the loop was held",
        "One thread serves all. While one callback runs, nobody else is read, written or "
        "accepted, and the time it took is added to the wait of everybody who was ready in that "
        "turn. A name looked up, a file written or a large answer put together is enough.",
        "Look at the callback and the descriptor in the loop pane. Bound the work per turn and "
        "leave the rest to the next; give what must wait, such as disks, names and databases, "
        "to a thread."),
    "kept-waiting": LintText(
        "the loop was kept waiting",
        "The loop's thread could have worked and was not let: by the wall a callback took long, "
        "by the thread's own CPU time it did next to nothing. In CPython one thread runs at a "
        "time, so whoever has the interpreter keeps it from all others until it waits or its "
        "interval is over; and a machine with more to run than it has cores keeps everybody "
        "waiting. Whose callback it was is chance: it is not to blame.",
        "Look at the threads in the loop pane: what draws or computes in the server's process "
        "belongs into another one (`chatops serve`, and `chatops attach` for the console). Where "
        "no core was free, something else runs on the machine: `nice` it, or give it less."),
    "slow-reader": LintText(
        "a client that does not read",
        "Its receive buffer is full, so the peer's kernel has closed the window; then the send "
        "buffer here filled up, and now lines pile up in the server's own memory. A stopped "
        "terminal, a lost radio link and an attacker all look like this. Of the three queues the "
        "server's own fills last, which is why the first megabytes hide in the kernels.",
        "Bound the outbox and decide what happens at the bound: `slow-consumer` evicts the "
        "client or drops its oldest or newest lines. A deadline for progress catches who reads "
        "a byte now and then. Never wait for the one at the expense of the others."),
    "closed-registered": LintText(
        "closed, but still registered",
        "A descriptor was closed before it was unregistered. select() then fails as a whole "
        "with EBADF, an OSError for all clients alike. poll() reports it on every turn "
        "(POLLNVAL, which `selectors` hands on as ready), so the loop spins. epoll forgets it "
        "silently, since the last reference to the open file is gone; if a duplicate of it is "
        "open somewhere (dup, fork), epoll goes on to report a number that is no longer open "
        "here. In all three the next socket may get the same number: it cannot be registered, "
        "or gets the old one's events.",
        "Unregister first, then close; do both in one place, at the end of the turn."),
    "accept-paused": LintText(
        "nobody is let in for now",
        "The listener is not watched. When accept() fails for want of descriptors or memory, "
        "the newcomer stays in the backlog and the listener stays readable: to go on watching "
        "it would turn the loop at full speed with nothing to be done. So it is set aside for a "
        "moment and tried again; clients who are in notice nothing.",
        "Raise the number of open files (`ulimit -n`) or lower the limit of clients below it. "
        "Descriptors that are not given back show as numbers that only grow."),
    "eof-unhandled": LintText(
        "end of file, and still watched",
        "The peer has sent its last byte. From then on the descriptor is readable for ever, and "
        "every read gives nothing: recv() returns b'', which is how end of file looks. A "
        "callback that does not check for it is called on every turn, and the loop spins.",
        "When recv() returns b'', unregister the descriptor and close it; or, to send what is "
        "still queued, go on watching it for writing alone."),
    "history-lost": LintText(
        "what is said is not being kept",
        "The history's file cannot be written: the disk is full or slow, the file is locked, "
        "read-only or damaged. A thread of its own waits for the disk, so the chat does not "
        "notice; what could not be written waits in memory, as far as there is room for it.",
        "Make room, or let the server write there. What waited is written with the next line; a "
        "file that is not a history of this server is never touched: move it away."),
    "log-lost": LintText(
        "events are not being logged",
        "The log's file cannot be written: the disk is full or gone. The chat goes on, and so "
        "does everything else; what happens meanwhile may be missing in the log.",
        "Make room, or move the file away and open it again with `reopen`: every line tries "
        "again, and this ends with the first that is written."),
}


OF_SERVERS = ("accept-paused", "history-lost", "log-lost")     # and of no program


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
    return tuple(found)


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
    yield Lint("held-loop", f"{worst.text} held the loop for {how}", worst.fd, worst.client,
               look.now.mono)


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
                       row.progress_at if stalled >= STALLED else 0.0)


def _slow_text(row: ClientRow, stalled: float) -> str:
    waits = f"#{row.id} {row.nick}: {format_size(row.queued)} wait"
    if stalled < STALLED:
        return f"{waits} of {format_size(row.queue_limit)} allowed, and it reads too slowly"
    kernel = (f", kernel buffer full ({format_size(row.kernel_queued)})" if row.kernel_queued
              else "")
    return f"{waits}, nothing taken for {format_age(stalled)}{kernel}"


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


def _log_lost(look: _Comparison) -> Iterator[Lint]:
    if look.now.log_fault:
        yield Lint("log-lost", f"log: {look.now.log_fault}")


def _of_programs(look: _Comparison) -> Iterator[Lint]:
    yield from program_lints.find(look.now, look.before)


def _of_nodes(look: _Comparison) -> Iterator[Lint]:
    yield from node_lints.find(look.now, look.before)


_CHECKS: tuple[Callable[[_Comparison], Iterator[Lint]], ...] = (
    _of_programs, _write_idle, _select_limit, _held_loop, _kept_waiting, _slow_reader,
    _closed_registered, _accept_paused, _eof_unhandled, _history_lost, _log_lost, _of_nodes,
)
