"""Rotating the log of a running server: by signals, by command, and without a word."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from chatops.api.commands import Broadcast, Reopen
from chatops.api.events import AdminDid
from tests.integration.harness import Served, Server
from tests.integration.until import until

StartServer = Callable[..., Server]
StartServed = Callable[..., Served]


def read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        return ""


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_opens_the_log_again_and_ends_nothing(
        served: StartServed, tmp_path: Path, number: signal.Signals) -> None:
    path = tmp_path / "log"
    chat = served("--log-file", str(path))
    chat.client()
    until(lambda: "Connected" in read(path))
    moved = path.rename(tmp_path / "log.1")
    chat.signal(number)
    until(lambda: 'AdminDid line="reopen"' in read(path))
    chat.client()
    until(lambda: "Connected id=2" in read(path))
    assert "Connected id=2" not in read(moved)


def test_sigusr1_without_a_log_file_does_nothing(served: StartServed) -> None:
    chat = served()
    chat.signal(signal.SIGUSR1)
    chat.client()
    chat.wait_for_line("Connected id=1")
    assert not any("reopen" in line for line in chat.lines)


def test_a_log_that_was_moved_or_deleted_is_noticed_without_a_signal(
        served: StartServed, tmp_path: Path) -> None:
    path = tmp_path / "log"
    chat = served("--log-file", str(path))
    chat.client()
    until(lambda: "Connected id=1" in read(path))
    path.rename(tmp_path / "log.1")
    chat.client()
    until(lambda: "Connected id=2" in read(path))
    path.unlink()
    chat.client()
    until(lambda: "Connected id=3" in read(path))


def test_reopen_says_where_the_log_goes_on(server: StartServer, tmp_path: Path) -> None:
    path = tmp_path / "log"
    chat = server(log=str(path))
    result = chat.do(Reopen())
    assert result.text == f"the log goes on in {path}"
    did = chat.wait_for(AdminDid)
    assert (did.line, did.ok) == ("reopen", True)


def test_reopen_without_a_log_file_is_refused_in_a_line(server: StartServer) -> None:
    result = server().submit(Reopen())
    assert (result.ok, result.text) == (
        False, "there is no log file to open again: --log-file was not given")


def test_reopen_where_the_directory_is_gone_keeps_the_chat_and_the_old_file(
        server: StartServer, tmp_path: Path) -> None:
    path = tmp_path / "logs" / "log"
    path.parent.mkdir()
    chat = server(log=str(path))
    path.parent.rename(tmp_path / "logs.1")
    result = chat.submit(Reopen())
    assert not result.ok
    assert result.text.startswith(f"cannot open {path} again: ")
    hearer = chat.client()
    chat.do(Broadcast("still here"))
    hearer.expect("*** [admin] still here")
    until(lambda: "still here" in read(tmp_path / "logs.1" / "log"))
