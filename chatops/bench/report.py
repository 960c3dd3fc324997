"""Tables of what was measured.  Every figure is a median over the rounds."""

from __future__ import annotations

import platform
import textwrap
from collections.abc import Iterable

import msgspec

from chatops.bench.contenders import ASYNCIO, CHATOPS, CONSOLE, CONTENDERS, IRC
from chatops.bench.figures import DISTURBANCE, median, number, row
from chatops.bench.flow import UNDISTURBED
from chatops.bench.load import LoadResult
from chatops.bench.plan import BenchRun, Findings
from chatops.bench.selector_cost import SelectorCost
from chatops.bench.stalled import stalls
from chatops.bench.storm import storms
from chatops.system.version import __version__

# From here on the load was the busier of the two, and the server may be faster than it says.
LOAD_LIMIT = 0.05
# Heading, width, and whether it is left out where the terminal is too narrow for all.
COLUMNS = (("clients", 7, False), ("  server", -23, False), ("deliveries/s", 13, False),
           ("x asyncio", 10, False), ("p50 ms", 8, True), ("p99 ms", 8, False),
           ("p99.9 ms", 9, False), ("cpu %", 6, False), ("load %", 7, True), ("MiB", 5, True))
WIDE = sum(abs(width) for _, width, _ in COLUMNS)


class Row(msgspec.Struct, frozen=True):
    """The medians of one contender with so many clients; None where nothing was measured."""

    clients: int
    contender: str
    title: str
    deliveries_per_s: float | None = None
    to_asyncio: float | None = None        # median of the ratios within each round
    to_plain: float | None = None          # likewise, of the console or IRC, to neither
    p50: float | None = None               # microseconds
    p99: float | None = None
    p999: float | None = None
    server_cpu: float | None = None        # share of one CPU during the throughput part
    load_cpu: float | None = None
    latency_cpu: float | None = None       # of the server, during the latency part
    resident: float | None = None          # bytes
    lost: int = 0
    closed: int = 0
    error: str = ""

    @property
    def load_is_the_limit(self) -> bool:
        return (self.server_cpu is not None and self.load_cpu is not None
                and self.load_cpu - self.server_cpu > LOAD_LIMIT)

    @property
    def disturbed(self) -> bool:
        return (self.server_cpu is not None and self.load_cpu is not None
                and max(self.server_cpu, self.load_cpu) < UNDISTURBED)


def machine(cpus: tuple[int, int] | None) -> dict[str, str]:
    """What the figures depend on."""
    return {
        "chatops": __version__,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpus": (f"server on CPU {cpus[0]}, load on CPU {cpus[1]}" if cpus
                 else "server and load wherever the system puts them"),
    }


def rows(findings: Findings, clients: int) -> list[Row]:
    """One row per contender that took part."""
    relay, plain = findings.of(clients, ASYNCIO.name), findings.of(clients, CHATOPS.name)
    return [_row(found, clients, each.name, each.title, relay,
                 plain if each in (CONSOLE, IRC) else [])
            for each in CONTENDERS if (found := findings.of(clients, each.name))]


def _row(runs: list[BenchRun], clients: int, name: str, title: str, relay: list[BenchRun],
         plain: list[BenchRun]) -> Row:
    results = [run.result for run in runs if run.result is not None]
    if not results:
        return Row(clients, name, title, error=runs[-1].error)
    flows = [result.throughput for result in results if result.throughput is not None]
    delays = [result.latency for result in results if result.latency is not None]
    return Row(
        clients, name, title,
        deliveries_per_s=median(flow.deliveries_per_s for flow in flows),
        to_asyncio=_ratio(runs, relay),
        to_plain=_ratio(runs, plain),
        p50=median(delay.p50 for delay in delays),
        p99=median(delay.p99 for delay in delays),
        p999=median(delay.p999 for delay in delays),
        server_cpu=median(_share(flow.server_cpu, flow.seconds) for flow in flows),
        load_cpu=median(_share(flow.load_cpu, flow.seconds) for flow in flows),
        latency_cpu=median(delay.server_cpu for delay in delays),
        resident=median(result.resident for result in results),
        lost=sum(result.lost for result in results),
        closed=sum(result.closed for result in results),
        error=next((run.error for run in runs if run.error), ""))


def _ratio(runs: list[BenchRun], others: list[BenchRun]) -> float | None:
    """The median of the ratios within each round."""
    base = {run.round: _speed(run.result) for run in others}
    return median(_speed(run.result) / speed for run in runs
                  if run.result is not None and (speed := base.get(run.round)))


def _speed(result: LoadResult | None) -> float:
    if result is None or result.throughput is None:
        return 0.0
    return result.throughput.deliveries_per_s


def _share(cpu: float | None, seconds: float) -> float | None:
    return None if cpu is None else cpu / seconds


# -- as text


def header(findings: Findings, columns: int) -> list[str]:
    """What was measured, on what, and how to read it."""
    plan, on = findings.plan, findings.machine
    about = [
        f"chatops {on['chatops']} on {on['python']}, {on['system']}; {on['cpus']}",
        f"{plan.size}-byte messages from {plan.senders} senders, {plan.window} on their way; "
        f"latency at {plan.rate:g} messages/s; "
        + ("one round" if plan.rounds == 1 else f"medians of {plan.rounds} rounds")]
    lines = [part for line in about for part in textwrap.wrap(line, columns)]
    headings = [_line((heading for heading, _, _ in COLUMNS), columns)]
    return [*lines, *plan.left_out(), "", *(headings if plan.contenders() else ())]


def table_lines(found: list[Row], columns: int) -> list[str]:
    """The rows of one client count, and remarks where they are needed."""
    lines: list[str] = []
    for each in found:
        lines.append(_line((
            f"{each.clients:,}", f"  {each.title}", number(each.deliveries_per_s, "{:,.0f}"),
            number(each.to_asyncio, "{:.1f}"),
            *(number(value, "{:.2f}", 1e-3) for value in (each.p50, each.p99, each.p999)),
            *(number(value, "{:.0f}", 100) for value in (each.server_cpu, each.load_cpu)),
            number(each.resident, "{:.0f}", 2**-20)), columns))
        lines += [f"{'':9}{remark}" for remark in _remarks(each)]
    if any(each.disturbed for each in found):
        lines.append(f"{'':9}{DISTURBANCE}")
    return [*lines, ""]


def _remarks(each: Row) -> Iterable[str]:
    if each.error:
        yield f"failed: {each.error}"
    if each.to_plain is not None:
        yield (f"{each.to_plain:.2f} of what it delivers "
               + ("to plain clients" if each.contender == IRC.name else "with nobody looking"))
    if each.lost or each.closed:
        yield f"{each.lost:,} deliveries lost, {each.closed:,} clients closed"
    if each.load_is_the_limit:
        yield "the load was busier than the server: it may do more than this"


def selector_lines(cost: SelectorCost) -> list[str]:
    """What observing costs beyond the plain selector."""
    return [
        "observed selector, beyond the plain one:",
        f"  unwatched  {cost.turn:5.2f} µs a turn  {cost.event:5.2f} µs a ready event",
        f"  watched    {cost.watched_turn:5.2f} µs a turn  {cost.watched_event:5.2f} µs "
        "a ready event",
    ]


def idle_lines(run: BenchRun) -> list[str]:
    """What clients cost that say nothing."""
    result = run.result
    if result is None:
        return [f"{run.clients:,} idle clients: failed: {run.error}", ""]
    line = (f"{run.clients:,} idle clients: connected in {result.connect_seconds:.2f} s "
            f"({run.clients / result.connect_seconds:,.0f}/s)")
    if result.resident is not None and result.resident_empty is not None:
        each = (result.resident - result.resident_empty) / run.clients
        line += f", {each / 1024:.2f} KiB each"
    if result.idle is not None and result.idle.wakeups is not None:
        line += f", {result.idle.wakeups} wake-ups in {result.idle.seconds:g} s"
    return [line, ""]


def _line(cells: Iterable[str], columns: int) -> str:
    shown = [(cell, width) for cell, (_, width, wide) in zip(cells, COLUMNS, strict=True)
             if not wide or columns >= WIDE]
    return row(*zip(*shown, strict=True))


# -- as JSON


def as_json(findings: Findings) -> bytes:
    """Everything, every round included, and the rows of the tables."""
    everything = {
        **msgspec.structs.asdict(findings),
        "table": [row for clients in findings.plan.clients for row in rows(findings, clients)],
        "storm_table": storms(findings.storm),
        "stalled_table": stalls(findings.stalled),
    }
    return msgspec.json.format(msgspec.json.encode(everything), indent=2) + b"\n"
