"""What is measured and in which order: rounds interleaved, so that a drift hits everybody."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from chatops.bench import contenders
from chatops.bench.contenders import Contender
from chatops.bench.load import LoadResult, LoadSpec
from chatops.bench.runner import BenchError, measure
from chatops.bench.selector_cost import SelectorCost, measure_selector

# Parts that are not contenders, for `--only`.
SELECTOR, IDLE = "selector", "idle"
PARTS = (*(each.name for each in contenders.CONTENDERS), SELECTOR, IDLE)

# The latency part asks how long a line takes, not how many fit: with more clients than this
# there are fewer messages a second, so that the deliveries stay the same.
LATENCY_CLIENTS = 100

Progress = Callable[[str], None]


class Plan(msgspec.Struct, frozen=True):
    """Everything that can be chosen.  Times in seconds, sizes in bytes."""

    clients: tuple[int, ...] = (10, 100, 1000)
    senders: int = 10
    size: int = 64
    window: int = 64
    seconds: float = 1.0       # of each of the two parts, throughput and latency
    warm_up: float = 0.3
    rounds: int = 3
    rate: float = 200.0        # messages a second while latency is measured
    idle_clients: int = 10_000
    parts: tuple[str, ...] = PARTS

    def spec(self, clients: int) -> LoadSpec:
        """The load for so many clients; the port comes later."""
        return LoadSpec(
            port=0, clients=clients, senders=min(self.senders, clients), size=self.size,
            window=self.window, warm_up=self.warm_up, seconds=self.seconds,
            rate=self.rate * min(1.0, LATENCY_CLIENTS / clients), latency_seconds=self.seconds)

    def contenders(self) -> list[Contender]:
        """Those asked for that are installed."""
        return [each for each in contenders.CONTENDERS
                if each.name in self.parts and each.installed]


class Run(msgspec.Struct, frozen=True):
    """One contender under one load, once."""

    contender: str
    clients: int
    round: int
    result: LoadResult | None = None
    error: str = ""


class Findings(msgspec.Struct):
    """All that was measured, as it is written to the JSON file."""

    plan: Plan
    machine: dict[str, str]
    runs: list[Run] = msgspec.field(default_factory=list)
    idle: Run | None = None
    selector: SelectorCost | None = None

    @property
    def errors(self) -> list[str]:
        """What went wrong."""
        runs = self.runs if self.idle is None else [*self.runs, self.idle]
        return [run.error for run in runs if run.error]

    def of(self, clients: int, contender: str) -> list[Run]:
        """The rounds of one row of the table."""
        return [run for run in self.runs
                if run.clients == clients and run.contender == contender]


def carry_out(findings: Findings, cpus: tuple[int, int] | None,
              progress: Progress) -> Iterator[int]:
    """Measure what the plan says into `findings`; yields each client count that is complete."""
    plan = findings.plan
    chosen = plan.contenders()
    if SELECTOR in plan.parts:
        progress("cost of the observed selector")
        findings.selector = measure_selector()
    for clients in plan.clients:
        for number in range(1, plan.rounds + 1):
            for contender in chosen:
                progress(f"{clients:,} clients, round {number} of {plan.rounds}: "
                         f"{contender.title}")
                findings.runs.append(
                    run_once(contender, clients, number, plan.spec(clients), cpus))
        yield clients
    if IDLE in plan.parts and plan.idle_clients:
        progress(f"{plan.idle_clients:,} idle clients")
        findings.idle = run_once(contenders.CHATOPS, plan.idle_clients, 1,
                                 idle_spec(plan.idle_clients), cpus)


def idle_spec(clients: int) -> LoadSpec:
    """Clients that only connect and stay."""
    return LoadSpec(port=0, clients=clients, seconds=0.0, latency_seconds=0.0, idle_seconds=1.0)


def run_once(contender: Contender, clients: int, number: int, spec: LoadSpec,
             cpus: tuple[int, int] | None) -> Run:
    """One measurement; what goes wrong is its result and stops nothing."""
    try:
        return Run(contender.name, clients, number, measure(contender, spec, cpus))
    except (BenchError, OSError) as error:
        return Run(contender.name, clients, number, error=str(error))
