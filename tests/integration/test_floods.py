"""A flood is more than readers take at once: it waits for them, and not for who does not read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from selectors import EVENT_READ, DefaultSelector
from socket import socket
from threading import Event
from typing import cast

import pytest

from chatops.cli import DEMO
from chatops.lab.clients.spawner import Spawner, spawn_demo
from chatops.server import backpressure
from chatops.server.backpressure import PATIENCE, READERS, WINDOW
from chatops.server.server import ChatServer
from tests.integration.client import Client
from tests.integration.floods import TIGHTLY, StoppedClock, evicted, held
from tests.integration.harness import Server
from tests.integration.irc_client import IrcClient
from tests.integration.talk import TIGHT, meanwhile, say_and_hear, slow_room, speak_until
from tests.patience import scaled

StartServer = Callable[..., Server]

FLOODERS = 8


@pytest.fixture
def spawner() -> Iterator[Spawner]:
    spawner = Spawner()
    yield spawner
    spawner.close()


def here(server: Server) -> set[str]:
    return server.call(lambda: {each.nick for each in server.chat.hub.sessions.values()})


@pytest.mark.parametrize("flooders", [FLOODERS, 60])
def test_r06_the_demo_survives_a_flood_of_built_in_clients(
        server: StartServer, spawner: Spawner, flooders: int, monkeypatch: pytest.MonkeyPatch
        ) -> None:
    # All of them read on one thread: it may be a while until each has had its turn.
    monkeypatch.setattr(backpressure, "PATIENCE", scaled(PATIENCE))
    chat = server(**TIGHTLY)
    spawn_demo(spawner, chat.address)
    chat.until(lambda chat: len(chat.hub.sessions) == 8)
    demo = here(chat)
    spawner.spawn("flood", flooders, chat.address)
    bursts = flooders * DEMO.rate_burst    # lines that they may say at once
    chat.until(lambda chat: chat.hub.lines_in > bursts or chat.state.evicted > 1)
    assert evicted(chat) <= 1
    assert not demo - here(chat) - {"slow-1"}


@contextmanager
def flooding(talkers: list[Client], readers: list[Client]) -> Iterator[None]:
    """Lines of one letter, as many as the sockets of the first take; all of them read."""
    lines, watched = b"x\n" * 4096, DefaultSelector()
    for client in (*talkers, *readers):
        client.sock.setblocking(False)
        watched.register(client.sock, EVENT_READ)

    def flood(_: Event) -> None:
        for client in talkers:
            with suppress(OSError):
                client.sock.send(lines)
        for key, _mask in watched.select(0.05):
            with suppress(OSError):
                cast(socket, key.fileobj).recv(1 << 16)

    with watched, meanwhile(flood):
        yield


def test_r06_short_lines_that_are_long_to_hear_cost_no_reader_its_place(
        server: StartServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backpressure, "PATIENCE", scaled(PATIENCE))
    chat = server(**TIGHTLY, irc_port=0)
    port = chat.call(lambda: chat.chat.intake.irc_port)
    talkers = chat.clients(40)
    bursts = len(talkers) * DEMO.rate_burst
    with ExitStack() as stack:
        readers = [stack.enter_context(closing(IrcClient(
            (chat.address[0], port), f"reader{n}", "message-tags server-time"))) for n in range(4)]
        for reader in readers:
            reader.asked("JOIN #lobby")
        with flooding(talkers, [*readers]):
            chat.until(lambda chat: chat.hub.lines_in > bursts or chat.state.evicted)
        assert not evicted(chat)


def test_who_does_not_read_is_evicted_all_the_same(
        server: StartServer, spawner: Spawner) -> None:
    chat = server(**TIGHTLY)
    spawner.spawn("mute", 2, chat.address)
    spawner.spawn("flood", FLOODERS, chat.address)
    chat.until(lambda chat: chat.state.evicted == 2 and
               chat.hub.lines_in > FLOODERS * DEMO.rate_burst)
    assert not [nick for nick in here(chat) if nick.startswith("mute")]


# -- who is waited for


def queued(server: Server, client: Client) -> int:
    return server.call(lambda: server.chat.state.connections[client.id].queued)


def not_read(chat: ChatServer, client: Client) -> bool:
    return chat.state.connections[client.id].paused


def test_talk_waits_for_one_who_was_quick_until_now_but_a_second_at_most(
        server: StartServer) -> None:
    chat = server(**TIGHTLY, rate_limit=0.0)
    clock = StoppedClock(chat)
    speaker, reader, mute = slow_room(chat)
    speak_until(lambda: held(chat), speaker, reader)
    assert queued(chat, mute) < DEMO.outbox
    speaker.say("later")
    chat.until(lambda chat: not_read(chat, speaker))
    clock.advance(PATIENCE / 2)
    assert held(chat)
    clock.advance(PATIENCE)
    reader.expect(f"{speaker.nick}: later")
    assert not evicted(chat)
    speak_until(lambda: mute.nick not in here(chat), speaker, reader)
    assert evicted(chat) == 1


def test_talk_goes_on_as_soon_as_those_it_waits_for_have_read(server: StartServer) -> None:
    chat = server(**TIGHTLY, rate_limit=0.0)
    StoppedClock(chat)
    speaker, reader, behind = slow_room(chat)
    speak_until(lambda: held(chat), speaker, reader)
    speaker.say("later")
    chat.until(lambda chat: not_read(chat, speaker))
    behind.expect(f"{speaker.nick}: later")
    reader.expect(f"{speaker.nick}: later")


def test_other_rooms_do_not_wait(server: StartServer) -> None:
    chat = server(**TIGHTLY, rate_limit=0.0)
    clock = StoppedClock(chat)
    speaker, reader, _mute = slow_room(chat)
    elsewhere = chat.client()
    elsewhere.join("kitchen")
    speak_until(lambda: held(chat), speaker, reader)
    say_and_hear(elsewhere, ["is anybody here?"])
    assert held(chat)
    clock.advance(2 * PATIENCE)


def test_nobody_waits_for_a_queue_that_has_not_been_empty_for_long(server: StartServer) -> None:
    chat = server(**TIGHTLY, rate_limit=0.0)
    clock = StoppedClock(chat)
    speaker, reader, mute = slow_room(chat)
    speak_until(lambda: queued(chat, mute) > DEMO.outbox // 4, speaker, reader)
    clock.advance(2 * PATIENCE)
    speak_until(lambda: mute.nick not in here(chat) or held(chat), speaker, reader)
    assert not held(chat)
    assert evicted(chat) == 1


def test_nobody_waits_for_who_has_filled_its_queue_with_answers(server: StartServer) -> None:
    chat = server(**TIGHTLY, rate_limit=0.0)
    StoppedClock(chat)
    speaker, reader, asker = slow_room(chat)
    while queued(chat, asker) < DEMO.outbox // 2:
        asker.say("/help")
        chat.turn()
    assert not held(chat)
    say_and_hear(speaker, ["and now?"], [reader])


def test_r08_who_stops_and_comes_back_again_and_again_is_waited_for_once(
        server: StartServer) -> None:
    chat = server(**TIGHTLY, rate_limit=0.0)
    clock = StoppedClock(chat)
    speaker, reader, stops = slow_room(chat)
    speak_until(lambda: held(chat), speaker, reader)
    clock.advance(0.9 * PATIENCE)
    assert held(chat)
    speaker.say("are you back?")
    stops.expect(f"{speaker.nick}: are you back?")
    reader.expect(f"{speaker.nick}: are you back?")
    speak_until(lambda: held(chat), speaker, reader)
    clock.advance(0.2 * PATIENCE)
    assert not held(chat)
    assert not evicted(chat)
    speak_until(lambda: stops.nick not in here(chat) or held(chat), speaker, reader)
    assert not held(chat)
    assert evicted(chat) == 1


def test_r08_a_room_waits_for_a_few_in_a_minute_under_whatever_names_they_come(
        server: StartServer) -> None:
    chat = server(**TIGHTLY, rate_limit=0.0)
    clock = StoppedClock(chat)
    speaker, reader, mute = slow_room(chat)
    for _ in range(READERS):
        speak_until(lambda: held(chat), speaker, reader)
        clock.advance(PATIENCE)
        mute.close()
        mute = chat.client(rcvbuf=TIGHT)
    chat.until(lambda chat: len(chat.hub.sessions) == 3)
    speak_until(lambda: held(chat), speaker, reader)       # for what has come back meanwhile
    clock.advance(READERS * READERS * PATIENCE / WINDOW)
    assert not held(chat)
    assert not evicted(chat)
    speak_until(lambda: mute.nick not in here(chat) or held(chat), speaker, reader)
    assert not held(chat)
    assert evicted(chat) == 1
    clock.advance(WINDOW)
    chat.client(rcvbuf=TIGHT)
    speak_until(lambda: held(chat), speaker, reader)
    clock.advance(2 * PATIENCE)
