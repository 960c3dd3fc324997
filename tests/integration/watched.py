"""Somebody's program under `chatops watch`, and a console that looks at it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from chatops.api import events
from chatops.api.commands import Command, CommandResult
from chatops.api.events import Event
from chatops.api.snapshot import Lint, Snapshot
from chatops.control.socket_path import ControlError
from chatops.links.remote import RemoteLink
from tests.integration.until import until
from tests.patience import PATIENCE

START = 20.0                   # seconds for a program to start, on a machine that is busy


class Watched:
    """A program in a process of its own, started by `chatops watch --serve`."""

    def __init__(self, folder: Path, control: Path, *words: str, options: tuple[str, ...] = (),
                 environment: dict[str, str] | None = None) -> None:
        self.control = control
        self.seen: list[Event] = []
        self._link: RemoteLink | None = None
        self.out = folder / "out.txt"
        with open(self.out, "wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "chatops", "watch", "--serve", "--socket", str(control),
                 *options, *words],
                cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                env=(environment or dict(os.environ)) | {"PYTHONPATH": ""},
                start_new_session=True)    # so that its children end with it

    @property
    def printed(self) -> str:
        """What the program has printed, and chatops before it."""
        return self.out.read_text(errors="replace")

    def has_printed(self, text: str) -> None:
        """Wait for it."""
        until(lambda: text in self.printed or self.process.poll() is not None, START)
        assert text in self.printed, self.printed

    def port(self) -> int:
        """The number after `port ` in what it prints."""
        self.has_printed("port ")
        until(lambda: self.printed.partition("port ")[2].partition("\n")[1], START)
        return int(self.printed.partition("port ")[2].split()[0])

    @property
    def link(self) -> RemoteLink:
        """The console's link to it."""
        if self._link is None:
            found: list[RemoteLink] = []

            def greeted() -> bool:
                try:
                    found.append(RemoteLink(self.control))
                except ControlError:
                    assert self.process.poll() is None, self.printed
                return bool(found)

            until(greeted, START)
            self._link = found[0]
        return self._link

    def see(self, is_there: Callable[[Snapshot], object], seconds: float = START) -> Snapshot:
        """Look until a snapshot shows it."""
        found: list[Snapshot] = []
        last: list[Snapshot] = []

        def look() -> bool:
            snapshot = self.link.poll()
            self.seen += self.link.drain()
            if snapshot is not None:
                last[:] = [snapshot]
                if is_there(snapshot):
                    found.append(snapshot)
            return bool(found)

        try:
            until(look, seconds)
        except AssertionError:
            raise AssertionError(f"not seen; the last was {last}\n{self.seen} {self.link.status}\n"
                                 f"{self.printed}") from None
        return found[0]

    def lint(self, code: str, seconds: float = START) -> Lint:
        """Look until there is such a lint."""
        snapshot = self.see(lambda s: any(lint.code == code for lint in s.lints), seconds)
        return next(lint for lint in snapshot.lints if lint.code == code)

    def event(self, kind: type[Event], seconds: float = START) -> Event:
        """Look until such an event has come."""
        def come() -> bool:
            self.link.poll()
            self.seen += self.link.drain()
            return any(isinstance(event, kind) for event in self.seen)

        until(come, seconds)
        return next(event for event in self.seen if isinstance(event, kind))

    def ask(self, command: Command) -> CommandResult:
        """Have it done."""
        future = self.link.submit(command)

        def answered() -> bool:
            self.link.poll()
            return future.done()

        until(answered, START)
        return future.result(0)

    def status(self, seconds: float = START) -> int:
        """The exit status, once it has ended."""
        return self.process.wait(seconds)

    def close(self) -> None:
        if self._link is not None:
            self._link.close()
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)        # the program, and what it started
        self.process.wait(PATIENCE)


def script(folder: Path, text: str, name: str = "program.py") -> Path:
    """Somebody's program."""
    path = folder / name
    path.write_text(textwrap.dedent(text))
    return path


def connect(port: int) -> socket.socket:
    """A client of the program."""
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)


__all__ = ["Watched", "connect", "events", "script"]


def shown_by(path: Path) -> Snapshot:
    """What a console sees at this socket, once it sees something."""
    link = RemoteLink(path)
    found: list[Snapshot] = []

    def look() -> bool:
        snapshot = link.poll()
        found.extend([snapshot] if snapshot is not None and snapshot.keys else [])
        return bool(found)

    until(look, START)
    link.close()
    return found[0]
