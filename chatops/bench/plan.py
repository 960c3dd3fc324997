"""What can be chosen to be measured, and what came of it."""

from __future__ import annotations

import msgspec

from chatops.bench import contenders
from chatops.bench.answers import KeysResult
from chatops.bench.attached import AttachedRow
from chatops.bench.contenders import Contender
from chatops.bench.load import LoadResult, LoadSpec
from chatops.bench.logins import SPREAD, LoginRound
from chatops.bench.nodes import NodesCost
from chatops.bench.nodes_flow import NodesFlow
from chatops.bench.nonreaders import StalledResult, StalledSpec
from chatops.bench.selector_cost import SelectorCost
from chatops.bench.watch_cost import WatchCost
from chatops.bench.watch_requests import RequestRow

# Parts that are not contenders, for `--only`.
STORM, STALLED, SELECTOR, IDLE, KEYS = "storm", "stalled", "selector", "idle", "keys"
WATCH, CLUSTER, ATTACHED, LOGINS = "watch", "cluster", "attached", "logins"
PARTS = (*(each.name for each in contenders.CONTENDERS), ATTACHED, STORM, STALLED, SELECTOR,
         IDLE, KEYS, LOGINS, WATCH, CLUSTER)

# The latency part asks how long a line takes, not how many fit: with more clients than this
# there are fewer messages a second, so that the deliveries stay the same.
LATENCY_CLIENTS = 100

# Minutes long however short the rounds are.
LONG = (KEYS, LOGINS, CLUSTER)


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
    storm: int = 5000          # clients in the largest join storm
    room: int = 1000           # clients of the room in which some never read
    idle_clients: int = 10_000
    keys: int = 40             # of each kind that are pressed in the console
    login_seconds: float = SPREAD
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

    def taking_part(self, clients: int) -> list[Contender]:
        """Those of them that can be measured with so many clients."""
        return [each for each in self.contenders() if not each.unfit(clients, self.size)]

    def left_out(self) -> list[str]:
        """Who cannot be measured, and why: a line each."""
        return list(dict.fromkeys(
            f"left out: {each.title}; {why}" for each in self.contenders()
            for clients in self.clients if (why := each.unfit(clients, self.size))))

    @property
    def empty(self) -> bool:
        """Whether nothing is left to be measured."""
        asked = set(self.parts) - {each.name for each in contenders.CONTENDERS}
        return not asked and not any(map(self.taking_part, self.clients))


class BenchRun(msgspec.Struct, frozen=True):
    """One contender under one load, once."""

    contender: str
    clients: int
    round: int
    result: LoadResult | None = None
    error: str = ""


class Stalling(msgspec.Struct, frozen=True):
    """Two rooms under one policy: all read in the one, in the other some never do."""

    policy: str
    spec: StalledSpec
    result: StalledResult | None = None
    error: str = ""


class Findings(msgspec.Struct):
    """All that was measured, as it is written to the JSON file."""

    plan: Plan
    machine: dict[str, str]
    runs: list[BenchRun] = msgspec.field(default_factory=list)
    storm: list[BenchRun] = msgspec.field(default_factory=list)
    attached: list[AttachedRow] = msgspec.field(default_factory=list)
    stalled: list[Stalling] = msgspec.field(default_factory=list)
    idle: BenchRun | None = None
    selector: SelectorCost | None = None
    keys: KeysResult | None = None
    keys_error: str = ""
    logins: list[LoginRound] = msgspec.field(default_factory=list)
    logins_error: str = ""
    watch: WatchCost | None = None
    requests: tuple[RequestRow, ...] = ()
    requests_error: str = ""
    nodes: NodesCost | None = None
    nodes_flow: tuple[NodesFlow, ...] = ()
    nodes_error: str = ""

    @property
    def errors(self) -> list[str]:
        """What went wrong."""
        found: list[BenchRun | AttachedRow | Stalling] = [*self.runs, *self.attached, *self.storm,
                                                          *self.stalled]
        if self.idle is not None:
            found.append(self.idle)
        return [each.error for each in found if each.error] + [
            error for error in (self.keys_error, self.logins_error, self.requests_error,
                                self.nodes_error) if error]

    def of(self, clients: int, contender: str) -> list[BenchRun]:
        """The rounds of one row of the table."""
        return [run for run in self.runs
                if run.clients == clients and run.contender == contender]
