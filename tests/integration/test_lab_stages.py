"""The claim of each of the six servers holds, over real sockets."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from chatops.api.command_line import parse
from chatops.api.events import Crashed, Disconnected, Said
from chatops.api.snapshot import ClientRow, Snapshot
from chatops.lab.stages import StageLink, StageServer
from tests.integration.client import Client
from tests.integration.stages import (
    RunStage,
    client_of,
    drain,
    lint,
    snapshot_of,
    stopped_client_of,
    turns_in,
)
from tests.integration.until import until
from tests.patience import scaled


@contextlib.contextmanager
def jam(stage: StageServer, link: StageLink, talker: Client) -> Iterator[socket.socket]:
    """A client that reads nothing: talk until the stage is held by it."""
    until(lambda: stage.accepted == 1)
    stopped = stopped_client_of(stage)
    until(lambda: stage.accepted == 2)
    lines = (b"x" * 1000 + b"\n") * 64

    def held() -> bool:
        drain(talker.sock)                  # it reads: whoever holds the stage is the other one
        try:
            talker.sock.send(lines)
        except BlockingIOError:
            pass
        snapshot = link.poll()
        return snapshot is not None and bool(lint("held-loop")(snapshot))

    with stopped:
        until(held, 20.0)
        yield stopped


# -- stage 1


def test_stage_1_accepts_and_never_answers(run_stage: RunStage) -> None:
    stage, link = run_stage(1)
    with client_of(stage) as client:
        client.say("hello?", "anybody?")
        until(lambda: stage.accepted == 1)
        assert not select.select([client.sock], [], [], 0.5)[0]
        snapshot = snapshot_of(link, lambda s: s.clients)
        assert [row.type for row in snapshot.keys] == ["listener"]
        (row,) = snapshot.clients
        assert (row.mask, row.state) == (0, "unwatched")
        assert stage.selector.turns == 1


def test_stage_1_prints_each_ready_event_as_key_and_mask(run_stage: RunStage) -> None:
    stage, link = run_stage(1)
    with client_of(stage):
        until(lambda: stage.accepted == 1)
        said = [event.text for event in link.drain() if isinstance(event, Said)]
        assert "SelectorKey(fileobj=" in said[0]
        assert said[0].endswith("mask 1")


# -- stage 2


def test_stage_2_answers_and_spins_once_a_client_has_left(run_stage: RunStage) -> None:
    stage, link = run_stage(2)
    with client_of(stage) as client:
        client.say("hello")
        assert client.read_line() == "your msg = hello ==="
        assert turns_in(stage, 0.3) == 0
    until(lambda: turns_in(stage, 0.5) > 500)
    snapshot_of(link)
    snapshot = snapshot_of(link, lint("eof-unhandled"))
    (row,) = [row for row in snapshot.keys if row.at_eof]
    assert row.type == "connection"


def test_stage_2_prints_its_map_with_the_listener_when_it_quits(run_stage: RunStage) -> None:
    stage, link = run_stage(2)
    with client_of(stage) as client:
        client.say("hello")
        client.read_line()
        assert stage.stop()
    said = [event.text for event in link.drain() if isinstance(event, Said)]
    assert [text for text in said if text.startswith(f"fd {stage.listener.fileno()}")] == []
    assert sum("Listener" in text for text in said if text.startswith("fd ")) == 1
    assert sum(text.startswith("fd ") for text in said) == 2


# -- stage 3


@pytest.mark.parametrize("number", [3, 6])
def test_a_stage_sends_to_everybody_and_lets_go_of_who_quits(
        run_stage: RunStage, number: int) -> None:
    stage, link = run_stage(number)
    with client_of(stage) as first, client_of(stage) as second:
        until(lambda: len(stage.connections) == 2)
        first.say("hello")
        assert first.read_line() == second.read_line() == "your msg is hello"
        second.say("quit")
        assert second.sock.recv(10) == b""
        first.close()
        until(lambda: len(stage.connections) == 0)
        gone = [event.id for event in link.drain() if isinstance(event, Disconnected)]
        assert sorted(gone) == [1, 2]
        assert turns_in(stage, 0.3) == 0


def test_stage_3_delivers_to_nobody_while_one_does_not_read_and_stops_all_the_same(
        run_stage: RunStage) -> None:
    stage, link = run_stage(3)
    with (client_of(stage) as talker, jam(stage, link, talker) as stopped,
          client_of(stage) as other):
        drain(talker.sock)
        other.say("is anybody there?")
        snapshot = snapshot_of(link, lint("held-loop"))
        assert not select.select([other.sock, talker.sock], [], [], 0)[0]
        (held,) = [found for found in snapshot.lints if found.code == "held-loop"]
        assert "client.sendall(line)" in held.summary
        assert "broadcast.py" in held.summary
        full = max(snapshot.clients, key=lambda row: row.kernel_queued)
        assert full.kernel_queued > 1000

        began = time.monotonic()
        assert stage.stop()
        assert time.monotonic() - began < scaled(2.5)
        assert stage.ended == "stopped"
        for sock in (stopped, talker.sock, other.sock):
            sock.settimeout(scaled(5.0))
            try:
                while sock.recv(1 << 16):
                    pass
            except ConnectionResetError:
                pass
    assert not any(isinstance(event, Crashed) for event in link.drain())


def test_stage_3_goes_on_when_the_stopped_client_reads_again(run_stage: RunStage) -> None:
    stage, link = run_stage(3)
    with client_of(stage) as talker, jam(stage, link, talker) as stopped:
        before = stage.selector.turns

        def recovered() -> bool:
            drain(stopped)
            drain(talker.sock)
            return stage.selector.turns > before

        until(recovered)


def test_a_spawned_mute_and_a_flood_hold_stage_3_within_seconds(run_stage: RunStage) -> None:
    stage, link = run_stage(3)
    for line in ("spawn mute", "spawn flood"):
        assert link.submit(parse(line)).result(scaled(1.0)).ok
        until(lambda: stage.accepted >= 1)
    snapshot_of(link, lint("held-loop"))


# -- stages 4 and 5


def test_stage_4_wakes_up_a_thousand_times_as_often_as_stage_5(run_stage: RunStage) -> None:
    rates = []
    for number in (4, 5):
        stage, _link = run_stage(number)
        with client_of(stage) as first, client_of(stage) as second:
            until(lambda: len(stage.connections) == 2)  # noqa: B023  (called in this round)
            first.say("hello")
            assert first.read_line() == second.read_line() == "your msg is hello"
            rates.append(turns_in(stage, 1.0))
    spinning, sleeping = rates
    assert sleeping == 0
    assert spinning > 1000 * max(1, sleeping)


def test_stage_4_shows_write_interest_with_nothing_to_write(run_stage: RunStage) -> None:
    stage, link = run_stage(4)
    with client_of(stage) as client:
        until(lambda: stage.connections)
        snapshot_of(link)
        snapshot = snapshot_of(link, lint("write-idle"))
        (row,) = [row for row in snapshot.keys if row.type == "connection"]
        assert (row.events, row.masks[-3:]) == (3, "www")
        assert snapshot.loop.write_interest == "always"
        client.say("quit")
        assert client.sock.recv(10) == b""


def test_stage_5_asks_for_writing_only_while_something_waits(run_stage: RunStage) -> None:
    stage, link = run_stage(5)
    with client_of(stage) as talker, stopped_client_of(stage) as stopped:
        until(lambda: len(stage.connections) == 2)
        before = snapshot_of(link, lambda s: len(s.clients) == 2)
        masks = {row.id: row.mask for row in before.clients}
        assert masks == {1: 1, 2: 1}
        line = "x" * 1000
        rows = {}

        def queued() -> bool:
            talker.say(line)
            assert talker.read_line() == f"your msg is {line}"     # nobody waits for stopped
            snapshot = link.poll()
            rows.update({row.id: row for row in snapshot.clients} if snapshot else {})
            return rows[2].queued > 0 if rows else False

        until(queued, 20.0)
        assert (rows[1].mask, rows[2].mask) == (1, 3)

        def caught_up(snapshot: Snapshot) -> bool:
            drain(stopped)
            return snapshot.clients[-1].queued == 0

        snapshot = snapshot_of(link, caught_up)
        assert snapshot.clients[-1].mask == 1


def test_stage_5_lets_go_of_who_falls_too_far_behind_and_says_why(run_stage: RunStage) -> None:
    stage, link = run_stage(5)
    for line in ("spawn mute", "spawn flood 4"):
        assert link.submit(parse(line)).result(scaled(1.0)).ok
        until(lambda: stage.accepted >= 1)
    gone: list[str] = []

    def let_go() -> list[str]:
        gone.extend(event.reason for event in link.drain()
                    if isinstance(event, Disconnected) and event.id == 1)
        return gone

    until(let_go, 20.0)
    assert gone == ["the stage closed it, 1.0M behind"]
    assert "more than 1 MB behind is closed" in stage.why


# -- stage 6


def test_stage_6_is_not_shown_before_it_listens_and_stops_without_a_word(
        run_stage: RunStage) -> None:
    stage, link = run_stage(6)
    with client_of(stage), client_of(stage):
        first = snapshot_of(link)
        assert "listener" in {row.type for row in first.keys}
        assert not first.lints
        until(lambda: stage.accepted == 2)
        assert stage.stop()
    said = [event.text for event in link.drain() if isinstance(event, Said)]
    assert [text for text in said if not text.startswith("accepted ")] == []


def test_stage_6_shows_asyncios_own_map_by_the_names_of_its_author(run_stage: RunStage) -> None:
    stage, link = run_stage(6)
    with client_of(stage):
        snapshot = snapshot_of(link, lambda s: len(s.keys) == 3)
        rows = {row.type: row for row in snapshot.keys}
        assert set(rows) == {"self-pipe", "listener", "connection"}
        assert [row.events for row in snapshot.keys] == [1, 1, 1]
        assert "StreamsStage.handle" in rows["listener"].callback
        assert "StreamsStage.handle" in rows["connection"].callback
        assert "streams.py:" in rows["listener"].armed_by
        assert "waker" in rows["self-pipe"].data


def test_stage_6_arms_the_writer_only_while_bytes_wait_and_over_the_mark_all_the_same(
        run_stage: RunStage) -> None:
    stage, link = run_stage(6)
    with client_of(stage) as talker, stopped_client_of(stage) as stopped:
        until(lambda: stage.accepted == 2)
        line = "x" * 1000
        changes: list[tuple[str, int, int]] = []

        def look(wanted: Callable[[ClientRow], bool]) -> bool:
            snapshot = link.poll()
            if snapshot is None or len(snapshot.clients) < 2:
                return False
            late = snapshot.clients[-1]
            changes.extend((change.what, change.before, change.after)
                           for turn in snapshot.turns for change in turn.changes
                           if change.fd == late.fd)
            return wanted(late)

        def over() -> bool:
            talker.say(line)
            assert talker.read_line() == f"your msg is {line}"     # nobody waits for stopped
            return look(lambda late: late.queued > late.queue_limit > 0 and late.mask == 3)

        until(over, 20.0)

        def caught_up() -> bool:
            drain(stopped)
            return look(lambda late: late.queued == 0 and late.mask == 1)

        until(caught_up, 20.0)
        assert ("modify", 1, 3) in changes
        assert ("modify", 3, 1) in changes
