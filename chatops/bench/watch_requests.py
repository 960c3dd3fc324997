"""How many requests a server answers while it is observed: each in a process of its own.

The same server three times: plain, started by `chatops watch` with nobody looking, and with a
link that asks for pictures as a console does, from another process.  They run at the same time
and are loaded in turn, a fraction of a second each, so that whatever else the machine does
hits all alike; what is told are medians of the ratios within a round.  CPU seconds of the
server for each request are told beside them: other programs do not change those.
"""

from __future__ import annotations

import os
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import msgspec

from chatops.bench import usage
from chatops.bench.figures import median
from chatops.bench.runner import BenchError, end, spawn

CONNECTIONS = 16
SLICE = 0.25                   # seconds of load on one server at a time
WARM_UP = 0.3
START = 20.0                   # seconds for a server to come up
MODES = ("plain", "watched", "looked at")
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
ANSWER_END = b"hello"


class RequestRow(msgspec.Struct, frozen=True):
    """Of one way to run it: medians over the rounds, ratios to the plain one of the same round."""

    mode: str
    rate: float                # requests a second
    kept: float                # of the plain one's rate
    cpu: float | None          # seconds of the server's for a request
    cost: float | None         # of the plain one's


class _LoadedServer:
    """One of the three, with connections that are kept."""

    def __init__(self, mode: str, folder: Path, cpu: int | None, stack: ExitStack) -> None:
        self.mode = mode
        control = folder / f"{mode.replace(' ', '-')}.sock"
        served = ["-m", "chatops.bench.served"]
        command = ([sys.executable, *served] if mode == "plain" else
                   [sys.executable, "-m", "chatops", "watch", "--serve", "--socket", str(control),
                    *served])
        self.process = spawn(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL)
        stack.callback(end, self.process)
        usage.pin(self.process.pid, cpu)
        self.port = int(self._said(self.process, b"port ", stack))
        if mode == "looked at":
            onlooker = spawn([sys.executable, "-m", "chatops.bench.onlooker", str(control)],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL)
            stack.callback(end, onlooker)
            self._said(onlooker, b"looks at ", stack)      # it has a picture
        self.selector = stack.enter_context(selectors.DefaultSelector())
        for _ in range(CONNECTIONS):
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", self.port), START))
            self.selector.register(sock, selectors.EVENT_READ)

    def _said(self, process: subprocess.Popen[bytes], sign: bytes, stack: ExitStack) -> bytes:
        """What follows this sign in what a process prints, when it is ready."""
        assert process.stdout is not None
        stack.enter_context(process.stdout)
        for line in process.stdout:
            if line.startswith(sign):
                return line.removeprefix(sign)
        raise BenchError(f"the server that is {self.mode} has not come up")

    def load(self, seconds: float) -> tuple[float, float | None]:
        """Requests a second, one at a time on each connection, and CPU seconds for each."""
        answered, left = 0, CONNECTIONS
        before, began = usage.cpu_seconds(self.process.pid), time.perf_counter()
        until = began + seconds
        for key in self.selector.get_map().values():
            key.fileobj.send(REQUEST)  # type: ignore[union-attr]  # all of them are sockets
        while left:
            ready = self.selector.select(START)
            if not ready:
                raise BenchError(f"the server that is {self.mode} does not answer")
            going = time.perf_counter() < until
            for key, _ in ready:
                data = key.fileobj.recv(4096)  # type: ignore[union-attr]  # all are sockets
                if not data:
                    raise BenchError(f"the server that is {self.mode} has hung up")
                if not data.endswith(ANSWER_END):
                    continue
                answered += 1
                if going:
                    key.fileobj.send(REQUEST)  # type: ignore[union-attr]  # all are sockets
                else:
                    left -= 1
        took = time.perf_counter() - began
        spent = usage.difference(usage.cpu_seconds(self.process.pid), before)
        return answered / took, spent / answered if spent is not None else None


def measure_requests(rounds: int, cpus: tuple[int, int] | None = None) -> tuple[RequestRow, ...]:
    """Raises BenchError where a server does not come up or does not answer."""
    pinned = os.sched_getaffinity(0) if cpus is not None else set()
    found: dict[str, list[tuple[float, float | None]]] = {mode: [] for mode in MODES}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        servers = [_LoadedServer(mode, Path(folder), cpus[0] if cpus else None, stack)
                   for mode in MODES]
        if cpus is not None:
            usage.pin(0, cpus[1])
            stack.callback(os.sched_setaffinity, 0, pinned)
        for server in servers:
            server.load(WARM_UP)
        for number in range(rounds):
            for server in servers[number % 3:] + servers[:number % 3]:
                found[server.mode].append(server.load(SLICE))
    return tuple([_row(mode, found) for mode in MODES])


def _row(mode: str, found: dict[str, list[tuple[float, float | None]]]) -> RequestRow:
    mine, plain = found[mode], found["plain"]
    pairs = list(zip(mine, plain, strict=True))
    kept = median([rate / of_plain for (rate, _), (of_plain, _) in pairs])
    return RequestRow(
        mode, median([rate for rate, _ in mine]) or 0.0, kept or 0.0,
        median([cpu for _, cpu in mine]),
        median([cpu / of_plain for (_, cpu), (_, of_plain) in pairs if cpu and of_plain]))


def request_lines(rows: tuple[RequestRow, ...]) -> list[str]:
    """The table, a line each."""
    lines = ["uvicorn in a process of its own, loaded from another one:",
             f"  {'':12}{'requests/s':>12}{'kept':>8}{'CPU a request':>16}{'cost':>8}"]
    for row in rows:
        cpu = f"{row.cpu * 1e6:.1f} µs" if row.cpu is not None else "-"
        cost = f"x {row.cost:.2f}" if row.cost is not None else "-"
        lines.append(f"  {row.mode:12}{row.rate:12,.0f}{row.kept:8.2f}{cpu:>16}{cost:>8}")
    return lines


if __name__ == "__main__":
    sys.stdout.write("\n".join(request_lines(measure_requests(15, usage.choose_cpus()))) + "\n")
