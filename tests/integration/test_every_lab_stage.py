"""What holds for every one of the six servers, and how the lab ends them."""

from __future__ import annotations

import socket
import threading

import pytest

from chatops.api.command_line import parse
from chatops.api.commands import CommandResult
from chatops.api.events import Connected, Crashed, Disconnected, ServerStopped, Warned
from chatops.api.link import LinkStatus
from chatops.lab.stages import STAGES, StageLink, StageServer
from chatops.lab.stages.base import receive
from tests.integration.client import Client
from tests.integration.stages import RunStage, client_of, lint, snapshot_of, stopped_client_of
from tests.integration.until import until
from tests.patience import scaled


def test_a_stage_that_spins_is_stopped_by_the_lab_and_says_so(run_stage: RunStage) -> None:
    stage, link = run_stage(2, max_seconds=0.2)
    client_of(stage).close()
    until(lambda: not stage.alive)
    assert "the lab stopped it after 0.2 s of CPU" in stage.ended
    assert any(isinstance(event, Warned) for event in link.drain())
    assert not link.status.alive
    assert "the lab stopped it" in link.status.detail


@pytest.mark.parametrize("number", [4, 6])
def test_a_stage_is_stopped_by_the_lab_before_its_buffers_have_all_the_memory(
        run_stage: RunStage, number: int) -> None:
    stage, link = run_stage(number, max_bytes=1 << 18)
    for line in ("spawn mute", "spawn flood 4"):
        assert link.submit(parse(line)).result(scaled(1.0)).ok
        until(lambda: stage.accepted >= 1)
    until(lambda: not stage.alive, 20.0)
    assert "the lab stopped it with 256K in its buffers" in stage.ended
    assert not any(isinstance(event, Crashed) for event in link.drain())


@pytest.mark.parametrize("number", STAGES)
def test_a_stage_starts_and_stops_and_gives_its_descriptors_back(number: int) -> None:
    stage = STAGES[number]()
    host, port = stage.start()
    threads = socket.create_connection((host, port))
    until(lambda: stage.accepted == 1)
    assert stage.stop()
    assert stage.stop()
    assert not stage.alive
    assert stage.ended == "stopped"
    assert all(connection.fileno() == -1 for connection in stage.connections)
    assert stage.listener.fileno() == -1
    assert threads.recv(10) == b""
    threads.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, port))


@pytest.mark.parametrize("number", STAGES)
def test_who_is_there_when_a_stage_is_stopped_has_not_left(
        run_stage: RunStage, number: int) -> None:
    stage, link = run_stage(number)
    with client_of(stage), client_of(stage):
        until(lambda: stage.accepted == 2)
        assert stage.stop()
    gone = {event.id: event.reason for event in link.drain() if isinstance(event, Disconnected)}
    assert gone == {1: "the stage was stopped", 2: "the stage was stopped"}


@pytest.mark.parametrize("number", [3, 4, 5, 6])
def test_who_leaves_a_stage_that_runs_has_left(run_stage: RunStage, number: int) -> None:
    stage, link = run_stage(number)
    client_of(stage).close()
    until(lambda: stage.accepted == 1 and not stage.connections)
    assert [event.reason for event in link.drain() if isinstance(event, Disconnected)] == ["left"]


@pytest.mark.parametrize("number", STAGES)
def test_a_reset_does_not_end_a_stage(run_stage: RunStage, number: int) -> None:
    stage, link = run_stage(number)
    with client_of(stage) as client:
        client.say("hello")
        until(lambda: stage.accepted == 1)
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    with client_of(stage):
        until(lambda: stage.accepted == 2)
    assert stage.alive
    assert not any(isinstance(event, Crashed) for event in link.drain())


@pytest.mark.parametrize("number", STAGES)
def test_looking_at_a_sleeping_stage_is_no_turn_of_it(run_stage: RunStage, number: int) -> None:
    stage, link = run_stage(number)
    # asyncio has taken two turns before it listens, and keeps its self-pipe in the map.
    turns, keys = (2, 2) if number == 6 else (0, 1)
    until(lambda: stage.selector.turns == turns and len(stage.selector.get_map()) == keys)
    link._asked_at = None
    stage.selector.call(link._answer)
    first = snapshot_of(link, lambda s: (s.turn, len(s.keys)) == (turns, keys))
    assert first.phase == "running"
    for _ in range(5):
        link._asked_at = None
        stage.selector.call(link._answer)
        snapshot_of(link)
    assert stage.selector.turns == turns


@pytest.mark.parametrize("number", STAGES)
@pytest.mark.parametrize("backend", ["select", "poll", "epoll"])
def test_the_backend_of_a_stage_can_be_swapped(
        run_stage: RunStage, number: int, backend: str) -> None:
    stage, link = run_stage(number)
    with client_of(stage):
        until(lambda: stage.accepted == 1)
        result = link.submit(parse(f"selector {backend}")).result(scaled(2.0))
        assert result.ok, result.text
        assert stage.selector.backend == backend
        with client_of(stage):
            until(lambda: stage.accepted == 2)


def test_what_a_stage_does_not_know_is_answered_all_the_same(run_stage: RunStage) -> None:
    _stage, link = run_stage(1)
    result = link.submit(parse("kick 3")).result(scaled(1.0))
    assert not result.ok
    assert "knows no 'kick'" in result.text
    result = link.submit(parse("selector kqueue")).result(scaled(1.0))
    assert not result.ok


def test_quit_stops_a_stage_and_the_link_says_that_it_is_gone(run_stage: RunStage) -> None:
    _stage, link = run_stage(1)
    assert link.status.alive
    assert link.submit(parse("quit now")).result(scaled(3.0)).ok
    assert link.status == LinkStatus(False, "stage 1: stopped")
    assert link.submit(parse("selector poll")).result(scaled(1.0)).ok is False
    kinds = {type(event) for event in link.drain()}
    assert ServerStopped in kinds


def test_the_console_is_told_who_comes(run_stage: RunStage) -> None:
    stage, link = run_stage(5)
    with client_of(stage) as client:
        client.say("hello")
        client.read_line()
        events = link.drain()
        assert any(isinstance(event, Connected) and event.nick == "client-1" for event in events)
        snapshot = snapshot_of(link, lambda s: s.clients and s.clients[0].bytes_in)
        assert {row.name for row in snapshot.threads} >= {"MainThread", "stage 5"}
        assert (snapshot.clients[0].bytes_in, snapshot.accepted) == (6, 1)


def fill(stage: StageServer, talker: Client) -> None:
    """Talk, and read nothing, until the kernel takes no more."""
    until(lambda: stage.accepted == 2)
    talker.sock.setblocking(False)

    def full() -> bool:
        try:
            talker.sock.send(b"x" * 4000 + b"\n")
        except BlockingIOError:
            return True
        return False

    until(full, 20.0)


def test_each_thread_that_a_stage_shows_has_a_purpose_and_none_is_the_chat_servers(
        run_stage: RunStage) -> None:
    ends = threading.Event()
    others = [threading.Thread(target=ends.wait, name=name)
              for name in ("reactor", "textual-input", "end of stage 3")]
    for thread in others:
        thread.start()
    stage, _link = run_stage(5)
    link = StageLink(stage, purposes={"textual-input": "reads the keyboard"})
    threads = {row.name: row.doing for row in snapshot_of(link).threads}
    link.close()
    ends.set()
    for thread in others:
        thread.join()
    assert threads["textual-input"] == "reads the keyboard"
    assert threads[stage.label].startswith("on demand: ")
    assert not {"reactor", "end of stage 3"} & set(threads)
    assert all(threads.values())


def test_a_stage_that_is_held_before_anybody_looked_is_shown_as_held(run_stage: RunStage) -> None:
    stage, link = run_stage(3)
    with client_of(stage) as talker, stopped_client_of(stage):
        fill(stage, talker)
        snapshot = snapshot_of(link, lint("held-loop"))
        assert len(snapshot.clients) == 2


def test_a_command_that_a_held_stage_did_not_get_to_fails_when_the_stage_ends(
        run_stage: RunStage) -> None:
    stage, link = run_stage(3)
    with client_of(stage) as talker, stopped_client_of(stage):
        fill(stage, talker)
        snapshot_of(link, lint("held-loop"))
        future = link.submit(parse("selector poll"))
        given_up = link.submit(parse("selector select"))
        assert not future.done()
        assert given_up.cancel()
        assert stage.stop()
    assert future.result(scaled(1.0)) == CommandResult(False, "stage 3 has ended")
    assert not any(isinstance(event, Crashed) for event in link.drain())


@pytest.mark.parametrize("number", STAGES)
def test_a_stage_that_has_ended_refuses_every_question(run_stage: RunStage, number: int) -> None:
    stage, link = run_stage(number)
    assert stage.selector.call(lambda: None)
    assert stage.stop()
    assert not stage.selector.call(lambda: None)
    assert link.submit(parse("selector poll")).result(scaled(1.0)) == CommandResult(
        False, f"{stage.label} has ended")


def test_a_port_in_use_is_an_error_and_leaves_nothing_behind(run_stage: RunStage) -> None:
    stage, _link = run_stage(1)
    with pytest.raises(OSError, match="in use"):
        STAGES[2](*stage.address).start()


def test_the_stages_are_numbered_and_described() -> None:
    assert list(STAGES) == [1, 2, 3, 4, 5, 6]
    for stage in STAGES.values():
        for text in (stage.title, stage.what, stage.fault, stage.why, stage.try_it,
                     stage.look_at):
            assert text
        assert "{host} {port}" in stage.try_it


def test_a_reset_reads_as_the_end() -> None:
    ours, theirs = socket.socketpair()
    ours.close()
    assert receive(theirs) == b""
    theirs.close()
