"""What a console that is attached, and a collector that scrapes, cost a server.

One server is loaded again and again, a second at a time, with somebody looking and with nobody:
two servers never have the same luck with a machine's caches, and other programs come and go.
What is told are medians of the ratios within a round.

Who looks runs on the load's CPU and takes time of the load: where that is the limit, some of what
is not `kept` is the load's loss.  `cost` is the server's alone.
"""

from __future__ import annotations

import importlib.util
import subprocess
from collections.abc import Sequence
from typing import IO

import msgspec

from chatops.bench import usage
from chatops.bench.contenders import LOOKED_AT, PYTHON
from chatops.bench.figures import DISTURBANCE, median, number, row
from chatops.bench.flow import Throughput
from chatops.bench.load import LoadSpec
from chatops.bench.ports import HeldPort
from chatops.bench.runner import BenchError, ServerProcess, end, run_load, spawn

ROUNDS = 5                     # for each round that is asked for: a ratio needs many
WIDTHS = (9, 14, 14, 8, 8)


class AttachedRow(msgspec.Struct, frozen=True):
    """With so many clients: medians over the rounds, None where nothing was measured."""

    clients: int
    alone: float | None = None         # deliveries/s while nobody looks
    attached: float | None = None      # and while somebody does
    kept: float | None = None          # of the former, within each round
    cost: float | None = None          # of the server's CPU seconds for a delivery, likewise
    disturbed: bool = False
    error: str = ""


def lacking() -> str:
    """Why it cannot be measured here; "" if it can."""
    if importlib.util.find_spec("prometheus_client") is None:
        return "there is no prometheus-client, without which a server has no metrics"
    return ""


class Onlooker:
    """A process that attaches to a server and scrapes its metrics whenever it is told to."""

    def __init__(self, port: int, metrics: int, cpu: int | None,
                 command: Sequence[str] = (PYTHON, "-m", "chatops.bench.onlooker")) -> None:
        """`cpu` is what it runs on: an administrator's machine is another one, and takes no time
        of the server's.
        """
        self._process = spawn([*command, str(port), str(metrics)], bufsize=0,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
        usage.pin(self._process.pid, cpu)

    def __enter__(self) -> Onlooker:
        return self

    def __exit__(self, *_: object) -> None:
        end(self._process)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def look(self, on: bool) -> None:
        """Begin or end; returns when it has a picture, or has let go.  Raises BenchError."""
        asked, said = _stream(self._process.stdin), _stream(self._process.stdout)
        try:
            asked.write(b"look\n" if on else b"rest\n")
        except BrokenPipeError:
            pass               # what it has to say is read below
        if not said.readline():
            words = _stream(self._process.stderr).read().decode(errors="replace").splitlines()
            raise BenchError(f"who looked at it ended: {words[-1] if words else 'silently'}")


def _stream(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream


def measure_attached(spec: LoadSpec, rounds: int, cpus: tuple[int, int] | None) -> AttachedRow:
    """One server under one load, with and without.  Raises BenchError."""
    server_cpu, load_cpu = cpus or (None, None)
    found: dict[bool, list[Throughput]] = {False: [], True: []}
    with (HeldPort() as metrics,
          ServerProcess(LOOKED_AT.with_metrics(metrics.number), server_cpu) as server,
          Onlooker(server.port, metrics.number, load_cpu) as onlooker):
        spec = msgspec.structs.replace(spec, port=server.port, server_pid=server.pid,
                                       cpu=load_cpu, latency_seconds=0.0)
        for number_ in range(rounds):
            for looked_at in ((False, True) if number_ % 2 else (True, False)):
                onlooker.look(looked_at)
                flow = run_load(spec).throughput
                assert flow is not None
                found[looked_at].append(flow)
            onlooker.look(on=False)
        server.check()
    return _row(spec.clients, found[False], found[True])


def _row(clients: int, alone: Sequence[Throughput], attached: Sequence[Throughput]
         ) -> AttachedRow:
    pairs = list(zip(alone, attached, strict=True))
    return AttachedRow(
        clients, median(flow.deliveries_per_s for flow in alone),
        median(flow.deliveries_per_s for flow in attached),
        median(b.deliveries_per_s / a.deliveries_per_s for a, b in pairs if a.deliveries_per_s),
        median(there / here for a, b in pairs
               if (here := a.cpu_per_delivery) and (there := b.cpu_per_delivery)),
        2 * sum(a.disturbed or b.disturbed for a, b in pairs) > len(pairs))


def attached_lines(rows: Sequence[AttachedRow]) -> list[str]:
    """A row for each number of clients."""
    text = ["one server, in turn with nobody looking, and with a console and a collector that",
            "scrapes once a second: deliveries/s", "",
            row(("clients", "alone", "attached", "kept", "x CPU"), WIDTHS)]
    for each in rows:
        text.append(row((f"{each.clients:,}", number(each.alone, "{:,.0f}"),
                         number(each.attached, "{:,.0f}"), number(each.kept, "{:.2f}"),
                         number(each.cost, "{:.2f}")), WIDTHS))
        if each.error:
            text.append(f"{'':9}failed: {each.error}")
    text += [f"{'':9}kept: 1 is no loss, and what the load loses to who looks is in it;",
             f"{'':9}x CPU: what a delivery costs the server alone, likewise"]
    if any(each.disturbed for each in rows):
        text.append(f"{'':9}{DISTURBANCE}")
    return [*text, ""]
