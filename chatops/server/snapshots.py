"""Building a `Snapshot` on the reactor's thread, when somebody wants one and it can be afforded."""

from __future__ import annotations

from msgspec.structs import replace

from chatops.api.snapshot import ClientRow, KeyRow, RoomRow, Snapshot
from chatops.chat.session import Session
from chatops.loop.reactor import Timer
from chatops.loop.rows import key_rows, loop_figures, turns_since
from chatops.net.connection import Connection
from chatops.net.kernel import kernel_queued, send_buffer
from chatops.server.server import ChatServer

SHARE = 0.02                   # of the loop's time that snapshots may take


class View:
    """One console's slot for its newest snapshot: latest wins.

    `wanted` and `on_news` may be set from any thread; the rest is the reactor's to write.
    """

    __slots__ = ("activity", "latest", "on_news", "shown", "wanted")

    def __init__(self) -> None:
        self.wanted = False            # the next snapshot, as soon as it can be afforded
        self.on_news = False           # the same, once something has happened
        self.latest: Snapshot | None = None
        self.activity = -1             # of the survey when `latest` was made
        self.shown = 0                 # the last turn that a snapshot here has told of


class Survey:
    """Fills the slots of those who look, on demand.

    A snapshot that took t seconds is not followed by another for t / `SHARE`, so ten
    thousand clients slow the console down and not the chat.

    `activity` grows with all that happens in the loop, but for what is done only because
    somebody looks: otherwise two consoles would keep an idle server, and each other, awake.
    """

    def __init__(self, server: ChatServer) -> None:
        self.views: list[View] = []
        self.activity = 0
        self.looks = 0                 # ready events and calls that only served a look
        self.next_at = 0.0             # monotonic; no snapshot is made before
        self._server = server
        self._rows: dict[int, ClientRow] = {}
        self._timer: Timer | None = None
        self._shown = 0                # the last turn that `build` has told of by itself
        server.on_publish.append(self.publish)

    def publish(self) -> None:
        """Called at the end of every turn."""
        reactor = self._server.reactor
        self.activity = (reactor.selector.ready + reactor.calls - reactor.waker.wakes
                         - self.looks)
        due = [view for view in self.views
               if view.wanted or (view.on_news and view.activity != self.activity)]
        if not due:
            return
        if reactor.now >= self.next_at:
            self._fill(due)
        elif self._timer is None:
            self._timer = reactor.call_later(self.next_at - reactor.now, self._affordable)

    def fill(self) -> None:
        """Give everybody who looks the last picture, whether it can be afforded or not."""
        self._fill(self.views)

    def charge(self, seconds: float) -> None:
        """Something else done for a snapshot took so long: the next one comes later."""
        self.next_at += seconds / SHARE

    def _fill(self, views: list[View]) -> None:
        snapshot: Snapshot | None = None
        for view in views:
            view.wanted = view.on_news = False
            if snapshot is None:
                view.latest = snapshot = self.build(view.shown)
                self.next_at = snapshot.mono + snapshot.built_in / SHARE
            else:
                view.latest = replace(
                    snapshot, turns=turns_since(self._server.selector, view.shown))
            view.shown = snapshot.turn
            view.activity = self.activity

    def _affordable(self) -> None:
        self._timer = None
        self.looks += 1

    def build(self, shown: int | None = None) -> Snapshot:
        """How things stand now, with the turns from `shown` on, or from the last call on."""
        server = self._server
        selector, reactor, hub, traffic = (server.selector, server.reactor, server.hub,
                                           server.traffic)
        began = reactor.clock()
        keys = key_rows(selector)
        masks = {row.fd: row for row in keys}
        clients = tuple([self._client(connection, masks.get(connection.fd))
                         for connection in server.connections.values()])
        self._rows = {row.id: row for row in clients}
        turns = turns_since(selector, self._shown if shown is None else shown)
        if shown is None:
            self._shown = selector.turns
        return Snapshot(
            turn=selector.turns, at=hub.at, mono=began, started_at=selector.started_at,
            host=str(server.address[0]), port=server.address[1], phase=server.phase,
            loop=loop_figures(
                selector,
                write_interest="always" if traffic.always_write else "on-demand",
                slow_consumer=traffic.policy, timers=reactor.timers,
                commands=reactor.commands, next_deadline=reactor.next_deadline,
                write_until=traffic.always_until),
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
            built_in=reactor.clock() - began,
            history_fault=server.delivery.scribe.fault if server.delivery.scribe else "",
        )

    def _client(self, connection: Connection[Session], key: KeyRow | None) -> ClientRow:
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
                and old.room == session.where and old.rooms == tuple(session.rooms) \
                and not old.queued \
                and len(old.capabilities) == len(session.capabilities):
            return old
        return ClientRow(
            id=connection.client_id, fd=connection.fd, nick=session.nick,
            room=session.where, peer=connection.peer, mask=connection.mask,
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
            state=state, muted=muted, masks=masks, tls=connection.tls, rooms=tuple(session.rooms),
            protocol=session.door.protocol, capabilities=tuple(sorted(session.capabilities)),
        )
