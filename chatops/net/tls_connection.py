"""A connection over TLS: the same in all but what it waits for and how it ends."""

from __future__ import annotations

from selectors import EVENT_READ, EVENT_WRITE

from chatops.loop.naming import not_a_call_site
from chatops.net.connection import Connection, S
from chatops.net.context import ConnectionContext
from chatops.net.owner import ConnectionOwner
from chatops.net.state import ConnectionState, interest, tls_interest
from chatops.net.tls import fingerprint
from chatops.net.tls_socket import TlsSocket


class TlsConnection(Connection[S]):
    """Begins when the handshake is done.  Belongs to the reactor's thread."""

    __slots__ = ("_tls", "certificate", "tls")

    @not_a_call_site
    def __init__(self, context: ConnectionContext[ConnectionOwner[Connection[S]]],
                 sock: TlsSocket, peer: str, client_id: int) -> None:
        self._tls = sock
        cipher = sock.cipher()
        self.tls = f"{sock.version()} {cipher[0] if cipher else ''}"
        shown = sock.getpeercert(binary_form=True)
        self.certificate = fingerprint(shown) if shown else ""
        super().__init__(context, sock, peer, client_id)

    def wanted(self) -> int:
        tls = self._tls
        return tls_interest(super().wanted(), tls.read_needs_room, tls.write_needs_input)

    def on_ready(self, mask: int) -> None:
        """As for a plain one; but what TLS needed for reading may be room, for writing input."""
        tls = self._tls
        mask &= self.mask              # it may have been closed earlier in this very turn
        read = mask & (EVENT_WRITE if tls.read_needs_room else EVENT_READ)
        write = mask & (EVENT_READ if tls.write_needs_input else EVENT_WRITE)
        if write and self.outbox:
            self._flush()
        elif write and self.state is ConnectionState.DRAINING:
            self._shut()
        if read and self._may_read():
            self._read()
        self.update_interest()

    def _may_read(self) -> bool:
        return bool(interest(self.state, self.paused, 0, False) & EVENT_READ)

    def _shut(self) -> None:
        """close_notify first, for without it a reader cannot tell our end from an attacker's
        (RFC 8446, 6.1).  Goes on draining where there is no room for it.
        """
        if self._tls.say_bye():
            super()._shut()
        else:
            self.update_interest()
