"""The console's only door to a server: commands in, events and snapshots out.

A console cannot tell whether the server is embedded, recorded or imagined by a test.
Every method may be called from the console's thread and none of them waits.
"""

from __future__ import annotations

from concurrent.futures import Future
from typing import Protocol

import msgspec

from chatops.api.commands import Command, CommandResult
from chatops.api.events import Event
from chatops.api.snapshot import Pulse, Snapshot


class LinkStatus(msgspec.Struct, frozen=True, gc=False):
    """Whether there is still a server behind the link, and why not."""

    alive: bool
    detail: str = ""           # one line for the operator; "" while alive
    failed: bool = False       # it crashed: the console's exit status must not be 0
    dropped: bool = False      # the server lives on, and wants no more of this console
    pulse: Pulse | None = None     # as far as the link knows; moves on without snapshots
    retrying: bool = False     # it is looked for again and again
    read_only: bool = False    # nothing can be changed over this link

    @property
    def exit_status(self) -> int:
        """That of a console which leaves now.  Who does not wait until a server is found again
        leaves on purpose.
        """
        return 1 if self.failed and not self.retrying else 0


class ConsoleLink(Protocol):
    """What the console needs of a server, wherever it runs."""

    @property
    def in_process(self) -> bool:
        """Whether the server is a part of this process: what stops that stops the server."""

    @property
    def status(self) -> LinkStatus:
        """Whether the server is there; looked at on every refresh."""

    @property
    def events_dropped(self) -> int:
        """Events this console lost because it drained too slowly, in all."""

    def submit(self, command: Command) -> Future[CommandResult]:
        """Ask for something.  The future resolves on the server's thread; it is never
        waited for with `.result()` here, and a server that is gone resolves it at once
        with a failed result.
        """

    def drain(self, limit: int | None = None) -> list[Event]:
        """Events since the last call, oldest first; at most the newest `limit`."""

    def poll(self) -> Snapshot | None:
        """The newest snapshot if it has not been seen yet, and a request for the next.

        A sleeping server is not woken when nothing can have changed.
        """

    def report(self, event: Event) -> None:
        """Have an event of the console's own logged and shown, where there is a log.

        From any thread.
        """

    def close(self) -> None:
        """Let go of the server without stopping it.  Idempotent."""
