"""Building a `Snapshot` on the reactor's thread, when somebody wants one and it can be afforded."""

from __future__ import annotations

from chatops.loop.inspect import key_rows, loop_figures, turns_since
from chatops.net.connection import Connection
from chatops.net.kernel import kernel_queued, send_buffer
from chatops.server import ChatServer
from chatops.snapshot import ClientRow, KeyRow, RoomRow, Snapshot

SHARE = 0.02                   # of the loop's time that snapshots may take


class Survey:
    """A latest-wins slot for one snapshot, filled on demand.

    `wanted` may be set from any thread; the rest is the reactor's.  A snapshot that took
    t seconds is not followed by another for t / `SHARE`, so ten thousand clients slow the
    console down and not the chat.
    """

    def __init__(self, server: ChatServer) -> None:
        self.wanted = False
        self.latest: Snapshot | None = None
        self._server = server
        self._rows: dict[int, ClientRow] = {}
        self.next_at = 0.0             # monotonic; no snapshot is made before
        self._shown = 0                # the last turn that a snapshot has told of
        server.on_publish.append(self.publish)

    def publish(self) -> None:
        """Called at the end of every turn."""
        if self.wanted and self._server.reactor.now >= self.next_at:
            self.wanted = False
            self.latest = self.build()
            self.next_at = self.latest.mono + self.latest.built_in / SHARE

    def build(self) -> Snapshot:
        """How things stand now."""
        server = self._server
        selector, reactor, hub, traffic = (server.selector, server.reactor, server.hub,
                                           server.traffic)
        began = reactor.clock()
        keys = key_rows(selector)
        masks = {row.fd: row for row in keys}
        clients = tuple([self._client(connection, masks.get(connection.fd))
                         for connection in server.connections.values()])
        self._rows = {row.id: row for row in clients}
        turns = turns_since(selector, self._shown)
        self._shown = selector.turns
        return Snapshot(
            turn=selector.turns, at=hub.at, mono=began, started_at=selector.started_at,
            host=str(server.address[0]), port=server.address[1], phase=server.phase,
            loop=loop_figures(
                selector,
                write_interest="always" if traffic.always_write else "on-demand",
                slow_consumer=traffic.policy, timers=reactor.timers,
                commands=reactor.commands, next_deadline=reactor.next_deadline),
            clients=clients, keys=keys,
            rooms=tuple([RoomRow(room.name, len(room.members), room.lines)
                         for room in hub.rooms.values()]),
            threads=(), turns=turns,
            bytes_in=traffic.bytes_in,
            bytes_out=server.bytes_out_before + sum([row.bytes_out for row in clients]),
            lines_in=hub.lines_in,
            lines_out=server.lines_out_before + sum([row.lines_out for row in clients]),
            accepted=server.accepted, refused=server.refused, evicted=server.evicted,
            lines_dropped=server.lines_dropped, queued=traffic.queued,
            kernel_queued=sum([row.kernel_queued for row in clients]),
            events_published=server.bus.published, built_in=reactor.clock() - began,
        )

    def _client(self, connection: Connection, key: KeyRow | None) -> ClientRow:
        """One client's row; the one of the last time where nothing has changed."""
        session, outbox = connection.session, connection.outbox
        old = self._rows.get(connection.client_id)
        bytes_out, masks = connection.bytes_out, key.masks if key is not None else ""
        muted = session.muted_until > self._server.hub.now
        state = connection.state.value
        if connection.is_open and connection.paused:
            state = "throttled"
        if old is not None and not old.kernel_queued and (
                old.bytes_out, old.bytes_in, old.masks, old.mask, old.nick, old.state,
                old.muted, old.lines_in, old.lines_dropped) == (
                bytes_out, connection.bytes_in, masks, connection.mask, session.nick, state,
                muted, session.lines_in, connection.lines_dropped) and not outbox \
                and old.room == session.room.name and not old.queued:
            return old
        return ClientRow(
            id=connection.client_id, fd=connection.fd, nick=session.nick,
            room=session.room.name, peer=connection.peer, mask=connection.mask,
            queued=outbox.size if outbox else 0, queued_lines=outbox.lines if outbox else 0,
            queue_limit=connection.traffic.outbox_limit,
            kernel_queued=kernel_queued(connection.sock),
            kernel_limit=send_buffer(connection.sock) if outbox else 0,
            high_water=outbox.high_water if outbox is not None else 0,
            high_water_at=outbox.high_water_at if outbox is not None else 0.0,
            bytes_in=connection.bytes_in, bytes_out=bytes_out,
            lines_in=session.lines_in, lines_out=connection.lines_out,
            lines_dropped=connection.lines_dropped, connected_at=connection.connected_at,
            active_at=connection.active_at, progress_at=connection.progress_at,
            state=state, muted=muted, masks=masks,
        )
