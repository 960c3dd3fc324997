"""Who connects and leaves without a word is no news to those who talk."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chatops.api.events import Connected, Disconnected
from tests.integration.harness import Client, Clock, Server

StartServer = Callable[..., Server]


@pytest.fixture
def chat(server: StartServer) -> Server:
    """A server as it ships, where a newcomer may be silent for a second."""
    return server(announce_after=1.0)


def resident(chat: Server) -> Client:
    """Somebody who has been here for long."""
    client = chat.client()
    client.say("/nick resident")
    client.expect("*** guest-1 is now resident")
    return client


def gone(chat: Server, count: int) -> None:
    chat.until(lambda chat: len(chat.state.connections) == 1)
    assert sum(isinstance(event, Disconnected) for event in chat.events()) == count


def test_health_checks_that_connect_and_leave_are_not_announced(chat: Server) -> None:
    hearer = resident(chat)
    for _ in range(5):
        Client(chat.address, greeted=False).close()
    chat.wait_for(Disconnected, lambda event: event.id == 6)
    gone(chat, 5)
    assert hearer.heard() == []
    assert sum(isinstance(event, Connected) for event in chat.events()) == 6   # the operator's


@pytest.mark.parametrize("bye", ["quit", "/quit"])
def test_a_check_that_says_goodbye_and_nothing_else_is_not_announced(chat: Server, bye: str
                                                                     ) -> None:
    hearer = resident(chat)
    check = chat.client()
    check.say(bye)
    assert check.to_the_end()[-1] == "*** bye"
    gone(chat, 1)
    assert hearer.heard() == []


def test_whoever_speaks_is_announced_before_its_first_line_and_when_it_leaves(chat: Server
                                                                              ) -> None:
    hearer = resident(chat)
    talker = chat.client()
    talker.say("hello", "/quit see you")
    gone(chat, 1)
    assert hearer.heard() == ["*** guest-2 joined", "guest-2: hello", "*** guest-2 left (see you)"]
    assert not any("joined" in line for line in talker.to_the_end())


@pytest.mark.parametrize(("asked", "heard"), [
    ("/nick bob", ["*** guest-2 joined", "*** guest-2 is now bob"]),
    ("/me waves", ["*** guest-2 joined", "* guest-2 waves"]),
    ("/join kitchen", ["*** guest-2 joined", "*** guest-2 went to kitchen"]),
    ("/who", ["*** guest-2 joined"]),
    ("/msg resident psst", ["*** guest-2 joined", "[guest-2 -> you] psst"]),
    ("caf\u00e9 \x1b[1mbold", ["*** guest-2 joined", "guest-2: caf\u00e9 bold"]),
])
def test_a_command_introduces_as_a_line_does(chat: Server, asked: str, heard: list[str]) -> None:
    hearer = resident(chat)
    talker = chat.client()
    talker.say(asked)
    talker.say("/rooms")
    talker.read_until(lambda line: line.startswith("*** lobby: "))
    assert hearer.heard() == heard


def test_who_sits_silently_is_listed_at_once_and_announced_after_a_second(chat: Server) -> None:
    hearer = resident(chat)
    clock = Clock(chat)
    silent = chat.client(greeted=False)
    silent.read_line()
    hearer.say("/who")
    assert hearer.read_line() == "*** 2 in lobby: resident, guest-2"
    clock.advance(0.9)
    assert hearer.heard() == []
    clock.advance(0.2)
    assert hearer.read_line() == "*** guest-2 joined"
    assert silent.heard() == []
    silent.close()
    assert hearer.read_line() == "*** guest-2 left"


def test_after_the_last_announcement_an_idle_server_has_no_timer_and_sleeps(chat: Server) -> None:
    clock = Clock(chat)
    for _ in range(20):
        Client(chat.address, greeted=False).close()
    silent = [chat.client(greeted=False) for _ in range(3)]
    chat.wait_for(Disconnected, lambda event: event.id == 20)
    clock.advance(1.1)
    clock.advance(6.0)             # the lingering of those that left is over as well
    assert chat.snapshot().loop.next_deadline is None
    assert len(silent) == 3


def test_off_announces_at_once(server: StartServer) -> None:
    chat = server(announce_after=0.0)
    hearer = resident(chat)
    chat.client(greeted=False).read_line()
    assert hearer.read_line() == "*** guest-2 joined"
