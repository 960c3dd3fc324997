"""The other end of the control socket in tests: consoles that are polled, and raw clients."""

from __future__ import annotations

import socket
from concurrent.futures import Future
from pathlib import Path
from threading import Event

from click.testing import CliRunner, Result

from chatops.api.commands import CommandResult
from chatops.api.link import ConsoleLink
from chatops.api.snapshot import Snapshot
from chatops.cli import main
from chatops.control.frames import (
    HEAD,
    PROTOCOL,
    ControlMessage,
    Hello,
    Reply,
    Welcome,
    pack,
    read_reply,
)
from chatops.links.remote import RemoteLink
from tests.integration.until import until
from tests.patience import PATIENCE, scaled


def ctl(path: Path, *words: str) -> Result:
    """`chatops ctl` on that control socket, in this process."""
    return CliRunner().invoke(main, ["ctl", "--socket", str(path), *words])


class Raw:
    """A client of the control socket that need not keep to anything."""

    def __init__(self, path: Path, *, greeted: bool = True) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(str(path))
        if greeted:
            self.send(Hello(PROTOCOL))
            assert isinstance(self.read(), Welcome)

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def send(self, message: ControlMessage) -> None:
        self.sock.sendall(pack(message))

    def read(self) -> Reply:
        return read_reply(self._exactly(int.from_bytes(self._exactly(HEAD))))

    def at_end(self) -> bool:
        """The server has closed it; what was still to be read has been skipped."""
        try:
            while self.sock.recv(1 << 16):
                pass
        except ConnectionResetError:
            pass
        return True

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self.sock.recv(size - len(data))
            assert more, "the server has closed it"
            data += more
        return data


def resolved(link: RemoteLink, future: Future[CommandResult]) -> CommandResult:
    """How a command went, once the console has been told."""
    def done() -> bool:
        link.poll()
        return future.done()

    until(done)
    return future.result(0)


def lost(link: RemoteLink) -> None:
    """Poll until the console knows that the server has gone."""
    def gone() -> bool:
        link.poll()
        return not link.status.alive

    until(gone)


def seen(link: ConsoleLink, *, clients: int | None = None) -> Snapshot:
    """The next snapshot, or the next with so many clients."""
    found: list[Snapshot] = []

    def look() -> bool:
        snapshot = link.poll()
        if snapshot is not None and clients in (None, len(snapshot.clients)):
            found.append(snapshot)
        return bool(found)

    until(look)
    return found[0]


def settle(*consoles: ConsoleLink) -> None:
    """Poll until nobody has any more to tell anybody, or to ask: a console whose server falls
    silent asks it once whether it sleeps.
    """
    quiet = 0
    while quiet < 10:
        Event().wait(scaled(0.003))        # what is on its way arrives meanwhile
        fresh = [console.poll() for console in consoles]
        asking = any(isinstance(console, RemoteLink) and console.unsure for console in consoles)
        quiet = 0 if any(fresh) or asking else quiet + 1
