"""A connection never waits, never cuts a line, and knows what it lost."""

from __future__ import annotations

import errno
from selectors import EVENT_READ, EVENT_WRITE

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatops.net.connection import Connection
from chatops.net.outbox import Policy
from chatops.net.state import ConnectionState
from tests.unit.wire import LINGER, Net, Wire, accounted, drain

BOTH = EVENT_READ | EVENT_WRITE


# -- try first, arm later


def test_a_line_for_a_client_with_nothing_queued_is_sent_at_once_and_nothing_is_armed() -> None:
    net = Net()
    connection, wire = net.connect()
    connection.write(b"hello\n")
    assert wire.out == b"hello\n"
    assert net.mask(wire) == EVENT_READ
    assert connection.outbox is None


def test_writing_is_watched_exactly_while_bytes_wait() -> None:
    net = Net()
    connection, wire = net.connect(room=3)
    connection.write(b"hello\n")
    assert (net.mask(wire), connection.queued, net.context.queued) == (BOTH, 3, 3)
    drain(connection, wire, 2)
    assert (net.mask(wire), connection.queued, net.context.queued) == (BOTH, 1, 1)
    drain(connection, wire)
    assert (net.mask(wire), connection.queued, net.context.queued) == (EVENT_READ, 0, 0)
    assert wire.out == b"hello\n"


def test_what_comes_while_bytes_wait_is_queued_behind_them_without_a_system_call() -> None:
    net = Net()
    connection, wire = net.connect(room=1)
    connection.write(b"one\n")
    sends = wire.sends
    connection.write(b"two\n")
    assert wire.sends == sends
    drain(connection, wire)
    assert wire.out == b"one\ntwo\n"


def test_always_writing_is_watched_when_the_lesson_asks_for_it() -> None:
    net = Net()
    connection, wire = net.connect()
    net.context.always_write = True
    connection.update_interest()
    assert net.mask(wire) == BOTH
    connection.on_ready(EVENT_WRITE)       # nothing to write: nothing happens
    assert wire.sends == 0


def test_a_paused_client_is_not_watched_at_all() -> None:
    net = Net()
    connection, wire = net.connect()
    connection.pause()
    assert net.mask(wire) == 0
    connection.resume()
    assert net.mask(wire) == EVENT_READ


def test_a_paused_client_still_gets_what_waits_for_it() -> None:
    net = Net()
    connection, wire = net.connect(room=0)
    connection.pause()
    connection.write(b"hello\n")
    assert net.mask(wire) == EVENT_WRITE
    drain(connection, wire)
    assert (wire.out, net.mask(wire)) == (b"hello\n", 0)


# -- reading


def test_what_comes_in_is_handed_on_and_the_end_is_told_once() -> None:
    net = Net()
    connection, wire = net.connect()
    wire.incoming.extend([b"hello\n", b""])
    connection.on_ready(EVENT_READ)
    connection.on_ready(EVENT_READ)
    assert net.told == [("received", 1, b"hello\n"), ("ended", 1)]
    assert (connection.bytes_in, net.context.bytes_in) == (6, 6)


def test_being_told_of_data_that_is_not_there_does_no_harm() -> None:
    net = Net()
    connection, _ = net.connect()
    connection.on_ready(BOTH)
    assert net.told == []
    assert connection.is_open


@pytest.mark.parametrize(("number", "reason"), [
    (errno.ECONNRESET, "peer reset"), (errno.ETIMEDOUT, "peer vanished"),
    (errno.EHOSTUNREACH, "No route to host")])
def test_a_failing_read_ends_this_connection_once_and_says_why(number: int, reason: str) -> None:
    net = Net()
    connection, wire = net.connect()
    wire.incoming.append(OSError(number, "failed"))
    connection.on_ready(EVENT_READ)
    connection.abort("again")
    assert net.events("lost") == [(1, reason)]
    assert net.mask(wire) == 0
    assert not wire.closed, "a descriptor closed within a turn could be given out again in it"
    net.context.reap()
    assert wire.closed


# -- the gauge


def test_what_a_kernel_took_before_a_send_failed_is_not_counted_as_queued() -> None:
    net = Net(limit=1 << 20)
    connection, wire = net.connect(room=0)
    for n in range(100):                   # more than one sendmsg takes
        connection.write(b"%d\n" % n)

    whole = wire.send

    def once(data: bytes | memoryview) -> int:
        wire.broken = errno.ECONNRESET
        wire.room = 1 << 20
        wire.out += bytes(data)
        return len(data)

    wire.send = once  # type: ignore[method-assign]
    wire.sendmsg = lambda chunks: (  # type: ignore[method-assign]
        once(b"".join(chunks)) if wire.broken is None else whole(b""))
    connection.on_ready(EVENT_WRITE)
    assert net.events("lost") == [(1, "peer reset")]
    assert connection.bytes_out == len(wire.out) > 0
    net.context.reap()
    assert net.context.queued == 0


@pytest.mark.parametrize("end", ["delivered", "aborted", "evicted", "finished", "given up"])
def test_the_total_of_all_queues_returns_to_zero_however_a_connection_ends(end: str) -> None:
    net = Net(limit=100)
    connection, wire = net.connect(room=4)
    for n in range(9):
        connection.write(b"line %d\n" % n)
    assert net.context.queued == connection.queued == 9 * 7 - 4
    match end:
        case "aborted":
            connection.abort("gone")
        case "evicted":
            connection.write(b"x" * 99 + b"\n")
        case "finished" | "given up":
            connection.finish(b"bye\n")
    if end == "given up":
        net.reactor.advance(LINGER)
    else:
        drain(connection, wire)
    net.context.reap()
    assert net.context.queued == 0


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 60)), max_size=40),
       st.sampled_from(["evict", "drop-oldest", "drop-newest"]))
def test_bytes_out_is_what_the_kernel_took_and_the_gauge_what_waits(
        steps: list[tuple[int, int]], policy: Policy) -> None:
    net = Net(limit=64, policy=policy)
    connection, wire = net.connect(room=0)
    for size, room in steps:
        connection.write(b"x" * (size - 1) + b"\n")
        drain(connection, wire, room)
        assert connection.bytes_out == len(wire.out)
        assert net.context.queued == connection.queued <= 64 + 128 + 40


# -- policies


Steps = st.lists(st.tuples(st.integers(1, 6), st.integers(0, 60)), min_size=1, max_size=60)


def speak(connection: Connection[None], wire: Wire, steps: list[tuple[int, int]]) -> int:
    """Chunks of numbered lines, and a peer that reads now and then; how many lines."""
    said = 0
    for lines, room in steps:
        chunk = b"".join(b"%d\n" % n for n in range(said, said + lines))
        said += lines
        connection.write(chunk, lines)
        drain(connection, wire, room)
    return said


@given(Steps, st.sampled_from(["drop-oldest", "drop-newest"]), st.integers(10, 80))
def test_a_reader_finds_a_notice_of_exactly_what_is_missing_where_it_is_missing(
        steps: list[tuple[int, int]], policy: Policy, limit: int) -> None:
    net = Net(limit=limit, policy=policy)
    connection, wire = net.connect(room=0)
    said = speak(connection, wire, steps)
    drain(connection, wire)
    assert accounted(wire.out) == said
    assert connection.lines_dropped == sum(lines for _, lines in net.events("overflowed"))
    assert connection.lines_out + connection.lines_dropped == said
    assert net.context.queued == 0


@given(Steps, st.integers(10, 80))
def test_an_evicted_reader_gets_whole_lines_and_the_exact_number_of_those_it_lost(
        steps: list[tuple[int, int]], limit: int) -> None:
    net = Net(limit=limit)
    connection, wire = net.connect(room=0)
    said = 0
    for lines, room in steps:
        if not connection.is_open:
            break
        said += speak_from(connection, said, lines)
        drain(connection, wire, room)
    drain(connection, wire)
    assert accounted(wire.out) == said
    if connection.client_id in net.evicted:
        assert connection.state is ConnectionState.LINGERING
        assert connection.lines_dropped == net.evicted[1]


def speak_from(connection: Connection[None], first: int, lines: int) -> int:
    connection.write(b"".join(b"%d\n" % n for n in range(first, first + lines)), lines)
    return lines


def test_drop_newest_keeps_the_old_lines_and_drop_oldest_the_new_ones() -> None:
    outs: dict[str, bytes] = {}
    policies: tuple[Policy, ...] = ("drop-newest", "drop-oldest")
    for policy in policies:
        net = Net(limit=200, policy=policy)
        connection, wire = net.connect(room=0)
        for n in range(100):
            connection.write(b"line %02d\n" % n)
        drain(connection, wire)
        outs[policy] = bytes(wire.out)
    assert outs["drop-newest"].startswith(b"line 00\n")
    assert outs["drop-newest"].endswith(b"line 24\n-75\n")
    assert outs["drop-oldest"].endswith(b"line 99\n")
    assert outs["drop-oldest"].startswith(b"-")


def test_a_chunk_too_large_for_any_outbox_is_told_of_even_to_a_reader_with_nothing_queued() -> None:
    net = Net(limit=50, policy="drop-oldest")
    connection, wire = net.connect(room=0)
    connection.write(b"0\n" * 60, 60)
    assert connection.queued > 0
    drain(connection, wire)
    assert wire.out == b"-60\n"


def test_a_chunk_that_has_begun_to_go_out_goes_on_to_its_end_whatever_the_limit() -> None:
    net = Net(limit=50)
    connection, wire = net.connect(room=1)
    connection.write(b"x" * 99 + b"\n")
    assert connection.is_open
    drain(connection, wire)
    assert wire.out == b"x" * 99 + b"\n"


def test_discarding_ends_the_line_that_has_begun_and_counts_the_others() -> None:
    net = Net()
    connection, wire = net.connect(room=6)
    connection.write(b"one\ntwo\nthree\nfour\n", 4)
    connection.write(b"five\n")
    outbox = connection.outbox
    assert outbox is not None
    assert (outbox.lines, outbox.unsent_lines) == (5, 4)
    assert connection.discard() == 3
    assert outbox.unsent_lines == 1
    drain(connection, wire)
    assert wire.out == b"one\ntwo\n"
    assert (outbox.lines, outbox.unsent_lines) == (0, 0)


def test_discarding_at_the_end_of_a_line_lets_one_more_go_out() -> None:
    net = Net()
    connection, wire = net.connect(room=4)
    connection.write(b"one\ntwo\nthree\n", 3)
    outbox = connection.outbox
    assert outbox is not None
    assert connection.discard() == 1
    assert outbox.unsent_lines == 1
    drain(connection, wire)
    assert wire.out == b"one\ntwo\n"
    assert outbox.lines == 0


def test_bytes_of_a_protocol_beneath_the_lines_are_never_cut() -> None:
    net = Net()
    connection, wire = net.connect(room=1)
    connection.write(b"\xff\xfc\x01", 0)
    connection.write(b"line\n")
    assert connection.discard() == 1
    drain(connection, wire)
    assert wire.out == b"\xff\xfc\x01"


def test_a_queue_is_mentioned_once_until_it_is_empty_again() -> None:
    net = Net(limit=100)
    connection, wire = net.connect(room=0)
    for _ in range(2):
        for _ in range(9):
            connection.write(b"0123456789\n"[1:])
        drain(connection, wire, 89)
        assert net.told[-1] == ("half_full", 1)
        drain(connection, wire, 1)
        assert net.told[-1] == ("emptied", 1)
    assert net.told == 2 * [("filled", 1), ("half_full", 1), ("emptied", 1)]


# -- as much as a turn may bring


def test_nobody_is_read_in_a_turn_that_has_brought_too_much_and_all_are_in_another() -> None:
    net = Net(limit=800)
    connection, wire = net.connect()
    wire.incoming.append(b"x\n")
    net.context.intake_left = -net.context.outbox_limit
    connection.on_ready(EVENT_READ)
    assert not net.events("received")
    assert net.context.passed_over
    net.context.reap()
    connection.on_ready(EVENT_READ)
    assert net.events("received") == [(1, b"x\n")]
    assert net.reactor.rotation == 1       # who came last is not the last for ever
    net.context.reap()
    assert net.reactor.rotation == 1


def test_who_lingers_is_read_to_its_end_whatever_the_turn_has_brought() -> None:
    net = Net(limit=800)
    connection, wire = net.connect()
    connection.finish()
    wire.incoming.append(b"")
    net.context.intake_left = -net.context.outbox_limit
    connection.on_ready(EVENT_READ)
    assert net.events("lost") == [(1, "")]
