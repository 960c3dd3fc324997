"""tests/FAULTS.md, sending and slow readers (S01-S14): one bad reader is only its own trouble."""

from __future__ import annotations

import array
import fcntl
import os
import signal
import socket
import termios
from collections.abc import Callable

import pytest

from chatops.api.commands import Kick
from chatops.api.events import Disconnected, QueueEmptied, QueueGrew
from chatops.server.state import LINGER
from tests.integration.client import Client, Ended
from tests.integration.harness import Clock, Served, Server
from tests.integration.talk import (
    TIGHT,
    accounted,
    dropped,
    hear_bursts,
    numbered,
    say_and_hear,
    slow_room,
    speak_until,
    told_lost,
    watch_queues,
)

StartServer = Callable[..., Server]
StartServed = Callable[..., Served]


def gone(server: Server, client: Client) -> Callable[[], bool]:
    """Whether this client has been taken out of the chat."""
    return lambda: server.call(lambda: client.id not in server.chat.hub.sessions)


def in_kernel(client: Client) -> int:
    """Bytes that have arrived at a client and were not read (FIONREAD)."""
    waiting = array.array("i", [0])
    fcntl.ioctl(client.sock, termios.FIONREAD, waiting, True)
    return waiting[0]


# -- peers that do not read


def test_s01_a_peer_that_never_reads_is_evicted_and_memory_stays_bounded(
        served: StartServed) -> None:
    server = served("--rate-limit", "off")
    speaker, reader = server.client(), server.client()
    mute = server.client(rcvbuf=TIGHT)
    reader.heard()
    before = server.memory()
    say_and_hear(speaker, numbered(0, 16_384, 1024), [reader])     # 16 MiB
    assert server.memory() - before < 8 << 20
    mute.reset()
    server.wait_for_line(rf"Disconnected id={mute.id} .*evicted: queue full \(1\.0M\)")


def test_s01_who_is_evicted_reads_whole_lines_and_then_exactly_how_many_it_lost(
        server: StartServer) -> None:
    chat = server(sndbuf=TIGHT, outbox=16 << 10, rate_limit=0.0)
    speaker, reader, mute = slow_room(chat)
    said = speak_until(gone(chat, mute), speaker, reader)
    lines = mute.to_the_end()
    known, read = accounted(lines, speaker.nick)
    assert known == said
    mute.close()
    event = chat.wait_for(Disconnected, lambda event: event.id == mute.id)
    assert event.lines_lost == told_lost(lines[-1]) == said - read > 0
    assert event.reason == "evicted: queue full (16.0K)"
    assert reader.heard() == [f"*** {mute.nick} left (evicted: queue full (16.0K))"]


@pytest.mark.parametrize("policy", ["drop-oldest", "drop-newest"])
def test_s02_bursts_to_a_slow_reader_never_cut_or_glue_a_line_and_drops_are_told(
        server: StartServer, policy: str) -> None:
    chat = server(sndbuf=TIGHT, outbox=32 << 10, rate_limit=0.0, slow_consumer=policy)
    speaker, reader, slow = slow_room(chat)
    read = hear_bursts(speaker, reader, slow)
    chat.until(lambda chat: not chat.state.context.queued)
    assert chat.row(slow).lines_dropped == 2000 - read
    lost = dropped(chat, slow)
    assert sum(event.lines for event in lost) == 2000 - read
    assert {event.policy for event in lost} == {policy}


def test_s10_a_reader_that_takes_a_byte_a_second_is_dropped_at_the_progress_deadline(
        server: StartServer) -> None:
    chat = server(sndbuf=TIGHT, rate_limit=0.0)
    clock = Clock(chat)
    speaker, reader, trickle = slow_room(chat)
    speak_until(lambda: chat.row(trickle).queued > 8000, speaker, reader)
    connection = chat.call(lambda: chat.chat.state.connections[trickle.id])
    began, seconds = chat.chat.reactor.clock(), 0
    before = chat.call(lambda: connection.bytes_out)
    while not gone(chat, trickle)():
        trickle.read_bytes(1)
        taken = chat.call(lambda: connection.bytes_out)
        clock.advance(1)
        seconds += 1
        # What its kernel had room for still, and took at a pace that this clock knows nothing of,
        # is progress: 4 KiB of it earn another term.  So may what was taken before.
        terms = 2 + (taken - before) // 4096
        assert seconds <= 30 * terms + 1
    assert chat.chat.reactor.clock() - began >= 20     # by its own clock
    told = reader.read_line()
    assert told == f"*** {trickle.nick} left (evicted: took next to nothing for 30s)"


def test_s11_all_queues_together_stay_within_their_limit_and_the_worst_go_first(
        server: StartServer) -> None:
    limit = 2 << 20
    chat = server(sndbuf=TIGHT, total_outbox=limit, rate_limit=0.0)
    speaker = chat.client()
    mutes = [chat.client(rcvbuf=TIGHT) for _ in range(200)]
    worst = mutes[:10]
    for client in worst:
        client.join("heavy")
    shouter = chat.client()
    shouter.join("heavy")
    say_and_hear(shouter, numbered(0, 50, 1024))
    peak = watch_queues(chat)
    speak_until(lambda: chat.call(lambda: chat.chat.state.evicted) >= len(worst), speaker)
    here = chat.call(lambda: set(chat.chat.hub.sessions))
    assert not here & {client.id for client in worst}
    assert len(here) > 180
    speak_until(lambda: chat.call(lambda: chat.chat.state.evicted) >= 20, speaker)
    assert limit / 2 < peak() <= limit
    for client in mutes:
        client.close()
    chat.until(lambda chat: not chat.state.context.queued)
    speaker.heard()


# -- peers that vanish


def test_s03_a_reset_ends_that_client_only(server: StartServer) -> None:
    chat = server()
    speaker, reader, goner = chat.clients(3)
    goner.reset()
    event = chat.wait_for(Disconnected)
    assert (event.id, event.reason) == (goner.id, "peer reset")
    say_and_hear(speaker, numbered(0, 10), [reader])


def test_s03_a_room_whose_last_member_vanishes_leaves_nothing_behind(server: StartServer) -> None:
    chat = server()
    goner = chat.client()
    goner.join("tea")
    goner.reset()
    chat.until(lambda chat: not chat.state.connections)
    chat.turn()
    assert chat.call(lambda: chat.chat.delivery.fans) == {}
    assert chat.call(lambda: list(chat.chat.hub.rooms)) == ["lobby"]


def test_s04_a_reset_with_lines_queued_ends_that_client_only_and_counts_the_lines(
        server: StartServer) -> None:
    chat = server(sndbuf=TIGHT, rate_limit=0.0)
    speaker, reader, mute = slow_room(chat)
    said = speak_until(lambda: chat.row(mute).queued > 8000, speaker, reader)
    waiting = chat.row(mute).queued_lines
    mute.reset()
    event = chat.wait_for(Disconnected)
    assert (event.id, event.reason) == (mute.id, "peer reset")
    assert 0 < event.lines_lost <= waiting
    assert reader.heard() == [f"*** {mute.nick} left (peer reset)"]
    assert said > event.lines_lost
    chat.until(lambda chat: not chat.state.context.queued)


def test_s06_twenty_ends_in_one_turn_and_messages_to_them_harm_nobody(served: StartServed) -> None:
    server = served()
    speaker, reader = server.client(), server.client()
    others = [server.client() for _ in range(20)]
    for client in (speaker, reader):
        client.heard()
    os.kill(server.pid, signal.SIGSTOP)
    try:
        speaker.say("before")
        for client in others:
            client.close()         # with unread lines in it: some of these are resets
        speaker.say("after")
    finally:
        os.kill(server.pid, signal.SIGCONT)
    for client in (speaker, reader):
        client.expect(f"{speaker.nick}: before")
        client.expect(f"{speaker.nick}: after")
    assert "23 in lobby" not in reader.heard()


def test_s09_every_reader_gets_every_line_in_order(server: StartServer) -> None:
    speaker, *readers = server(rate_limit=0.0).clients(3)
    say_and_hear(speaker, numbered(0, 300), readers)


# -- being sent away


def test_s12_who_is_kicked_with_unread_input_reads_the_reason_and_then_the_end(
        server: StartServer) -> None:
    chat = server()
    rude = chat.client()

    def speak_and_kick() -> None:
        rude.send(b"x" * 1000)     # it lies unread while the kick is carried out
        chat.thread.admin.run(Kick((str(rude.id),), "too loud"))

    chat.call(speak_and_kick)
    rude.send(b"y" * 1000)
    assert rude.to_the_end() == ["*** you were kicked: too loud"]


def test_s12_what_was_queued_comes_before_the_reason(server: StartServer) -> None:
    chat = server(sndbuf=TIGHT, rate_limit=0.0)
    speaker, reader, slow = slow_room(chat)
    said = speak_until(lambda: chat.row(slow).queued > 8000, speaker, reader)
    chat.do(Kick((str(slow.id),), "too slow"))
    *lines, reason = slow.to_the_end()
    assert accounted(lines, speaker.nick) == (said, said)
    assert reason == "*** you were kicked: too slow"
    slow.close()
    event = chat.wait_for(Disconnected, lambda event: event.id == slow.id)
    assert (event.reason, event.lines_lost) == ("kicked: too slow", 0)


def test_a_kick_that_nobody_takes_ends_at_its_deadline_and_counts_the_lines_exactly(
        server: StartServer) -> None:
    chat = server(sndbuf=TIGHT, rate_limit=0.0)
    clock = Clock(chat)
    speaker, reader, mute = slow_room(chat)
    said = speak_until(lambda: chat.row(mute).queued > 8000, speaker, reader)
    chat.do(Kick((str(mute.id),), "deaf"))
    clock.advance(LINGER)
    event = chat.wait_for(Disconnected, lambda event: event.id == mute.id)
    lines = []
    try:
        while True:
            lines.append(mute.read_line())
    except (Ended, ConnectionResetError):
        pass
    known, read = accounted(lines, speaker.nick)
    assert known == read == said - event.lines_lost < said


def test_s13_kicking_twice_or_somebody_who_has_gone_is_an_answer_and_no_error(
        server: StartServer) -> None:
    chat = server()
    client, target = chat.clients(2)
    assert chat.submit(Kick((target.nick,))).ok
    again = chat.submit(Kick((str(target.id),)))
    assert (again.ok, again.text) == (False, f"#{target.id} is not here (any more)")
    both = chat.submit(Kick((str(target.id), str(client.id))))
    assert both.ok
    assert "is not here" in both.text
    assert not chat.submit(Kick(("nobody",))).ok


def test_s13_a_kick_in_the_middle_of_a_flood_reaches_its_target(server: StartServer) -> None:
    chat = server(rate_limit=0.0)
    speaker, target = chat.clients(2)
    target.say(*numbered(0, 5000))
    chat.do(Kick((str(target.id),), "flood"))
    target.read_until("*** you were kicked: flood")
    with pytest.raises(Ended):
        target.read_line()
    speaker.heard()


# -- the gauge


def test_s14_the_queue_depth_is_what_really_waits_and_returns_to_zero(
        server: StartServer) -> None:
    chat = server(sndbuf=TIGHT, rate_limit=0.0)
    speaker, reader, mute = slow_room(chat)
    said = speak_until(lambda: chat.row(mute).queued > 100_000, speaker, reader)
    line = len(f"{speaker.nick}: ") + 1024 + 1
    snapshot = chat.snapshot()
    row = next(row for row in snapshot.clients if row.id == mute.id)
    # What has arrived may not be acknowledged yet, and is then counted at both ends.
    arrived, sent = in_kernel(mute), row.kernel_queued
    assert arrived + sent >= said * line - row.queued >= max(arrived, sent)
    assert snapshot.queued == sum(row.queued for row in snapshot.clients)
    assert chat.wait_for(QueueGrew).id == mute.id
    for n in range(said):
        mute.expect(f"{speaker.nick}: {next(numbered(n, n + 1, 1024))}")
    event = chat.wait_for(QueueEmptied)
    assert event.id == mute.id
    assert event.peak >= row.queued
    chat.until(lambda chat: chat.state.context.queued == 0)
    assert chat.row(mute).queued == chat.row(reader).queued == 0


def test_writing_is_watched_while_bytes_wait_and_no_longer(server: StartServer) -> None:
    chat = server(sndbuf=TIGHT, rate_limit=0.0)
    speaker, reader, mute = slow_room(chat)
    assert chat.row(mute).mask == 1
    said = speak_until(lambda: chat.row(mute).queued > 0, speaker, reader)
    assert chat.row(mute).mask == 3
    for _ in range(said):
        mute.read_line()
    chat.until(lambda chat: not chat.state.context.queued)
    assert chat.row(mute).mask == 1


def test_a_socket_that_the_server_shut_is_read_to_its_end_and_not_reset(
        server: StartServer) -> None:
    client = server().client()
    client.say("/quit")
    client.expect("*** bye")
    assert client.sock.recv(1) == b""
    client.say("still talking")
    client.sock.shutdown(socket.SHUT_WR)
    assert client.sock.recv(1) == b""
