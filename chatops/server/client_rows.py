"""The rows of clients for a console, read on the reactor's thread."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

from chatops.api.snapshot import ClientRow, KeyRow
from chatops.loop.records import Registration
from chatops.loop.rows import key_row
from chatops.net.kernel import kernel_queued, path_of, send_buffer
from chatops.server.state import ClientConnection, ServerState


class ClientRows:
    """Makes them, and makes none anew of which nothing has changed."""

    def __init__(self) -> None:
        # By connection id: the row that was shown last, and the values of its fields.
        self._rows: dict[int, tuple[tuple[Any, ...], ClientRow]] = {}

    def forget_others(self, clients: Sequence[ClientRow]) -> None:
        """Those who are gone: `clients` are all that are left."""
        if len(self._rows) > len(clients):
            self._rows = {row.id: self._rows[row.id] for row in clients}

    def row(self, connection: ClientConnection, masks: str, now: float) -> ClientRow:
        """One client's row; the one of the last time where nothing has changed.  `masks` are
        those of its descriptor, `now` is the hub's monotonic clock.

        What is compared are the values of all its fields, in their order: that is half of what
        a row costs, and there is no list of what may change.  Only the kernel is not asked in
        vain.
        """
        session, outbox, sock = connection.session, connection.outbox, connection.sock
        ident, tls, bytes_out = connection.client_id, connection.tls, connection.bytes_out
        values, row = self._rows.get(ident, _UNKNOWN)
        # Nothing but sending fills the kernel's queue; TLS also sends what is nobody's line.
        empty = row is not None and not row.kernel_queued and row.bytes_out == bytes_out and not tls
        queued = lines = high_water = 0
        high_water_at = 0.0
        if outbox is not None:
            queued, high_water, high_water_at = outbox.size, outbox.high_water, outbox.high_water_at
            lines = outbox.lines if queued else 0
        seen = (
            ident, connection.fd, session.nick, session.where, connection.peer,
            connection.mask, queued, lines, connection.context.outbox_limit,
            0 if empty else kernel_queued(sock), send_buffer(sock) if queued else 0,
            high_water, high_water_at, connection.bytes_in, bytes_out, session.lines_in,
            connection.lines_out, connection.lines_dropped,
            connection.connected_at, connection.active_at, connection.progress_at,
            # Not `value`: that goes through a descriptor which is written in Python.
            "throttled" if connection.paused and connection.is_open else connection.state._value_,
            session.muted_until > now,
            masks, tls, tuple(session.rooms),
        )
        known = session.capabilities
        capabilities = tuple(sorted(known)) if known else ()
        account = session.sender.account
        if (row is not None and seen == values and row.capabilities == capabilities
                and row.account == account):
            return row
        row = ClientRow(*seen, *path_of(sock),     # asked of the kernel with news only
                        protocol=session.door.protocol, capabilities=capabilities, account=account)
        self._rows[ident] = seen, row
        return row


class Gathering:
    """The rows of many clients, gone through some at a time: ten thousand at once keep the loop,
    and who draws in the same interpreter, for a twentieth of a second.

    Those at the beginning are older than those at the end, and who came or was armed anew
    meanwhile is not among them: `key` and `client` make what is missing.
    """

    def __init__(self, state: ServerState, rows: ClientRows) -> None:
        self.began = state.reactor.clock()
        self.spent = 0.0           # seconds of CPU, as whoever goes on counts them
        self.complete = False
        self._state = state
        self._rows = rows
        self._left = iter(list(state.connections.values()))
        self._clients: dict[int, ClientRow] = {}
        self._keys: dict[int, tuple[Registration, KeyRow]] = {}

    def go_on(self, most: int) -> None:
        """Go through the next ones, at most so many."""
        registrations = self._state.selector.registrations_by_descriptor()
        now = self._state.hub.now
        batch = list(islice(self._left, most))
        for connection in batch:
            masks = ""
            registration = registrations.get(connection.fd)
            if registration is not None:
                key = key_row(registration)
                self._keys[registration.fd] = registration, key
                masks = key.masks
            self._clients[connection.client_id] = self._rows.row(connection, masks, now)
        self.complete = len(batch) < most

    def key(self, registration: Registration) -> KeyRow:
        """The row of this one in the map."""
        known, row = self._keys.get(registration.fd, _NO_KEY)
        # `modify` forgets the row, because it is another one now.
        same = known is registration and registration.row is not None
        return row if row is not None and same else key_row(registration)

    def client(self, connection: ClientConnection, masks: str, now: float) -> ClientRow:
        """The row of this one."""
        row = self._clients.get(connection.client_id)
        return row if row is not None else self._rows.row(connection, masks, now)


_UNKNOWN: tuple[tuple[Any, ...], ClientRow | None] = (), None
_NO_KEY: tuple[Registration | None, KeyRow | None] = None, None
