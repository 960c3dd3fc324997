"""Everybody in a room gets every chunk once and in order, whoever else does not read."""

from __future__ import annotations

import errno
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chatops.net.connection import Connection
from chatops.net.fanout import FanOut
from chatops.net.state import ConnectionState
from tests.unit.wire import Net, Wire, accounted, drain

Members = list[tuple[Connection[Any], Wire]]


def room(net: Net, *rooms: int) -> tuple[FanOut[Any], Members]:
    """A fan-out with one member for each kernel buffer of so many bytes."""
    fan: FanOut[Any] = FanOut("lobby")
    members = [net.connect(room) for room in rooms]
    for connection, _ in members:
        fan.add(connection)
    return fan, members


def test_a_chunk_costs_one_system_call_for_each_member() -> None:
    fan, members = room(Net(), 100, 100, 100)
    fan.send(b"one\ntwo\n", 2)
    assert [(wire.out, wire.sends) for _, wire in members] == [(b"one\ntwo\n", 1)] * 3


def test_a_member_with_a_queue_is_not_tried_until_it_is_empty() -> None:
    fan, [(slow, wire), (_, other)] = room(Net(), 0, 100)
    fan.send(b"one\n", 1)
    tried = wire.sends
    fan.send(b"two\n", 1)
    assert (wire.sends, other.out) == (tried, b"one\ntwo\n")
    drain(slow, wire)
    fan.send(b"three\n", 1)
    assert wire.out == b"one\ntwo\nthree\n"
    assert not slow.queued


def test_a_line_for_one_member_keeps_its_place_among_those_for_the_room() -> None:
    fan, [(slow, wire)] = room(Net(), 2)
    fan.send(b"one\n", 1)
    slow.write(b"for you\n")
    fan.send(b"two\n", 1)
    drain(slow, wire)
    assert wire.out == b"one\nfor you\ntwo\n"


def test_who_comes_later_gets_what_is_sent_later_and_who_has_left_gets_no_more() -> None:
    net = Net()
    fan, [(leaver, left)] = room(net, 100)
    fan.send(b"one\n", 1)
    newcomer, new = net.connect()
    fan.add(newcomer)
    fan.send(b"two\n", 1)
    fan.discard(leaver)
    fan.discard(leaver)
    fan.send(b"three\n", 1)
    assert (left.out, new.out) == (b"one\ntwo\n", b"two\nthree\n")
    assert (leaver.lines_out, newcomer.lines_out) == (2, 2)
    assert (leaver.bytes_out, newcomer.bytes_out) == (8, 10)


def test_who_enters_with_a_queue_gets_the_rooms_lines_behind_it() -> None:
    net = Net()
    fan: FanOut[Any] = FanOut("lobby")
    connection, wire = net.connect(room=0)
    connection.write(b"welcome\n")
    fan.add(connection)
    fan.send(b"one\n", 1)
    drain(connection, wire)
    assert wire.out == b"welcome\none\n"


def test_a_broken_member_is_lost_and_nobody_else_notices() -> None:
    net = Net()
    fan, members = room(net, 100, 100, 100)
    broken, wire = members.pop(1)
    wire.broken = errno.ECONNRESET
    fan.send(b"one\n", 1)
    fan.discard(broken)
    fan.send(b"two\n", 1)
    assert net.events("lost") == [(broken.client_id, "peer reset")]
    assert [wire.out for _, wire in members] == [b"one\ntwo\n"] * 2
    assert broken.bytes_out == 0
    net.context.reap()
    assert net.context.queued == 0


def test_a_member_evicted_in_the_middle_of_a_chunk_is_told_and_nobody_else_notices() -> None:
    net = Net(limit=8)
    fan, [(_, before), (slow, wire), (_, after)] = room(net, 100, 2, 100)
    for chunk in (b"one\n", b"two\n", b"three\n", b"four\n"):
        fan.send(chunk, 1)
    drain(slow, wire)
    assert before.out == after.out == b"one\ntwo\nthree\nfour\n"
    assert wire.out == b"one\n-2\n", "`four` came after it had been given up"
    assert slow.state is ConnectionState.LINGERING


def test_its_length_counts_members_with_and_without_a_queue() -> None:
    fan, [(slow, _), _] = room(Net(), 0, 100)
    fan.send(b"one\n", 1)
    assert len(fan) == 2
    assert set(fan) >= {slow}
    fan.discard(slow)
    assert len(fan) == 1


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), max_size=60))
def test_every_member_knows_of_every_line_whatever_the_others_do(
        steps: list[tuple[int, int]]) -> None:
    net = Net(limit=24, policy="drop-oldest")
    fan, members = room(net, 0, 0, 1 << 30, 5)
    for n, (reader, taken) in enumerate(steps):
        fan.send(b"%d\n" % n, 1)
        drain(*members[reader], taken)
    for connection, wire in members:
        drain(connection, wire)
        assert not steps or accounted(wire.out) == len(steps)
        assert connection.bytes_out == len(wire.out)
        assert connection.lines_out + connection.lines_dropped == len(steps)
    assert net.context.queued == 0


def test_a_member_of_two_that_does_not_read_gets_both_in_order_and_is_counted_exactly() -> None:
    tea: FanOut[Any] = FanOut("tea")
    zoo: FanOut[Any] = FanOut("zoo")
    slow, wire = Net().connect(5)
    tea.add(slow)
    zoo.add(slow)
    for n in range(4):
        (tea, zoo)[n % 2].send(b"%d %d\n" % (n, n), 1)
    assert wire.out == b"0 0\n1"
    drain(slow, wire)
    tea.send(b"4 4\n", 1)
    zoo.send(b"5 5\n", 1)
    zoo.discard(slow)
    zoo.send(b"not for it\n", 1)
    drain(slow, wire)
    assert wire.out == b"".join(b"%d %d\n" % (n, n) for n in range(6))
    assert (slow.bytes_out, slow.lines_out, slow.queued) == (len(wire.out), 6, 0)


def test_members_apart_get_their_own_chunk_in_the_others_place_whether_they_read_or_not() -> None:
    net = Net()
    fan, [(_, wire), (own, own_wire), (slow, slow_wire)] = room(net, 100, 100, 0)
    fan.send(b"first\n", 1)
    fan.send_apart(b"yours\nours\n", 2, {own: (b"ours\n", 1), slow: (b"ours\n", 1)})
    fan.send_apart(b"yours\n", 1, {own: (b"", 0)})
    fan.send(b"last\n", 1)
    drain(slow, slow_wire)
    assert wire.out == b"first\nyours\nours\nyours\nlast\n"
    assert own_wire.out == b"first\nours\nlast\n"
    assert slow_wire.out == b"first\nours\nyours\nlast\n"
    for connection, out in ((own, own_wire.out), (slow, slow_wire.out)):
        assert connection.bytes_out == len(out)
        assert connection.lines_out == out.count(b"\n")


def test_one_that_breaks_while_it_is_apart_is_lost_and_nobody_else_notices() -> None:
    net = Net()
    fan, [(own, wire), (_, other)] = room(net, 100, 100)
    wire.broken = errno.ECONNRESET
    fan.send_apart(b"all\n", 1, {own: (b"own\n", 1)})
    net.context.reap()
    assert other.out == b"all\n"
    assert net.events("lost") == [(own.client_id, "peer reset")]
    assert net.context.queued == 0


def test_one_that_is_sent_away_while_others_are_sent_to_does_not_come_back() -> None:
    net = Net()
    fan, [(own, wire), (other, _)] = room(net, 100, 100)

    def send(_: bytes) -> int:
        fan.discard(own)
        return len(b"all\n")

    fan._clear[other] = send
    fan.send_apart(b"all\n", 1, {own: (b"own\n", 1)})
    assert set(fan) == {other}
    assert wire.out == b""
    assert (own.bytes_out, own.lines_out) == (0, 0)
