"""How a connection is given up, and how it closes: in order, within deadlines, once."""

from __future__ import annotations

import errno
from selectors import EVENT_READ, EVENT_WRITE

import pytest

from chatops.net.connection import LEAST_PROGRESS
from chatops.net.state import MOVES, ConnectionState
from tests.unit.wire import LINGER, STALL, Net, drain

# -- deadlines


def test_a_reader_that_takes_next_to_nothing_is_given_up_at_the_deadline() -> None:
    net = Net(limit=1 << 20)
    connection, wire = net.connect(room=0)
    connection.write(b"x" * 100_000 + b"\n")
    for _ in range(int(STALL) - 1):
        net.reactor.advance(1)
        drain(connection, wire, 1)         # a trickle
    assert not net.events("stalled")
    net.reactor.advance(1)
    assert net.events("stalled") == [(1,)]


def test_a_slow_reader_that_goes_on_reading_stays_and_costs_one_timer_in_all() -> None:
    net = Net(limit=1 << 20)
    readers = [net.connect(room=0) for _ in range(5)]
    for connection, _ in readers:
        connection.write(b"x" * 1_000_000 + b"\n")
        net.reactor.advance(1)
    for _ in range(20):
        for connection, wire in readers:
            drain(connection, wire, LEAST_PROGRESS)
        net.reactor.advance(STALL / 2)
        assert net.reactor.pending == 1
    assert not net.events("stalled")


def test_a_queue_that_empties_has_no_deadline() -> None:
    net = Net()
    connection, wire = net.connect(room=0)
    connection.write(b"hello\n")
    drain(connection, wire)
    net.reactor.advance(10 * STALL)
    assert net.events("stalled") == []
    assert net.reactor.pending == 0


# -- the end


def test_what_was_closed_earlier_in_the_same_turn_is_not_written_to() -> None:
    net = Net()
    connection, wire = net.connect(room=3)
    connection.write(b"hello\n")
    connection.abort("as an earlier callback of this turn would have it")
    wire.room = 1 << 30
    connection.on_ready(EVENT_READ | EVENT_WRITE)
    assert wire.out == b"hel"
    assert [name for name, *_ in net.told] == ["lost"]
    assert len(net.context.stalls) == 0


def test_one_that_the_selector_has_no_room_for_any_more_is_lost_and_not_forgotten(
        monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net()
    connection, wire = net.connect()
    connection.pause()             # out of the map, and others have come meanwhile

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")        # epoll_ctl(2)

    monkeypatch.setattr(net.reactor.selector, "register", full)
    connection.resume()
    assert net.events("lost") == [(1, "No space left on device")]
    net.context.reap()
    assert wire.closed
    with pytest.raises(OSError, match="full"):
        net.connect()              # whoever has accepted it says so


def test_what_breaks_as_it_is_written_to_is_not_read_any_more() -> None:
    net = Net()
    connection, wire = net.connect(room=0)
    connection.write(b"hello\n")
    wire.broken = errno.ECONNRESET
    wire.incoming.append(b"too late\n")
    connection.on_ready(EVENT_READ | EVENT_WRITE)
    assert net.told == [("lost", 1, "peer reset")]


def test_an_outbox_may_be_filled_to_its_limit_and_not_beyond() -> None:
    net = Net(limit=12)
    connection, _ = net.connect(room=0)
    connection.write(b"hello\n")
    connection.write(b"world\n")
    assert (connection.queued, net.events("overflowed")) == (12, [])
    connection.write(b"\n")
    assert net.events("overflowed") == [(1, 1)]


def test_what_is_thrown_away_is_counted() -> None:
    net = Net()
    connection, _ = net.connect(room=0)
    for _ in range(3):
        connection.write(b"hello\n")
    assert connection.discard() == 3
    assert (connection.lines_dropped, connection.bytes_dropped) == (3, 18)
    assert (connection.lines_out, connection.bytes_out, connection.queued) == (0, 0, 0)


def test_the_states_move_forward_only_and_end_closed() -> None:
    order = list(ConnectionState)
    assert set(MOVES) == set(ConnectionState)
    for state, following in MOVES.items():
        assert all(order.index(later) > order.index(state) for later in following)
    assert MOVES[ConnectionState.CLOSED] == set()


def test_closing_in_order_delivers_what_waits_then_the_last_words_then_the_end() -> None:
    net = Net()
    connection, wire = net.connect(room=0)
    connection.write(b"queued\n")
    connection.finish(b"bye\n")
    assert (connection.state, net.mask(wire)) == (ConnectionState.DRAINING, EVENT_WRITE)
    connection.write(b"too late\n")
    drain(connection, wire)
    assert (wire.out, wire.shut) == (b"queued\nbye\n", True)
    assert (connection.state, net.mask(wire)) == (ConnectionState.LINGERING, EVENT_READ)


def test_a_lingering_connection_throws_its_input_away_and_closes_at_the_peers_end() -> None:
    net = Net()
    connection, wire = net.connect()
    connection.finish(b"bye\n")
    wire.incoming.extend([b"but I was not\n", b"done\n", b""])
    for _ in range(3):
        connection.on_ready(EVENT_READ)
    assert net.told == [("lost", 1, "")]
    assert connection.state is ConnectionState.CLOSED


def test_a_peer_that_does_not_take_its_last_lines_is_closed_at_the_deadline() -> None:
    net = Net()
    connection, _ = net.connect(room=0)
    connection.finish(b"bye\n")
    net.reactor.advance(LINGER)
    assert net.events("lost") == [(1, "did not take its last lines in time")]


def test_a_peer_that_never_closes_its_side_is_closed_at_the_deadline() -> None:
    net = Net()
    connection, _ = net.connect()
    connection.finish()
    net.reactor.advance(LINGER)
    assert net.events("lost") == [(1, "")]


def test_finishing_twice_is_finishing_once() -> None:
    net = Net()
    connection, wire = net.connect()
    connection.finish(b"bye\n")
    connection.finish(b"bye again\n")
    assert wire.out == b"bye\n"


@pytest.mark.parametrize("queued", [b"", b"something\n"])
def test_a_peer_that_is_gone_when_it_is_told_bye_is_lost_once(queued: bytes) -> None:
    net = Net()
    connection, wire = net.connect(room=0)
    if queued:
        connection.write(queued)
    wire.broken = errno.EPIPE
    connection.finish(b"bye\n")
    drain(connection, wire)
    assert net.events("lost") == [(1, "peer reset")]
    assert net.reactor.selector.of == {}


def test_a_line_that_cannot_be_sent_counts_among_what_is_lost() -> None:
    net = Net()
    connection, wire = net.connect()
    wire.broken = errno.EPIPE
    connection.write(b"hello\n")
    outbox = connection.outbox
    assert outbox is not None
    assert outbox.unsent_lines == 1
    assert connection.bytes_out == 0
    net.context.reap()
    assert net.context.queued == 0
