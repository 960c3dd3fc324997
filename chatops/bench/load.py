"""A process that loads one server and says what came of it.

    python -m chatops.bench.load SPEC     SPEC, and the answer on stdout, are JSON

The load's own CPU time is part of the answer: when it was busier than the server, the
figures say what the load can do, and the table says so.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Protocol, TypeVar

import msgspec

from chatops.bench import usage
from chatops.bench.crowd import Crowd, LoadError
from chatops.bench.flow import Latency, Throughput, measure_latency, measure_throughput
from chatops.bench.tongues import TONGUES, Spoken


class AnySpec(Protocol):
    """What every load is told."""

    @property
    def cpu(self) -> int | None:
        """To run on."""


_Spec = TypeVar("_Spec", bound=AnySpec)


class LoadSpec(msgspec.Struct, frozen=True):
    """What to do to which server.  Times in seconds, sizes in bytes."""

    port: int
    host: str = "127.0.0.1"
    spoken: Spoken = "line"    # there
    clients: int = 100
    room: str = ""             # to join at once, all of them as fast as they can
    senders: int = 10
    size: int = 64             # of a message without its newline
    window: int = 64           # messages on their way at most
    warm_up: float = 0.3
    seconds: float = 1.0       # of throughput, 0 for none
    rate: float = 200.0        # messages a second, of all senders together
    latency_seconds: float = 1.0
    idle_seconds: float = 0.0  # to sit still and see whether the server does
    server_pid: int = 0        # 0: do not look at the server's process
    cpu: int | None = None     # to run on
    more_ports: tuple[int, ...] = ()       # of nodes, beside `port`


class Idle(msgspec.Struct, frozen=True):
    """What a server did while nobody said anything."""

    seconds: float
    wakeups: int | None = None
    server_cpu: float | None = None


class LoadResult(msgspec.Struct, frozen=True):
    """What came of it.  `lost` deliveries were due and never arrived."""

    connect_seconds: float
    resident_empty: int | None = None      # bytes of the server before the first client
    resident: int | None = None            # and with all of them, when the load is over
    throughput: Throughput | None = None
    latency: Latency | None = None
    idle: Idle | None = None
    lost: int = 0
    closed: int = 0
    connect_cpu: float | None = None       # seconds of the server's, until all were answered


def run(spec: LoadSpec) -> LoadResult:
    """Connect, do what the spec asks for, and say what came of it."""
    pid = spec.server_pid
    empty = usage.resident_bytes(pid)
    crowd = Crowd(spec.host, spec.port, spec.senders, spec.size, TONGUES[spec.spoken],
                  spec.more_ports)
    try:
        cpu = usage.cpu_seconds(pid)
        connect_seconds = crowd.connect(spec.clients, spec.room)
        connect_cpu = usage.difference(usage.cpu_seconds(pid), cpu)
        crowd.settle()
        idle = sit_still(spec) if spec.idle_seconds else None
        throughput = latency = None
        lost = 0
        if spec.seconds:
            throughput = measure_throughput(crowd, spec.window, spec.warm_up, spec.seconds, pid)
            lost += crowd.outstanding
        if spec.latency_seconds and spec.rate:
            latency = measure_latency(crowd, spec.rate, spec.latency_seconds, pid)
            lost += crowd.outstanding
        return LoadResult(connect_seconds, empty, usage.resident_bytes(pid),
                          throughput, latency, idle, lost, crowd.closed, connect_cpu)
    finally:
        crowd.close()


def sit_still(spec: LoadSpec) -> Idle:
    """Say nothing for a while, and see whether the server sleeps."""
    pid = spec.server_pid
    before, cpu = usage.wakeups(pid), usage.cpu_seconds(pid)
    time.sleep(spec.idle_seconds)
    return Idle(spec.idle_seconds, usage.difference(usage.wakeups(pid), before),
                usage.difference(usage.cpu_seconds(pid), cpu))


def main(kind: type[_Spec], carry_out: Callable[[_Spec], msgspec.Struct]) -> int:
    """The process: a spec of this kind from the command line, its result on stdout."""
    spec = msgspec.json.decode(sys.argv[1], type=kind)
    usage.raise_descriptor_limit()
    usage.pin(0, spec.cpu)
    try:
        result = carry_out(spec)
    except (OSError, LoadError) as error:
        print(error, file=sys.stderr)
        return 1
    print(msgspec.json.encode(result).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main(LoadSpec, run))
