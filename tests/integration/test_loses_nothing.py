"""Whoever stays in a room gets its lines, all of them, once and in order, whatever others do.

In each room sits a witness who never leaves.  Everybody else comes, talks, moves and goes by
a seeded plan, without waiting for anything.  What anybody heard during one stay in a room
must be a slice of what the witness heard: no line missing, none twice, none out of place.
As a client says its first line together with its `/join`, and its last one together with
the next, the slice must begin and end exactly there.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from random import Random

import pytest

from chatops.api.commands import Selector, WriteInterest
from tests.integration.client import Client
from tests.integration.harness import Server
from tests.integration.talk import watch_queues

StartServer = Callable[..., Server]

ROOMS = ("lobby", "tea", "coffee", "cocoa")
MOVED = "*** you are in "

_serial = itertools.count()


class Talker:
    """Somebody who says lines that nobody says twice, and remembers them by stay."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.stays: list[tuple[str, list[str]]] = [("lobby", [])]
        self.heard: list[str] = []
        self.say(1)

    @property
    def room(self) -> str:
        return self.stays[-1][0]

    def _lines(self, count: int) -> list[str]:
        lines = [f"line {next(_serial)}" for _ in range(count)]
        self.stays[-1][1].extend(f"{self.client.nick}: {line}" for line in lines)
        return lines

    def say(self, count: int) -> None:
        self.client.say(*self._lines(count))

    def move(self, room: str) -> None:
        """Last line here, first line there, in one piece."""
        last = self._lines(1)
        self.stays.append((room, []))
        self.client.say(*last, f"/join {room}", *self._lines(1))

    def leave(self) -> None:
        """Say goodbye, and listen to the end at last."""
        self.client.say(*self._lines(1), "/quit")
        self.heard = self.client.to_the_end()
        self.client.close()


def plan(chat: Server, random: Random, steps: int, *, rcvbuf: int = 0) -> list[Talker]:
    """People come, talk, move, leave and vanish; returns those whose ears can be trusted."""
    here = [Talker(chat.client(rcvbuf=rcvbuf)) for _ in range(5)]
    gone: list[Talker] = []
    for _ in range(steps):
        who = random.choice(here)
        match random.choices(("say", "move", "come", "leave", "vanish"), (60, 20, 10, 6, 4))[0]:
            case "say":
                who.say(random.choice((1, 1, 1, 3, 40)))
            case "move":
                who.move(random.choice([room for room in ROOMS if room != who.room]))
            case "come" if len(here) < 40:
                here.append(Talker(chat.client(rcvbuf=rcvbuf)))
            case "leave" if len(here) > 3:
                who.leave()
                here.remove(who)
                gone.append(who)
            case "vanish" if len(here) > 3:
                who.say(5)
                who.client.reset()
                here.remove(who)
    for who in here:
        who.leave()
    return gone + here


def stays(lines: list[str]) -> Iterator[list[str]]:
    """What was said around a client, stay by stay; notices are left out."""
    said: list[str] = []
    for line in lines:
        if line.startswith(MOVED):
            yield said
            said = []
        elif not line.startswith("***"):
            said.append(line)
    yield said


def check(talker: Talker, witnessed: dict[str, list[str]], places: dict[str, dict[str, int]]
          ) -> None:
    """Each stay is a slice of what its room's witness heard, from first to last own line."""
    heard = list(stays(talker.heard))
    assert len(heard) == len(talker.stays)
    for n, ((room, own), lines) in enumerate(zip(talker.stays, heard, strict=True)):
        mine = [line for line in lines if line.startswith(f"{talker.client.nick}: ")]
        assert mine == own
        assert lines[-1] == own[-1]
        assert n == 0 or lines[0] == own[0]
        first = places[room][lines[0]]
        assert lines == witnessed[room][first:first + len(lines)]


def witnesses(chat: Server) -> dict[str, Client]:
    """One in each room, who stays to the end."""
    found = {room: chat.client() for room in ROOMS}
    for room, client in found.items():
        if room != "lobby":
            client.join(room)
    return found


def hear_all(chat: Server, talkers: list[Talker], watching: dict[str, Client]) -> int:
    """Check everybody's ears; returns how many lines were heard in all."""
    witnessed = {room: next(stays(client.heard())) for room, client in watching.items()}
    places = {room: {line: n for n, line in enumerate(lines)}
              for room, lines in witnessed.items()}
    for room, lines in witnessed.items():
        assert len(places[room]) == len(lines), f"a line came twice in {room}"
    for talker in talkers:
        check(talker, witnessed, places)
    chat.until(lambda chat: not chat.state.context.queued)
    return sum(map(len, witnessed.values()))


@pytest.mark.parametrize("seed", range(3))
def test_everybody_hears_a_room_exactly_while_being_there(server: StartServer, seed: int) -> None:
    chat = server(rate_limit=0.0)
    watching = witnesses(chat)
    talkers = plan(chat, Random(seed), 3000)
    assert hear_all(chat, talkers, watching) > 5000


def test_nothing_is_lost_through_small_kernel_buffers(server: StartServer) -> None:
    chat = server(rate_limit=0.0, sndbuf=4096)
    watching = witnesses(chat)
    peak = watch_queues(chat)
    talkers = plan(chat, Random(4), 3000, rcvbuf=4096)
    assert peak() > 10_000, "too easy"
    assert hear_all(chat, talkers, watching) > 5000


def test_nothing_is_lost_while_the_selector_changes_under_it(server: StartServer) -> None:
    chat = server(rate_limit=0.0, sndbuf=4096)
    watching = witnesses(chat)
    talkers: list[Talker] = []
    for n, backend in enumerate(("poll", "select", "epoll") * 3):
        chat.do(Selector(backend))
        chat.do(WriteInterest("always" if n % 2 else "on-demand", "stay"))
        talkers += plan(chat, Random(n), 300, rcvbuf=4096)
    chat.do(WriteInterest("on-demand"))
    hear_all(chat, talkers, watching)
