"""The console that has started a program, and loses sight of it while that runs on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chatops.api import events
from chatops.api.events import Event
from chatops.api.snapshot import Snapshot
from chatops.links.remote import RemoteLink
from chatops.watch.launch import command_line, prepared
from chatops.watch.link import WatchLink
from tests.integration.until import until
from tests.integration.watched import START, script

SLEEPER = """
    import asyncio
    asyncio.run(asyncio.sleep(3600))
"""


@pytest.fixture
def link(tmp_path: Path, control_path: Path) -> Iterator[WatchLink]:
    program = script(tmp_path, SLEEPER)
    link = WatchLink(prepared(command_line((str(program),)), "program.py",
                              path=str(control_path)), "program.py")
    yield link
    link.close()


def pulled(link: WatchLink, told: list[Event]) -> Snapshot | None:
    snapshot = link.poll()
    told += link.drain()
    return snapshot


def sees_tasks(link: WatchLink, told: list[Event]) -> bool:
    snapshot = pulled(link, told)
    return snapshot is not None and bool(snapshot.tasks)


def test_a_console_that_the_observer_has_dropped_says_so_and_looks_again(link: WatchLink) -> None:
    told: list[Event] = []
    until(lambda: sees_tasks(link, told), START)
    assert isinstance(link._remote, RemoteLink)
    link._remote._wire._sock.send(b"\xff" * 8)      # nobody can read that: it is dropped for it
    until(lambda: (pulled(link, told), link.status.detail)[1], START)
    assert link.status.alive
    assert link.status.detail.startswith(
        "out of sight, and looked for: this console was dropped:")
    until(lambda: sees_tasks(link, told), START)
    assert link.status.detail == ""
    warned = [event for event in told if isinstance(event, events.Warned)]
    assert len(warned) == 1
    assert "was dropped" in warned[0].text
