"""How a server is, told to its supervisor by the loop itself: one that hangs falls silent."""

from __future__ import annotations

from chatops.loop.reactor import Timer
from chatops.server.server import ChatServer
from chatops.server.snapshots import SnapshotPublisher
from chatops.supervision.notify import Notifier
from chatops.units import counted, format_size

STATUS_EVERY = 1.0             # seconds between two STATUS=, and none while nothing changes


class Reports:
    """Belongs to the reactor's thread."""

    def __init__(self, server: ChatServer, survey: SnapshotPublisher, notifier: Notifier) -> None:
        self._server = server
        self._survey = survey
        self._notifier = notifier
        self._told = ""
        self._stopping = False
        self._timer: Timer | None = None

    def begin(self) -> None:
        """That it is ready is for others to say: they know when all of it is."""
        self._server.on_publish.append(self._publish)
        if self._notifier.watchdog:
            self._alive()

    def _alive(self) -> None:
        """Twice as often as is asked for.  It is the loop that does it, so it turns."""
        self._survey.looks += 1        # no news
        self._notifier.tell(WATCHDOG=1)
        self._server.reactor.call_later(self._notifier.watchdog / 2, self._alive)

    def _publish(self) -> None:
        """At the end of every turn."""
        server = self._server
        if server.state.phase != "running" and not self._stopping:
            self._stopping = True
            self._notifier.tell(STOPPING=1)
            self._tell()
        elif self._timer is None and self._status() != self._told:
            self._tell()
            self._timer = server.reactor.call_later(STATUS_EVERY, self._again)

    def _again(self) -> None:
        self._survey.looks += 1
        self._timer = None             # and the end of this turn looks whether it has changed

    def _tell(self) -> None:
        self._told = self._status()
        self._notifier.tell(STATUS=self._told)

    def _status(self) -> str:
        """In a line, as `systemctl status` shows it."""
        state = self._server.state
        words = counted(len(state.connections), "client")
        if state.phase != "running":
            return f"{state.phase}: {words}, {format_size(state.context.queued)} to deliver"
        return f"{words} in {counted(len(state.hub.rooms), 'room')}"
