"""The console's link to a running stage, so that its own panes show the stage."""

from __future__ import annotations

import linecache
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future

from msgspec.structs import replace

from chatops import lints
from chatops.api.command_table import spec_of
from chatops.api.commands import Command, CommandResult, Despawn, Quit, Selector, Spawn
from chatops.api.events import Event
from chatops.api.link import LinkStatus
from chatops.api.snapshot import Lint, Snapshot, ThreadRow
from chatops.lab.clients.spawner import Spawner, SpawnError
from chatops.lab.stages import noticed
from chatops.lab.stages.base import StageServer
from chatops.lab.stages.picture import Picture
from chatops.loop.backends import BackendError
from chatops.loop.rows import thread_rows
from chatops.units import format_seconds

HELD = 0.5                     # seconds without an answer: the loop is held
KNOWN = ("spawn", "despawn", "selector", "quit")
QUIET_LOOK = 1.0               # seconds between looks at a sleeping stage's kernel queues


def refusal(stage: StageServer, command: str) -> str:
    """Why a stage does not do what a chat server would; "" where it does."""
    if command in KNOWN:
        return ""
    return f"{stage.label} knows no '{command}'; it is a server of a few lines"


class StageLink:
    """A `chatops.api.link.ConsoleLink` to one stage.  Belongs to the console's thread.

    Snapshots are built by the stage, inside its `select`.  A stage that is held in a callback
    builds none; then the last one is shown again with the clock moved on, the counters as
    they were, and a lint that says since when and in which line.
    """

    in_process = True

    def __init__(self, stage: StageServer, *, purposes: Mapping[str, str] | None = None) -> None:
        """`purposes` says by name what the threads of the console are there for that shows it."""
        self.stage = stage
        self._purposes = purposes or {}
        self._picture = Picture(stage)
        self._subscription = stage.bus.subscribe(backlog=True)
        self._latest: Snapshot | None = None       # filled by the stage's thread
        self._seen: Snapshot | None = None         # as the stage built it
        self._shown: Snapshot | None = None        # as it was handed out, lints included
        self._asked_at: float | None = time.monotonic()    # None: no question is open
        self._looked_at = 0.0
        self._spawner: Spawner | None = None
        stage.selector.call(self._answer)          # so that there is one before it is held

    # -- chatops.api.link.ConsoleLink

    @property
    def status(self) -> LinkStatus:
        stage = self.stage
        if stage.alive:
            return LinkStatus(True)
        return LinkStatus(False, f"{stage.label}: {stage.ended or 'not started'}")

    @property
    def events_dropped(self) -> int:
        return self._subscription.dropped

    def drain(self, limit: int | None = None) -> list[Event]:
        return self._subscription.drain(limit)

    def poll(self) -> Snapshot | None:
        now = time.monotonic()
        latest = self._latest
        if latest is not None and latest is not self._seen:
            self._seen = latest
            self._shown = replace(latest, lints=lints.find(latest, self._shown))
            return self._shown
        if not self.stage.alive:
            return None
        self._ask(now)
        return self._held(now)

    def submit(self, command: Command) -> Future[CommandResult]:
        future: Future[CommandResult] = Future()
        match command:
            case Spawn() | Despawn():
                future.set_result(self._clients(command))
            case Selector(backend):
                self._swap(backend, future)
            case Quit():
                threading.Thread(target=self._stop, args=(future,), daemon=True).start()
            case _:
                future.set_result(CommandResult(
                    False, refusal(self.stage, spec_of(command).name)))
        return future

    def report(self, event: Event) -> None:
        """Nothing: a stage has no log."""

    def close(self) -> None:
        if self._spawner is not None:
            self._spawner.close()
            self._spawner = None

    @property
    def settled(self) -> bool:
        """Whether nothing has happened since the last snapshot, nor is one on its way."""
        return (self._asked_at is None and self._latest is self._seen is not None
                and self._seen.turn == self.stage.selector.turns)

    # -- snapshots

    def _ask(self, now: float) -> None:
        """Want a snapshot, but do not wake a stage that sleeps and has nothing new."""
        if self._asked_at is not None:
            return
        latest, turns = self._latest, self.stage.selector.turns
        emptying = latest is not None and latest.kernel_queued > 0
        if latest is None or latest.turn != turns or (
                emptying and now - self._looked_at >= QUIET_LOOK):
            self._asked_at = self._looked_at = now
            self.stage.selector.call(self._answer)

    def _answer(self) -> None:
        """Runs on the stage's thread."""
        if self.stage.listens and not self.stage.selector.closed:
            self._latest = replace(self._picture.build(), threads=self._threads())
        self._asked_at = None

    def _held(self, now: float) -> Snapshot | None:
        """The last snapshot, moved on, when the turn in progress does not end."""
        asked, last, shown = self._asked_at, self._seen, self._shown
        if asked is None or last is None or shown is None or now - asked < HELD:
            return None
        if now - shown.mono < HELD:
            return None
        since = self.stage.selector.returned_at
        lint = Lint("held-loop", f"the turn in progress has held the loop for "
                    f"{format_seconds(now - since)}{self._where()}", since=since, dated=True)
        lasted = replace(last.loop, worked=last.loop.worked + (now - last.mono))
        clients = self._picture.clients_from_outside(shown.clients, now)
        others = tuple([found for found in shown.lints if found.code != lint.code])
        self._shown = replace(shown, at=time.time(), mono=now, loop=lasted, turns=(),
                              clients=clients,
                              kernel_queued=sum([row.kernel_queued for row in clients]),
                              lints=(lint, *others), threads=self._threads())
        return self._shown

    def _where(self) -> str:
        """The line that the stage's thread is in: `, in broadcast.py:51: client.sendall(line)`."""
        frame = sys._current_frames().get(self.stage.ident)
        while frame is not None and frame.f_code.co_filename == noticed.__file__:
            frame = frame.f_back       # the stage's own line, which has called it
        if frame is None:
            return ""
        file, line = frame.f_code.co_filename, frame.f_lineno
        code = linecache.getline(file, line).partition("#")[0].strip()
        return f", in {file.rpartition('/')[2]}:{line}: {code}"

    def _threads(self) -> tuple[ThreadRow, ...]:
        """Its own, and those that it is shown and tried with; the chat server has others."""
        return tuple([row for row in thread_rows({
            **self._purposes,
            "MainThread": "shows you this",
            "clients": "built-in clients of the lab",
            self.stage.label: f"{self.stage.title}: {self.stage.fault}",
        }) if row.doing])

    # -- commands

    def _clients(self, command: Spawn | Despawn) -> CommandResult:
        if self._spawner is None:
            self._spawner = Spawner()
        try:
            if isinstance(command, Despawn):
                gone = self._spawner.despawn(command.kind)
                return CommandResult(True, f"{gone} built-in clients sent away")
            self._spawner.spawn(command.kind, command.count, self.stage.address)
        except (SpawnError, OSError) as error:
            return CommandResult(False, str(error))
        return CommandResult(True, f"{command.count} × {command.kind} on their way")

    def _stop(self, future: Future[CommandResult]) -> None:
        ended = self.stage.stop()      # takes a moment when the stage is stuck
        future.set_result(CommandResult(ended, f"{self.stage.label} "
                                        f"{'has' if ended else 'has not'} stopped"))

    def _swap(self, backend: str, future: Future[CommandResult]) -> None:
        """Have it done on the stage's thread; one that is held answers when it goes on, or ends."""
        selector = self.stage.selector
        ended = CommandResult(False, f"{self.stage.label} has ended")

        def swap() -> None:
            if not future.set_running_or_notify_cancel():
                return                 # the console that asked has gone
            if selector.closed:
                future.set_result(ended)
                return
            try:
                selector.swap(backend)
            except BackendError as error:
                future.set_result(CommandResult(False, str(error)))
            else:
                future.set_result(CommandResult(True, f"{self.stage.label} waits with "
                                                f"{selector.backend} now"))
                self._answer()

        if not selector.call(swap):
            future.set_result(ended)
