"""A load for two servers in turn: in a room of the one all read, in the other's some never do.

    python -m chatops.bench.nonreaders SPEC     SPEC, and the answer on stdout, are JSON

A machine's moods last for seconds; the two take turns of a fraction of one, so that both
have the same.  Those who never read have receive buffers as small as the system allows:
nearly all that they are sent stays with the server.
"""

from __future__ import annotations

import re
import socket
import sys

import msgspec

from chatops.bench.crowd import Crowd
from chatops.bench.flow import Throughput, measure_throughput, send_ahead
from chatops.bench.load import main

RECEIVE_BUFFER = 4096
WIDE_BUFFER = 1 << 20          # for reading it all, when the measurement is over
PATIENCE = 30.0                # seconds for one answer of a server that is busy
LOST = re.compile(rb"(\d+) lines were (?:dropped here|lost)")
OTHERS = re.compile(rb"with ([\d,]+) other")


class ServerPort(msgspec.Struct, frozen=True):
    """Where to find a server."""

    port: int
    server_pid: int = 0        # 0: do not look at the server's process


class StalledSpec(msgspec.Struct, frozen=True):
    """What to do to which two servers.  Times in seconds, sizes in bytes."""

    reading: ServerPort
    stalling: ServerPort
    host: str = "127.0.0.1"
    clients: int = 1000        # of each room
    stalled: int = 10          # of the clients of the second room, who never read
    ahead: int = 0             # messages that these are sent before the others come
    senders: int = 10
    size: int = 64             # of a message without its newline
    window: int = 64           # messages on their way at most
    turns: int = 12            # of each server
    warm_up: float = 0.05      # of a turn
    seconds: float = 0.25      # measured of a turn
    cpu: int | None = None     # to run on


class PairedTurn(msgspec.Struct, frozen=True):
    """One turn of both.  Deliveries are those to clients who read."""

    reading: Throughput
    stalling: Throughput


class StalledResult(msgspec.Struct, frozen=True):
    """What came of it, and of those who do not read, as far as the server told."""

    turns: list[PairedTurn]
    began: int                 # of them in the room when the first turn began
    stayed: int                # and when the last was over; the others had been evicted
    lines_lost: int            # by all of them together, before the first turn or later
    lost: int = 0              # deliveries, to the readers of both rooms, that never came
    closed: int = 0            # of these readers


class NonReaders:
    """Clients that do not read until they leave.  Belongs to one thread."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._sockets: list[socket.socket] = []

    def connect(self, clients: int) -> None:
        """Connect, and read nothing, not even the greeting."""
        for _ in range(clients):
            sock = socket.socket()
            self._sockets.append(sock)
            # Before connecting: the window that is announced there comes of it.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            sock.settimeout(PATIENCE)
            sock.connect(self._address)

    def present(self, readers: int) -> int:
        """How many are in the room beside so many readers: a newcomer is told how many others."""
        with socket.create_connection(self._address, PATIENCE) as newcomer:
            others = OTHERS.search(newcomer.recv(4096))
            newcomer.shutdown(socket.SHUT_WR)
            while newcomer.recv(4096):
                pass               # the next one must not be told of this one
        return max(0, int(others[1].replace(b",", b"")) - readers) if others else 0

    def lines_lost(self) -> int:
        """Leave, and read everything at last: of how many lost lines does it tell?"""
        return sum(map(_lines_lost, self._sockets))

    def close(self) -> None:
        for sock in self._sockets:
            sock.close()


def _lines_lost(sock: socket.socket) -> int:
    said = bytearray()
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WIDE_BUFFER)
        sock.shutdown(socket.SHUT_WR)
        while data := sock.recv(WIDE_BUFFER):
            said += data
    except OSError:
        pass                   # the server has given it up; what it said before counts
    return sum(int(lines[1]) for lines in LOST.finditer(said))


def run(spec: StalledSpec) -> StalledResult:
    """Fill both rooms, and load them in turn."""
    reading = Crowd(spec.host, spec.reading.port, spec.senders, spec.size)
    stalling = Crowd(spec.host, spec.stalling.port, spec.senders, spec.size)
    others = NonReaders(spec.host, spec.stalling.port)
    try:
        reading.connect(spec.clients)
        gather(stalling, others, spec)
        for crowd in (reading, stalling):
            crowd.settle()
        began = others.present(stalling.members)
        lost, turns, stayed, lines_lost = 0, [], began, None
        for _ in range(spec.turns):
            turns.append(PairedTurn(_turn(reading, spec.reading, spec),
                                    _turn(stalling, spec.stalling, spec)))
            lost += reading.outstanding + stalling.outstanding
            if stayed and not (stayed := others.present(stalling.members)):
                lines_lost = others.lines_lost()   # the evicted are told for a few seconds only
        return StalledResult(
            turns, began, stayed, others.lines_lost() if lines_lost is None else lines_lost,
            lost, reading.closed + stalling.closed)
    finally:
        for each in (others, reading, stalling):
            each.close()


def gather(crowd: Crowd, others: NonReaders, spec: StalledSpec) -> None:
    """Everybody comes; those who never read come early, when it takes no time to fill their
    queues, for there are few who have to be sent the same.
    """
    crowd.connect(spec.senders)
    others.connect(spec.stalled)
    send_ahead(crowd, spec.ahead, spec.window)
    crowd.connect(spec.clients - spec.senders - spec.stalled)


def _turn(crowd: Crowd, room: ServerPort, spec: StalledSpec) -> Throughput:
    return measure_throughput(crowd, spec.window, spec.warm_up, spec.seconds, room.server_pid)


if __name__ == "__main__":
    sys.exit(main(StalledSpec, run))
