"""What a hostile outsider found out: each of these once stopped or stalled the server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from chatops.api.commands import Limit, Quit
from chatops.api.events import Disconnected, Refused, Warned
from chatops.server.acceptor import REFUSALS_SAID
from tests.integration.client import Client
from tests.integration.harness import PATIENCE, Clock, Server
from tests.integration.talk import say_and_hear
from tests.patience import scaled, uncollected

StartServer = Callable[..., Server]

GOODBYE = "*** the server is shutting down; bye"


def test_an_idle_timeout_of_a_month_does_not_end_the_loop(server: StartServer) -> None:
    chat = server()
    client = chat.client()
    chat.do(Limit("idle-timeout", "30d"))
    client.say("still here")
    client.expect("guest-1: still here")


def test_a_limit_beyond_any_float_is_refused_and_the_old_one_stays(server: StartServer) -> None:
    chat = server()
    for name in ("stall", "outbox", "rate-limit"):
        before = chat.do(Limit(name)).text
        assert not chat.submit(Limit(name, "9" * 400)).ok
        assert chat.do(Limit(name)).text == before


def test_what_was_held_for_its_rate_is_heard_before_the_goodbye(server: StartServer) -> None:
    chat = server(rate_limit=1.0, rate_burst=1)
    chat.must_live = False
    talker, listener = chat.clients(2)
    listener.heard()
    lines = [f" costly {n}" for n in range(500)]
    talker.say(*lines)
    talker.read_until(lambda line: "more slowly" in line)
    chat.do(Quit("drain"))
    assert listener.to_the_end() == [*(f"guest-1: {line}" for line in lines), GOODBYE]


def test_a_flood_of_requests_that_are_held_keeps_a_drain_no_longer_than_its_deadline(
        server: StartServer) -> None:
    chat = server(drain=2.0)
    chat.must_live = False
    chat.client()

    def flood() -> None:
        hub = chat.chat.hub
        for n in range(1000):
            hub.rooms.open(f"room{n}")
        (session,) = hub.sessions.values()
        session.held = b"/rooms\n" * 100_000       # as 64 KB from each of ten clients

    chat.call(flood)
    began = time.monotonic()
    chat.do(Quit("drain"))
    assert chat.thread.wait(PATIENCE)
    assert time.monotonic() - began < scaled(3.0)      # the drain that was allowed, and a little


CROWD = 20
QUESTIONS = 512                # of each of them at once


@pytest.mark.parametrize("lines", ["/rooms\n", "/rooms\n/join b\n/rooms\n/join lobby\n"],
                         ids=["asking", "asking-and-moving"])
def test_a_crowd_that_asks_for_a_thousand_rooms_holds_nobody_up(
        server: StartServer, lines: str) -> None:
    few, many = (cost_of_asking(server(rate_limit=0.0), lines, rooms) for rooms in (10, 990))
    # To write each answer anew, instead of once a turn, would cost as much more as it is longer.
    assert many < 10 * few


def cost_of_asking(chat: Server, lines: str, rooms: int) -> float:
    """Seconds of the reactor's processor time, in which a crowd has all of its answers."""
    def fill() -> None:
        for n in range(rooms):
            chat.chat.hub.rooms.open(f"room{n}")

    chat.call(fill)
    speaker, hearer, *crowd = chat.clients(2 + CROWD)
    said_at: list[float] = []
    talk = chat.chat.hub.talk

    def said(*args: Any) -> None:
        said_at.append(time.thread_time())
        talk(*args)

    chat.call(lambda: setattr(chat.chat.hub, "talk", said))
    with uncollected():
        before = chat.call(time.thread_time)       # of the reactor, whatever else this machine does
        held, all_sent = threading.Event(), threading.Event()

        def hold() -> None:
            held.set()
            all_sent.wait(PATIENCE)

        chat.chat.reactor.submit(hold)             # so that it sees all of them at once
        assert held.wait(PATIENCE)
        for asker in crowd:
            asker.send(lines.encode() * (QUESTIONS // lines.count("\n")))
        speaker.say("may I?")
        all_sent.set()
        hearer.expect(f"{speaker.nick}: may I?")
        for asker in crowd:
            asker.heard()
        took = chat.call(time.thread_time) - before
    # Who only talks does not wait until all have been answered.
    assert said_at[0] - before < took / 2
    return took


LOUD = 3


def test_what_a_few_may_say_at_once_sends_nobody_away_who_has_not_read_it_yet(
        server: StartServer) -> None:
    chat = server(sndbuf=4096)
    loud = chat.clients(LOUD)
    busy = chat.client(rcvbuf=4096)
    for client in loud:
        client.heard()
    for client in loud:
        client.say(*["x" * 4000] * 300)
    for client in loud:
        client.read_until(lambda line: "you are read more slowly" in line)
    assert chat.row(busy).queued > LOUD * 200_000      # all that their burst allows
    assert chat.snapshot().evicted == 0
    assert chat.row(busy).state == "open"


def test_who_floods_with_telnet_negotiation_is_not_read_for_a_moment_and_loses_nothing(
        server: StartServer) -> None:
    chat = server()
    clock = Clock(chat)
    chat.call(lambda: setattr(chat.chat.reactor, "clock", lambda: 1e6 + clock.ahead))
    flooder, listener = chat.clients(2)
    flooder.send(b"\xff\xf1" * 30_000)
    chat.until(lambda inside: inside.state.connections[flooder.id].paused)
    assert chat.row(flooder).mask == 0
    flooder.say("", "after it")
    chat.turn()
    assert "guest-1: after it" not in listener.heard()
    for _ in range(10):
        clock.advance(1)
    listener.expect("guest-1: after it")
    chat.until(lambda inside: not inside.state.connections[flooder.id].paused)


def test_who_resets_while_it_is_held_is_gone_before_its_lines_would_be(
        server: StartServer) -> None:
    chat = server()
    clock = Clock(chat)
    ghost, other = chat.clients(2)
    ghost.join("apart")            # where nobody is told anything, and no write would fail
    ghost.send(b"\n" * 60_000)     # twenty minutes of silence, at 50 a second
    ghost.read_until(lambda line: "more slowly" in line)
    ghost.reset()
    clock.advance(1)
    clock.advance(1)
    event = chat.wait_for(Disconnected)
    assert (event.id, event.reason) == (ghost.id, "peer reset")
    assert other.heard()[-1] == f"*** {ghost.nick} went to apart"


def test_thousands_who_are_refused_are_counted_and_do_not_fill_the_log(
        server: StartServer) -> None:
    chat = server(max_clients=2)
    chat.open_to_all = False
    clock = Clock(chat)
    chat.call(lambda: setattr(chat.chat.reactor, "clock", lambda: 1e6 + clock.ahead))
    speaker, hearer = chat.clients(2)
    for _ in range(1000):
        Client(chat.address, greeted=False).close()
    chat.until(lambda inside: inside.state.refused == 1000)
    clock.advance(1)
    more = chat.wait_for(Warned)
    said = sum(isinstance(event, Refused) for event in chat.events())
    assert said == REFUSALS_SAID
    assert more.text == f"{1000 - said} more newcomers were refused within a second"
    say_and_hear(speaker, ["still here"], [hearer])
    Client(chat.address, greeted=False).close()
    chat.until(lambda inside: inside.state.refused == 1001)
    assert sum(isinstance(event, Refused) for event in chat.events()) == said + 1
