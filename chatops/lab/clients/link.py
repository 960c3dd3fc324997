"""The built-in clients that one console has brought: `spawn` and `despawn` as commands."""

from __future__ import annotations

from concurrent.futures import Future

from chatops.api.commands import CommandResult, Despawn, Spawn
from chatops.lab.clients.spawner import Spawner, SpawnError, spawn_demo

Address = tuple[str, int]


class BuiltInClients:
    """Run in the console's process, against whatever server it looks at; they go with it."""

    def __init__(self, *, tls: bool = False) -> None:
        """`tls`: the server speaks nothing else, and they do not."""
        self._tls = tls
        self._spawner: Spawner | None = None

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
        spawn_demo(self._spawning(), address)

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
