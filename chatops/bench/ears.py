"""Clients of one line at a time, who wait until each of them has heard it."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Sequence

from chatops.bench.runner import BenchError

PATIENCE = 10.0                # seconds until a line must have come
CHUNK = 1 << 16                # bytes of a read: more would be mapped and unmapped by the system at
                               # each, in the time and on the CPUs of those who are timed


class Ear:
    """A client that says lines, and knows which have come."""

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.heard = b""

    def __enter__(self) -> Ear:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def fileno(self) -> int:
        return self.sock.fileno()

    def listen(self) -> None:
        data = self.sock.recv(CHUNK)
        if not data:
            raise BenchError("a node has closed a connection")
        self.heard += data


def meet(sender: Ear, hearers: Sequence[Ear]) -> None:
    """Until each node hears the first; what it said before they were joined is no loss."""
    deadline = time.monotonic() + PATIENCE
    for number in range(1 << 20):
        sender.sock.sendall(f"there {number}\n".encode())
        ready, _, _ = select.select(hearers, [], [], 0.1)
        for ear in ready:
            ear.listen()
        if all(b": there " in ear.heard for ear in hearers):
            break
        if time.monotonic() > deadline:
            raise BenchError(f"the nodes did not find each other within {PATIENCE:.0f} s")
    timed(sender, hearers, "all are there")


def timed(sender: Ear, hearers: Sequence[Ear], text: str) -> list[float]:
    """Seconds until each has heard this line."""
    wanted = f": {text}\n".encode()
    ways = dict.fromkeys(hearers, 0.0)
    for ear in hearers:
        ear.heard = b""
    began = time.perf_counter()
    sender.sock.sendall(f"{text}\n".encode())
    waiting = list(hearers)
    while waiting:
        ready, _, _ = select.select(waiting, [], [], PATIENCE)
        if not ready:
            raise BenchError(f"a line did not come within {PATIENCE:.0f} s")
        for ear in ready:
            ear.listen()
            if wanted in ear.heard:    # not at its end: who comes and goes is told as well
                ways[ear] = time.perf_counter() - began
                waiting.remove(ear)
    quiet(sender)
    return list(ways.values())


def quiet(ear: Ear) -> None:
    """What it hears of itself is read and forgotten, or its own node would wait for it."""
    while select.select([ear], [], [], 0)[0]:
        ear.listen()
    ear.heard = b""
