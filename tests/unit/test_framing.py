"""Lines out of bytes, however the network cuts them (FAULTS.md B01-B03, B10-B13, B19)."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatops.chat.framing import Framer

CORPUS = "a\r\n\n  \nhéllo €\n👍\tx\nquit\n\0\x1b[2J\nno end".encode()


def fed(chunks: Iterable[bytes], limit: int = 64) -> tuple[bytes, int, bytes]:
    """All complete lines, how many were too long, and what was left at the end."""
    framer = Framer(limit)
    lines, overlong = [], 0
    for chunk in chunks:
        lines.append(framer.feed(chunk))
        overlong += framer.take_overlong()
        assert not lines[-1] or lines[-1].endswith(b"\n")
        assert len(framer.partial) <= limit
        assert b"\n" not in framer.partial
    return b"".join(lines), overlong, framer.end()


def expected(data: bytes, limit: int) -> tuple[bytes, int, bytes]:
    """The same, the slow and obvious way."""
    *lines, last = data.split(b"\n")
    kept = [line + b"\n" for line in lines if len(line) <= limit]
    overlong = sum(len(line) > limit for line in [*lines, last])
    return b"".join(kept), overlong, last if len(last) <= limit else b""


def cut(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    """The data in pieces; cuts beyond it make empty ones."""
    edges = [0, *sorted(min(at, len(data)) for at in cuts), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


newline_rich = st.lists(st.sampled_from([b"a", b"bc", b"\n", b"\r", b"\xff", b"\xe2\x82\xac"]),
                        max_size=60).map(b"".join)
cuts = st.lists(st.integers(0, 120), max_size=12)


def test_a_line_sent_one_byte_at_a_time_is_one_line() -> None:
    assert fed(bytes([byte]) for byte in b"hello\n") == (b"hello\n", 0, b"")


def test_two_lines_in_one_segment_come_out_together() -> None:
    assert Framer(64).feed(b"a\nb\n") == b"a\nb\n"


def test_whole_lines_are_handed_on_without_a_copy() -> None:
    data = b"one\ntwo\n"
    assert Framer(64).feed(data) is data


def test_a_character_split_over_two_reads_arrives_whole() -> None:
    framer = Framer(64)
    assert framer.feed(b"\xe2\x82") == b""
    assert framer.feed(b"\xac\n").decode() == "€\n"


def test_only_a_newline_ends_a_line() -> None:
    others = "a\rb\vc\fd\x1ce\x85f\u2028g\u2029h".encode()
    assert Framer(64).feed(others) == b""
    assert Framer(64).feed(others + b"\n") == others + b"\n"


def test_every_cut_in_two_gives_what_one_write_gives() -> None:
    whole = fed([CORPUS])
    assert whole == expected(CORPUS, 64)
    for at in range(len(CORPUS) + 1):
        assert fed([CORPUS[:at], CORPUS[at:]]) == whole


def test_one_byte_at_a_time_gives_what_one_write_gives() -> None:
    assert fed(bytes([byte]) for byte in CORPUS) == fed([CORPUS])


@given(newline_rich | st.binary(max_size=200), cuts, st.integers(1, 12))
def test_any_bytes_in_any_pieces_give_the_same_lines(data: bytes, at: list[int],
                                                     limit: int) -> None:
    assert fed(cut(data, at), limit) == expected(data, limit)


@pytest.mark.parametrize("pieces", [1, 2, 7])
def test_a_line_of_exactly_the_limit_passes_and_one_byte_more_does_not(pieces: int) -> None:
    for length, lines, overlong in ((64, 1, 0), (65, 0, 1)):
        data = b"x" * length + b"\n"
        step = -(-len(data) // pieces)
        got = fed(data[at:at + step] for at in range(0, len(data), step))
        assert got == (data * lines, overlong, b"")


def test_an_overlong_line_leaves_its_neighbours_alone() -> None:
    data = b"before\n" + b"x" * 1000 + b"\nafter\n" + b"y" * 1000 + b"\nlast\n"
    assert fed([data]) == (b"before\nafter\nlast\n", 2, b"")


def test_an_overlong_line_that_came_and_went_in_one_read_is_still_to_be_reported() -> None:
    framer = Framer(4)
    assert framer.feed(b"12345\n") == b""
    assert not framer.overlong
    assert framer.crossed == 1


def test_an_overlong_line_is_reported_when_it_crosses_the_limit_and_once() -> None:
    framer = Framer(10)
    assert framer.feed(b"x" * 11) == b""
    assert framer.take_overlong() == 1
    for _ in range(5):
        assert framer.feed(b"x" * 100) == b""
        assert framer.take_overlong() == 0
    assert framer.feed(b"x\nok\n") == b"ok\n"
    assert framer.take_overlong() == 0
    assert not framer.overlong


def test_a_large_read_of_short_lines_passes_whole() -> None:
    data = b"".join(b"line %d\n" % n for n in range(10_000))
    assert Framer(64).feed(data) == data


def test_mib_without_a_newline_keep_less_than_the_limit() -> None:
    framer, chunk = Framer(4096), b"x" * 65_536
    tracemalloc.start()
    try:
        for _ in range(512):
            framer.feed(chunk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert framer.overlong
    assert framer.partial == b""
    assert framer.take_overlong() == 1
    assert peak < 200_000


def test_an_idle_framer_is_one_small_object() -> None:
    framer = Framer(4096)
    assert sys.getsizeof(framer) <= 64
    assert not hasattr(framer, "__dict__")


def test_the_end_of_the_stream_gives_the_unfinished_line_once() -> None:
    framer = Framer(64)
    assert framer.feed(b"whole\nx") == b"whole\n"
    assert framer.end() == b"x"
    assert framer.end() == b""


def test_the_end_of_the_stream_within_an_overlong_line_gives_nothing() -> None:
    framer = Framer(4)
    framer.feed(b"far too long")
    assert framer.end() == b""
    assert framer.take_overlong() == 1


def test_a_lowered_limit_holds_from_the_next_line_on() -> None:
    framer = Framer(64)
    framer.limit = 4
    assert framer.feed(b"1234\n12345\n") == b"1234\n"
    assert framer.take_overlong() == 1


def test_its_repr_says_what_it_holds() -> None:
    framer = Framer(4)
    framer.feed(b"abc")
    assert repr(framer) == "<Framer partial=3 limit=4>"
    framer.feed(b"de")
    assert repr(framer) == "<Framer overlong limit=4>"
