"""How far the nodes' log is archived is kept with the lines themselves, or not at all."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chatops.service import past
from chatops.settings import Settings
from chatops.storage.chat_history import ChatHistory, Chunk, Cursor
from tests.patience import PATIENCE

FIRST = Cursor("log1", "7-0", {("a", "a1"): 3, ("b", "b1"): 12})
SECOND = Cursor("log1", "9-1", {("b", "b1"): 12, ("a", "a1"): 5})

# The process ends while its transaction has a line already, and neither the next nor a cursor.
KILLED = """
import os, signal, sys
from chatops.storage.chat_history import ChatHistory, Chunk, Cursor

class Last(Chunk):
    def rows(self):
        os.kill(os.getpid(), signal.SIGKILL)

ChatHistory(sys.argv[1]).append([Chunk(0.0, "lobby", b"ada: two\\n"), Last(0.0, "lobby", b"")],
                                Cursor("log1", "9-1"))
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "history.db")


@pytest.fixture
def archive(path: str) -> Iterator[ChatHistory]:
    with closing(ChatHistory(path)) as archive:
        yield archive


def said(line: str) -> Chunk:
    return Chunk(0.0, "lobby", f"{line}\n".encode())


def kept(path: str) -> tuple[list[str], Cursor | None]:
    """As who opens the file next finds it."""
    with closing(ChatHistory(path)) as archive:
        return [line.line for line in archive.last("lobby", 50)], archive.cursor()


def test_a_history_that_was_none_of_a_node_has_no_cursor(archive: ChatHistory, path: str) -> None:
    archive.append([said("ada: one")])
    assert kept(path) == (["ada: one"], None)


def test_the_cursor_comes_with_the_lines_and_the_latest_holds(archive: ChatHistory, path: str
                                                              ) -> None:
    archive.append([said("ada: one")], FIRST)
    assert kept(path) == (["ada: one"], FIRST)
    archive.append([said("ada: two")])
    assert kept(path) == (["ada: one", "ada: two"], FIRST)
    archive.append([], SECOND)             # frames in which nobody said anything
    lines, cursor = kept(path)
    assert (lines, cursor) == (["ada: one", "ada: two"], SECOND)
    assert cursor is not None
    assert list(cursor.numbers) == [("b", "b1"), ("a", "a1")]


@pytest.mark.parametrize("table", ["said", "cursor"])
def test_where_one_of_them_cannot_be_written_neither_is(archive: ChatHistory, path: str,
                                                        table: str) -> None:
    archive.append([said("ada: one")], FIRST)
    with closing(sqlite3.connect(path)) as other:
        other.execute(f"CREATE TRIGGER full BEFORE INSERT ON {table} "
                      "BEGIN SELECT RAISE(ABORT, 'no'); END")
        other.commit()
        with pytest.raises(sqlite3.Error):
            archive.append([said("ada: two")], SECOND)
        assert kept(path) == (["ada: one"], FIRST)
        other.execute("DROP TRIGGER full")
        other.commit()
    archive.append([said("ada: two")], SECOND)
    assert kept(path) == (["ada: one", "ada: two"], SECOND)


def test_a_process_that_is_killed_in_between_leaves_neither(archive: ChatHistory, path: str
                                                            ) -> None:
    archive.append([said("ada: one")], FIRST)
    ended = subprocess.run([sys.executable, "-c", KILLED, path], timeout=PATIENCE, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert kept(path) == (["ada: one"], FIRST)


def test_a_history_of_before_there_were_cursors_gets_one(archive: ChatHistory, path: str) -> None:
    archive.append([said("ada: one")])
    archive.close()
    with closing(sqlite3.connect(path)) as other:
        other.execute("DROP TABLE cursor")
        other.commit()
    archive.append([said("ada: two")], FIRST)
    assert kept(path) == (["ada: one", "ada: two"], FIRST)


def node(history: str) -> Settings:
    return Settings(history=history, cluster="redis://127.0.0.1", node="a")


def test_a_file_of_an_earlier_version_or_an_empty_one_has_no_cursor_and_that_is_no_fault(
        path: str) -> None:
    assert past.archived(node(path)) == (None, "")
    Path(path).touch()
    assert past.archived(node(path)) == (None, "")
    with closing(ChatHistory(path)) as archive:
        archive.append([said("ada: one")])
    with closing(sqlite3.connect(path)) as database:
        database.execute("DROP TABLE cursor")
    assert past.archived(node(path)) == (None, "")


@pytest.mark.parametrize("numbers", ["", "{}", "[1]", '[["a", "b"]]', "null"])
def test_a_cursor_that_cannot_be_read_is_told_of_and_does_not_end_the_start(
        path: str, numbers: str) -> None:
    with closing(ChatHistory(path)) as archive:
        archive.append([said("ada: one")], FIRST)
    assert past.archived(node(path)) == (FIRST, "")
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE cursor SET numbers = ?", (numbers,))
    since, fault = past.archived(node(path))
    assert (since is None) == bool(fault)
    assert since == Cursor("log1", "7-0") if numbers == "{}" else since is None
