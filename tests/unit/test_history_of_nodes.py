"""What a history keeps of the nodes' log: in its order, and how far with it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from typing import cast

import pytest

from chatops.api import events
from chatops.chat.dialect import PLAIN
from chatops.chat.groups import Group, Sender
from chatops.chat.hub import Hub
from chatops.loop.bus import EventBus
from chatops.loop.reactor import Reactor
from chatops.storage.chat_history import ChatHistory, Chunk, Cursor
from chatops.storage.history_writer import HistoryWriter
from chatops.storage.worker import Journal


class Later:
    """A reactor whose timers a test runs."""

    def __init__(self) -> None:
        self.timers: list[Callable[[], None]] = []

    def call_later(self, _seconds: float, call: Callable[[], None]) -> None:
        self.timers.append(call)

    def submit(self, call: Callable[[], None]) -> None:
        call()

    def hand_over(self) -> None:
        timers, self.timers = self.timers, []
        for each in timers:
            each()


class Prompt(Journal):
    def later(self, job: Callable[[], None], name: str = "",
              failed: Callable[[Exception], None] | None = None) -> None:
        job()


class File:
    """Where a history would be; its disk may be full."""

    def __init__(self) -> None:
        self.full = self.broken = False
        self.written: list[tuple[list[bytes], str]] = []

    def append(self, chunks: Iterable[Chunk], cursor: Cursor | None) -> None:
        if self.full:
            raise sqlite3.OperationalError("database or disk is full")
        if self.broken:
            raise OverflowError
        self.written.append(([chunk.data for chunk in chunks], cursor.entry if cursor else ""))


def writing() -> tuple[HistoryWriter, Later, File]:
    later, file = Later(), File()
    return HistoryWriter(cast(ChatHistory, file), Prompt(EventBus[events.Event](), None), Hub(),
                         cast(Reactor, later)), later, file


def heard(writer: HistoryWriter, text: str) -> None:
    group = Group(Sender(1, "ada"), "talk", text.encode())
    writer.keep("lobby", PLAIN.render("lobby", [group]), [group])


def test_what_was_not_heard_comes_before_what_is_heard_in_its_turn_and_after_the_turn_before() -> (
        None):
    writer, later, file = writing()
    heard(writer, "0")
    writer.archived(Cursor("log", "1-0"))
    writer.unheard(Chunk(0.0, "lobby", b"ada: 1\n"))
    heard(writer, "2")
    writer.unheard(Chunk(0.0, "den", b"ada: 3\n"))
    writer.archived(Cursor("log", "2-0"))
    later.hand_over()
    assert file.written == [([f"ada: {n}\n".encode() for n in range(4)], "2-0")]


def test_what_was_not_heard_is_never_written_without_how_far_that_is() -> None:
    writer, later, file = writing()
    heard(writer, "0")
    writer.unheard(Chunk(0.0, "lobby", b"ada: 1\n"))
    later.hand_over()                          # within the turn
    writer.archived(Cursor("log", "1-0"))
    later.hand_over()
    assert file.written == [([b"ada: 0\n"], ""), ([b"ada: 1\n"], "1-0")]


def test_a_disk_that_is_full_costs_no_memory_for_each_frame_of_the_log() -> None:
    writer, later, file = writing()
    file.full = True
    heard(writer, "0")
    for entry in range(100):
        writer.archived(Cursor("log", f"{entry}-0"))
        later.hand_over()
    file.full = False
    heard(writer, "1")
    later.hand_over()
    assert file.written == [([b"ada: 0\n"], "99-0"), ([b"ada: 1\n"], "")]


def test_a_batch_that_cannot_be_written_at_all_does_not_end_the_writing() -> None:
    writer, later, file = writing()
    file.full = True
    heard(writer, "0")
    later.hand_over()
    file.full, file.broken = False, True       # while it is failing
    writer.archived(Cursor("log", "1-0"))
    with pytest.raises(OverflowError):
        later.hand_over()
    writer.archived(Cursor("log", "2-0"))
    with pytest.raises(OverflowError):         # and no other error
        later.hand_over()
    file.broken = False
    writer.archived(Cursor("log", "3-0"))
    later.hand_over()
    heard(writer, "1")
    later.hand_over()
    assert file.written == [([], "3-0"), ([b"ada: 1\n"], "")]
