"""What the servers share: a port and a thread of their own, and a way to end.

A stage's own file holds nothing but the server, as a learner would write it.  What makes it
safe to run inside a console is here: what it prints goes to a bus, it can be stopped even
while it is stuck, and it is stopped when it has spun for long enough.
"""

from __future__ import annotations

import socket
import threading
import time
import traceback
from typing import Any, ClassVar

from chatops.api.events import (
    Connected,
    Crashed,
    Disconnected,
    Event,
    Said,
    ServerStarted,
    ServerStopped,
    Warned,
)
from chatops.api.words import WriteInterest
from chatops.lab.stages.noticed import NoticedConnection, NoticedListener
from chatops.lab.stages.selector import StageSelector
from chatops.loop.bus import EventBus
from chatops.net.kernel import host_with_zone, peer_text
from chatops.units import format_size

CPU_LIMIT = 60.0               # seconds of CPU that a stage may burn
MEMORY_LIMIT = 64 << 20        # bytes that may wait in its memory for clients
STOP_DEADLINE = 2.0            # seconds for a stage to end; after half of it, by force
STOPPED = "the stage was stopped"      # why those are gone who had not left


class StageServer:
    """One of the lab's servers.

    `start`, `stop` and `alive` are for whoever runs it; everything else belongs to its own
    thread, which is called `stage N`.
    """

    number: ClassVar[int]
    title: ClassVar[str]
    what: ClassVar[str]            # it does, in a sentence
    fault: ClassVar[str]           # in one line
    why: ClassVar[str]             # it happens
    try_it: ClassVar[str]          # what to type; {host} and {port} are filled in
    look_at: ClassVar[str]         # what to watch in the panes
    mended: ClassVar[bool] = False     # it is there to show how it is done
    write_interest: ClassVar[WriteInterest] = "on-demand"

    def __init__(self, host: str = "127.0.0.1", port: int = 0, *,
                 max_seconds: float = CPU_LIMIT, max_bytes: int = MEMORY_LIMIT) -> None:
        """`max_seconds` of CPU, or `max_bytes` that wait in memory, and the lab stops it: a loop
        that spins, and a buffer that grows, would go on for ever.
        """
        self.label = f"stage {self.number}"
        self.bus: EventBus[Event] = EventBus(2048)
        self.address = (host, port)
        self.ended = ""                # why it has ended; "" until then
        self.running = True
        self.listens = True            # or will, before its first `select`
        # Of each: id, peer, since.
        self.connections: dict[NoticedConnection, tuple[int, str, float]] = {}
        self.reasons: dict[socket.socket, str] = {}    # of those that the stage itself sends away
        self.accepted = 0
        self.selector = StageSelector()
        self._max_seconds = max_seconds
        self._max_bytes = max_bytes
        self._burnt_at = float("inf")  # of its thread's CPU time, in seconds
        self._emergency = False
        self._thread = threading.Thread(target=self._run, name=self.label, daemon=True)
        # And not `is_alive` or `join`: where Ctrl-C hits those, CPython 3.11 takes a thread that
        # still runs for ended.
        self._over = threading.Event()

    # -- the server itself

    def serve(self) -> None:
        """Register, select, call back, for as long as `running`."""
        raise NotImplementedError

    def buffered(self) -> int:
        """Bytes that wait in its memory without a bound."""
        return 0

    def say(self, text: str) -> None:
        """What a server in a terminal would print."""
        self.bus.publish(Said(time.time(), 0, self.label, "output", text))

    # -- from any thread

    def interrupt(self) -> None:
        """Have it notice that it is to end."""
        self.selector.stop()

    def start(self) -> tuple[str, int]:
        """Listen and serve; returns the address.  Raises OSError when it cannot listen."""
        family = socket.AF_INET6 if ":" in self.address[0] else socket.AF_INET
        self.listener = NoticedListener(family, self.came)
        try:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind(socket.getaddrinfo(*self.address, family)[0][4])
            self.listener.listen()
        except OSError:
            self.listener.close()
            self.selector.close()
            raise
        self.address = (host_with_zone(self.listener.getsockname()),
                        self.listener.getsockname()[1])
        self._thread.start()
        return self.address

    @property
    def alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread.ident is not None and not self._over.is_set()

    @property
    def ident(self) -> int:
        """Of its thread, as `sys._current_frames` knows it."""
        return self._thread.ident or 0

    def stop(self, deadline: float = STOP_DEADLINE) -> bool:
        """End it, within so many seconds; whether it has ended.  Idempotent."""
        self.running = False
        if not self.alive:
            return True
        self.interrupt()
        self._over.wait(deadline / 2)
        if self.alive:
            self._force()
            self._over.wait(deadline / 2)
        return not self.alive

    def _force(self) -> None:
        """The emergency exit, for a thread that is stuck in `send` on a blocking socket.

        Touching a socket that belongs to another thread is what this program never does
        elsewhere.  Here there is no other way: nothing in the process wakes a thread from
        that call, but once the connection is shut down the kernel fails the call with EPIPE.
        The descriptors stay open, so no number is used again while the thread may use it.
        """
        self._emergency = True
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass           # it is closed, or was never connected

    # -- its thread

    def _run(self) -> None:
        selector = self.selector
        selector.watch()
        selector.on_change = self._notice_closed
        selector.on_look = self._look
        self._burnt_at = time.thread_time() + self._max_seconds
        self.bus.publish(ServerStarted(time.time(), *self.address, selector.backend))
        reason = "stopped"
        try:
            self.serve()
        except Exception as error:
            if not self._emergency:
                reason = f"its thread died: {type(error).__name__}: {error}"
                self.bus.publish(Crashed(time.time(), traceback.format_exc()))
        finally:
            self.running = False
            self._close_all()
            self.ended = self.ended or reason
            self.bus.publish(ServerStopped(time.time(), self.ended))
            self.bus.flush()
            self._over.set()

    def _look(self) -> None:
        if self.ended:
            return
        if time.thread_time() > self._burnt_at:
            self.ended = f"the lab stopped it after {self._max_seconds:g} s of CPU"
        elif self.buffered() > self._max_bytes:
            self.ended = f"the lab stopped it with {format_size(self._max_bytes)} in its buffers"
        if self.ended:
            self.ended += ": it would have gone on for ever"
            self.bus.publish(Warned(time.time(), self.ended))
            self.running = False
            self.interrupt()

    def _close_all(self) -> None:
        fileobjs: list[Any] = [key.fileobj for key in self.selector.get_map().values()]
        for fileobj in {*fileobjs, *self.connections, self.listener}:
            fileobj.close()
        self._notice_closed()
        self.selector.close()

    def came(self, connection: NoticedConnection, address: object) -> None:
        """The listener has accepted somebody."""
        self.accepted += 1
        peer = peer_text(address)
        self.connections[connection] = (self.accepted, peer, self.selector.clock())
        self.bus.publish(Connected(time.time(), self.accepted, connection.fileno(),
                                   nick_of(self.accepted), peer))

    def _notice_closed(self) -> bool:
        """Tell of who has left; whether some are open still and watched no more: asyncio
        unregisters in one turn, and closes in a later one.
        """
        for connection in [c for c in self.connections if c.fileno() < 0]:
            number, peer, _ = self.connections.pop(connection)
            reason = self.reasons.pop(connection, "left" if self.running else STOPPED)
            self.bus.publish(Disconnected(time.time(), number, -1, nick_of(number), "", peer,
                                          reason))
        watched = self.selector.get_map()
        return any(connection.fileno() not in watched for connection in self.connections)


def nick_of(number: int) -> str:
    """What a stage's client is called; the stages know no nicks."""
    return f"client-{number}"


def receive(connection: socket.socket) -> bytes:
    """What has come, at most 4,096 bytes; b"" at the end, be it orderly or a reset."""
    try:
        return connection.recv(4096)
    except ConnectionError:
        return b""
