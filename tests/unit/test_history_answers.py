"""Answers from the archive: many at once do not hold the loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from chatops.api import events
from chatops.chat.groups import Group, Sender
from chatops.chat.hub import Hub
from chatops.chat.past import Found, Selection
from chatops.loop.bus import EventBus
from chatops.storage.chat_history import ChatHistory, Chunk
from chatops.storage.history_writer import ANSWERED, HistoryWriter
from chatops.storage.worker import Journal
from tests.unit.ticking import Ticking

ASKERS = 20


class Prompt(Journal):
    """Has it done before anybody else does anything."""

    def later(self, job: Callable[[], None], name: str = "",
              failed: Callable[[Exception], None] | None = None) -> None:
        try:
            job()
        except Exception as error:
            assert failed is not None
            failed(error)


@pytest.fixture
def ticking() -> Iterator[Ticking]:
    with Ticking() as ticking:
        yield ticking


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[ChatHistory]:
    archive = ChatHistory(str(tmp_path / "history.db"))
    group = Group(Sender(1, "ada"), "talk", b"a line")
    archive.append([Chunk(float(n), "tea", b"ada: a line\n", [group], [b"ada: a line\n"], "m")
                    for n in range(ANSWERED)])
    yield archive
    archive.close()


@pytest.fixture
def writer(ticking: Ticking, archive: ChatHistory) -> HistoryWriter:
    return HistoryWriter(archive, Prompt(EventBus[events.Event](), None), Hub(), ticking.reactor)


def turns(ticking: Ticking, writer: HistoryWriter, limit: int) -> Sequence[int]:
    """How many of all askers are answered in each turn until there are none left."""
    answers: list[int] = []

    def answer(found: Found) -> None:
        assert found is not None
        assert len(found) == limit
        answers.append(number)

    for _ in range(ASKERS):
        writer.select(Selection("tea", "latest", limit), answer)
    number = 0
    while len(answers) < ASKERS and number < 4 * ASKERS:
        number += 1
        ticking.turn_at(0.0)
    return [answers.count(turn) for turn in sorted(set(answers))]


def test_each_turn_has_one_long_answer(ticking: Ticking, writer: HistoryWriter) -> None:
    assert turns(ticking, writer, ANSWERED) == [1] * ASKERS


def test_short_answers_go_out_together(ticking: Ticking, writer: HistoryWriter) -> None:
    assert turns(ticking, writer, ANSWERED // ASKERS) == [ASKERS]


def test_one_that_fails_keeps_no_other_from_its_answer(
        ticking: Ticking, writer: HistoryWriter) -> None:
    failures: list[Exception] = []
    ticking.reactor.on_failure = lambda _key, error: failures.append(error)
    answered: list[Found] = []

    def fail(_found: Found) -> None:
        raise RuntimeError("a client that nobody foresaw")

    for answer in (fail, answered.append, fail, answered.append):
        writer.select(Selection("tea", "latest", ANSWERED), answer)
    for _ in range(8):
        ticking.turn_at(0.0)
    assert [str(error) for error in failures] == ["a client that nobody foresaw"] * 2
    assert len(answered) == 2
