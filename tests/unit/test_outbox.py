"""The outbox: what goes out is what came in, whatever the kernel takes and the policy drops."""

from __future__ import annotations

import socket
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatops.net.outbox import IOV, NOTICE, Outbox
from tests.unit.wire import Wire


def notice(lines: int) -> bytes:
    return b"*** %d lines were lost\n" % lines


def filled(*chunks: bytes, offset: int = 0) -> Outbox:
    """An outbox of these chunks, with so much of the first gone out already."""
    outbox = Outbox(0.0)
    for n, chunk in enumerate(chunks):
        outbox.push(chunk, chunk.count(b"\n"), 0 if n else offset, float(n))
    return outbox


def send(outbox: Outbox, wire: Wire, room: int = 1 << 30) -> bytes:
    """What goes out when the kernel takes so much more."""
    before = len(wire.out)
    wire.room = room
    outbox.send(cast(socket.socket, wire))
    return wire.out[before:]


def test_an_empty_one_is_false_and_holds_nothing() -> None:
    outbox = Outbox(1.0)
    assert not outbox
    assert (outbox.size, outbox.lines, outbox.unsent_lines) == (0, 0, 0)
    assert send(outbox, Wire()) == b""


def test_chunks_go_out_in_order_in_one_call() -> None:
    outbox, wire = filled(b"a\n", b"b\nc\n"), Wire()
    assert (outbox.size, outbox.lines) == (6, 3)
    assert send(outbox, wire) == b"a\nb\nc\n"
    assert wire.sends == 1
    assert not outbox
    assert outbox.lines == 0


def test_one_call_takes_no_more_chunks_than_the_system_does() -> None:
    outbox, wire = filled(*[b"x\n"] * (2 * IOV + 1)), Wire()
    assert len(send(outbox, wire)) == 2 * (2 * IOV + 1)
    assert wire.sends == 3


def test_a_kernel_that_is_full_leaves_everything_as_it_was() -> None:
    outbox, wire = filled(b"abc\n"), Wire()
    assert send(outbox, wire, 0) == b""
    assert (outbox.size, outbox.lines) == (4, 1)
    assert send(outbox, wire, 3) == b"abc"
    assert (outbox.size, outbox.lines, outbox.unsent_lines) == (1, 1, 1)
    assert send(outbox, wire) == b"\n"


def test_a_chunk_that_the_kernel_took_a_part_of_goes_on_where_it_stopped() -> None:
    outbox = filled(b"abcdef\n", b"g\n", offset=4)
    assert outbox.size == 5
    assert send(outbox, Wire()) == b"ef\ng\n"


def test_the_most_that_it_held_is_remembered_with_its_time() -> None:
    outbox, wire = filled(b"12345\n", b"6789\n"), Wire()
    assert (outbox.high_water, outbox.high_water_at, outbox.since) == (11, 1.0, 0.0)
    send(outbox, wire)
    outbox.push(b"x\n", 1, 0, 7.0)
    assert (outbox.high_water, outbox.high_water_at, outbox.since) == (11, 1.0, 7.0)


@pytest.mark.parametrize(("sent", "unsent"), [(0, 4), (1, 4), (2, 3), (3, 3), (4, 2)])
def test_lines_of_which_the_last_byte_has_gone_out_are_not_unsent(sent: int, unsent: int) -> None:
    outbox = filled(b"a\nb\nc\n", b"d\n")
    send(outbox, Wire(), sent)
    assert outbox.unsent_lines == unsent


# -- losing lines


def test_the_oldest_go_first_and_a_notice_stands_where_they_were() -> None:
    outbox = filled(b"1" * 100 + b"\n", b"2" * 100 + b"\n", b"3\n")
    assert outbox.drop_oldest(1, notice) == 2        # a notice needs room, too
    assert outbox.lines == 1
    assert send(outbox, Wire()) == b"*** 2 lines were lost\n3\n"


def test_no_more_goes_than_the_newest_and_a_notice_need() -> None:
    lines = [b"%d" % n * 49 + b"\n" for n in range(10)]
    outbox, newest = filled(*lines), b"x" * 49 + b"\n"
    gone = -(-(len(newest) + NOTICE) // 50)
    assert outbox.squeeze(newest, 1, 500, oldest=True, notice=notice, now=0.0) == gone
    assert outbox.size <= 500
    assert send(outbox, Wire()) == b"".join([notice(gone), *lines[gone:], newest])


def test_a_chunk_that_has_begun_to_go_out_is_not_dropped() -> None:
    outbox, wire = filled(b"first\n", b"second\n", b"third\n"), Wire()
    send(outbox, wire, 2)
    assert outbox.drop_oldest(1000, notice) == 2
    send(outbox, wire)
    assert wire.out == b"first\n*** 2 lines were lost\n"


def test_notices_are_put_together() -> None:
    outbox = filled(b"a" * 200 + b"\n", b"b" * 200 + b"\n", b"c" * 200 + b"\n", b"d\n")
    assert outbox.drop_oldest(1, notice) == 1
    assert outbox.drop_oldest(50, notice) == 1
    assert send(outbox, Wire()) == b"*** 2 lines were lost\n" + b"c" * 200 + b"\nd\n"


def test_lines_that_found_no_room_are_told_of_after_all_that_waits() -> None:
    outbox = filled(b"a\n")
    outbox.lose(2, notice)
    outbox.lose(3, notice)
    outbox.push(b"b\n", 1, 0, 0.0)
    outbox.lose(1, notice)
    assert outbox.lines == 2
    assert send(outbox, Wire()) == (b"a\n*** 5 lines were lost\nb\n*** 1 lines were lost\n")


def test_a_notice_that_has_begun_to_go_out_is_not_changed_any_more() -> None:
    outbox, wire = Outbox(0.0), Wire()
    outbox.lose(2, notice)
    send(outbox, wire, 5)
    outbox.lose(3, notice)
    send(outbox, wire)
    assert wire.out == b"*** 2 lines were lost\n*** 3 lines were lost\n"


def test_throwing_everything_away_leaves_the_rest_of_a_line_that_was_begun() -> None:
    outbox, wire = filled(b"one\ntwo\nthree\n", b"four\n"), Wire()
    send(outbox, wire, 5)
    assert outbox.discard(notice) == 2               # three and four
    assert (outbox.size, outbox.lines) == (3, 1)
    send(outbox, wire)
    assert wire.out == b"one\ntwo\n"


# -- whatever happens

STEPS = st.lists(st.one_of(
    st.tuples(st.just("push"), st.integers(1, 5)),
    st.tuples(st.just("send"), st.integers(0, 200)),
    st.tuples(st.just("drop"), st.integers(1, 300)),
    st.tuples(st.just("lose"), st.integers(1, 5)),
    st.tuples(st.just("discard"), st.just(0)),
), max_size=40)


@given(STEPS)
def test_every_line_arrives_whole_and_in_order_or_is_counted_as_lost(
        steps: list[tuple[str, int]]) -> None:
    outbox, wire = Outbox(0.0), Wire()
    said, lost = 0, 0
    for step, amount in steps:
        if step == "push":
            chunk = b"".join(b"line %d %s\n" % (said + n, b"x" * 30) for n in range(amount))
            outbox.push(chunk, amount, 0, 0.0)
            said += amount
        elif step == "send":
            send(outbox, wire, amount)
        elif step == "drop" and outbox:
            lost += outbox.drop_oldest(amount, notice)
        elif step == "lose":
            outbox.lose(amount, notice)
            lost += amount
            said += amount
        elif step == "discard" and outbox:
            lost += outbox.discard(notice)
        assert outbox.size >= 0
        assert outbox.lines >= outbox.unsent_lines >= 0
    send(outbox, wire)
    assert (outbox.size, outbox.lines) == (0, 0)
    lines = wire.out.split(b"\n")
    assert lines.pop() == b""
    arrived = [int(line.split()[1]) for line in lines if line.startswith(b"line ")]
    told = [line for line in lines if line.startswith(b"*** ")]
    assert len(arrived) + len(told) == len(lines)    # none is glued or cut
    assert arrived == sorted(set(arrived))
    assert len(arrived) == said - lost


def test_a_notice_always_fits_into_the_room_that_is_made_for_it() -> None:
    assert len(b"*** error: 1000000000 lines were dropped here: you read too slowly\n") <= NOTICE
