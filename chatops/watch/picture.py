"""A snapshot of one loop of an observed program, made on the loop's own thread.

It is made in slices, a few milliseconds at one safe point, so a look holds no loop for long,
whatever the loop holds: with ten thousand connections the rows of one snapshot are of several
turns.
"""

from __future__ import annotations

import socket
import struct
import sys
import time
from collections.abc import Generator, Iterator
from operator import attrgetter
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary, ref

from msgspec.structs import replace

from chatops.api.program import CALLBACKS, CallbackRow, Executor, Program, TaskRow
from chatops.api.snapshot import ClientRow, KeyRow, Snapshot
from chatops.chat.sanitize import clean_text
from chatops.loop import private
from chatops.loop.naming import format_call_site, masks_text
from chatops.loop.observed import SPIN_PEEK
from chatops.loop.records import Registration
from chatops.loop.rows import loop_figures, turns_back_to
from chatops.net.kernel import kernel_queued, send_buffer
from chatops.watch import descriptors
from chatops.watch.selector import WatchedSelector
from chatops.watch.tasks import TaskTable

AT_ONCE = 32                   # turns that are told in one step
# Of Linux's struct tcp_info: tcpi_bytes_acked and tcpi_bytes_received (tcp(7), linux/tcp.h).
_TRAFFIC = struct.Struct("120x2Q")


class _TransportRecord:
    """What is remembered of a transport from one look to the next."""

    __slots__ = ("bytes", "high", "high_at", "id", "moved", "reader", "since")

    def __init__(self, ident: int, since: float) -> None:
        self.id = ident
        self.since = self.moved = self.high_at = since
        self.high = 0
        self.bytes = (0, 0)        # in, out
        self.reader: ref[Any] | None = None        # the task that was last seen waiting for it


class Painter:
    """Paints the loop of one selector.  Everything but `__init__` is for the loop's thread."""

    def __init__(self, selector: WatchedSelector) -> None:
        self.selector = selector
        self.tasks = TaskTable()
        self._known: WeakKeyDictionary[Any, _TransportRecord] = WeakKeyDictionary()
        self._count = 0
        self._shown: dict[int, KeyRow] = {}
        self._percentiles = (0.0, 0.0)     # of the calls, in seconds: the 50th and the 99th
        self._transports: WeakValueDictionary[int, Any] = WeakValueDictionary()    # by id

    @property
    def loop(self) -> Any:
        """The asyncio loop, None for a loop that somebody wrote."""
        for registration in self.selector.entries.values():
            loop = private.loop_of(registration.data)
            if loop is not None:
                return loop
        return None

    def paint(self, program: Program, since: int) -> Iterator[Snapshot | None]:
        """Yields None as often as it can be put off, and the snapshot at last."""
        selector, began = self.selector, self.selector.clock()
        loop = self.loop
        clients: list[ClientRow] = []
        tasks: tuple[TaskRow, ...] = ()
        if loop is not None:
            yield from self.tasks.look(loop, selector.meter, began)
            tasks = self.tasks.rows
            for transport in private.transports(loop):
                row = self._connection(transport, began)
                if row is not None:
                    clients.append(row)
                yield None
        by_fd = {row.fd: row for row in clients}
        keys: list[KeyRow] = []
        for registration in selector.registrations():
            keys.append(self._key(registration, by_fd))
            yield None
        self._shown = {row.fd: row for row in keys}
        self.tasks.serving.clear()         # it must not outlive what it speaks of
        pool = private.executor(loop)
        program = replace(
            program, kind="asyncio" if loop is not None else "selectors", shown=selector.number,
            executor=Executor(*pool) if pool else None, tasks=self.tasks.total,
            callbacks=(yield from self._callbacks()))
        turn, turns = selector.turns, []
        for each in turns_back_to(selector, since):
            turns.append(each)
            if len(turns) % AT_ONCE == 0:
                yield None
        turns.reverse()
        yield replace(self._assembled(program, began, loop, clients, keys, tasks),
                      turn=turn, turns=tuple(turns))

    def transport(self, ident: int) -> Any:
        """The transport of this connection, as of the last look."""
        return self._transports.get(ident)

    # -- inside

    def _callbacks(self) -> Generator[None, None, tuple[CallbackRow, ...]]:
        """The most expensive calls, and with them what those of all these have taken."""
        costs = sorted(self.selector.meter.costs.values(), key=attrgetter("busy"), reverse=True)
        rows: list[CallbackRow] = []
        every: list[float] = []
        for cost in costs[:CALLBACKS]:
            recent = sorted(cost.recent)
            every += recent
            rows.append(CallbackRow(
                clean_text(cost.name), cost.calls, cost.busy, recent[len(recent) // 2],
                recent[len(recent) * 99 // 100], cost.slowest))
            yield
        every.sort()                   # runs that are sorted are only merged
        self._percentiles = ((every[len(every) // 2], every[len(every) * 99 // 100])
                             if every else (0.0, 0.0))
        yield
        return tuple(rows)

    def _assembled(self, program: Program, began: float, loop: Any,
                   clients: list[ClientRow], keys: list[KeyRow],
                   tasks: tuple[TaskRow, ...]) -> Snapshot:
        selector = self.selector
        return Snapshot(
            turn=selector.turns, at=time.time(), mono=began, started_at=selector.started_at,
            host="", port=0, phase="running", loop=self._figures(loop),
            clients=tuple(clients), keys=tuple(keys), rooms=(), threads=(),
            bytes_in=sum(row.bytes_in for row in clients),
            bytes_out=sum(row.bytes_out for row in clients),
            accepted=self._count,
            queued=sum(row.queued for row in clients),
            kernel_queued=sum(row.kernel_queued for row in clients),
            built_in=selector.clock() - began,
            program=program, tasks=tasks)

    def _figures(self, loop: Any) -> Any:
        selector, meter = self.selector, self.selector.meter
        figures = loop_figures(selector)
        figures = replace(figures, worked=selector.worked_until(selector.clock()))
        if loop is None:
            return figures
        timers, due = private.timers(loop)
        slowest, slowest_name = meter.worst(selector.clock())
        return replace(
            figures, timers=timers,
            next_deadline=max(0.0, due - loop.time()) if due is not None else None,
            queued_calls=private.waiting_calls(loop), lag=meter.lag(selector.clock()),
            slowest=slowest, slowest_name=clean_text(slowest_name),
            p50=self._percentiles[0], p99=self._percentiles[1])

    def _connection(self, transport: Any, now: float) -> ClientRow | None:
        sock, fd = private.socket_of(transport), private.descriptor(transport)
        if sock is None or fd < 0 or not hasattr(sock, "getsockopt"):
            return None
        registration = self.selector.entries.get(fd)
        known = self._known.get(transport)
        if known is None:
            self._count += 1
            since = registration.registered_at if registration is not None else now
            known = self._known[transport] = _TransportRecord(self._count, since)
            self._transports[known.id] = transport
        raw = getattr(transport, "_protocol", None)
        protocol, app = private.app_protocol(raw), private.app_transport(transport)
        queued = private.unsent(transport)
        limit = _limit(app)
        if app is not transport:
            queued += _of_tls(app) - queued if _of_tls(app) > queued else 0
        if queued > known.high or not queued:
            known.high, known.high_at = max(known.high, queued), now
        traffic = _traffic(sock)
        if traffic != known.bytes:
            if traffic[1] != known.bytes[1]:
                known.high_at = now
            known.bytes, known.moved = traffic, now
        task = (private.task_of(raw) or self.tasks.serving.get(id(protocol))
                or _reader(known, protocol))
        tls = app.get_extra_info("cipher") if app is not transport else None
        return ClientRow(
            id=known.id, fd=fd,
            nick=clean_text(task.get_name() if task is not None else type(protocol).__name__),
            room=type(protocol).__name__, peer=descriptors.peer(sock),
            mask=registration.events if registration is not None else 0,
            queued=queued, queued_lines=0, queue_limit=limit,
            kernel_queued=kernel_queued(sock), kernel_limit=send_buffer(sock) if queued else 0,
            high_water=known.high, high_water_at=known.high_at,
            bytes_in=traffic[0], bytes_out=traffic[1], lines_in=0, lines_out=0, lines_dropped=0,
            connected_at=known.since, active_at=known.moved, progress_at=known.high_at,
            state=_state(transport, raw),
            masks=masks_text(registration.masks) if registration is not None else "",
            tls=f"{tls[1]} {tls[0]}" if tls else "", reading=_reading(app),
            task=clean_text(private.coroutine_name(private.coroutine_of(task)))
            if task is not None else "")

    def _key(self, r: Registration, clients: dict[int, ClientRow]) -> KeyRow:
        """The row of one descriptor."""
        fired = r.fires - r.fires_seen
        r.fires_seen = r.fires
        aio = private.is_asyncio(r.data)
        old = self._shown.get(r.fd)
        same = old is not None and old.registered_at == r.registered_at
        client = clients.get(r.fd)
        label = clean_text(private.label(r.data, r.fileobj))
        if client is not None and client.task and client.task not in label:
            label = f"{client.nick} {client.task}"
        self.selector.relabel(r.fd, label)
        return KeyRow(
            fd=r.fd,
            type=old.type if old is not None and same else descriptors.kind(r, client is not None),
            fileobj=old.fileobj if old is not None and same else descriptors.watched_object(r),
            events=r.events,
            callback=clean_text(private.calls(r.data) if aio else descriptors.calls(r.data)),
            data=label, client=client.id if client is not None else 0,
            armed_by=format_call_site(r.armed_by),
            registered_at=r.registered_at, armed_at=r.armed_at,
            fires=r.fires, last_mask=r.last_mask, busy=r.busy, slowest=r.slowest,
            masks=masks_text(r.masks), stale=descriptors.stale(r),
            at_eof=fired > SPIN_PEEK and descriptors.at_eof(r))


def _reader(known: _TransportRecord, protocol: Any) -> Any:
    """The task that waits for what it receives, or did when it was last seen to."""
    task = private.reader_of(protocol)
    if task is not None:
        known.reader = ref(task)
    elif known.reader is not None:
        task = known.reader()
    return task if task is not None and not task.done() else None


def _traffic(sock: Any) -> tuple[int, int]:
    """Bytes that came in and that the peer's kernel has taken, as the kernel counts them."""
    if sys.platform != "linux" or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return 0, 0
    try:
        acked, received = _TRAFFIC.unpack(
            sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TRAFFIC.size))
    except (OSError, struct.error):
        return 0, 0
    return received, acked


def _limit(transport: Any) -> int:
    try:
        return int(transport.get_write_buffer_limits()[1])
    except (AttributeError, NotImplementedError, TypeError):
        return 0


def _of_tls(transport: Any) -> int:
    try:
        return int(transport.get_write_buffer_size())
    except (AttributeError, NotImplementedError, TypeError):
        return 0


def _reading(transport: Any) -> bool:
    try:
        return bool(transport.is_reading())
    except (AttributeError, NotImplementedError):
        return True


def _state(transport: Any, protocol: Any) -> str:
    if transport.is_closing():
        return "draining"
    return "throttled" if private.paused_writing(private.app_protocol(protocol)) else "open"
