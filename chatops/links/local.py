"""The console's link to a server in its own process, with the lab's built-in clients."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future

import msgspec

from chatops import lints
from chatops.api import events
from chatops.api.commands import Command, CommandResult, Despawn, Quit, Spawn
from chatops.api.link import LinkStatus
from chatops.api.slot import SnapshotSlot
from chatops.api.snapshot import Pulse, Snapshot
from chatops.lab.clients.link import BuiltInClients, not_running, reachable
from chatops.loop.rows import with_purposes
from chatops.service import ServerThread, last_words

CONSOLES = {                   # threads of this process that no other server has
    "MainThread": "draws this console",
    "textual-input": "reads the keyboard",
    "textual-output": "writes to the terminal",
    "hang-up": "waits for the terminal's end",
}
QUIET_LOOK = 1.0               # seconds between looks at a sleeping server's kernel queues
HELD = 0.5                     # seconds of one turn after which it is news by itself


class LocalLink:
    """The console's link to a server in this process (chatops.api.link.ConsoleLink)."""

    in_process = True

    def __init__(self, thread: ServerThread, *, clock: Callable[[], float] = time.monotonic
                 ) -> None:
        self._thread = thread
        self._server = thread.server
        self._survey = thread.survey
        self._clock = clock
        self._subscription = thread.bus.subscribe(backlog=True)
        self._seen: Snapshot | None = None
        self._shown: Snapshot | None = None    # the same with its lints, which the next need
        self._asked_at = 0.0
        self._view = SnapshotSlot()
        self._view.wanted = True
        self._built_in = BuiltInClients(tls=bool(thread.settings.tls_cert))
        self._open = True
        self._server.reactor.submit(self._begin)

    @property
    def status(self) -> LinkStatus:
        crash = self._thread.crash
        if crash is not None:
            return LinkStatus(False, last_words(crash), failed=True)
        if not self._thread.alive:
            return LinkStatus(False, "the server has stopped", failed=bool(self._thread.died_of()))
        died = self._thread.died_of()
        return LinkStatus(True, died, failed=bool(died), pulse=self._pulse())

    @property
    def events_dropped(self) -> int:
        return self._subscription.dropped

    def submit(self, command: Command) -> Future[CommandResult]:
        if isinstance(command, Spawn) and not self._thread.alive:
            return not_running()
        if isinstance(command, Spawn | Despawn):
            return self._built_in.submit(command, self._address())
        if isinstance(command, Quit):
            self._built_in.dismiss()
        return self._thread.submit(command)

    def drain(self, limit: int | None = None) -> list[events.Event]:
        happened = self._subscription.drain(limit)
        self._built_in.heard(happened)
        return happened

    def poll(self) -> Snapshot | None:
        latest = self._view.latest
        self._ask(latest)
        if latest is None or latest is self._seen:
            return None
        self._seen = latest
        self._view.took(latest)
        latest = msgspec.structs.replace(latest, threads=with_purposes(
                latest.threads, self._server.purposes | CONSOLES))
        self._shown = msgspec.structs.replace(latest, lints=lints.find(latest, self._shown))
        return self._shown

    def report(self, event: events.Event) -> None:
        self._thread.say(event)

    def demo(self) -> None:
        """Bring a handful of built-in clients, so that there is something to see."""
        self._built_in.demo(self._address())

    def close(self) -> None:
        if self._open:
            self._open = False
            self._server.reactor.submit(self._end)
        self._built_in.close()

    def _begin(self) -> None:
        """On the reactor's thread, as `_end`."""
        self._survey.begin(self._view)

    def _end(self) -> None:
        self._survey.end(self._view)

    def _ask(self, latest: Snapshot | None) -> None:
        """Want the next snapshot, but wake a sleeping server only for news: nothing changes
        unless something happens there, except that a peer's kernel takes what ours holds.
        """
        now = self._clock()
        news = latest is None or self._survey.activity != self._view.activity
        emptying = latest is not None and latest.kernel_queued > 0
        if news or (emptying and now - self._asked_at >= QUIET_LOOK):
            self._view.wanted = True
            if now >= self._survey.next_at:    # or it cannot be afforded yet
                self._asked_at = now
                self._server.reactor.wake()

    def _pulse(self) -> Pulse:
        """The loop's counters now; a turn that does not end is news that no snapshot tells of."""
        pulse = self._survey.pulse(self._view)
        since = self._server.selector.in_turn_since
        if since is not None and pulse.mono - since >= HELD:
            return msgspec.structs.replace(pulse, behind=True)
        return pulse

    def _address(self) -> tuple[str, int]:
        host, port = self._server.address
        return reachable(host), port
