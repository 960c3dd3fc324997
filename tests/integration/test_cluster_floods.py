"""A flood on other nodes: it waits for readers here, as one on this node does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from chatops.cli import DEMO
from chatops.cluster import start
from chatops.cluster.arrivals import Arrivals, bearable
from chatops.net.context import SHARE
from chatops.server.backpressure import PATIENCE
from chatops.server.server import ChatServer
from tests.integration.client import Client
from tests.integration.engine import Engine, needs_engine
from tests.integration.floods import TIGHTLY, StoppedClock, evicted, held
from tests.integration.harness import Server
from tests.integration.nodes import QUICK, known, of, sees, up
from tests.integration.talk import TIGHT, numbered, say_and_hear, speak_until
from tests.integration.until import until
from tests.patience import scaled

Start = Callable[..., Server]

pytestmark = needs_engine

OUTBOX = DEMO.outbox


@pytest.fixture
def lasting(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lease of a node whose clock stands still lasts as long as a test."""
    monkeypatch.setattr(start, "PACE", replace(QUICK, lease=scaled(120.0)))


@pytest.fixture
def speakers(node: Start, lasting: None) -> tuple[Server, Client, Client]:
    """Node c, a speaker on node a, and a reader on node c."""
    a = node("a", rate_limit=0.0, **TIGHTLY)
    c = node("c", knows=1, rate_limit=0.0, **TIGHTLY)
    a.until(lambda chat: known(chat) == {"c"})
    reader, speaker = c.client(), a.client()
    c.until(lambda chat: sees(chat, speaker.nick))
    a.until(lambda chat: sees(chat, reader.nick))
    return c, speaker, reader


def behind(chat: ChatServer) -> int:
    """Bytes of the log that are here, and have not been read."""
    return of(chat).arrivals.behind


def test_r07_talk_of_other_nodes_waits_for_one_who_was_quick_until_now_but_a_second_at_most(
        speakers: tuple[Server, Client, Client]) -> None:
    c, speaker, reader = speakers
    clock = StoppedClock(c)
    c.client(rcvbuf=TIGHT)
    speak_until(lambda: held(c), speaker, reader)
    speaker.say(*numbered(0, OUTBOX >> 10, 1024), "later")
    c.until(lambda chat: behind(chat) or chat.state.evicted)
    assert not evicted(c)
    clock.advance(PATIENCE / 2)
    assert c.call(lambda: behind(c.chat))
    assert c.call(lambda: up(c.chat))
    clock.advance(PATIENCE)
    reader.expect(f"{speaker.nick}: later")
    c.until(lambda chat: chat.state.evicted == 1)


def test_r07_it_goes_on_as_soon_as_those_it_waits_for_have_read(
        speakers: tuple[Server, Client, Client]) -> None:
    c, speaker, reader = speakers
    StoppedClock(c)
    slow = c.client(rcvbuf=TIGHT)
    speak_until(lambda: held(c), speaker, reader)
    speaker.say("later")
    c.until(behind)
    for client in (slow, reader):
        client.expect(f"{speaker.nick}: later")
    assert not evicted(c)


def test_what_is_said_here_is_heard_there_meanwhile(
        speakers: tuple[Server, Client, Client]) -> None:
    c, speaker, reader = speakers
    clock = StoppedClock(c)
    other = c.client()
    other.join("kitchen")
    c.client(rcvbuf=TIGHT)
    speak_until(lambda: held(c), speaker, reader)
    speaker.say("later")
    c.until(behind)
    other.say(f"/msg {speaker.nick} are you there?")
    speaker.expect(f"[{other.nick} -> you] are you there?")
    assert c.call(lambda: behind(c.chat))
    clock.advance(2 * PATIENCE)


def test_the_log_does_not_wait_for_rooms_that_are_only_here(
        speakers: tuple[Server, Client, Client]) -> None:
    c, speaker, reader = speakers
    StoppedClock(c)
    talker, hearer, mute = c.client(), c.client(), c.client(rcvbuf=TIGHT)
    for client in (talker, hearer, mute):
        client.join("kitchen")
    speak_until(lambda: held(c), talker, hearer)
    say_and_hear(speaker, ["are you there?"], [reader])
    assert held(c)


def test_r07_a_turn_brings_in_no_more_of_the_log_than_outboxes_bear(
        speakers: tuple[Server, Client, Client], monkeypatch: pytest.MonkeyPatch) -> None:
    c, speaker, reader = speakers
    reads = Arrivals.wants_more
    monkeypatch.setattr(Arrivals, "wants_more", property(lambda self: False))
    say_and_hear(speaker, ["first"])   # an answer to what had been asked for already
    say_and_hear(speaker, numbered(0, 4 * OUTBOX >> 10, 1024))
    heard: list[int] = []
    c.call(lambda: c.chat.on_publish.append(
        lambda: heard.append(sum(fan.bytes for fan in c.chat.delivery.fans["lobby"].values()))))
    monkeypatch.setattr(Arrivals, "wants_more", reads)
    c.turn()
    reader.expect(f"{speaker.nick}: " + next(numbered(255, 256, 1024)))
    most = max(after - before for before, after in pairwise(heard))
    assert 0 < most <= OUTBOX // SHARE + bearable(OUTBOX)


def test_r07_a_node_that_reads_no_more_for_now_keeps_its_lease(
        node: Start, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    a = node("a")
    monkeypatch.setattr(Arrivals, "wants_more", property(lambda self: False))
    engine.write(b"")                  # with an answer that has something in it, it asks no more
    lease: list[int] = []

    def renewed() -> int:
        a.turn()
        lease.append(engine.ask("PTTL", "{chatops}:node:a"))
        return sum(after > before for before, after in pairwise(lease))

    until(lambda: renewed() > 2)
