"""Columns: counted once, the same for a nick's limit, for `ctl` and for the console."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from chatops.api.snapshot import Lint
from chatops.chat.names import InvalidName, check_nick
from chatops.control.ctl import _clients, _rooms, _status, _table
from chatops.system.columns import pad, width
from tests.tui.feed import Feed
from tests.tui.program_feed import ProgramFeed
from tui.text.cells import fit, hanging


@pytest.mark.parametrize(("text", "columns"), [
    ("", 0), ("ada", 3), ("山田太郎", 8), ("e\u0301", 1), ("각", 2), ("नि", 2), ("ｆｕｌｌ", 8),
    ("a\u200bb", 2), ("\u200d", 0), ("a\tb\x1b", 2), ("❤\ufe0f", 2),
])
def test_a_text_takes_the_columns_that_a_terminal_gives_it(text: str, columns: int) -> None:
    assert width(text) == columns


@pytest.mark.parametrize("text", ["ada", "山田太郎", "e\u0301te\u0301", "नि", ""])
@pytest.mark.parametrize("columns", range(1, 10))
def test_the_console_and_ctl_fill_the_same_columns(text: str, columns: int) -> None:
    assert width(fit(text, columns)) == columns
    if width(text) <= columns:
        assert pad(text, columns) == fit(text, columns)


def test_a_table_of_ctl_stays_aligned_under_wide_text(capsys: pytest.CaptureFixture[str]) -> None:
    _table([("ID", "NICK", "ROOM"), (1, "山田太郎", "lobby"), (2, "bob", "lobby"),
            (3, "zoe\u0308", "lobby")])
    header, *rows = capsys.readouterr().out.splitlines()
    where = {width(row[:row.index("lobby")]) for row in rows}
    assert where == {header.index("ROOM")}


def test_ctl_speaks_of_a_program_in_the_programs_words() -> None:
    program, server = ProgramFeed(clients=3).snapshot(), Feed(clients=3).snapshot()
    told = [str(label) for label, _ in _status(program)]
    assert told[:4] == ["program", "loop", "up", "connections"]
    assert not {"clients", "lines"} & set(told)
    assert {"clients", "lines"} <= {str(label) for label, _ in _status(server)}
    assert next(iter(_clients(program)))[:3] == ("ID", "TASK", "PROTOCOL")
    assert next(iter(_clients(server)))[:3] == ("ID", "NICK", "ROOM")


def test_ctl_names_all_rooms_of_a_client_and_counts_nodes_only_where_there_are_several() -> None:
    server = Feed(clients=1).snapshot()
    server = replace(server, clients=(replace(server.clients[0], rooms=("lobby", "dev")),))
    head, row = _clients(server)
    assert "NODE" not in head
    assert row[2] == "lobby,dev"
    assert next(iter(_rooms(server))) == ("ROOM", "MEMBERS", "LINES")


def test_ctl_status_tells_what_is_to_be_objected_to() -> None:
    server = Feed(clients=1).snapshot()
    assert ("lints", "none") in _status(server)
    found = replace(server, lints=(Lint("log-lost", "log: no space"), Lint("of-late", "too late")))
    told = [tuple(map(str, row)) for row in _status(found)]
    at = told.index(("lints", "log-lost: log: no space"))
    assert told[at + 1] == ("", "of-late: too late")


def test_a_nick_is_as_wide_as_its_cell() -> None:
    check_nick("山田太郎", max_width=8, ascii_only=False)
    with pytest.raises(InvalidName, match="at most 7 columns"):
        check_nick("山田太郎", max_width=7, ascii_only=False)


@pytest.mark.parametrize(("row", "lines"), [
    ("fits  as it is", ["fits  as it is"]),
    ("stall 30s  who takes next to nothing", ["stall 30s  who takes",
                                              "           next to",
                                              "           nothing"]),
    ("山田  さくら さくら さくら", ["山田  さくら さくら", "      さくら"]),
    ("far too far to the right   for this", ["far too far to the", "  right   for this"]),
    ("x" * 30 + " and more", ["x" * 30, "  and more"]),
])
def test_what_does_not_fit_goes_on_under_its_column(row: str, lines: list[str]) -> None:
    assert hanging(row, 22).split("\n") == lines


@pytest.mark.parametrize(("text", "width", "shown"), [
    ("main.<locals>.fails (chat.py:40)", 32, "main.<locals>.fails (chat.py:40)"),
    ("main.<locals>.fails (chat.py:40)", 31, "fails (chat.py:40)             "),
    ("main.<locals>.fails (chat.py:40)", 18, "fails (chat.py:40)"),
    ("main.<locals>.fails (chat.py:40)", 17, "fai… (chat.py:40)"),
    ("main.<locals>.fails (chat.py:40)", 12, "main.<local…"),
    ("Task-12 Chat.handle (chat.py:3)", 22, "Task-12 h… (chat.py:3)"),
    ("StreamReaderProtocol: handle (chat.py:8)", 20, "handle (chat.py:8)  "),
    ("sleep (that is no place)", 9, "sleep (t…"),
    ("(chat.py:40)", 5, "(cha…"),
])
def test_a_place_in_a_program_keeps_its_line_while_that_has_room(
        text: str, width: int, shown: str) -> None:
    assert fit(text, width) == shown
