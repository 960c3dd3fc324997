"""One client's socket: read when it may speak, written when bytes wait, closed in good order."""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE
from typing import Generic, TypeVar

from chatops.loop.naming import not_a_call_site
from chatops.net.context import ConnectionContext
from chatops.net.outbox import Outbox
from chatops.net.owner import ConnectionOwner, Fan
from chatops.net.state import ConnectionState, interest, reason_of
from chatops.net.watched import WatchedSocket

S = TypeVar("S")               # what the layer above keeps with a connection

RECEIVE = 1 << 16              # bytes read per connection and turn
LEAST_RECEIVE = 32             # once all together have sent as much as a turn may bring
LEAST_PROGRESS = 4096          # bytes a slow reader must take per stall deadline
MENTIONED = 1 << 16            # an outbox is worth an event when it has held this much


class Connection(WatchedSocket, Generic[S]):
    """A client's socket.  Belongs to the reactor's thread, as does everything it calls."""

    __slots__ = ("active_at", "bytes_direct", "bytes_dropped", "bytes_in", "client_id",
                 "connected_at", "fans", "host", "label", "lines_direct", "lines_dropped",
                 "mentioned", "on_empty", "outbox", "own_before", "peer", "progress",
                 "progress_at", "send", "session")

    kind = "connection"
    tls = ""                       # version and cipher, where it has any
    certificate = ""               # fingerprint of what the peer has shown and we accept

    context: ConnectionContext[ConnectionOwner[Connection[S]]]
    session: S                     # the layer above sets it before anything can come in

    @not_a_call_site
    def __init__(self, context: ConnectionContext[ConnectionOwner[Connection[S]]],
                 sock: socket.socket, peer: str, client_id: int) -> None:
        """Takes over a socket, makes it non-blocking, and begins to read it.  Raises OSError where
        the selector cannot watch it.
        """
        super().__init__(context, sock)
        now = context.reactor.now
        self.send: Callable[[bytes], int] = sock.send
        self.peer = peer
        self.host = ""                 # its address alone; the layer above sets it
        self.client_id = client_id
        self.label = f"#{client_id}"
        self.outbox: Outbox | None = None
        self.mentioned = False
        self.on_empty: Callable[[], None] | None = None    # called once when nothing is queued
        # What it is a member of, with what each had handed out when it came in.
        self.fans: dict[Fan[Connection[S]], tuple[int, int]] = {}
        self.bytes_in = self.bytes_direct = self.bytes_dropped = 0
        self.lines_direct = self.lines_dropped = 0
        self.own_before = 0            # `bytes_direct` when the outbox last began to fill
        self.connected_at = self.active_at = self.progress_at = now
        self.progress = 0
        self.watch()

    def __repr__(self) -> str:
        return (f"<Connection {self.label} fd={self.fd} {self.state.value} "
                f"mask={self.mask} queued={self.queued}>")

    # -- what is known of it

    @property
    def queued(self) -> int:
        """Bytes that wait in the outbox."""
        return self.outbox.size if self.outbox else 0

    @property
    def bytes_handed(self) -> int:
        """Bytes meant for this client so far: its own, and its share of what rooms got."""
        handed = self.bytes_direct
        for fan, (before, _) in self.fans.items():
            handed += fan.bytes - before
        return handed

    @property
    def bytes_out(self) -> int:
        """Bytes that the kernel has taken."""
        return self.bytes_handed - self.queued - self.bytes_dropped

    @property
    def lines_out(self) -> int:
        """Lines put on the way, those in the outbox included."""
        handed = self.lines_direct
        for fan, (_, before) in self.fans.items():
            handed += fan.lines - before
        return handed - self.lines_dropped

    # -- events

    def wanted(self) -> int:
        return interest(self.state, self.paused, self.queued, self.context.always_write)

    def on_ready(self, mask: int) -> None:
        mask &= self.mask              # it may have been closed earlier in this very turn
        if mask & EVENT_WRITE and self.outbox:
            self._flush()
        if mask & EVENT_READ and self.mask & EVENT_READ:
            self._read()

    def _read(self) -> None:
        context = self.context
        if context.pressed and self.is_open and context.owner.waits(self):
            return
        left = context.intake_left
        if left <= context.intake_floor and self.is_open:   # its turn comes in a later one
            context.passed_over = True
            return
        try:
            data = self.sock.recv(RECEIVE if left >= RECEIVE else max(left, LEAST_RECEIVE))
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self.abort(reason_of(error))
            return
        if self.state is not ConnectionState.OPEN:
            if not data:
                self.abort("")
            return
        if data:
            size = len(data)
            self.bytes_in += size
            context.bytes_in += size
            self.active_at = context.reactor.now
            context.owner.received(self, data)
        else:
            context.owner.ended(self)

    # -- sending

    def write(self, data: bytes, lines: int = 1) -> None:
        """Send to this client alone: at once if it has nothing queued, else in its turn."""
        if self.state is not ConnectionState.OPEN:
            return
        self.bytes_direct += len(data)
        self.lines_direct += lines
        taken = 0
        if not self.outbox:
            try:
                taken = self.send(data)
            except (BlockingIOError, InterruptedError):
                taken = 0
            except OSError as error:
                self.fail(data, lines, reason_of(error))
                return
        if taken < len(data):
            self.enqueue(data, lines, taken)

    def enqueue(self, chunk: bytes, lines: int, taken: int = 0) -> None:
        """Queue what the kernel did not take, within the limit."""
        if not self.is_open:           # evicted earlier in this very fan-out
            return
        context = self.context
        outbox = self.outbox
        if outbox is None:
            outbox = self.outbox = Outbox(context.reactor.now)
        was = outbox.size
        # A chunk that has begun to go out must go on to its end, whatever the limit.
        if taken or was + len(chunk) <= context.outbox_limit:
            outbox.push(chunk, lines, taken, context.reactor.now)
        elif context.policy == "evict":
            self.bytes_dropped += len(chunk)
            self.lines_dropped += lines
            context.owner.overflowed(self, lines)
            return
        else:
            dropped = outbox.squeeze(chunk, lines, context.outbox_limit,
                                     oldest=context.policy == "drop-oldest",
                                     notice=partial(context.owner.gap, self),
                                     now=context.reactor.now)
            self.bytes_dropped += was + len(chunk) - outbox.size
            self.lines_dropped += dropped
            context.owner.overflowed(self, dropped)
        context.queued += outbox.size - was
        if outbox.size and not was:
            self._fills()
        if not self.mentioned and outbox.size >= min(MENTIONED, context.outbox_limit >> 1):
            self.mentioned = True
            context.owner.filled(self)
        if was < context.outbox_limit >> 1 <= outbox.size:
            context.owner.half_full(self)
        self._tell_queue()

    def _tell_queue(self) -> None:
        selector = self.context.reactor.selector
        if selector.watched:
            selector.queue(self.client_id, self.queued)

    @not_a_call_site
    def _fills(self) -> None:
        self.progress = 0
        self.progress_at = self.context.reactor.now
        self.own_before = self.bytes_direct
        self.context.stalls.start(self)
        for fan in self.fans:
            fan.back(self)
        self.update_interest()

    def _flush(self) -> None:
        context, outbox = self.context, self.outbox
        assert outbox is not None
        was = outbox.size
        failure = None                 # a text: a kept exception keeps all chunks until a GC
        try:
            outbox.send(self.sock)
        except OSError as error:
            failure = reason_of(error)
        taken = was - outbox.size      # a part may have gone out before it failed
        context.queued -= taken
        self.progress += taken
        if taken:
            self.progress_at = context.reactor.now
        if failure is not None:
            self.abort(failure)
            return
        self._tell_queue()
        if not outbox:
            self._empties()

    def _empties(self) -> None:
        self.context.stalls.stop(self)
        for fan in self.fans:
            fan.clear(self)
        if self.mentioned:
            self.mentioned = False
            self.context.owner.emptied(self)
        if self.state is ConnectionState.DRAINING:
            self._shut()
            return
        self.update_interest()
        call, self.on_empty = self.on_empty, None
        if call is not None:
            call()

    def check_progress(self) -> None:
        """The stall deadline is over: go on if the peer took something, else say so."""
        if self.state is ConnectionState.OPEN and self.progress >= LEAST_PROGRESS:
            self.progress = 0
            self.context.stalls.start(self)
        elif self.state is ConnectionState.OPEN:
            self.context.owner.stalled(self)

    # -- the end

    def discard(self) -> int:
        """Throw away what is queued, but for the rest of a line that has begun to go out;
        returns the lines lost.
        """
        outbox = self.outbox
        if not outbox:
            return 0
        self.mentioned = False         # its end will say more than that it is empty
        was = outbox.size
        lines = outbox.discard(partial(self.context.owner.gap, self))
        self.context.queued -= was - outbox.size
        self.bytes_dropped += was - outbox.size
        self.lines_dropped += lines
        self._tell_queue()
        return lines

    def finish(self, last_words: bytes = b"") -> None:
        """Close in order: send what is queued and these last lines, shut our side, read to
        the peer's end, close.  A plain `close` with unread input would send a reset, and
        the reason would be lost.  All of it within the linger deadline.
        """
        if not self.is_open:
            return
        if last_words and not self._last(last_words):
            return
        self._move(ConnectionState.DRAINING)
        self.context.stalls.stop(self)
        self.context.lingers.start(self)
        if self.outbox:
            self.update_interest()
        else:
            self._shut()

    def _last(self, words: bytes) -> bool:
        """As `write`, past the limit: the reason for an eviction must fit somewhere.
        Whether the connection is still there.
        """
        taken = 0
        self.bytes_direct += len(words)
        self.lines_direct += words.count(b"\n")
        try:
            taken = 0 if self.outbox else self.send(words)
        except (BlockingIOError, InterruptedError):
            taken = 0
        except OSError as error:
            self.abort(reason_of(error))
            return False
        if taken < len(words):
            now = self.context.reactor.now
            if self.outbox is None:
                self.outbox = Outbox(now)
            was = self.outbox.size
            self.outbox.push(words, 0, taken, now)     # they are not lines that can be lost
            self.context.queued += self.outbox.size - was
            self._tell_queue()
        return True

    def give_up(self) -> None:
        """The linger deadline is over."""
        self.abort("did not take its last lines in time" if self.outbox else "")

    def fail(self, chunk: bytes, lines: int, reason: str) -> None:
        """The chunk could not be sent, nor can anything else: it counts among what is lost."""
        self.enqueue(chunk, lines)
        self.abort(reason)

    def abort(self, reason: str) -> None:
        if self.state is ConnectionState.CLOSED:
            return
        self.context.stalls.stop(self)
        self.context.lingers.stop(self)
        self._close()
        self.context.owner.lost(self, reason)

    def reap(self) -> None:
        """Give the descriptor back and let go of everything; the context's `reap` calls it."""
        if self.outbox is not None:
            self.context.queued -= self.outbox.size
            self.outbox = None         # the past turns of the loop remember this object
        self.on_empty = None
        if hasattr(self, "session"):   # one that was refused has none
            del self.session
        super().reap()
