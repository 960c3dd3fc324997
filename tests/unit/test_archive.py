"""The archive: what is put in comes out, and no text is more than text (FAULTS.md D01, D03)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chatops.api.events import AdminDid
from chatops.chat.effects import Recall
from chatops.chat.hub import Hub
from chatops.chat.intake import Intake
from chatops.storage.chat_history import TRIMMED, ChatHistory, Chunk, Keep

NASTY = ["'; DROP TABLE said; --", "100%", "a_b", "back\\slash", 'say "hi"', "%", "_", "\\"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


@pytest.fixture
def archive(path: Path) -> Iterator[ChatHistory]:
    archive = ChatHistory(str(path))
    yield archive
    archive.close()


def said(*lines: str, room: str = "lobby", at: float = 0.0) -> Chunk:
    return Chunk(at, room, "".join(f"{line}\n" for line in lines).encode())


def texts(archive: ChatHistory, text: str = "", room: str = "lobby", count: int = 50) -> list[str]:
    found = archive.search(room, text, count) if text else archive.last(room, count)
    return [line.line for line in found]


def test_the_newest_lines_of_a_room_come_out_oldest_first(archive: ChatHistory) -> None:
    archive.append([said("ada: one", "ada: two", at=5.0), said("bob: hi", room="kitchen"),
                    said("* ada waves", at=6.0)])
    assert archive.last("lobby", 2) == [(5.0, "ada: two"), (6.0, "* ada waves")]
    assert texts(archive, room="kitchen") == ["bob: hi"]
    assert texts(archive, room="attic") == []


def test_what_the_server_says_itself_is_not_kept(archive: ChatHistory) -> None:
    archive.append([said("*** bob joined", "bob: *** hello", "*** [admin] lunch")])
    assert texts(archive) == ["bob: *** hello"]


def test_it_is_all_there_when_it_is_opened_again(archive: ChatHistory) -> None:
    archive.append([said("ada: one")])
    archive.close()
    archive.append([said("ada: two")])
    assert texts(archive) == ["ada: one", "ada: two"]


@pytest.mark.parametrize("nasty", NASTY)
def test_no_text_is_more_than_text(archive: ChatHistory, nasty: str) -> None:
    archive.append([said("ada: plain"), said(f"ada: {nasty}"), said(f"ada: {nasty}", room=nasty)])
    assert texts(archive, nasty) == [f"ada: {nasty}"]
    assert texts(archive, room=nasty) == [f"ada: {nasty}"]
    assert texts(archive) == ["ada: plain", f"ada: {nasty}"]


def test_a_search_finds_either_case_and_the_newest(archive: ChatHistory) -> None:
    archive.append([said("ada: Lunch?", "bob: no", "bob: lunch!", "ada: LUNCH")])
    assert texts(archive, "lunch", count=2) == ["bob: lunch!", "ada: LUNCH"]


@pytest.mark.parametrize("content", [b"not a database, but somebody's letter\n" * 50,
                                     b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_file_that_is_no_database_is_left_as_it_is(
        archive: ChatHistory, path: Path, content: bytes) -> None:
    path.write_bytes(content)
    for _ in range(2):
        with pytest.raises(sqlite3.Error):
            archive.append([said("ada: one")])
    assert path.read_bytes() == content


def test_another_programs_database_is_not_written_to(archive: ChatHistory, path: Path) -> None:
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("CREATE TABLE letters (text)")
    content = path.read_bytes()
    with pytest.raises(sqlite3.DatabaseError, match="another program's"):
        archive.append([said("ada: one")])
    assert path.read_bytes() == content


def test_a_batch_that_fails_leaves_nothing_and_can_be_put_in_later(
        archive: ChatHistory, path: Path) -> None:
    archive.append([said("ada: one")])
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            archive.append([said("ada: two")])
        assert texts(archive) == ["ada: one"]
        other.execute("ROLLBACK")
    archive.append([said("ada: two")])
    assert texts(archive) == ["ada: one", "ada: two"]


@pytest.mark.parametrize(("line", "wanted"), [
    ("/history", (10, "")), ("/history 3", (3, "")), ("/history 0", (1, "")),
    ("/history 999999999", (50, "")), ("/history 3 big lunch", (3, "big lunch")),
    ("/history lunch", (10, "lunch")), ("/history at 3", (10, "at 3")),
    ("/history ٣", (10, "٣")), ("/history " + "9" * 50, (10, "9" * 50)),
])
def test_a_client_asks_for_some_lines_or_for_a_text(line: str, wanted: tuple[int, str]) -> None:
    hub = Hub()
    intake = Intake(hub)
    session = intake.connect(1, 10, "peer:1")
    intake.receive(session, f"{line}\n".encode())
    asked = [effect for effect in hub.effects if isinstance(effect, Recall)]
    assert asked == [Recall(1, "lobby", *wanted)]


def test_lines_of_a_clock_that_was_ahead_keep_no_older_ones(archive: ChatHistory) -> None:
    year = 365 * 86400.0
    archive.append([said("ada: one", at=1.0)])
    archive.append([said(*["ada: from the future"] * TRIMMED, at=year)])
    archive.append([said("ada: two", at=2.0), said("ada: new", at=1000.0)])
    while archive.trim(Keep(seconds=100.0), 1050.0):
        pass
    assert texts(archive) == ["ada: new"]


def test_what_admins_did_is_no_more_spared_than_what_was_said_of_its_time(
        archive: ChatHistory, path: Path) -> None:
    archive.append([said(f"ada: line {n}", at=float(n)) for n in range(2000)])
    for n in range(1000, 2000):
        archive.note(AdminDid(float(n), f"limit rate-limit {n}/s", "x" * 60, True, 0))
    limit = path.stat().st_size // 2
    while archive.trim(Keep(bytes=limit), 0.0):
        pass
    with closing(sqlite3.connect(path)) as file:
        left = [file.execute(f"SELECT min(at), max(at), count(*) FROM {table}").fetchone()
                for table in ("said", "did")]
    (oldest_said, newest_said, lines), (oldest_did, newest_did, deeds) = left
    assert newest_said == newest_did == 1999.0
    assert abs(oldest_said - oldest_did) <= 1      # of both the oldest went
    assert 0 < deeds < 1000
    assert lines == 2000 - oldest_said             # none of them out of its turn


def test_where_admins_did_all_of_it_that_is_deleted(archive: ChatHistory, path: Path) -> None:
    for n in range(2000):
        archive.note(AdminDid(float(n), "limit", "x" * 100, True, 0))
    archive.append([said("ada: hello", at=3000.0)])
    while archive.trim(Keep(bytes=100_000), 0.0):
        pass
    with closing(sqlite3.connect(path)) as file:
        pages, free, size = (file.execute(f"PRAGMA {name}").fetchone()[0]
                             for name in ("page_count", "freelist_count", "page_size"))
    assert (pages - free) * size <= 100_000
    assert texts(archive) == ["ada: hello"]
