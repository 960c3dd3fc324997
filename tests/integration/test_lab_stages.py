"""The claim of each of the six servers holds, over real sockets."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from chatops.api.command_line import parse
from chatops.api.events import Connected, Crashed, Disconnected, Said, ServerStopped, Warned
from chatops.api.link import LinkStatus
from chatops.api.snapshot import ClientRow, Snapshot
from chatops.lab.clients.client import open_socket
from chatops.lab.stages import STAGES, StageLink, StageServer
from chatops.lab.stages.base import receive
from tests.integration.client import Client
from tests.integration.until import until
from tests.patience import scaled

Run = Callable[..., tuple[StageServer, StageLink]]


@pytest.fixture
def run() -> Iterator[Run]:
    running: list[tuple[StageServer, StageLink]] = []

    def start(number: int, **options: float) -> tuple[StageServer, StageLink]:
        stage = STAGES[number](**options)  # type: ignore[arg-type]
        stage.start()
        link = StageLink(stage)
        running.append((stage, link))
        return stage, link

    yield start
    for stage, link in running:
        link.close()
        assert stage.stop()


def client_of(stage: StageServer) -> Client:
    return Client(stage.address, greeted=False)


def stopped_client_of(stage: StageServer) -> socket.socket:
    """One that does not read, with buffers so small that it shows after some 40 KB."""
    sock = open_socket(stage.address, tiny=True)
    sock.setblocking(True)
    sock.connect(stage.address)
    return sock


def turns_in(stage: StageServer, seconds: float) -> int:
    """Turns of its loop in a span of time, seen from outside."""
    before = stage.selector.turns
    select.select([], [], [], seconds)
    return stage.selector.turns - before


def snapshot_of(link: StageLink, wanted: Callable[[Snapshot], object] = lambda _: True
                ) -> Snapshot:
    """The first snapshot that shows this."""
    found: list[Snapshot] = []

    def look() -> bool:
        snapshot = link.poll()
        if snapshot is not None and wanted(snapshot):
            found.append(snapshot)
        return bool(found)

    until(look)
    return found[0]


def lint(code: str) -> Callable[[Snapshot], object]:
    return lambda snapshot: any(found.code == code for found in snapshot.lints)


def drain(sock: socket.socket) -> None:
    """Take what has come, and wait for nothing."""
    sock.setblocking(False)
    try:
        while sock.recv(1 << 16):
            pass
    except BlockingIOError:
        pass


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


def test_stage_1_accepts_and_never_answers(run: Run) -> None:
    stage, link = run(1)
    with client_of(stage) as client:
        client.say("hello?", "anybody?")
        until(lambda: stage.accepted == 1)
        assert not select.select([client.sock], [], [], 0.5)[0]
        snapshot = snapshot_of(link, lambda s: s.clients)
        assert [row.type for row in snapshot.keys] == ["listener"]
        (row,) = snapshot.clients
        assert (row.mask, row.state) == (0, "unwatched")
        assert stage.selector.turns == 1


def test_stage_1_prints_each_ready_event_as_key_and_mask(run: Run) -> None:
    stage, link = run(1)
    with client_of(stage):
        until(lambda: stage.accepted == 1)
        said = [event.text for event in link.drain() if isinstance(event, Said)]
        assert "SelectorKey(fileobj=" in said[0]
        assert said[0].endswith("mask 1")


# -- stage 2


def test_stage_2_answers_and_spins_once_a_client_has_left(run: Run) -> None:
    stage, link = run(2)
    with client_of(stage) as client:
        client.say("hello")
        assert client.read_line() == "your msg = hello ==="
        assert turns_in(stage, 0.3) == 0
    until(lambda: turns_in(stage, 0.5) > 500)
    snapshot_of(link)
    snapshot = snapshot_of(link, lint("eof-unhandled"))
    (row,) = [row for row in snapshot.keys if row.at_eof]
    assert row.type == "connection"


def test_stage_2_prints_its_map_with_the_listener_when_it_quits(run: Run) -> None:
    stage, link = run(2)
    with client_of(stage) as client:
        client.say("hello")
        client.read_line()
        assert stage.stop()
    said = [event.text for event in link.drain() if isinstance(event, Said)]
    assert [text for text in said if text.startswith(f"fd {stage.listener.fileno()}")] == []
    assert sum("Listener" in text for text in said if text.startswith("fd ")) == 1
    assert sum(text.startswith("fd ") for text in said) == 2


def test_a_stage_that_spins_is_stopped_by_the_lab_and_says_so(run: Run) -> None:
    stage, link = run(2, max_seconds=0.2)
    client_of(stage).close()
    until(lambda: not stage.alive)
    assert "the lab stopped it after 0.2 s of CPU" in stage.ended
    assert any(isinstance(event, Warned) for event in link.drain())
    assert not link.status.alive
    assert "the lab stopped it" in link.status.detail


# -- stage 3


@pytest.mark.parametrize("number", [3, 6])
def test_a_stage_sends_to_everybody_and_lets_go_of_who_quits(run: Run, number: int) -> None:
    stage, link = run(number)
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
        run: Run) -> None:
    stage, link = run(3)
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


def test_stage_3_goes_on_when_the_stopped_client_reads_again(run: Run) -> None:
    stage, link = run(3)
    with client_of(stage) as talker, jam(stage, link, talker) as stopped:
        before = stage.selector.turns

        def recovered() -> bool:
            drain(stopped)
            drain(talker.sock)
            return stage.selector.turns > before

        until(recovered)


def test_a_spawned_mute_and_a_flood_hold_stage_3_within_seconds(run: Run) -> None:
    stage, link = run(3)
    for line in ("spawn mute", "spawn flood"):
        assert link.submit(parse(line)).result(scaled(1.0)).ok
        until(lambda: stage.accepted >= 1)
    snapshot_of(link, lint("held-loop"))


# -- stages 4 and 5


def test_stage_4_wakes_up_a_thousand_times_as_often_as_stage_5(run: Run) -> None:
    rates = []
    for number in (4, 5):
        stage, _link = run(number)
        with client_of(stage) as first, client_of(stage) as second:
            until(lambda: len(stage.connections) == 2)  # noqa: B023  (called in this round)
            first.say("hello")
            assert first.read_line() == second.read_line() == "your msg is hello"
            rates.append(turns_in(stage, 1.0))
    spinning, sleeping = rates
    assert sleeping == 0
    assert spinning > 1000 * max(1, sleeping)


def test_stage_4_shows_write_interest_with_nothing_to_write(run: Run) -> None:
    stage, link = run(4)
    with client_of(stage) as client:
        until(lambda: stage.connections)
        snapshot_of(link)
        snapshot = snapshot_of(link, lint("write-idle"))
        (row,) = [row for row in snapshot.keys if row.type == "connection"]
        assert (row.events, row.masks[-3:]) == (3, "www")
        assert snapshot.loop.write_interest == "always"
        client.say("quit")
        assert client.sock.recv(10) == b""


def test_stage_5_asks_for_writing_only_while_something_waits(run: Run) -> None:
    stage, link = run(5)
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


def test_stage_5_lets_go_of_who_falls_too_far_behind(run: Run) -> None:
    stage, link = run(5)
    for line in ("spawn mute", "spawn flood 4"):
        assert link.submit(parse(line)).result(scaled(1.0)).ok
        until(lambda: stage.accepted >= 1)
    until(lambda: any(isinstance(event, Disconnected) and event.id == 1
                      for event in link.drain()), 20.0)


# -- stage 6


def test_stage_6_is_not_shown_before_it_listens_and_stops_without_a_word(run: Run) -> None:
    stage, link = run(6)
    with client_of(stage), client_of(stage):
        first = snapshot_of(link)
        assert "listener" in {row.type for row in first.keys}
        assert not first.lints
        until(lambda: stage.accepted == 2)
        assert stage.stop()
    said = [event.text for event in link.drain() if isinstance(event, Said)]
    assert [text for text in said if not text.startswith("accepted ")] == []


def test_stage_6_shows_asyncios_own_map_by_the_names_of_its_author(run: Run) -> None:
    stage, link = run(6)
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
        run: Run) -> None:
    stage, link = run(6)
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


def test_stage_6_is_stopped_by_the_lab_before_its_buffers_have_all_the_memory(run: Run) -> None:
    stage, link = run(6, max_bytes=1 << 18)
    for line in ("spawn mute", "spawn flood 4"):
        assert link.submit(parse(line)).result(scaled(1.0)).ok
        until(lambda: stage.accepted >= 1)
    until(lambda: not stage.alive, 20.0)
    assert "the lab stopped it with 256K in its buffers" in stage.ended
    assert not any(isinstance(event, Crashed) for event in link.drain())


# -- every stage



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
def test_a_reset_does_not_end_a_stage(run: Run, number: int) -> None:
    stage, link = run(number)
    with client_of(stage) as client:
        client.say("hello")
        until(lambda: stage.accepted == 1)
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    with client_of(stage):
        until(lambda: stage.accepted == 2)
    assert stage.alive
    assert not any(isinstance(event, Crashed) for event in link.drain())


@pytest.mark.parametrize("number", STAGES)
def test_looking_at_a_sleeping_stage_is_no_turn_of_it(run: Run, number: int) -> None:
    stage, link = run(number)
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
def test_the_backend_of_a_stage_can_be_swapped(run: Run, number: int, backend: str) -> None:
    stage, link = run(number)
    with client_of(stage):
        until(lambda: stage.accepted == 1)
        result = link.submit(parse(f"selector {backend}")).result(scaled(2.0))
        assert result.ok, result.text
        assert stage.selector.backend == backend
        with client_of(stage):
            until(lambda: stage.accepted == 2)


def test_what_a_stage_does_not_know_is_answered_all_the_same(run: Run) -> None:
    _stage, link = run(1)
    result = link.submit(parse("kick 3")).result(scaled(1.0))
    assert not result.ok
    assert "knows no 'kick'" in result.text
    result = link.submit(parse("selector kqueue")).result(scaled(1.0))
    assert not result.ok


def test_quit_stops_a_stage_and_the_link_says_that_it_is_gone(run: Run) -> None:
    _stage, link = run(1)
    assert link.status.alive
    assert link.submit(parse("quit now")).result(scaled(3.0)).ok
    assert link.status == LinkStatus(False, "stage 1: stopped")
    assert link.submit(parse("selector poll")).result(scaled(1.0)).ok is False
    kinds = {type(event) for event in link.drain()}
    assert ServerStopped in kinds


def test_the_console_is_told_who_comes(run: Run) -> None:
    stage, link = run(5)
    with client_of(stage) as client:
        client.say("hello")
        client.read_line()
        events = link.drain()
        assert any(isinstance(event, Connected) and event.nick == "client-1" for event in events)
        snapshot = snapshot_of(link, lambda s: s.clients)
        assert {row.name for row in snapshot.threads} >= {"MainThread", "stage 5"}
        assert (snapshot.clients[0].bytes_in, snapshot.accepted) == (6, 1)


def test_a_stage_that_is_held_before_anybody_looked_is_shown_as_held(run: Run) -> None:
    stage, link = run(3)
    with client_of(stage) as talker, stopped_client_of(stage):
        until(lambda: stage.accepted == 2)
        talker.sock.setblocking(False)

        def full() -> bool:
            try:
                talker.sock.send(b"x" * 4000 + b"\n")
            except BlockingIOError:
                return True
            return False

        until(full, 20.0)
        snapshot = snapshot_of(link, lint("held-loop"))
        assert len(snapshot.clients) == 2


def test_a_port_in_use_is_an_error_and_leaves_nothing_behind(run: Run) -> None:
    stage, _link = run(1)
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
