"""What is shown of a stage's clients, from its own thread and from the console's."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from chatops.lab.experiments.late import tcp_pair
from chatops.lab.stages import STAGES
from chatops.lab.stages.picture import Picture
from chatops.lab.stages.streams import StreamsStage
from chatops.loop import private


class Vanishing(dict[socket.socket, Any]):
    """Connections of a stage that goes on, and loses them, right after they were looked at."""

    def items(self) -> Any:
        found = list(super().items())
        for connection, _ in found:
            connection.close()
        self.clear()
        return found


@pytest.mark.parametrize("number", STAGES)
def test_clients_that_vanish_while_another_thread_looks_at_them_are_no_error(number: int) -> None:
    stage = STAGES[number]()
    near, far = tcp_pair()
    with near, far:
        if isinstance(stage, StreamsStage):
            stage.writers = set()
        if number == 5:
            stage.waiting = {}  # type: ignore[attr-defined]  # that stage has it
        stage.connections = Vanishing({near: (7, "somebody", 1.0)})
        (row,) = Picture(stage).clients_from_outside((), 2.0)
        assert (row.id, row.peer, row.mask, row.kernel_queued) == (7, "somebody", 0, 0)
    stage.selector.close()


async def test_the_writers_of_stage_6_may_change_while_another_thread_goes_through_them(
        monkeypatch: pytest.MonkeyPatch) -> None:
    stage = StreamsStage()
    near, far = tcp_pair()
    others = tcp_pair()
    stage.writers = set()
    for sock in others:
        _reader, writer = await asyncio.open_connection(sock=sock)
        stage.writers.add(writer)
    open_now = list(stage.writers)
    asked = private.socket_of

    def leaves_meanwhile(transport: Any) -> Any:
        stage.writers.clear()
        return asked(transport)

    monkeypatch.setattr(private, "socket_of", leaves_meanwhile)
    with near, far:
        stage.connections = {near: (7, "somebody", 1.0)}
        (row,) = Picture(stage).clients_from_outside((), 2.0)
        assert row.queued == 0
    for writer in open_now:
        writer.close()
        await writer.wait_closed()
    stage.selector.close()
