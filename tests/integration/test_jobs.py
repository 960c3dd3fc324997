"""What the journal's thread is asked for by a running server: each kind of job, failing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NoReturn

import pytest
from click.testing import CliRunner

from chatops.api.commands import Ban, CommandResult, Reload
from chatops.api.events import CallbackFailed, ThreadDied, Warned
from chatops.cli import main
from chatops.server import ban_file
from chatops.server import certificates as certificate
from chatops.storage import chat_history as archive
from chatops.storage import worker as journal
from tests.integration.client import Client
from tests.integration.harness import Server
from tests.integration.until import until
from tests.patience import PATIENCE

StartServer = Callable[..., Server]

FAULT = "a fault put there by the test"
NOBODY = "~nobody-of-this-name/x"

# Each kind of job: what is broken for it, and what its error calls it.
JOBS = {
    "write the ban file": (ban_file.BanFile, "save"),
    "read the certificate": (certificate, "load"),
    "look up the history": (archive.ChatHistory, "last"),
    "write the history": (archive.ChatHistory, "append"),
    "write the log": (journal.Journal, "_log"),
}


def recall(client: Client, question: str = "/history") -> list[str]:
    """What is answered; the client has read all else before."""
    client.heard()
    client.say(question)
    return [client.read_line(), *client.heard()]


def fail(*_: object, **__: object) -> NoReturn:
    raise LookupError(FAULT)


@pytest.fixture
def chat(secure: StartServer, tmp_path: Path) -> Server:
    """A server with every kind of job."""
    return secure(history=str(tmp_path / "history.db"), ban_file=str(tmp_path / "bans.json"))


def ask(chat: Server, job: str) -> CommandResult:
    """Have this done, by the command that asks for it."""
    if job == "read the certificate":
        return chat.submit(Reload())
    result = chat.submit(Ban("192.0.2.7"))
    assert result.ok == (job != "write the ban file")
    return result


@pytest.mark.parametrize("job", JOBS)
def test_a_job_that_fails_is_named_and_the_others_are_done(
        chat: Server, job: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    owner, name = JOBS[job]
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, fail)
        client = chat.client()
        client.say("hello")
        answer = recall(client)
        result = ask(chat, job)
        warned = chat.wait_for(Warned, lambda event: FAULT in event.text)
        assert warned.text.startswith(f"cannot {job}: ")
        failed = chat.wait_for(CallbackFailed, lambda event: FAULT in event.error)
        assert failed.callback == job
        if job == "read the certificate":
            assert not result.ok
            assert FAULT in result.text
        if job == "look up the history":
            assert FAULT in answer[0]
    # What failed works when it can again, and so does all else.
    client.say("again")
    assert recall(client, "/history 5 again")[0].endswith(" guest-1: again")
    assert chat.submit(Reload()).ok
    assert chat.submit(Ban("192.0.2.8")).ok
    file = tmp_path / "bans.json"
    until(lambda: file.exists() and "192.0.2.8" in file.read_text("utf-8"), PATIENCE)
    assert not chat.thread.dead_threads


def test_a_row_with_a_time_beyond_the_calendar_costs_its_time_alone(
        server: StartServer, tmp_path: Path) -> None:
    path, bans_path = tmp_path / "history.db", tmp_path / "bans.json"
    chat = server(history=str(path), ban_file=str(bans_path))
    client = chat.client()
    client.say("before", "behind")
    recall(client)
    for at in (1e20, -1e20, "yesterday"):
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("UPDATE said SET at=?", (at,))
        assert recall(client, "/history 9 before") == ["*** --:-- guest-1: before"]
    assert chat.submit(Ban("192.0.2.7")).ok
    until(lambda: bans_path.exists() and "192.0.2.7" in bans_path.read_text("utf-8"), PATIENCE)
    assert not chat.thread.dead_threads


def test_the_death_of_the_journal_is_an_event_and_leaves_nobody_waiting(
        chat: Server) -> None:
    scribe = chat.thread.history
    assert scribe is not None
    chat.thread.journal.later(scribe._archive.close)       # its file is the thread's

    def die() -> None:
        raise SystemExit(FAULT)

    chat.thread.journal.later(die, "die")
    died = chat.wait_for(ThreadDied)
    assert died.name == "journal"
    assert FAULT in died.traceback
    assert "journal" in chat.thread.died_of()
    answer = chat.submit(Reload())
    assert not answer.ok
    assert "journal" in answer.text
    client = chat.client()
    assert "the history cannot be read now" in recall(client)[0]
    client.say("the chat goes on")
    assert any("the chat goes on" in line for line in client.heard())


@pytest.mark.parametrize("arguments", [
    ("serve", "--port", "0", "--control", NOBODY), ("ctl", "--socket", NOBODY, "status"),
    ("attach", NOBODY), ("replay", NOBODY)], ids=lambda arguments: arguments[0])
def test_the_name_of_an_unknown_user_on_the_command_line_is_refused_in_a_line(
        arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatops.cli.attach.check_terminal", lambda: None)
    monkeypatch.setattr("chatops.cli.running.hold_signals", lambda: None)
    result = CliRunner().invoke(main, list(arguments))
    assert result.exit_code == (2 if arguments[0] == "serve" else 1)     # a setting is usage
    assert result.stderr.count("\n") == 1
    assert "there is no user 'nobody-of-this-name'" in result.stderr


@pytest.mark.parametrize("arguments", [("ctl", "--socket", "x.sock", "status"),
                                       ("attach", "x.sock")], ids=lambda arguments: arguments[0])
def test_a_working_directory_that_is_gone_is_told_in_a_line(
        arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatops.cli.attach.check_terminal", lambda: None)
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    result = CliRunner().invoke(main, list(arguments))
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "working directory" in result.stderr
