"""The lab's servers under test, their links, and clients that read or do not."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Iterator

import pytest

from chatops.api.snapshot import Snapshot
from chatops.lab.clients.client import open_socket
from chatops.lab.stages import STAGES, StageLink, StageServer
from tests.integration.client import Client
from tests.integration.until import until

RunStage = Callable[..., tuple[StageServer, StageLink]]


@pytest.fixture
def run_stage() -> Iterator[RunStage]:
    """Starts stages: `run_stage(3)`; they are stopped in the end, and must not take long."""
    running: list[tuple[StageServer, StageLink]] = []

    def start(number: int, **options: float) -> tuple[StageServer, StageLink]:
        stage = STAGES[number](**options)  # type: ignore[arg-type]
        stage.start()
        link = StageLink(stage)
        running.append((stage, link))
        return stage, link

    yield start
    for stage, link in running:
        link.close()
        assert stage.stop()


def client_of(stage: StageServer) -> Client:
    return Client(stage.address, greeted=False)


def stopped_client_of(stage: StageServer) -> socket.socket:
    """One that does not read, with buffers so small that it shows after some 40 KB."""
    sock = open_socket(stage.address, tiny=True)
    sock.setblocking(True)
    sock.connect(stage.address)
    return sock


def turns_in(stage: StageServer, seconds: float) -> int:
    """Turns of its loop in a span of time, seen from outside."""
    before = stage.selector.turns
    select.select([], [], [], seconds)
    return stage.selector.turns - before


def snapshot_of(link: StageLink, wanted: Callable[[Snapshot], object] = lambda _: True
                ) -> Snapshot:
    """The first snapshot that shows this."""
    found: list[Snapshot] = []

    def look() -> bool:
        snapshot = link.poll()
        if snapshot is not None and wanted(snapshot):
            found.append(snapshot)
        return bool(found)

    until(look)
    return found[0]


def lint(code: str) -> Callable[[Snapshot], object]:
    return lambda snapshot: any(found.code == code for found in snapshot.lints)


def drain(sock: socket.socket) -> None:
    """Take what has come, and wait for nothing."""
    sock.setblocking(False)
    try:
        while sock.recv(1 << 16):
            pass
    except BlockingIOError:
        pass
