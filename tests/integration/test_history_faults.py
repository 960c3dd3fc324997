"""History: asked for and answered, and whatever its disk does, the chat goes on (D01–D03)."""

from __future__ import annotations

import re
import resource
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from chatops.api.events import Warned
from chatops.lints import find
from chatops.storage import history_writer as scribe
from tests.integration.harness import PATIENCE, Client, Served, Server
from tests.unit.test_archive import NASTY

KILLS = 50                     # rounds of `kill -9`
GOES_ON = "; the chat goes on"
LOST = "*** error: the history cannot be read now"


def recall(client: Client, count: int = 50, text: str = "") -> list[str]:
    """What `/history` answers, without the times; the client has read all else before."""
    client.heard()
    client.say(f"/history {count} {text}")
    lines = [client.read_line(), *client.heard()]     # an answer comes as a whole
    return [re.sub(r"^\*\*\* \d\d:\d\d ", "", line) for line in lines]


def stored(path: Path) -> list[str]:
    """What the file holds, which must be sound."""
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return [line for (line,) in database.execute("SELECT line FROM said ORDER BY id")]


def flags(chat: Server) -> list[str]:
    """What the console holds against the history, for as long as it is so."""
    return [lint.summary for lint in find(chat.snapshot()) if lint.code == "history-lost"]


@contextmanager
def hanging(chat: Server) -> Iterator[None]:
    """A disk that does not answer meanwhile; after it, all that waited has been done."""
    go_on, done = threading.Event(), threading.Event()

    def hang() -> None:
        assert go_on.wait(PATIENCE)

    chat.thread.journal.later(hang)
    try:
        yield
    finally:
        go_on.set()
        chat.thread.journal.later(done.set)
        assert done.wait(PATIENCE)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


def test_without_history_a_client_is_told_so(server: Callable[..., Server]) -> None:
    client = server().client()
    client.say("/history")
    client.expect("*** error: no history is kept here")


def test_each_line_is_told_once_and_in_order_and_whole(
        server: Callable[..., Server], path: Path) -> None:
    chat = server(history=str(path))
    client = chat.client()
    client.rename("ada")
    assert recall(client) == ["*** nothing like that is kept here"]
    long = "x" * 3000
    client.say("one", long, "/me waves", "/msg ada secret", "two")
    said = ["ada: one", f"ada: {long}", "* ada waves", "ada: two"]
    assert recall(client) == said
    assert recall(client, 2) == said[2:]
    assert recall(client, 5, "wav") == ["* ada waves"]
    client.join("kitchen")
    assert recall(client) == ["*** nothing like that is kept here"]
    chat.close()
    assert stored(path) == said
    chat.must_live = False


def test_an_answer_holds_what_the_same_packet_said_before_it(
        server: Callable[..., Server], path: Path) -> None:
    client = server(history=str(path)).client()
    client.say("just now", "/history")
    assert "just now" in client.read_until(lambda line: line.startswith("*** "))[-1]


def test_no_nick_or_text_is_more_than_text(server: Callable[..., Server], path: Path) -> None:
    client = server(history=str(path)).client()
    client.say("/nick '; DROP TABLE said", "plain", *NASTY)
    client.expect(f"{client.nick}: {NASTY[-1]}")
    for nasty in NASTY:
        assert recall(client, 50, nasty) == [f"{client.nick}: {text}" for text in NASTY
                                             if nasty in text]


def test_a_client_is_answered_one_question_at_a_time_and_only_in_its_room(
        server: Callable[..., Server], path: Path) -> None:
    chat = server(history=str(path))
    client = chat.client()
    client.say("one")
    with hanging(chat):
        client.say("/history", "/history")
        client.expect("*** error: your last /history is still being looked up")
        client.join("kitchen")
    chat.turn()
    assert recall(client) == ["*** nothing like that is kept here"]


# -- D01: the disk


@pytest.mark.parametrize("fault", ["garbage", "another's"])
def test_a_file_that_cannot_be_used_costs_history_only_and_stays_as_it_is(
        server: Callable[..., Server], path: Path, fault: str) -> None:
    content = b"a letter to somebody\n" * 100
    match fault:
        case "garbage":
            path.write_bytes(content)
        case _:
            with closing(sqlite3.connect(path)) as other, other:
                other.execute("CREATE TABLE letters (text)")
            content = path.read_bytes()
    chat = server(history=str(path))
    warning = chat.wait_for(Warned, lambda event: "history cannot be written" in event.text)
    assert "\n" not in warning.text
    one, other_client = chat.clients(2)
    one.say("hello")
    other_client.expect(f"{one.nick}: hello")
    told = recall(one)[0]
    assert told.startswith(LOST)
    assert "Error(" not in told                    # in words, and not as Python writes it
    chat.turn()
    assert [event for event in chat.events() if isinstance(event, Warned)] == [warning]
    assert flags(chat) == [f"history: {warning.text.split(': ', 1)[1].removesuffix(GOES_ON)}"]
    if path.is_file():
        assert path.read_bytes() == content


def test_a_locked_file_is_told_once_and_nothing_is_lost_when_the_lock_goes(
        server: Callable[..., Server], path: Path) -> None:
    chat = server(history=str(path))
    client = chat.client()
    client.say("before")
    assert recall(client) == [f"{client.nick}: before"]
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        for text in ("one", "two"):
            client.say(text)
            assert recall(client) == [f"{client.nick}: before"]
        warning = chat.wait_for(Warned)
        assert warning.text == ("the history cannot be written: database is locked; "
                                "the chat goes on")
        assert flags(chat) == ["history: database is locked"]
        other.execute("ROLLBACK")
    client.say("three")
    assert recall(client) == [f"{client.nick}: {text}"
                              for text in ("before", "one", "two", "three")]
    chat.wait_for(Warned, lambda event: event.text == "the history is written again")
    assert sum(isinstance(event, Warned) for event in chat.events()) == 2
    assert flags(chat) == []


def test_a_full_disk_costs_nothing_but_time(served: Callable[..., Served], path: Path) -> None:
    chat = served("--history", str(path), "--rate-limit", "off")
    client = chat.client()
    client.say("before")
    assert recall(client) == [f"{client.nick}: before"]
    soft, hard = resource.prlimit(chat.pid, resource.RLIMIT_FSIZE)
    room = path.with_name(path.name + "-wal").stat().st_size + 1000
    resource.prlimit(chat.pid, resource.RLIMIT_FSIZE, (room, hard))
    client.say(*(f"{n} {'x' * 1000}" for n in range(20)))
    assert recall(client) == [f"{client.nick}: before"]
    chat.wait_for_line("the history cannot be written: .*; the chat goes on")
    resource.prlimit(chat.pid, resource.RLIMIT_FSIZE, (soft, hard))
    client.say("after")
    lines = recall(client)
    assert len(lines) == 22
    assert (lines[0], lines[-1]) == (f"{client.nick}: before", f"{client.nick}: after")
    chat.wait_for_line("the history is written again")


def test_a_disk_that_hangs_fills_a_bounded_queue_and_what_is_lost_is_counted(
        server: Callable[..., Server], path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scribe, "WAITING", 1000)
    chat = server(history=str(path))
    client = chat.client()
    with hanging(chat):
        for n in range(30):
            client.say(f"{n} {'x' * 80}")
            client.expect(f"{client.nick}: {n} {'x' * 80}")
        chat.wait_for(Warned, lambda event: "too slow" in event.text)
        assert flags(chat)[0].startswith("history: the disk is too slow; ")
    kept = len(recall(client))
    client.say("after")
    assert recall(client)[-1] == f"{client.nick}: after"
    told = chat.wait_for(Warned, lambda event: "missing" in event.text)
    assert told.text == f"the history is kept again; {30 - kept} lines are missing"
    assert flags(chat) == []
    assert sum(isinstance(event, Warned) for event in chat.events()) == 2


def test_what_was_lost_last_is_counted_in_the_end(
        server: Callable[..., Server], path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scribe, "WAITING", 0)
    chat = server(history=str(path))
    chat.must_live = False
    client = chat.client()
    client.say("one", "two")
    client.expect(f"{client.nick}: two")
    lost = chat.call(lambda: chat.chat.hub.lobby.lines)     # the notice that it came included
    chat.thread.close()
    assert [event.text for event in chat.events() if isinstance(event, Warned)][-1] == \
        f"the history lacks the last {lost} lines"


def test_what_could_not_be_written_in_the_end_is_counted(
        server: Callable[..., Server], path: Path) -> None:
    chat = server(history=str(path))
    chat.must_live = False
    client = chat.client()
    client.say("before")
    assert recall(client) == [f"{client.nick}: before"]
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        client.say("one", "two")
        client.expect(f"{client.nick}: two")
        assert recall(client) == [f"{client.nick}: before"]
        chat.thread.close(PATIENCE)
    assert [event.text for event in chat.events() if isinstance(event, Warned)][-1] == \
        "the history lacks the last 2 lines"
    assert stored(path) == [f"{client.nick}: before"]


@pytest.mark.parametrize("fate", ["moved", "deleted"])
def test_a_file_that_is_moved_away_keeps_what_was_said_and_the_next_begins(
        server: Callable[..., Server], path: Path, fate: str) -> None:
    chat = server(history=str(path))
    client = chat.client()
    client.say("before")
    assert recall(client) == [f"{client.nick}: before"]
    old = path.with_name("old.db")
    path.rename(old) if fate == "moved" else path.unlink()
    client.say("after")
    assert recall(client) == [f"{client.nick}: after"]
    chat.wait_for(Warned, lambda event: "moved or deleted" in event.text)
    assert stored(path) == [f"{client.nick}: after"]
    if fate == "moved":
        assert stored(old) == [f"{client.nick}: before"]
    client.say("more")
    assert recall(client) == [f"{client.nick}: after", f"{client.nick}: more"]
    assert sum(isinstance(event, Warned) for event in chat.events()) == 1


# -- D02: kill -9


def test_a_killed_server_leaves_a_sound_file_with_no_line_twice(
        served: Callable[..., Served], path: Path) -> None:
    for kill in range(KILLS):
        chat = served("--history", str(path), "--rate-limit", "off", "--outbox", "64M")
        chat.must_live = False
        client = chat.client()
        client.rename("ada")
        client.say(*(f"{kill} {n}" for n in range(500)))
        assert len(recall(client)) == 50       # so these are on the disk
        client.say(*(f"{kill} {n}" for n in range(500, 20_000)))
        client.expect(f"ada: {kill} {500 + kill * 18_000 // KILLS}")
        client.say("/history 1")               # a write begins
        client.expect(f"ada: {kill} {600 + kill * 18_000 // KILLS}")
        chat.signal(signal.SIGKILL)
        assert chat.status() == -signal.SIGKILL
        client.close()
        lines = [line for line in stored(path) if line.startswith(f"ada: {kill} ")]
        assert len(lines) >= 500
        assert lines == [f"ada: {kill} {n}" for n in range(len(lines))]
    lines = stored(path)
    assert len(lines) == len(set(lines))
