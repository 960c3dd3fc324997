"""What a program writes: read as it comes, shown in order, and counted where it is too much."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from chatops.watch.output import LINES, RESTS, WAITING, Output


class Pipe:
    """A program's, with the console's end read."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        self.output = Output(self.reader)

    def write(self, data: bytes) -> None:
        while data:                    # it blocks until somebody reads
            data = data[os.write(self.writer, data):]

    def read(self, now: float = 0.0) -> list[str]:
        return [event.text for event in self.output.read(now)]

    def hang_up(self) -> None:
        os.close(self.writer)
        self.writer = -1

    def close(self) -> None:
        if self.writer >= 0:
            self.hang_up()
        self.output.close()
        os.close(self.reader)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    pipe.close()


def numbered(count: int) -> list[str]:
    return [f"line {n} {'x' * 80}" for n in range(count)]


def said(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def test_writing_returns_though_nobody_looks_and_what_was_too_much_is_counted(pipe: Pipe) -> None:
    lines = numbered(4 * WAITING // 80)
    pipe.write(said(lines))
    shown: list[str] = []
    while some := pipe.read():
        shown += some
    assert 0 < len(shown) < len(lines)
    assert shown == lines[-len(shown):]            # the newest, and none cut
    assert pipe.output.dropped == len(lines) - len(shown)
    assert list(pipe.output.last) == lines[-len(pipe.output.last):]


def test_what_is_much_for_one_look_comes_with_the_next(pipe: Pipe) -> None:
    lines = [str(n) for n in range(LINES + 10)]
    pipe.write(said(lines))
    assert pipe.read() == lines[:LINES]
    assert pipe.read() == lines[LINES:]
    assert pipe.output.dropped == 0


def test_of_a_program_that_has_ended_all_is_read_at_once(pipe: Pipe) -> None:
    lines = [str(n) for n in range(2 * LINES)]
    pipe.write(said(lines) + b"no end of line")
    pipe.hang_up()
    assert [event.text for event in pipe.output.read_the_rest()] == [*lines, "no end of line"]
    assert pipe.read() == []


def test_a_line_without_an_end_is_shown_when_it_has_one(pipe: Pipe) -> None:
    pipe.write(b"half")
    assert pipe.read() == []
    pipe.write(b" and half\r\n\nnext")
    assert pipe.read() == ["half and half", ""]


def test_a_line_whose_end_does_not_come_is_shown_after_a_while(pipe: Pipe) -> None:
    pipe.write(b"before\nName")
    assert pipe.read(10.0) == ["before"]
    pipe.write(b"? ")
    assert pipe.read(10.5) == []                   # it grows
    assert pipe.read(10.4 + RESTS) == []
    assert pipe.read(10.5 + RESTS) == ["Name? "]
    assert pipe.read(20.0) == []                   # once
    pipe.write(b"Ada\nmore\n")
    assert pipe.read(20.0) == ["Ada", "more"]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_the_end_of_a_line_that_has_been_shown_is_no_line_of_its_own(pipe: Pipe, end: bytes
                                                                     ) -> None:
    pipe.write(b"Loading ...")
    assert [*pipe.read(0.0), *pipe.read(RESTS)] == ["Loading ..."]
    pipe.write(end + b"\n")
    assert pipe.read(RESTS) == [""]                # the second one is empty indeed


def test_a_line_that_never_ends_is_bounded(pipe: Pipe) -> None:
    pipe.write(b"x" * (3 * WAITING))
    assert sum(map(len, pipe.read())) <= WAITING
    assert pipe.output.dropped > 0


@pytest.mark.parametrize("start", range(4))        # wherever the cut falls
@pytest.mark.parametrize("end", [b"", b"\n"], ids=["open", "whole"])
def test_a_long_line_is_cut_between_its_letters(pipe: Pipe, start: int, end: bytes) -> None:
    text = "x" * start + "ä€😀" * 2000
    pipe.write(text.encode() + end)
    shown = pipe.read()
    pipe.write(b"" if end else b"\n")
    shown += pipe.read()
    assert len(shown) > 2
    assert "".join(shown) == text


def test_closing_twice_does_no_harm_and_ends_the_reading(pipe: Pipe) -> None:
    pipe.output.close()
    pipe.write(b"late\n")
    pipe.output.close()
    assert pipe.read() == []
