"""Rows for a console, read out of an `ObservedSelector` on the thread that owns it."""

from __future__ import annotations

import math
import os
import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from itertools import islice

from msgspec.structs import replace

from chatops.api.snapshot import Change, KeyRow, LoopFigures, Ready, ThreadRow, Turn
from chatops.api.words import SlowConsumer, WriteInterest
from chatops.loop.naming import (
    callback_name,
    client_of,
    describe,
    descriptor_of,
    format_call_site,
    masks_text,
)
from chatops.loop.observed import SPIN_PEEK, ObservedSelector
from chatops.loop.records import Registration, TurnRecord

MAX_TURNS = 512                # of one snapshot; older ones stay in the ring
MAX_READY = 64                 # events shown of one turn


def key_rows(selector: ObservedSelector) -> tuple[KeyRow, ...]:
    """The map, one row a descriptor, in the order of registration."""
    return tuple([key_row(registration) for registration in selector.registrations()])


def key_row(r: Registration) -> KeyRow:
    """The row of one descriptor; the one of the last time where nothing has changed.

    What is compared are the values of all its fields, in their order.  What `modify` alone can
    change is looked up after that (it forgets the row), and masks come with fires.
    """
    fired = r.fires - r.fires_seen
    r.fires_seen = r.fires
    old = r.row
    if old is None:
        kind, fileobj, callback = _type(r), fileobj_text(r.fileobj), callback_name(r.data)
        client = client_of(r.data)
    else:
        kind, fileobj, callback, client = old.type, old.fileobj, old.callback, old.client
    known = old is not None and r.armed_by is r.armed_by_shown
    armed_by = old.armed_by if old is not None and known else format_call_site(r.armed_by)
    now = (
        r.fd, kind, fileobj, r.events, callback, describe(r.data, r.fileobj), client, armed_by,
        r.registered_at, r.armed_at, r.fires, r.last_mask, r.busy, r.slowest,
        old.masks if old is not None and not fired else masks_text(r.masks),
        descriptor_of(r.fileobj) != r.fd, fired > SPIN_PEEK and at_eof(r.fileobj),
        r.slowest_off_cpu,
    )
    if old is not None and now == r.values:
        return old
    r.values, r.armed_by_shown = now, r.armed_by
    row = r.row = KeyRow(*now)
    return row


def _type(r: Registration) -> str:
    owner = getattr(r.data, "__self__", None)
    kind = getattr(owner, "kind", None)
    if isinstance(kind, str):
        return kind
    if isinstance(r.fileobj, socket.socket) and descriptor_of(r.fileobj) >= 0:
        return "listener" if is_listening(r.fileobj) else "connection"
    return type(r.fileobj).__name__.lower()


def is_listening(sock: socket.socket) -> bool:
    """Whether this socket accepts connections (SO_ACCEPTCONN, socket(7))."""
    try:
        return bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    except OSError:
        return False


def at_eof(fileobj: object) -> bool:
    """Whether a socket has nothing left but its end of file; a peek takes nothing away."""
    if not isinstance(fileobj, socket.socket):
        return False
    try:
        # Beneath TLS, if there is any: it does not let anybody peek.
        return socket.socket.recv(fileobj, 1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except OSError:
        return False


def fileobj_text(fileobj: object) -> str:
    """What is watched, short: `socket`, `socketpair`, `Waker`, or the number alone."""
    if isinstance(fileobj, socket.socket):
        family = "unix" if fileobj.family == getattr(socket, "AF_UNIX", None) else "tcp"
        if hasattr(fileobj, "cipher"):         # ours, or the standard library's
            family = "tls"
        return f"socket {family}"
    return str(fileobj) if isinstance(fileobj, int) else type(fileobj).__name__


def loop_figures(selector: ObservedSelector, *, write_interest: WriteInterest = "on-demand",
                 slow_consumer: SlowConsumer = "evict", timers: int = 0, commands: int = 0,
                 next_deadline: float | None = None,
                 write_until: float = 0.0) -> LoopFigures:
    """What the loop has done so far.  To be called on its thread."""
    p50, p99 = percentiles(selector)
    slowest, name, _, slowest_off_cpu = selector.slowest
    return LoopFigures(
        backend=selector.backend, write_interest=write_interest, slow_consumer=slow_consumer,
        registered=len(selector.get_map()), turns=selector.turns, ready=selector.ready,
        waited=selector.waited, worked=selector.worked, slowest=slowest, slowest_name=name,
        p50=p50, p99=p99, timers=timers, commands=commands, next_deadline=next_deadline,
        write_until=write_until, off_cpu=selector.off_cpu, slowest_off_cpu=slowest_off_cpu,
        thread=threading.get_native_id(), cost_counts=tuple(selector.cost_counts),
        cost_total=selector.cost_total,
    )


def percentiles(selector: ObservedSelector) -> tuple[float, float]:
    """Median and 99th percentile of the recent callbacks, in seconds; 0 without any."""
    costs = sorted(selector.costs)
    if not costs:
        return 0.0, 0.0
    return costs[len(costs) // 2], costs[min(len(costs) - 1, len(costs) * 99 // 100)]


def turns_since(selector: ObservedSelector, n: int) -> tuple[Turn, ...]:
    """The turns from number `n` on that are still in the ring, at most `MAX_TURNS`.

    `n` itself comes again, because the last turn is not over while somebody asks in it:
    it may have grown by repeats, and only now is it known how long it worked.
    """
    found = list(turns_back_to(selector, n))
    found.reverse()
    return tuple(found)


def turns_back_to(selector: ObservedSelector, n: int) -> Iterator[Turn]:
    """The same, the last one first, and each worked out when it is asked for."""
    names: dict[int, str] = {}
    for record in islice(selector.recent_turns(), MAX_TURNS):
        if record.n + record.repeats < n:
            return
        yield _turn(record, names)


def _turn(record: TurnRecord, names: dict[int, str]) -> Turn:
    costs, offs = record.costs or (), record.offs or ()
    shown = record.ready[:MAX_READY]
    for key, _ in shown:
        if key.fd not in names:
            names[key.fd] = describe(key.data, key.fileobj)
    return Turn(
        n=record.n, at=record.at, timeout=record.timeout, waited=record.waited,
        worked=record.worked,
        ready=tuple([
            Ready(key.fd, mask, names[key.fd], costs[i], offs[i]) if i < len(costs) else
            Ready(key.fd, mask, names[key.fd], math.nan)
            for i, (key, mask) in enumerate(shown)
        ]),
        changes=tuple([Change(*change) for change in record.changes or ()]),
        notes=tuple(record.notes or ()),
        queues=tuple((record.queues or {}).items()),
        repeats=record.repeats, off_cpu=record.off_cpu,
    )


def with_purposes(threads: tuple[ThreadRow, ...], purposes: Mapping[str, str]
                  ) -> tuple[ThreadRow, ...]:
    """The same, saying what each is there for, by its name."""
    return tuple([replace(row, doing=purposes.get(row.name, row.doing)) for row in threads])


def thread_rows(purposes: Mapping[str, str]) -> tuple[ThreadRow, ...]:
    """The threads of this process; `purposes` says by name what each is there for."""
    rows = []
    for thread in threading.enumerate():
        cpu, delayed = thread_times(thread.native_id or 0)
        rows.append(ThreadRow(thread.name, thread.native_id or 0, thread.daemon, cpu,
                              purposes.get(thread.name, ""), delayed))
    return tuple(rows)


def thread_times(native_id: int) -> tuple[float, float]:
    """Seconds of CPU that a thread has used, NaN where the system does not tell, and seconds
    that it waited for a core, 0 where it does not (Documentation/scheduler/sched-stats.rst in
    Linux, "/proc/<pid>/schedstat"; proc(5)).
    """
    if not sys.platform.startswith("linux"):
        return math.nan, 0.0
    try:
        with open(f"/proc/self/task/{native_id}/schedstat", "rb") as file:
            ran, delayed, _ = file.read().split()
            return int(ran) / 1e9, int(delayed) / 1e9
    except (OSError, ValueError):
        pass                       # a kernel without CONFIG_SCHED_INFO
    try:
        with open(f"/proc/self/task/{native_id}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return math.nan, 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), 0.0
