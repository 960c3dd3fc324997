"""The built-in clients that one console has brought: `spawn` and `despawn` as commands."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future

from chatops.api.commands import CommandResult, Despawn, Spawn
from chatops.api.events import Disconnected, Event
from chatops.lab.clients.spawner import Spawner, SpawnError, spawn_demo

DEMO_SLOW = "slow-1"           # the first of its kind, which the demo brings
AWAY = 10.0                    # seconds that it is gone for after an eviction

Address = tuple[str, int]


class BuiltInClients:
    """Run in the console's process, against whatever server it looks at; they go with it."""

    def __init__(self, *, tls: bool = False) -> None:
        """`tls`: the server speaks nothing else, and they do not."""
        self._tls = tls
        self._spawner: Spawner | None = None
        self._demo: Address | None = None      # whom it was brought for

    def submit(self, command: Spawn | Despawn, address: Address) -> Future[CommandResult]:
        """Carry out; the future is done already."""
        future: Future[CommandResult] = Future()
        try:
            future.set_result(self._carry_out(command, address))
        except (SpawnError, OSError) as error:
            future.set_result(CommandResult(False, str(error)))
        return future

    def demo(self, address: Address) -> None:
        """Bring a handful, so that there is something to see."""
        self._demo = address
        spawn_demo(self._spawning(), address)

    def heard(self, happened: Iterable[Event]) -> None:
        """What goes on at the server: the demo's slow reader is back a while after it was
        evicted, or there would be none to see from then on.  Who was kicked stays away.
        """
        if self._demo is None or self._spawner is None:
            return
        for event in happened:
            if (type(event) is Disconnected and event.nick == DEMO_SLOW
                    and event.reason.startswith("evicted")):
                self._spawner.bring_back("slow", DEMO_SLOW, AWAY, self._demo)

    def counts(self) -> dict[str, int]:
        """How many there are of each kind; no zeros."""
        return self._spawner.counts() if self._spawner is not None else {}

    def dismiss(self) -> None:
        """Send them all away."""
        if self._spawner is not None:
            self._spawner.despawn("")

    def close(self) -> None:
        """Send them away and end their thread.  Idempotent."""
        if self._spawner is not None:
            self._spawner.close()
            self._spawner = None

    def _carry_out(self, command: Spawn | Despawn, address: Address) -> CommandResult:
        if isinstance(command, Spawn):
            if self._tls:
                raise SpawnError("built-in clients do not speak TLS, and this server does "
                                 "nothing else")
            self._spawning().spawn(command.kind, command.count, address)
            return CommandResult(True, f"{command.count} × {command.kind} on their way")
        gone = self._spawning().despawn(command.kind)
        return CommandResult(True, f"{gone} built-in clients sent away")

    def _spawning(self) -> Spawner:
        if self._spawner is None:
            self._spawner = Spawner()
        return self._spawner


def reachable(host: str) -> str:
    """An address at which a server that listens on this one can be reached from here."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


def not_running() -> Future[CommandResult]:
    """What is answered where there is no server that anybody could be brought to."""
    future: Future[CommandResult] = Future()
    future.set_result(CommandResult(False, "the server is not running"))
    return future
