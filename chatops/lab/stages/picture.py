"""A stage as the console's panes show it: its map, its turns, its clients and their queues.

The stages keep no books, so that their code stays what a learner would write.  What is told
of a client comes from the selector, from what its socket has noticed, and from the kernel.
"""

from __future__ import annotations

import fcntl
import socket
import struct
import sys
import termios
import time

from msgspec.structs import replace

from chatops.api.snapshot import ClientRow, KeyRow, RoomRow, Snapshot, Turn
from chatops.lab.stages.base import StageServer, nick_of
from chatops.lab.stages.noticed import NoticedConnection
from chatops.lab.stages.on_demand import QUEUE_LIMIT, OnDemandStage
from chatops.lab.stages.queues import Lines
from chatops.lab.stages.streams import StreamsStage
from chatops.loop import private
from chatops.loop.rows import key_rows, loop_figures, turns_since
from chatops.net.kernel import send_buffer

_TCP_INFO = struct.Struct("=52x I")    # struct tcp_info, linux/tcp.h: tcpi_last_data_recv (ms)


class Picture:
    """Builds snapshots of one stage.  Belongs to the stage's thread, where nothing else is said."""

    def __init__(self, stage: StageServer) -> None:
        self._stage = stage
        self._shown = 0                # the last turn that a snapshot has told of
        self._labels: dict[int, str] = {}      # of asyncio's descriptors, the closed ones too

    def build(self) -> Snapshot:
        """How things stand at this entry into `select`."""
        stage, selector = self._stage, self._stage.selector
        began = selector.clock()
        keys = key_rows(selector)
        if isinstance(stage, StreamsStage):
            keys = self._asyncio_keys(keys)
        masks = {row.fd: row for row in keys}
        clients = tuple([self._client(sock, who, masks.get(sock.fileno()), began)
                         for sock, who in stage.connections.items() if sock.fileno() >= 0])
        known = {row.fd: row for row in clients}
        turns = turns_since(selector, self._shown)
        if self._labels:
            turns = tuple([_relabelled(turn, self._labels) for turn in turns])
        self._shown = selector.turns
        return Snapshot(
            turn=selector.turns, at=time.time(), mono=began, started_at=selector.started_at,
            host=stage.address[0], port=stage.address[1],
            phase="running" if stage.running else "stopped",
            loop=loop_figures(selector, write_interest=stage.write_interest),
            clients=clients, keys=tuple([_named(row, known.get(row.fd)) for row in keys]),
            rooms=(RoomRow(stage.label, len(clients), 0),), threads=(), turns=turns,
            bytes_in=sum([row.bytes_in for row in clients]),
            bytes_out=sum([row.bytes_out for row in clients]),
            lines_in=sum([row.lines_in for row in clients]),
            lines_out=sum([row.lines_out for row in clients]),
            accepted=stage.accepted, queued=sum([row.queued for row in clients]),
            kernel_queued=sum([row.kernel_queued for row in clients]),
            built_in=selector.clock() - began,
        )

    def clients_from_outside(self, before: tuple[ClientRow, ...], now: float
                             ) -> tuple[ClientRow, ...]:
        """The clients while the stage is held in a callback, for any thread.

        It may go on at any moment, and close and change everything: what is walked is copied
        first, in one step, and what is looked up may be gone.
        """
        known = {row.id: row for row in before}
        stage = self._stage
        rows = []
        for sock, who in list(stage.connections.items()):
            row = known.get(who[0])
            if row is None:        # it came after the last snapshot
                key = stage.selector.registration(sock.fileno())
                row = replace(self._client(sock, who, None, now), state="open",
                              mask=key.events if key is not None else 0)
            rows.append(replace(row, kernel_queued=in_kernel_of(sock)))
        return tuple(rows)

    def _client(self, sock: NoticedConnection, who: tuple[int, str, float], key: KeyRow | None,
                now: float) -> ClientRow:
        """`who` is its number, its peer, and since when; from any thread."""
        number, peer, since = who
        queued, lines, limit = self._queue(sock)
        in_kernel = in_kernel_of(sock)
        stuck = queued > 0 or in_kernel > 0
        return ClientRow(
            id=number, fd=sock.fileno(), nick=nick_of(number), room=self._stage.label, peer=peer,
            mask=key.events if key is not None else 0, queued=queued, queued_lines=lines,
            queue_limit=limit,
            kernel_queued=in_kernel, kernel_limit=send_buffer(sock),
            high_water=queued, high_water_at=now, bytes_in=sock.bytes_in,
            bytes_out=sock.bytes_out, lines_in=sock.lines_in, lines_out=sock.lines_out + lines,
            lines_dropped=0, connected_at=since, active_at=max(since, now - _quiet(sock)),
            progress_at=since if stuck else now, masks=key.masks if key is not None else "",
            state="open" if key is not None else "unwatched",
        )

    def _asyncio_keys(self, rows: tuple[KeyRow, ...]) -> tuple[KeyRow, ...]:
        """The same, by the names of what asyncio's handles call in the end."""
        found = []
        for row, entry in zip(rows, self._stage.selector.registrations(), strict=True):
            self._labels[row.fd] = private.label(entry.data, entry.fileobj)
            found.append(replace(row, type=private.what_for(entry.data) or "connection",
                                 callback=private.calls(entry.data), data=self._labels[row.fd]))
        return tuple(found)

    def _queue(self, sock: socket.socket) -> tuple[int, int, int]:
        """Bytes and items that wait in the stage's own memory for this client, and the limit."""
        stage = self._stage
        if isinstance(stage, OnDemandStage):
            waiting = stage.waiting.get(sock, b"")
            return len(waiting), waiting.count(b"\n"), QUEUE_LIMIT
        if isinstance(stage, StreamsStage):
            for writer in list(stage.writers):
                transport = writer.transport
                if private.socket_of(transport) is sock:
                    return private.unsent(transport), 0, transport.get_write_buffer_limits()[1]
            return 0, 0, 0
        key = stage.selector.registration(sock.fileno())
        data = key.data if key is not None else None
        if isinstance(data, tuple) and isinstance(data[-1], Lines):
            return data[-1].size, data[-1].qsize(), 0
        return 0, 0, 0


def _named(row: KeyRow, client: ClientRow | None) -> KeyRow:
    if client is None:
        return row
    return replace(row, client=client.id, data=f"#{client.id} {client.nick}")


def _relabelled(turn: Turn, labels: dict[int, str]) -> Turn:
    """A turn of asyncio's loop, in which descriptors are called as the map calls them."""
    return replace(
        turn, ready=tuple([replace(each, name=labels.get(each.fd, each.name))
                           for each in turn.ready]),
        changes=tuple([replace(each, name=labels.get(each.fd, each.name))
                       for each in turn.changes]))


def in_kernel_of(sock: socket.socket) -> int:
    """Bytes that the peer has not acknowledged (SIOCOUTQ); from any thread, 0 when closed.

    `chatops.net.kernel.kernel_queued` is quicker, and the reactor's thread's alone.
    """
    try:
        return int.from_bytes(fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4)), sys.byteorder)
    except (OSError, ValueError):
        return 0


def _quiet(sock: socket.socket) -> float:
    """Seconds since something came from the peer, read or not; 0 where the system does not tell."""
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
        (milliseconds,) = _TCP_INFO.unpack(info)
    except (AttributeError, OSError, struct.error):
        return 0.0
    return float(milliseconds) / 1000
