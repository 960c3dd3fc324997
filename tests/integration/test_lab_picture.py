"""What is shown of a stage's clients, from its own thread and from the console's."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from chatops.api.snapshot import Snapshot
from chatops.lab.experiments.late import tcp_pair
from chatops.lab.stages import STAGES
from chatops.lab.stages.noticed import NoticedConnection
from chatops.lab.stages.picture import Picture
from chatops.lab.stages.streams import StreamsStage
from chatops.loop import private
from tests.integration.stages import RunStage, client_of, snapshot_of, stopped_client_of
from tests.integration.until import until


class Vanishing(dict[NoticedConnection, Any]):
    """Connections of a stage that goes on, and loses them, right after they were looked at."""

    def items(self) -> Any:
        found = list(super().items())
        for connection, _ in found:
            connection.close()
        self.clear()
        return found


def noticed_pair() -> tuple[NoticedConnection, socket.socket]:
    near, far = tcp_pair()
    return NoticedConnection(near.family, near.type, near.proto, near.detach()), far


@pytest.mark.parametrize("number", STAGES)
def test_clients_that_vanish_while_another_thread_looks_at_them_are_no_error(number: int) -> None:
    stage = STAGES[number]()
    near, far = noticed_pair()
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
    near, far = noticed_pair()
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


def traffic(snapshot: Snapshot) -> list[tuple[int, int, int, int]]:
    """Lines and bytes in, lines and bytes out, of each client."""
    return [(row.lines_in, row.bytes_in, row.lines_out, row.bytes_out) for row in snapshot.clients]


def test_what_nobody_reads_has_not_come_in_as_far_as_stage_1_is_concerned(
        run_stage: RunStage) -> None:
    stage, link = run_stage(1)
    with client_of(stage) as client:
        client.say("hello?", "anybody?")
        until(lambda: stage.accepted == 1)
        snapshot = snapshot_of(link, lambda s: s.clients)
        assert traffic(snapshot) == [(0, 0, 0, 0)]
        assert (snapshot.lines_in, snapshot.bytes_in) == (0, 0)


@pytest.mark.parametrize("number", [2, 3, 4, 5, 6])
def test_lines_are_counted_as_lines_however_many_come_in_one_segment(
        run_stage: RunStage, number: int) -> None:
    stage, link = run_stage(number)
    with client_of(stage) as client:
        client.sock.sendall(b"one\ntwo\nthree\nfo")
        until(lambda: client.sock.recv(100))
        snapshot = snapshot_of(link, lambda s: s.clients and s.clients[0].bytes_out)
        ((lines_in, bytes_in, lines_out, bytes_out),) = traffic(snapshot)
        assert (lines_in, bytes_in) == (3, 16)
        answers = {2: b"your msg = one\ntwo\nthree\nfo ===\n",
                   6: b"your msg is one\nyour msg is two\nyour msg is three\n"}
        answer = answers.get(number, b"your msg is one\ntwo\nthree\nfo\n")
        assert (lines_out, bytes_out) == (answer.count(b"\n"), len(answer))


@pytest.mark.parametrize("number", [4, 5])
def test_lines_that_wait_for_a_client_count_as_put_on_the_way(
        run_stage: RunStage, number: int) -> None:
    stage, link = run_stage(number)
    with client_of(stage) as talker, stopped_client_of(stage):
        until(lambda: len(stage.connections) == 2)

        def waits(snapshot: Snapshot) -> bool:
            talker.say("x" * 1000)
            talker.read_line()
            return len(snapshot.clients) == 2 and snapshot.clients[1].queued > 0

        first, second = snapshot_of(link, waits).clients
        assert second.lines_out > 0
        assert first.lines_out == second.lines_out
