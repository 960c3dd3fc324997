"""A million lines, with clients coming and going: `pytest -m soak`, well under a minute.

Four rooms, in each six who stay and talk all the time, one of them through a small buffer.
Those who stay must have heard the very same bytes, and in them every line of every stayer,
once and in order.  Meanwhile others come, say a few lines, and quit, close, reset, or never
read anything until they are closed.
"""

from __future__ import annotations

import re
import selectors
import time
from collections import Counter, deque
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from tests.integration.client import Client
from tests.integration.harness import Served

ROOMS = ("lobby", "tea", "coffee", "cocoa")
STAYERS = 6                    # in each room
LINES = 1_000_000
WINDOW = 600                   # lines of a stayer that may be on their way
BURST = 200                    # lines it says at once
LAG = 512 << 10                # bytes that the slowest may be behind: half of its outbox
SMALL = 16 << 10               # the receive buffer of the slowest
PASSERS = 2000                 # who come and go meanwhile
DEADLINE = 300.0               # seconds for all of it

_SAID = re.compile(rb"^(guest-\d+): (\d+) ", re.MULTILINE)


class Room:
    """What was said in a room, as its stayers heard it, from the moment all were there."""

    def __init__(self) -> None:
        self.log = bytearray()     # heard by somebody and not yet by everybody
        self.begin = 0             # where the log begins in all that was ever said
        self.stayers: list[Stayer] = []
        self.said: Counter[bytes] = Counter()
        self._rest = b""

    @property
    def lag(self) -> int:
        """Bytes by which the slowest is behind the fastest."""
        return self.begin + len(self.log) - min(stayer.at for stayer in self.stayers)

    def hear(self, data: bytes, at: int) -> None:
        """Somebody heard this at this place: the same as the others, or something new."""
        offset = at - self.begin
        known = min(len(self.log) - offset, len(data))
        assert self.log[offset:offset + known] == data[:known], "two heard different things"
        if known < len(data):
            self.log += data[known:]
            self._count(data[known:])
        oldest = min(stayer.at for stayer in self.stayers)
        if oldest - self.begin > 1 << 20:
            del self.log[:oldest - self.begin]
            self.begin = oldest

    def _count(self, data: bytes) -> None:
        whole, newline, self._rest = (self._rest + data).rpartition(b"\n")
        for nick, number in _SAID.findall(whole + newline):
            assert int(number) == self.said[nick], f"{nick!r} said {number!r} out of turn"
            self.said[nick] += 1


class Stayer:
    """One who talks all the time and hears everything."""

    def __init__(self, room: Room, client: Client) -> None:
        self.room = room
        self.client = client
        self.name = client.nick.encode()
        self.at = 0                # bytes heard since the beginning
        self.spoken = 0
        self.pending = b""
        room.stayers.append(self)
        client.sock.setblocking(False)

    def read(self) -> None:
        data = self.client.sock.recv(1 << 20)
        assert data, f"{self.name!r} was disconnected"
        at, self.at = self.at, self.at + len(data)
        self.room.hear(data, at)

    def talk(self, last: int) -> None:
        """Say more, as long as not too much of it is on its way."""
        if not self.pending and self.spoken < last and self.room.lag < LAG \
                and self.spoken - self.room.said[self.name] <= WINDOW - BURST:
            end = min(last, self.spoken + BURST)
            self.pending = b"".join(b"%d .......... some words\n" % n
                                    for n in range(self.spoken, end))
            self.spoken = end
        if self.pending:
            try:
                self.pending = self.pending[self.client.sock.send(self.pending):]
            except BlockingIOError:
                pass

    @property
    def done(self) -> bool:
        return self.at == self.room.begin + len(self.room.log)


class Passers:
    """Those who come and go, each in its own way."""

    def __init__(self, address: tuple[str, int], random: Random) -> None:
        self._address = address
        self._random = random
        self._deaf: deque[Client] = deque()
        self.count = 0

    def next(self) -> None:
        """One more; and of those who never read, the oldest goes."""
        self.count += 1
        kind = self._random.choice(("quit", "close", "reset", "deaf"))
        client = Client(self._address, rcvbuf=4096 if kind == "deaf" else 0)
        room = self._random.choice(ROOMS)
        joining = () if room == "lobby" else (f"/join {room}",)
        client.say(*joining, *(f"{n} passing by" for n in range(3)))
        match kind:
            case "quit":
                client.say("/quit")
                client.close()
            case "close":
                client.close()
            case "reset":
                client.reset()
            case "deaf":
                self._deaf.append(client)
        if len(self._deaf) > 10:
            self._deaf.popleft().close()

    def close(self) -> None:
        while self._deaf:
            self._deaf.popleft().close()


def gather(server: Served) -> list[Room]:
    """All stayers in their rooms, with nothing left to read but what is said from now on."""
    rooms = [Room() for _ in ROOMS]
    for name, room in zip(ROOMS, rooms, strict=True):
        for n in range(STAYERS):
            client = server.client(rcvbuf=SMALL if n == 0 else 0)
            if name != "lobby":
                client.join(name)
            Stayer(room, client)
    for room in rooms:
        for stayer in room.stayers:
            stayer.client.heard()
    for room in rooms:
        for stayer in room.stayers:
            stayer.client.heard()
            stayer.client.sock.setblocking(False)
    return rooms


def run(rooms: list[Room], passers: Passers) -> float:
    """Let them talk until everybody has heard everything; seconds it took."""
    stayers = [stayer for room in rooms for stayer in room.stayers]
    share = -(-LINES // len(stayers))
    began = time.monotonic()
    with selectors.DefaultSelector() as selector:
        for stayer in stayers:
            selector.register(stayer.client.sock, selectors.EVENT_READ, stayer)
        while True:
            assert time.monotonic() - began < DEADLINE
            for stayer in stayers:
                stayer.talk(share)
            for key, _ in selector.select(0.01):
                key.data.read()
            said = sum(room.said[stayer.name] for room in rooms for stayer in room.stayers)
            while passers.count < min(PASSERS, PASSERS * said // LINES):
                passers.next()
            if said >= share * len(stayers) and all(stayer.done for stayer in stayers):
                return time.monotonic() - began


@pytest.mark.soak
def test_a_million_lines_reach_everybody_who_stays_once_and_in_order(
        served: Callable[..., Served], capsys: pytest.CaptureFixture[str]) -> None:
    server = served("--rate-limit", "off")
    rooms = gather(server)
    memory, descriptors = server.memory(), server.descriptors()
    passers = Passers(server.address, Random(2026))
    try:
        took = run(rooms, passers)
    finally:
        passers.close()
    figures: dict[str, Any] = {
        "lines": sum(room.said.total() for room in rooms),
        "deliveries": sum(room.said.total() for room in rooms) * STAYERS,
        "passers": passers.count, "seconds": round(took, 1),
        "server CPU": round(server.cpu(), 1),
        "memory before": memory >> 10, "memory after": server.memory() >> 10}
    with capsys.disabled():
        print("", *(f"{name} {value:,}" for name, value in figures.items()), sep="  ")
    for room in rooms:
        for stayer in room.stayers:
            assert room.said[stayer.name] == stayer.spoken
            elsewhere = [other for other in rooms if other is not room]
            assert not any(other.said[stayer.name] for other in elsewhere)
    watcher = server.client()
    watcher.heard()
    assert server.descriptors() <= descriptors + 1
    assert server.memory() - memory < 24 << 20
