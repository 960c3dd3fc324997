"""A file of what was said that is moved, deleted or put back while it is written or read."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chatops.api.events import AdminDid
from chatops.storage import history_file
from chatops.storage.chat_history import ChatHistory, Chunk
from chatops.storage.history_file import actions, entries, reading


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


@pytest.fixture
def archive(path: Path) -> Iterator[ChatHistory]:
    archive = ChatHistory(str(path))
    yield archive
    archive.close()


def say(archive: ChatHistory, *lines: str) -> None:
    archive.append([Chunk(1.0, "lobby", "".join(f"{line}\n" for line in lines).encode())])


def lines(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return [line for (line,) in database.execute("SELECT line FROM said ORDER BY id")]


def test_a_file_that_is_closed_after_it_was_moved_has_all_that_was_said(
        archive: ChatHistory, path: Path) -> None:
    say(archive, "one")
    old = path.rename(path.with_name("old.db"))
    archive.close()
    say(archive, "two")
    archive.close()
    assert (lines(old), lines(path)) == (["one"], ["two"])


def test_a_new_file_is_told_of_when_there_is_one(archive: ChatHistory, path: Path) -> None:
    moves: list[bool] = []
    archive.moved = lambda: moves.append(True)
    say(archive, "one")
    path.rename(path.with_name("old.db"))
    path.mkdir()
    for _ in range(2):
        with pytest.raises(sqlite3.OperationalError):
            say(archive, "two")
    assert moves == []
    path.rmdir()
    say(archive, "two")
    say(archive, "three")
    assert moves == [True]
    assert lines(path) == ["two", "three"]


def test_a_file_that_is_put_back_is_no_new_one(archive: ChatHistory, path: Path) -> None:
    moves: list[bool] = []
    archive.moved = lambda: moves.append(True)
    say(archive, "one")
    away = path.parent.rename(path.parent.with_name("away"))
    with pytest.raises(sqlite3.OperationalError):
        say(archive, "two")
    away.rename(path.parent)
    say(archive, "two")
    assert moves == []
    assert lines(path) == ["one", "two"]


@pytest.mark.parametrize("fate", [lambda path: path.rename(path.with_name("old.db")),
                                  Path.unlink])
def test_a_file_that_is_moved_while_somebody_reads_it_is_left_once_that_is_over(
        archive: ChatHistory, path: Path, fate: Callable[[Path], object]) -> None:
    moves: list[bool] = []
    archive.moved = lambda: moves.append(True)
    say(archive, "one")
    with closing(sqlite3.connect(path)) as reader:
        looked = reader.execute("SELECT line FROM said UNION ALL SELECT 'end'")
        assert looked.fetchone() == ("one",)
        say(archive, "two")
        fate(path)
        for _ in range(2):
            with pytest.raises(sqlite3.OperationalError, match="while somebody reads it"):
                say(archive, "three")
        assert (path.exists(), moves) == (False, [])
        assert looked.fetchall() == [("end",)]
        say(archive, "three")
        assert moves == [True]
        assert reader.execute("SELECT line FROM said").fetchall() == [("one",), ("two",)]
    assert lines(path) == ["three"]
    old = path.with_name("old.db")
    assert not old.exists() or lines(old) == ["one", "two"]


def test_what_was_said_last_is_in_a_file_that_is_moved_and_still_read_when_all_ends(
        archive: ChatHistory, path: Path) -> None:
    say(archive, "one")
    with closing(sqlite3.connect(path)) as reader:
        looked = reader.execute("SELECT line FROM said UNION ALL SELECT 'end'")
        assert looked.fetchone() == ("one",)
        say(archive, "two")
        old = path.rename(path.with_name("old.db"))
        archive.close()
        say(archive, "three")      # the server is there again
        assert looked.fetchall() == [("end",)]
        assert lines(old) == ["one", "two"]
        assert reader.execute("SELECT line FROM said").fetchall() == [("one",), ("two",)]
    archive.close()
    assert (lines(old), lines(path)) == (["one", "two"], ["three"])


def test_who_looks_at_a_long_history_in_a_pager_holds_up_no_file_and_its_log(
        archive: ChatHistory, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_file, "PIECE", 2)
    say(archive, *map(str, range(7)))
    for n in range(3):
        archive.note(AdminDid(1.0, str(n), "done", True, 0))
    with reading(str(path)) as database:
        said, did = entries(database), actions(database)
        assert (next(said).line, next(did).line) == ("0", "0")
        say(archive, "said later")
        with closing(sqlite3.connect(path)) as other:
            assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0)
        assert [entry.line for entry in said] == [str(n) for n in range(1, 7)]
        assert [admin.line for admin in did] == ["1", "2"]


def test_what_is_looked_for_is_found_in_all_pieces(
        archive: ChatHistory, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_file, "PIECE", 2)
    say(archive, *(f"{'ab'[n % 2]}{n}" for n in range(9)))
    with reading(str(path)) as database:
        assert [entry.line for entry in entries(database, text="b")] == ["b1", "b3", "b5", "b7"]
        assert [*entries(database, room="den")] == []


def test_what_was_said_is_for_who_runs_the_server_alone(archive: ChatHistory, path: Path) -> None:
    say(archive, "one")
    assert {file.stat().st_mode & 0o777 for file in path.parent.glob("history.db*")} == {0o600}
    path.chmod(0o640)              # whoever wants it otherwise has it so
    archive.close()
    say(archive, "two")
    assert {file.stat().st_mode & 0o777 for file in path.parent.glob("history.db*")} == {0o640}
