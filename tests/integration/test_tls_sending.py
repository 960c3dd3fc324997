"""Sending over TLS: a slow reader gets every byte in order, and every end is said in TLS too."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from chatops.api.commands import Kick
from chatops.api.events import Disconnected
from chatops.server.state import LINGER
from tests.integration.certificates import Authority
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
)

StartServer = Callable[..., Server]
StartServed = Callable[..., Served]


def test_a_slow_reader_gets_every_line_whole_and_in_order(secure: StartServer) -> None:
    chat = secure(sndbuf=TIGHT, rate_limit=0.0)
    speaker, reader, slow = slow_room(chat)
    said = speak_until(lambda: chat.row(slow).queued > 100_000, speaker, reader)
    assert chat.row(slow).mask == 3
    for n in range(said):
        slow.expect(f"{speaker.nick}: {next(numbered(n, n + 1, 1024))}")
    chat.until(lambda chat: not chat.state.context.queued)
    row = chat.row(slow)
    assert (row.queued, row.mask, row.state) == (0, 1, "open")


def test_chunks_of_many_records_arrive_whole(secure: StartServer) -> None:
    chat = secure(sndbuf=TIGHT, rate_limit=0.0, line=1 << 20)
    speaker, reader, slow = slow_room(chat)
    texts = ["".join(f"{n}," for n in range(first, first + 20_000)) for first in (0, 7, 99)]
    for text in texts:             # each of more than 100,000 bytes
        speaker.say(text)
        for client in (speaker, reader):
            client.expect(f"{speaker.nick}: {text}")
    assert [slow.read_until(lambda line: line.startswith(speaker.nick))[-1]
            for _ in texts] == [f"{speaker.nick}: {text}" for text in texts]


@pytest.mark.parametrize("policy", ["drop-oldest", "drop-newest"])
def test_drops_never_cut_or_glue_a_line_nor_touch_a_record_that_has_begun(
        secure: StartServer, policy: str) -> None:
    chat = secure(sndbuf=TIGHT, outbox=32 << 10, rate_limit=0.0, slow_consumer=policy)
    speaker, reader, slow = slow_room(chat)
    read = hear_bursts(speaker, reader, slow)
    assert sum(event.lines for event in dropped(chat, slow)) == 2000 - read


def test_who_is_evicted_reads_whole_lines_and_then_exactly_how_many_it_lost(
        secure: StartServer) -> None:
    chat = secure(sndbuf=TIGHT, outbox=16 << 10, rate_limit=0.0)
    speaker, reader, mute = slow_room(chat)
    said = speak_until(lambda: chat.call(lambda: mute.id not in chat.chat.hub.sessions),
                       speaker, reader)
    lines = mute.to_the_end()
    known, read = accounted(lines, speaker.nick)
    assert known == said
    assert told_lost(lines[-1]) == said - read > 0


def test_who_is_kicked_with_unread_input_reads_the_reason_and_then_the_end(
        secure: StartServer) -> None:
    chat = secure()
    rude = chat.client()

    def speak_and_kick() -> None:
        rude.send(b"x" * 1000)     # it lies unread while the kick is carried out
        chat.thread.admin.run(Kick((str(rude.id),), "too loud"))

    chat.call(speak_and_kick)
    rude.send(b"y" * 1000)
    assert rude.to_the_end() == ["*** you were kicked: too loud"]
    rude.close()
    assert chat.wait_for(Disconnected).reason == "kicked: too loud"


def test_what_was_queued_comes_before_the_reason_and_that_before_the_end(
        secure: StartServer) -> None:
    chat = secure(sndbuf=TIGHT, rate_limit=0.0)
    speaker, reader, slow = slow_room(chat)
    said = speak_until(lambda: chat.row(slow).queued > 8000, speaker, reader)
    chat.do(Kick((str(slow.id),), "too slow"))
    *lines, reason = slow.to_the_end()
    assert accounted(lines, speaker.nick) == (said, said)
    assert reason == "*** you were kicked: too slow"
    slow.close()
    event = chat.wait_for(Disconnected, lambda event: event.id == slow.id)
    assert (event.reason, event.lines_lost) == ("kicked: too slow", 0)


def test_a_kick_that_nobody_takes_ends_at_its_deadline(secure: StartServer) -> None:
    chat = secure(sndbuf=TIGHT, rate_limit=0.0)
    clock = Clock(chat)
    speaker, reader, mute = slow_room(chat)
    speak_until(lambda: chat.row(mute).queued > 8000, speaker, reader)
    chat.do(Kick((str(mute.id),), "deaf"))
    clock.advance(LINGER)
    assert chat.wait_for(Disconnected, lambda event: event.id == mute.id).lines_lost > 0
    chat.until(lambda chat: not chat.state.context.queued)


def test_z01_sigterm_is_told_and_ends_in_tls(served: StartServed, authority: Authority,
                                             pem: Path) -> None:
    chat = served("--tls-cert", str(pem))
    chat.must_live = False
    chat.trust = authority.trust
    clients = [chat.client() for _ in range(3)]
    clients[0].heard()
    chat.signal(signal.SIGTERM)
    for client in clients:
        assert client.to_the_end()[-1] == "*** the server is shutting down; bye"
    assert chat.status() == 0


def test_a_reset_ends_that_client_only(secure: StartServer) -> None:
    chat = secure()
    speaker, reader, goner = chat.clients(3)
    goner.reset()
    event = chat.wait_for(Disconnected)
    assert (event.id, event.reason) == (goner.id, "peer reset")
    say_and_hear(speaker, numbered(0, 10), [reader])


def test_a_reset_with_lines_queued_ends_that_client_only(secure: StartServer) -> None:
    chat = secure(sndbuf=TIGHT, rate_limit=0.0)
    speaker, reader, mute = slow_room(chat)
    speak_until(lambda: chat.row(mute).queued > 8000, speaker, reader)
    mute.reset()
    event = chat.wait_for(Disconnected)
    assert (event.id, event.reason) == (mute.id, "peer reset")
    assert event.lines_lost > 0
    assert reader.heard() == [f"*** {mute.nick} left (peer reset)"]
    chat.until(lambda chat: not chat.state.context.queued)
