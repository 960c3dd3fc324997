"""Tasks that wait for each other for ever."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from chatops import lints
from chatops.api.program import TaskRow
from chatops.lints.circles import circles
from chatops.lints.program import LOCKED, STANDS
from tests.unit.test_program_lints import scene


def task(ident: int, *behind: int, holder: str = "", since: float = 0.0) -> TaskRow:
    return TaskRow(ident, f"Task-{ident}", f"work{ident} (chat.py:{ident})",
                   f"work{ident} (chat.py:1{ident})", "Lock.acquire", "waiting", since,
                   holder=holder, behind=behind)


def told(mono: float, *tasks: TaskRow) -> list[tuple[str, str]]:
    found = lints.find(replace(scene(mono, None), tasks=tasks), None)
    return [(lint.code, lint.summary) for lint in found]


@pytest.mark.parametrize(("behind", "expected"), [
    ({1: (2,), 2: (1,)}, [(1, 2)]), ({1: (1,)}, [(1,)]), ({1: (2,), 2: (3,)}, []),
    ({1: (2,), 2: (3,), 3: (2,)}, [(2, 3)]), ({1: (2, 3), 2: (), 3: (1,)}, [(1, 3)]),
    ({1: (2,), 2: (3,), 3: (1,), 4: (1, 5), 5: (4,)}, [(1, 2, 3), (4, 5)]),
    ({1: (2, 2), 2: (1, 9)}, [(1, 2)]), ({n: (n % 500 + 1,) for n in range(1, 501)},
                                         [tuple(range(1, 501))]),
    ({n: tuple(range(1, n)) for n in range(2, 300)}, [])])
def test_a_circle_is_found_once(behind: dict[int, tuple[int, ...]],
                                expected: list[tuple[int, ...]]) -> None:
    rows = [task(ident, *others) for ident, others in behind.items()]
    assert [tuple(row.id for row in circle) for circle in circles(rows)] == expected


def test_two_that_hold_what_the_other_wants_are_one_row_with_their_lines() -> None:
    two = task(1, 2, holder="Task-2 work2 (chat.py:2)"), task(2, 1, holder="Task-1 …")
    assert told(LOCKED + 1, *two) == [("deadlock", (
        "deadlock: Task-1 at work1 (chat.py:11) → Task-2 at work2 (chat.py:12) → Task-1"))]


def test_one_that_wants_again_what_it_holds_is_told_of_and_those_behind_it_as_well() -> None:
    found = told(LOCKED + 1, task(1, 1, holder="itself"), task(2, 1, holder="Task-1 …"))
    assert [code for code, _ in found] == ["deadlock", "locked"]
    assert found[0][1] == (
        "deadlock: Task-1 waits at work1 (chat.py:11) for a lock that it holds itself")


def test_it_is_said_only_of_what_stands_for_a_while() -> None:
    two = task(1, 2, since=5.0), task(2, 1, since=6.0)
    assert told(6.0 + STANDS / 2, *two) == []
    assert [code for code, _ in told(6.0 + STANDS, *two)] == ["deadlock"]
