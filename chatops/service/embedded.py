"""The server in somebody else's program: `chatops.Server`."""

from __future__ import annotations

import time
from concurrent.futures import Future, wait
from types import TracebackType
from typing import Self

from msgspec.structs import replace

from chatops import lints
from chatops.api.commands import Command, CommandResult
from chatops.api.events import Event
from chatops.api.snapshot import Snapshot
from chatops.loop.bus import Subscription
from chatops.service.thread import ServerThread, last_words
from chatops.settings import USUAL, Settings, checked
from chatops.system.errors import ChatopsError

NOT_RUNNING = "the server is not running"
LOOK = 0.1                     # seconds between looks at whether it still runs


class ServerError(ChatopsError):
    """There is no server to ask: it was not started, has ended, or has died."""


class Server:
    """A chat server on a thread of its own, from `start` or `with` to `close`.

    Every method may be called from any thread, `events` by one at a time.  None waits for the
    server but `start`, `snapshot` and `close`, which say for how long.  One object is one run: a
    server that has ended is not started again.
    """

    def __init__(self, settings: Settings = USUAL, *, log: str = "") -> None:
        """`log` is a path for the event log, `-` standard error, "" none; else as
        `chatops serve`, whose defaults `settings` has (port 9999 on 127.0.0.1).

        Raises `chatops.settings.SettingsError`, a ValueError, for a value that a setting cannot
        have, such as port 70000.
        """
        self._thread = ServerThread(checked(settings), log=log)
        self._subscription: Subscription[Event] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        self.close()

    def start(self) -> Self:
        """Listen, and accept clients from now on.

        Raises `chatops.StartError`, with a line that says what to do, and then nothing runs:
        the port is taken, a file cannot be used, the host has no such address.
        """
        if self._subscription is not None:
            raise ServerError("it has been started already, and is not started again")
        self._subscription = self._thread.bus.subscribe(backlog=True)
        try:
            self._thread.start()
        except BaseException:
            self._thread.bus.unsubscribe(self._subscription)
            self._subscription = None
            raise
        return self

    @property
    def running(self) -> bool:
        """Whether the server's loop turns."""
        return self._thread.alive

    @property
    def addresses(self) -> tuple[tuple[str, int], ...]:
        """Host and port of each address that it listens on; a name may have several.

        Raises `ServerError` before `start`.
        """
        if self._subscription is None:
            raise ServerError(NOT_RUNNING)
        return self._thread.server.addresses

    @property
    def address(self) -> tuple[str, int]:
        """The first of `addresses`; with port 0 in the settings, the one that was chosen."""
        return self.addresses[0]

    def submit(self, command: Command) -> Future[CommandResult]:
        """Have a command of `chatops.api.commands` carried out, such as `Kick(("bob",), "bye")`.

        The future resolves on the server's thread, at once and to a failed result where no
        server runs; it never holds an exception.  Its result says in `ok` whether it was done,
        in `text` what was, and may have `rows`.
        """
        if self._subscription is None:
            future: Future[CommandResult] = Future()
            future.set_result(CommandResult(False, NOT_RUNNING))
            return future
        return self._thread.submit(command)

    def snapshot(self, timeout: float = 10.0) -> Snapshot:
        """How things stand between two turns of the loop: clients, descriptors, queues, lints.

        Immutable.  Costs the loop some microseconds for each client.  Waits for at most
        `timeout` seconds; raises `TimeoutError` after that, and `ServerError` where no server
        runs.
        """
        if not self.running:
            raise ServerError(self.crash or NOT_RUNNING)
        taken: Future[Snapshot] = Future()

        def take() -> None:
            try:
                taken.set_result(self._thread.survey.build())
            except Exception as error:
                taken.set_exception(error)

        self._thread.server.reactor.submit(take)
        snapshot = self._answered(taken, timeout)
        return replace(snapshot, lints=lints.find(snapshot))

    def _answered(self, taken: Future[Snapshot], timeout: float) -> Snapshot:
        """A loop that ends meanwhile answers nothing any more."""
        until = time.monotonic() + timeout
        while not taken.done():
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"no snapshot within {timeout:g} s")
            if not self.running and not taken.done():
                raise ServerError(self.crash or NOT_RUNNING)
            wait([taken], min(LOOK, left))
        return taken.result()

    def events(self) -> list[Event]:
        """What has happened since this was last asked, oldest first (`chatops.api.events`).

        From `start` on.  The ring holds some thousands: who asks too seldom loses the oldest,
        and `events_lost` counts them.
        """
        return self._subscription.drain() if self._subscription is not None else []

    @property
    def events_lost(self) -> int:
        """How many events were overwritten before `events` was asked for them."""
        return self._subscription.dropped if self._subscription is not None else 0

    @property
    def crash(self) -> str:
        """In one line what the server's thread died of; "" if it did not."""
        return last_words(self._thread.crash) if self._thread.crash is not None else ""

    def close(self, timeout: float = 2.0) -> None:
        """Stop at once, for at most `timeout` seconds; `Quit("drain")` delivers what is queued.

        Harmless before `start`, and when it has ended.
        """
        if self._subscription is not None:
            self._thread.close(timeout)
