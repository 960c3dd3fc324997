"""In which order it is measured: rounds interleaved, so that a drift hits everybody."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator

from chatops.bench import attached, contenders, logins, nodes, nodes_flow, stalled, storm
from chatops.bench.answers import KeysResult
from chatops.bench.attached import AttachedRow
from chatops.bench.contenders import Contender
from chatops.bench.keys import measure_keys
from chatops.bench.load import LoadSpec
from chatops.bench.plan import BenchRun, Findings, Stalling
from chatops.bench.runner import BenchError, measure, measure_in_turn
from chatops.bench.selector_cost import SelectorCost, measure_selector
from chatops.bench.watch_cost import WatchCost, measure_watch
from chatops.bench.watch_requests import RequestRow, measure_requests

Cpus = tuple[int, int] | None
Progress = Callable[[str], None]


def measure_table(findings: Findings, cpus: Cpus, progress: Progress) -> Iterator[int]:
    """All contenders under each load; yields each client count that is complete."""
    plan = findings.plan
    for clients in plan.clients:
        chosen = plan.taking_part(clients)
        if not chosen:
            continue
        for number in range(1, plan.rounds + 1):
            for contender in chosen:
                progress(f"{clients:,} clients, round {number} of {plan.rounds}: "
                         f"{contender.title}")
                findings.runs.append(
                    run_once(contender, clients, number, plan.spec(clients), cpus))
        yield clients


def measure_looked_at(findings: Findings, cpus: Cpus, progress: Progress) -> list[str]:
    """What a console and a collector cost, as it is printed."""
    plan = findings.plan
    if why := attached.lacking():
        return [f"what a console and a collector cost: {why}", ""]
    for clients in plan.clients:
        progress(f"{clients:,} clients, with a console and a collector and without")
        try:
            found = attached.measure_attached(plan.spec(clients), attached.ROUNDS * plan.rounds,
                                              cpus)
        except (BenchError, OSError) as error:
            found = AttachedRow(clients, error=str(error))
        findings.attached.append(found)
    return attached.attached_lines(findings.attached)


def measure_storm(findings: Findings, cpus: Cpus, progress: Progress) -> None:
    """Join storms that double, each on a fresh server."""
    plan = findings.plan
    for number in range(1, plan.rounds + 1):
        for clients in storm.doublings(plan.storm):
            progress(f"{clients:,} clients join at once, round {number} of {plan.rounds}")
            findings.storm.append(
                run_once(contenders.CHATOPS, clients, number, storm.spec(clients), cpus))


def measure_stalled(findings: Findings, cpus: Cpus, progress: Progress) -> None:
    """A room in which some never read, in turn with the same room with all reading."""
    plan = findings.plan
    for policy in stalled.POLICIES:
        progress(f"a room of {plan.room:,} in which some never read: {policy}")
        spec = stalled.spec(plan, policy)
        try:
            result = measure_in_turn(stalled.contender(policy), spec, cpus)
            findings.stalled.append(Stalling(policy, spec, result))
        except (BenchError, OSError) as error:
            findings.stalled.append(Stalling(policy, spec, error=str(error)))


def measure_idle(findings: Findings, cpus: Cpus, progress: Progress) -> BenchRun:
    """Clients that only connect and stay."""
    clients = findings.plan.idle_clients
    progress(f"{clients:,} idle clients")
    spec = LoadSpec(port=0, clients=clients, seconds=0.0, latency_seconds=0.0, idle_seconds=1.0)
    findings.idle = run_once(contenders.CHATOPS, clients, 1, spec, cpus)
    return findings.idle


def measure_answers(findings: Findings, progress: Progress) -> KeysResult | None:
    """How soon the console answers; None where it failed, of which the findings tell."""
    try:
        findings.keys = measure_keys(findings.plan.idle_clients, progress, findings.plan.keys)
    except (BenchError, OSError) as error:
        findings.keys_error = str(error)
    return findings.keys


def measure_logging_in(findings: Findings, progress: Progress) -> list[str]:
    """What a room notices of many who log in, as it is printed."""
    if why := logins.lacking():
        return [f"many who log in: {why}", ""]
    progress("a room that talks while many log in")
    try:
        findings.logins = logins.measure_logins(findings.plan.rounds,
                                                findings.plan.login_seconds)
    except (BenchError, OSError) as error:
        findings.logins_error = str(error)
        return [f"many who log in: {error}", ""]
    return logins.login_lines(findings.logins)


def measure_observing(findings: Findings, progress: Progress) -> SelectorCost:
    """What the observed selector costs, in this process."""
    progress("cost of the observed selector")
    findings.selector = measure_selector()
    return findings.selector


def measure_watching(findings: Findings, progress: Progress) -> WatchCost:
    """What `chatops watch` costs a program, in this process."""
    progress("cost of chatops watch")
    findings.watch = measure_watch(5 * findings.plan.rounds)
    return findings.watch


def measure_requesting(findings: Findings, cpus: Cpus, progress: Progress
                       ) -> tuple[RequestRow, ...]:
    """How many requests an observed server answers; none where uvicorn is not installed, or it
    failed, of which the findings tell.
    """
    if importlib.util.find_spec("uvicorn") is None:
        return ()
    progress("requests to uvicorn, plain, watched and looked at")
    try:
        findings.requests = measure_requests(5 * findings.plan.rounds, cpus)
    except (BenchError, OSError) as error:
        findings.requests_error = str(error)
    return findings.requests


def measure_cluster(findings: Findings, cpus: Cpus, progress: Progress) -> list[str]:
    """What several nodes cost, as it is printed; a machine without an engine is no failure."""
    why = nodes.lacking()
    if not why:
        progress("three nodes and an engine")
        try:
            findings.nodes = nodes.measure_nodes(1000 * findings.plan.rounds,
                                                 findings.plan.seconds, cpus)
            progress("as much as a server, two nodes and three deliver on one CPU")
            findings.nodes_flow = nodes_flow.measure_flow(findings.plan.rounds,
                                                          findings.plan.seconds, cpus)
        except (BenchError, OSError) as error:
            why = findings.nodes_error = str(error)
    lines = nodes.nodes_lines(findings.nodes, why)
    return lines + nodes_flow.flow_lines(findings.nodes_flow) if findings.nodes_flow else lines


def run_once(contender: Contender, clients: int, number: int, spec: LoadSpec,
             cpus: Cpus) -> BenchRun:
    """One measurement; what goes wrong is its result and stops nothing."""
    try:
        return BenchRun(contender.name, clients, number, measure(contender, spec, cpus))
    except (BenchError, OSError) as error:
        return BenchRun(contender.name, clients, number, error=str(error))
