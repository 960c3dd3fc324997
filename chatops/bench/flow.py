"""Two ways to load a server, and what each of them measures.

*Throughput* is a closed loop: at most `window` messages are on their way at any time, so
the server is always busy and never drowned.  *Latency* is an open loop at a fixed rate:
each message carries the time it was sent and each arrival at each receiver is a sample, so
a server that stalls cannot hide it by slowing down the questions.
"""

from __future__ import annotations

import gc
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import msgspec

from chatops.bench import usage
from chatops.bench.crowd import Crowd, LoadError

LAST_WAIT = 3.0                # seconds without an arrival until the rest counts as lost

# In a closed loop one of the two is always at work.  When both got less of a CPU than this,
# somebody else had the rest of it.
UNDISTURBED = 0.75


class Throughput(msgspec.Struct, frozen=True):
    """Deliveries in a closed loop.  CPU in seconds over the `seconds` measured."""

    seconds: float
    deliveries_per_s: float
    messages_per_s: float
    load_cpu: float
    server_cpu: float | None = None

    @property
    def cpu_per_delivery(self) -> float | None:
        """Seconds of the server's CPU for one delivery."""
        deliveries = self.deliveries_per_s * self.seconds
        return None if self.server_cpu is None or not deliveries else self.server_cpu / deliveries

    @property
    def disturbed(self) -> bool:
        """Whether other programs had the CPUs; False when that is not known."""
        return (self.server_cpu is not None
                and max(self.server_cpu, self.load_cpu) < UNDISTURBED * self.seconds)


class Latency(msgspec.Struct, frozen=True):
    """Times from a send to an arrival, in microseconds; NaN without a sample."""

    samples: int
    p50: float
    p99: float
    p999: float
    worst: float
    load_cpu: float
    server_cpu: float | None = None


def percentile(ordered: Sequence[float], share: float) -> float:
    """The sample that a `share` of all lie below; NaN of none."""
    if not ordered:
        return float("nan")
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def measure_throughput(crowd: Crowd, window: int, warm_up: float, seconds: float,
                       server_pid: int = 0) -> Throughput:
    """Keep `window` messages on their way for `seconds`, after warming up."""
    clock = time.perf_counter
    with _undisturbed(crowd):
        _flow(crowd, window, clock() + warm_up)
        arrived, sent = crowd.arrived, crowd.sent
        server_cpu, load_cpu = usage.cpu_seconds(server_pid), time.process_time()
        began = clock()
        _flow(crowd, window, began + seconds)
        elapsed = clock() - began
        result = Throughput(elapsed, (crowd.arrived - arrived) / elapsed,
                            (crowd.sent - sent) / elapsed, time.process_time() - load_cpu,
                            usage.difference(usage.cpu_seconds(server_pid), server_cpu))
        _wait_for_the_rest(crowd, crowd.read)
    return result


def measure_latency(crowd: Crowd, rate: float, seconds: float,
                    server_pid: int = 0) -> Latency:
    """Send `rate` messages a second for `seconds`; every arrival is a sample."""
    clock = time.monotonic
    samples: array[float] = array("d")
    with _undisturbed(crowd):
        server_cpu, load_cpu = usage.cpu_seconds(server_pid), time.process_time()
        due = clock()
        end = due + seconds
        while (now := clock()) < end and crowd.members:
            while due <= now:
                crowd.say(1)
                due += 1 / rate
            crowd.send_rest()
            # A poll counts whole milliseconds and rounds up: round down, so as not to be late.
            crowd.sample(max(0.0, int((min(due, end) - now) * 1e3) / 1e3), samples)
        server_cpu = usage.difference(usage.cpu_seconds(server_pid), server_cpu)
        load_cpu = time.process_time() - load_cpu
        _wait_for_the_rest(crowd, lambda timeout: crowd.sample(timeout, samples))
    ordered = sorted(samples)
    return Latency(len(ordered), percentile(ordered, 0.5), percentile(ordered, 0.99),
                   percentile(ordered, 0.999), percentile(ordered, 1.0), load_cpu, server_cpu)


def send_ahead(crowd: Crowd, messages: int, window: int) -> None:
    """Say so many messages, and have them arrive."""
    with _undisturbed(crowd):
        while messages > 0 and crowd.members:
            crowd.say(min(messages, window))
            messages -= window
            _wait_for_the_rest(crowd, crowd.read)


def _flow(crowd: Crowd, window: int, end: float) -> None:
    clock = time.perf_counter
    while clock() < end:
        hearers = crowd.hearers
        if not hearers:
            raise LoadError(f"nobody hears what is said: {crowd.last_words()}" if crowd.members else
                            f"the server closed every client: {crowd.last_words()}")
        free = window - -(-crowd.outstanding // hearers)
        if free > 0:
            crowd.say(free)
        crowd.send_rest()
        crowd.read(0.001)


def _wait_for_the_rest(crowd: Crowd, read: Callable[[float], None]) -> None:
    deadline = time.monotonic() + LAST_WAIT
    while crowd.outstanding and time.monotonic() < deadline:
        before = crowd.arrived
        crowd.send_rest()
        read(0.05)
        if crowd.arrived > before:
            deadline = time.monotonic() + LAST_WAIT


@contextmanager
def _undisturbed(crowd: Crowd) -> Iterator[None]:
    """Begin counting at nothing, and without the garbage collector."""
    crowd.sent = crowd.arrived = crowd.due = 0
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
