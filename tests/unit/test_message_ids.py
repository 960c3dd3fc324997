"""Message ids in the archive: over restarts, and in a file from before there were any."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from chatops.chat.dialect import PLAIN
from chatops.chat.groups import Group, Sender
from chatops.chat.past import Reference, Selection
from chatops.storage.chat_history import ChatHistory, Chunk, Keep


def test_a_file_of_before_message_ids_is_read_and_written(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA application_id = 0x63686174")
        database.execute("CREATE TABLE said (id INTEGER PRIMARY KEY, at REAL NOT NULL, "
                         "room TEXT NOT NULL, line TEXT NOT NULL)")
        database.executemany("INSERT INTO said (at, room, line) VALUES (?, 'tea', ?)", [
            (1.0, "ada: hello: you"), (2.0, "* bob waves"), (3.0, "-bot- done - well")])
    with closing(ChatHistory(str(path))) as archive:
        found = archive.select(Selection("tea", "latest", 10))
        assert found is not None
        assert [(each.msgid, each.kind, each.sender.nick, each.text) for each in found] == [
            ("row1", "talk", "ada", "hello: you"), ("row2", "action", "bob", "waves"),
            ("row3", "notice", "bot", "done - well")]
        archive.append([Chunk(4.0, "tea", b"eve: new\n")])
        assert [line.line for line in archive.last("tea", 1)] == ["eve: new"]


def test_ids_hold_over_restarts_and_end_with_what_they_are_of(tmp_path: Path) -> None:
    path = str(tmp_path / "runs.db")
    ada = Sender(1, "ada")
    for token in ("aaaa", "bbbb", "cccc"):
        with closing(ChatHistory(path)) as archive:
            for number in range(0, 600, 2):        # every other line was said elsewhere
                group = Group(ada, "talk", b"%s %d" % (token.encode(), number), number=number)
                rendered = PLAIN.render("tea", [group])
                archive.append([Chunk(1.0, room, rendered.chunk, [group], rendered.parts, token)
                                for room in ("tea", "coffee")])

    def after(msgid: str) -> list[str] | None:
        found = archive.select(Selection("tea", "after", 2, Reference(msgid)))
        return None if found is None else [f"{each.msgid} {each.text}" for each in found]

    with closing(ChatHistory(path)) as archive:
        assert after("aaaa0") == ["aaaa2 aaaa 2", "aaaa4 aaaa 4"]
        assert after(f"aaaa{598:x}") == ["bbbb0 bbbb 0", "bbbb2 bbbb 2"]
        assert after(f"bbbb{300:x}-3") == [f"bbbb{n:x} bbbb {n}" for n in (302, 304)]
        assert (after("bbbb1"), after("bbbb"), after("zzzz1"), after("row1")) == (None,) * 4
        while archive.trim(Keep(bytes=1), 2.0):    # all but nothing
            pass
        assert after("cccc0") is None


def test_no_more_goes_than_is_too_much_however_long_the_lines_are(tmp_path: Path) -> None:
    history = ChatHistory(str(tmp_path / "h.db"))
    history.append([Chunk(1.0, "lobby", b"ada: " + b"x" * 4000 + b"\n")] * 350)
    steps = 0
    while history.trim(Keep(bytes=1 << 20), 2.0):
        steps += 1
    left = len(history.last("lobby", 1000))
    assert 150 < left < 300            # a megabyte holds some 250
    assert steps < 20
    history.close()


def test_in_a_history_that_its_age_has_emptied_ids_are_those_of_the_run_they_are_said_in(
        tmp_path: Path) -> None:
    path = str(tmp_path / "emptied.db")

    def say(archive: ChatHistory, token: str, number: int, at: float) -> None:
        group = Group(Sender(1, "ada"), "talk", b"%s %d" % (token.encode(), number),
                      number=number)
        rendered = PLAIN.render("tea", [group])
        archive.append([Chunk(at, "tea", rendered.chunk, [group], rendered.parts, token)])

    def ids(archive: ChatHistory) -> list[str]:
        found = archive.select(Selection("tea", "latest", 10))
        assert found is not None
        return [each.msgid for each in found]

    with closing(ChatHistory(path)) as archive:
        assert archive.select(Selection("tea", "after", 2, Reference("aaaa0"))) is None
        say(archive, "aaaa", 0, 1.0)
    with closing(ChatHistory(path)) as archive:
        say(archive, "bbbb", 0, 2.0)
        archive.trim(Keep(seconds=10.0), 100.0)
        assert ids(archive) == []
        say(archive, "bbbb", 1, 100.0)             # in the run that went on
        assert ids(archive) == ["bbbb1"]
        archive.trim(Keep(seconds=10.0), 200.0)
    with closing(ChatHistory(path)) as archive:
        archive.trim(Keep(seconds=10.0), 200.0)
        say(archive, "cccc", 0, 200.0)             # and in one that begins with nothing
        say(archive, "cccc", 1, 201.0)
        assert ids(archive) == ["cccc0", "cccc1"]
