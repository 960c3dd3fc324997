"""Tables of what was measured.  Every figure is a median over the rounds."""

from __future__ import annotations

import platform
import statistics
from collections.abc import Callable, Iterable

import msgspec

from chatops import __version__
from chatops.bench.contenders import ASYNCIO, CONTENDERS
from chatops.bench.load import LoadResult
from chatops.bench.plan import Findings, Run
from chatops.bench.selector_cost import SelectorCost

NOTHING = "-"
# From here on the load was the busier of the two, and the server may be faster than it says.
LOAD_LIMIT = 0.05
# In a closed loop one of the two is always at work.  When both got less of a CPU than this,
# somebody else had the rest of it.
DISTURBED = 0.75

HEADINGS = ("clients", "server", "deliveries/s", "x asyncio", "p50 ms", "p99 ms", "p99.9 ms",
            "cpu %", "load %", "MiB")


class Row(msgspec.Struct, frozen=True):
    """The medians of one contender with so many clients; None where nothing was measured."""

    clients: int
    contender: str
    title: str
    deliveries_per_s: float | None = None
    to_asyncio: float | None = None        # median of the ratios within each round
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
                and max(self.server_cpu, self.load_cpu) < DISTURBED)


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
    base = {run.round: run.result for run in findings.of(clients, ASYNCIO.name)}
    return [_row(found, clients, each.name, each.title, base)
            for each in CONTENDERS if (found := findings.of(clients, each.name))]


def _row(runs: list[Run], clients: int, name: str, title: str,
         base: dict[int, LoadResult | None]) -> Row:
    results = [run.result for run in runs if run.result is not None]
    if not results:
        return Row(clients, name, title, error=runs[-1].error)
    ratios = [_speed(run.result) / speed for run in runs
              if run.result is not None and (speed := _speed(base.get(run.round)))]
    flows = [result.throughput for result in results if result.throughput is not None]
    delays = [result.latency for result in results if result.latency is not None]
    return Row(
        clients, name, title,
        deliveries_per_s=_median(flow.deliveries_per_s for flow in flows),
        to_asyncio=_median(ratios),
        p50=_median(delay.p50 for delay in delays),
        p99=_median(delay.p99 for delay in delays),
        p999=_median(delay.p999 for delay in delays),
        server_cpu=_median(_share(flow.server_cpu, flow.seconds) for flow in flows),
        load_cpu=_median(_share(flow.load_cpu, flow.seconds) for flow in flows),
        latency_cpu=_median(delay.server_cpu for delay in delays),
        resident=_median(result.resident for result in results),
        lost=sum(result.lost for result in results),
        closed=sum(result.closed for result in results),
        error=next((run.error for run in runs if run.error), ""))


def _speed(result: LoadResult | None) -> float:
    if result is None or result.throughput is None:
        return 0.0
    return result.throughput.deliveries_per_s


def _share(cpu: float | None, seconds: float) -> float | None:
    return None if cpu is None else cpu / seconds


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


# -- as text


def header(findings: Findings) -> list[str]:
    """What was measured, on what, and how to read it."""
    plan, on = findings.plan, findings.machine
    return [
        f"chatops {on['chatops']} on {on['python']}, {on['system']}; {on['cpus']}",
        f"{plan.size}-byte messages from {plan.senders} senders, {plan.window} on their way; "
        f"latency at {plan.rate:g} messages/s; "
        + ("one round" if plan.rounds == 1 else f"medians of {plan.rounds} rounds"),
        "",
        _line(HEADINGS),
    ]


def table_lines(found: list[Row]) -> list[str]:
    """The rows of one client count, and remarks where they are needed."""
    lines: list[str] = []
    for row in found:
        lines.append(_line((
            f"{row.clients:,}", row.title,
            _number(row.deliveries_per_s, lambda value: f"{value:,.0f}"),
            _number(row.to_asyncio, lambda value: f"{value:.1f}"),
            *(_number(value, lambda us: f"{us / 1e3:.2f}")
              for value in (row.p50, row.p99, row.p999)),
            *(_number(value, lambda share: f"{share:.0%}".rstrip("%"))
              for value in (row.server_cpu, row.load_cpu)),
            _number(row.resident, lambda size: f"{size / 2**20:.0f}"))))
        lines += [f"{'':9}{remark}" for remark in _remarks(row)]
    if any(row.disturbed for row in found):
        lines.append(f"{'':9}other programs kept the CPUs busy: measure again, or trust only "
                     "the ratios")
    return [*lines, ""]


def _remarks(row: Row) -> Iterable[str]:
    if row.error:
        yield f"failed: {row.error}"
    if row.lost or row.closed:
        yield f"{row.lost:,} deliveries lost, {row.closed:,} clients closed"
    if row.load_is_the_limit:
        yield "the load was busier than the server: it may do more than this"


def selector_lines(cost: SelectorCost) -> list[str]:
    """What observing costs beyond the plain selector."""
    return [
        "observed selector, beyond the plain one:",
        f"  unwatched  {cost.turn:5.2f} µs a turn  {cost.event:5.2f} µs a ready event",
        f"  watched    {cost.watched_turn:5.2f} µs a turn  {cost.watched_event:5.2f} µs "
        "a ready event",
    ]


def idle_lines(run: Run) -> list[str]:
    """What clients cost that say nothing."""
    result = run.result
    if result is None:
        return [f"{run.clients:,} idle clients: failed: {run.error}"]
    line = (f"{run.clients:,} idle clients: connected in {result.connect_seconds:.2f} s "
            f"({run.clients / result.connect_seconds:,.0f}/s)")
    if result.resident is not None and result.resident_empty is not None:
        each = (result.resident - result.resident_empty) / run.clients
        line += f", {each / 1024:.2f} KiB each"
    if result.idle is not None and result.idle.wakeups is not None:
        line += f", {result.idle.wakeups} wake-ups in {result.idle.seconds:g} s"
    return [line]


def _number(value: float | None, write: Callable[[float], str]) -> str:
    return NOTHING if value is None or value != value else write(value)


def _line(cells: Iterable[str]) -> str:
    clients, server, *figures = cells
    widths = (13, 10, 8, 8, 9, 6, 7, 5)
    return f"{clients:>7}  {server:<21}" + "".join(
        f"{cell:>{width}}" for cell, width in zip(figures, widths, strict=True))


# -- as JSON


def as_json(findings: Findings) -> bytes:
    """Everything, every round included, and the rows of the table."""
    table = [row for clients in findings.plan.clients for row in rows(findings, clients)]
    everything = {**msgspec.structs.asdict(findings), "table": table}
    return msgspec.json.format(msgspec.json.encode(everything), indent=2) + b"\n"
