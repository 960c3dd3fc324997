"""History in a file that may not be written (D01), by a server that is not root."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.bystanders import talking_on
from tests.integration.harness import Served
from tests.integration.test_history_faults import recall, stored

StartProcess = Callable[..., Served]

NOBODY = 65534
# Root may write what is read-only, so it becomes somebody else first.  What the command needs
# is imported before that: a clone may lie where nobody else may look.
AS_NOBODY = f"""
import encodings.idna, os
from chatops import cli, service
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid({NOBODY})
    os.setuid({NOBODY})
cli.main()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """For the file, and the server's own; `tmp_path` lets nobody else in."""
    folder = Path(tempfile.mkdtemp(prefix="history-"))
    give(folder)
    yield folder
    folder.chmod(0o700)
    shutil.rmtree(folder)


def give(path: Path) -> None:
    """Let it belong to whom the server runs as."""
    if os.geteuid() == 0:
        os.chown(path, NOBODY, NOBODY)


def close(path: Path) -> None:
    """Nobody but root may write the history any more, nor make files beside it."""
    for each in path.parent.iterdir():
        each.chmod(0o444)
    path.parent.chmod(0o555)


def open_again(path: Path) -> None:
    path.parent.chmod(0o755)
    for each in path.parent.iterdir():
        each.chmod(0o644)


def start(served: StartProcess, path: Path) -> Served:
    return served("--history", str(path), program=("-c", AS_NOBODY))


def stop(chat: Served) -> None:
    chat.must_live = False
    chat.signal(signal.SIGTERM)
    assert chat.status() == 0


def filled(served: StartProcess, path: Path) -> None:
    """A server has kept a line there, and has ended."""
    chat = start(served, path)
    client = chat.client()
    client.say("before")
    assert recall(client) == ["guest-1: before"]
    stop(chat)
    assert stored(path) == ["guest-1: before"]


def test_d01_a_read_only_file_costs_history_only_and_is_named_once(
        served: StartProcess, folder: Path) -> None:
    path = folder / "history.db"
    filled(served, path)
    close(path)
    chat = start(served, path)
    chat.wait_for_line("Warned .*the history cannot be written: .*; the chat goes on")
    with talking_on(chat.address):
        client = chat.client()
        for n in range(5):
            client.say(f"kept from the disk {n}")
            recall(client)
    assert sum("history" in line for line in chat.lines if "Warned" in line) == 1
    stop(chat)
    open_again(path)
    assert stored(path) == ["guest-1: before"]


def test_d01_a_file_that_may_be_written_again_gets_all_that_waited(
        served: StartProcess, folder: Path) -> None:
    path = folder / "history.db"
    filled(served, path)
    close(path)
    chat = start(served, path)
    client = chat.client()
    client.say("while it was closed")
    chat.wait_for_line("the history cannot be written")
    recall(client)
    open_again(path)
    client.say("after")
    assert recall(client) == ["guest-1: before", "guest-1: while it was closed", "guest-1: after"]
    chat.wait_for_line("the history is written again")
    stop(chat)


def test_d01_a_file_that_becomes_read_only_under_a_server_is_written_on_by_it(
        served: StartProcess, folder: Path) -> None:
    path = folder / "history.db"
    chat = start(served, path)
    client = chat.client()
    client.say("before")
    assert recall(client) == ["guest-1: before"]
    close(path)
    with talking_on(chat.address):
        client.say("after")
        client.expect("guest-1: after")
        assert "guest-1: after" in recall(client)      # who has a file open may write it
    assert not any("Warned" in line for line in chat.lines)
