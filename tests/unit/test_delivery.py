"""Effects carried out on connections without sockets: how many writes, and in which order."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from chatops.chat.effects import Deliver, Effect, Enter, Tell
from chatops.chat.groups import Group, Sender
from chatops.server.backpressure import Backpressure
from chatops.server.effects import GATHERED, EffectRunner
from chatops.server.state import ServerState
from tests.unit.wire import Net, Wire

OUTBOX = 4 * GATHERED


def said(room: str, text: str, speaker: int = 9) -> Deliver:
    return Deliver(room, [Group(Sender(speaker, "x"), "talk", text.encode())], 1)


class Stub:
    """As much of a server as a delivery asks for."""

    def __init__(self, clients: int, room: int = 1 << 30) -> None:
        self.net = Net(limit=OUTBOX)
        self.wires: list[Wire] = []
        self.connections: dict[int, Any] = {}
        self.selector = SimpleNamespace(watched=False)
        self.history = None
        self.others: Any = None
        self.mishaps: list[tuple[str, Any]] = []
        self.said: list[Any] = []
        for _ in range(clients):
            connection, wire = self.net.connect(room)
            self.connections[connection.client_id] = connection
            self.wires.append(wire)
        state = cast(ServerState, self)
        self.delivery = EffectRunner(state, lambda: None, Backpressure(state))

    def say(self, event: Any) -> None:
        self.said.append(event)

    def mishap(self, name: str, _fd: int, _error: Exception, culprit: Any) -> None:
        self.mishaps.append((name, culprit))

    def carry_out(self, *effects: Effect) -> None:
        self.delivery.carry_out(list(effects))


def test_lines_for_one_client_leave_in_one_write_however_many_they_are() -> None:
    stub = Stub(2)
    stub.carry_out(*[Tell(1 + n % 2, b"%d\n" % n) for n in range(100)])
    first, second = stub.wires
    assert (first.sends, second.sends) == (1, 1)
    assert first.out.split() == [b"%d" % n for n in range(0, 100, 2)]
    assert second.out.split() == [b"%d" % n for n in range(1, 100, 2)]
    assert stub.connections[1].lines_out == 50


def test_a_line_for_one_client_and_those_for_its_room_keep_their_order() -> None:
    stub = Stub(2)
    stub.carry_out(Enter(1, "tea"), Enter(2, "tea"), Tell(1, b"1\n"), said("tea", "2"),
                   Tell(1, b"3\n"), Tell(2, b"4\n"), said("tea", "5"), Tell(1, b"6\n"))
    assert [wire.out for wire in stub.wires] == [b"1\nx: 2\n3\nx: 5\n6\n", b"x: 2\n4\nx: 5\n"]


def test_an_answer_too_large_to_be_gathered_does_not_fill_an_outbox_beyond_its_limit() -> None:
    stub = Stub(1, room=100)
    line = b"x" * (GATHERED // 8 - 1) + b"\n"
    stub.carry_out(*[Tell(1, line)] * 100)
    assert stub.net.evicted.keys() == {1}
    assert stub.connections[1].outbox.high_water <= OUTBOX


def test_lines_for_one_that_has_left_are_nobody_elses() -> None:
    stub = Stub(2)
    del stub.connections[1]
    stub.carry_out(Tell(1, b"late\n"), Tell(2, b"here\n"))
    assert [wire.out for wire in stub.wires] == [b"", b"here\n"]


def test_a_write_that_raises_costs_the_client_it_was_for() -> None:
    stub = Stub(2)
    stub.wires[0].send = lambda data: 1 // 0  # type: ignore[method-assign]
    stub.connections[1].send = stub.wires[0].send
    stub.carry_out(Tell(1, b"bad\n"), Tell(2, b"good\n"))
    assert stub.mishaps == [("Tell", stub.connections[1])]
    assert stub.wires[1].out == b"good\n"
