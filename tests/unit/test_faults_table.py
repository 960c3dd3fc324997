"""`tests/FAULTS.md` and the tests that cite its rows by id keep in step."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
ROW = re.compile(r"^\| ([A-Z]\d\d) \|", re.MULTILINE)
CITED = re.compile(r"\btest_([a-z]\d\d)_|\b([A-Z]\d\d)\b")


def _rows() -> list[str]:
    return ROW.findall((TESTS / "FAULTS.md").read_text(encoding="utf-8"))


def _cited() -> dict[str, set[str]]:
    """Which test files name which row, in a test's name, its docstring or its module's."""
    cited: dict[str, set[str]] = {}
    letters = {row[0] for row in _rows()}
    for path in sorted(TESTS.rglob("test_*.py")):
        for name, plain in CITED.findall(path.read_text(encoding="utf-8")):
            row = name.upper() or plain
            if row[0] in letters and path != Path(__file__):
                cited.setdefault(row, set()).add(path.name)
    return cited


def test_each_row_has_a_test() -> None:
    assert [row for row in _rows() if row not in _cited()] == []


def test_no_row_stands_twice() -> None:
    assert len(_rows()) == len(set(_rows()))


def test_no_test_cites_a_row_that_is_not_there() -> None:
    unknown = {row: files for row, files in _cited().items() if row not in _rows()}
    assert unknown == {}
