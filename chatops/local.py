"""The console's link to a server in its own process, with the lab's built-in clients."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future

import msgspec

from chatops import events, lints
from chatops.commands import Command, CommandResult, Despawn, Quit, Spawn
from chatops.lab.clients import Spawner, SpawnError, spawn_demo
from chatops.link import LinkStatus
from chatops.loop.inspect import thread_rows
from chatops.service import ServerThread
from chatops.snapshot import Snapshot

THREADS = {
    "MainThread": "console: Textual's loop and all widgets",
    "reactor": "the selector, every socket, the hub",
    "journal": "log and ban files",
    "clients": "built-in clients of the lab",
}
QUIET_LOOK = 1.0               # seconds between looks at a sleeping server's kernel queues


class LocalLink:
    """The console's link to a server in this process (chatops.link.ConsoleLink)."""

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
        self._spawner: Spawner | None = None
        self._server.reactor.submit(lambda: self._server.selector.watch())
        self._survey.wanted = True

    @property
    def status(self) -> LinkStatus:
        crash = self._thread.crash
        if crash is not None:
            last = crash.strip().rpartition("\n")[2]
            return LinkStatus(False, f"the server thread died: {last}", failed=True)
        if not self._thread.alive:
            return LinkStatus(False, "the server has stopped")
        return LinkStatus(True)

    @property
    def events_dropped(self) -> int:
        return self._subscription.dropped

    def submit(self, command: Command) -> Future[CommandResult]:
        if isinstance(command, Spawn | Despawn):
            return self._lab(command)
        if isinstance(command, Quit) and self._spawner is not None:
            self._spawner.despawn("")
        return self._thread.submit(command)

    def drain(self, limit: int | None = None) -> list[events.Event]:
        return self._subscription.drain(limit)

    def poll(self) -> Snapshot | None:
        latest = self._survey.latest
        self._ask(latest)
        if latest is None or latest is self._seen:
            return None
        self._seen = latest
        self._shown = msgspec.structs.replace(latest, threads=thread_rows(THREADS),
                                              lints=lints.find(latest, self._shown))
        return self._shown

    def demo(self) -> None:
        """Bring a handful of built-in clients, so that there is something to see."""
        if self._spawner is None:
            self._spawner = Spawner()
        spawn_demo(self._spawner, self._address())

    def close(self) -> None:
        self._server.reactor.submit(lambda: self._server.selector.watch(False))
        if self._spawner is not None:
            self._spawner.close()
            self._spawner = None

    def _ask(self, latest: Snapshot | None) -> None:
        """Want the next snapshot, but wake a sleeping server only for news: nothing changes
        without a turn, except that a peer's kernel takes what ours holds.
        """
        now = self._clock()
        turned = latest is None or self._server.selector.turns != latest.turn
        emptying = latest is not None and latest.kernel_queued > 0
        if now < self._survey.next_at:
            return                 # it could not be afforded yet
        if turned or (emptying and now - self._asked_at >= QUIET_LOOK):
            self._asked_at = now
            self._survey.wanted = True
            self._server.reactor.wake()

    def _lab(self, command: Spawn | Despawn) -> Future[CommandResult]:
        future: Future[CommandResult] = Future()
        try:
            future.set_result(self._spawn(command))
        except (SpawnError, OSError) as error:
            future.set_result(CommandResult(False, str(error)))
        return future

    def _spawn(self, command: Spawn | Despawn) -> CommandResult:
        if self._spawner is None:
            self._spawner = Spawner()
        if isinstance(command, Spawn):
            self._spawner.spawn(command.kind, command.count, self._address())
            return CommandResult(True, f"{command.count} × {command.kind} on their way")
        gone = self._spawner.despawn(command.kind)
        return CommandResult(True, f"{gone} built-in clients sent away")

    def _address(self) -> tuple[str, int]:
        host, port = self._server.address[:2]
        return _reachable(str(host)), int(port)


def _reachable(host: str) -> str:
    """An address at which a server that listens on this one can be reached from here."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
