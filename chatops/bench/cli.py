"""`chatops bench`: measure this server on this machine, next to what people use instead."""

from __future__ import annotations

import shutil
import signal
import sys
from pathlib import Path

import click

from chatops.bench import report, usage
from chatops.bench.contenders import CONTENDERS
from chatops.bench.keys import FEW, keys_lines
from chatops.bench.logins import SPREAD
from chatops.bench.plan import (
    ATTACHED,
    CLUSTER,
    IDLE,
    KEYS,
    LOGINS,
    LONG,
    PARTS,
    SELECTOR,
    STALLED,
    STORM,
    WATCH,
    Findings,
    Plan,
)
from chatops.bench.rounds import (
    Cpus,
    measure_answers,
    measure_cluster,
    measure_idle,
    measure_logging_in,
    measure_looked_at,
    measure_observing,
    measure_requesting,
    measure_stalled,
    measure_storm,
    measure_table,
    measure_watching,
)
from chatops.bench.stalled import stalled_lines
from chatops.bench.storm import storm_lines
from chatops.bench.watch_cost import watch_lines
from chatops.bench.watch_requests import request_lines
from chatops.system.files import check_place
from chatops.system.paths import PathError, expand

# Descriptors a process needs besides one per client.
SPARE_DESCRIPTORS = 64
FEWEST_CLIENTS = 10            # that a part is worth measuring with


def numbers(text: str) -> tuple[int, ...]:
    """`10,100,1000`"""
    try:
        found = tuple(int(word) for word in text.split(","))
    except ValueError:
        found = ()
    if not found or min(found) < 1:
        raise click.BadParameter(f"'{text}' is not a list of numbers like 10,100")
    return found


def part_names(text: str) -> tuple[str, ...]:
    """Some of the parts of the benchmark, separated by commas."""
    names = tuple(text.split(","))
    if unknown := [name for name in names if name not in PARTS]:
        raise click.BadParameter(f"no part is called '{unknown[0]}'; there are "
                                 + ", ".join(PARTS))
    if lacking := [each.name for each in CONTENDERS if each.name in names and not each.installed]:
        raise click.BadParameter(f"not installed: {', '.join(lacking)}")
    return names


def path_given(text: str) -> Path:
    """A file as a person names it, `~` being a home directory, that can be written."""
    try:
        path = expand(text)
        check_place(path)
    except PathError as error:
        raise click.BadParameter(str(error)) from None
    except OSError as error:
        raise click.BadParameter(f"{text}: {error.strerror}") from None
    return path


class ProgressLine:
    """One line on stderr that is written over, or a line each where that cannot be."""

    def __init__(self) -> None:
        self._overwrite = sys.stderr.isatty()

    def __call__(self, text: str) -> None:
        click.echo(f"\r\x1b[K{text} …" if self._overwrite else text, err=True,
                   nl=not self._overwrite)

    def print(self, lines: list[str]) -> None:
        """Lines that stay, on stdout, in place of the one that does not."""
        self.clear()
        click.echo("\n".join(lines))

    def clear(self) -> None:
        if self._overwrite:
            click.echo("\r\x1b[K", err=True, nl=False)


@click.command()
@click.option("--clients", type=numbers, metavar="N,N…", help="How many, each in turn "
              "[default: 10,100,1000].")
@click.option("--senders", default=10, type=click.IntRange(1), show_default=True,
              help="How many of them speak.")
@click.option("--size", default=64, type=click.IntRange(17, 4000), show_default=True,
              help="Bytes of a message.")
@click.option("--window", default=64, type=click.IntRange(1), show_default=True,
              help="Messages on their way at most; more of them make larger chunks.")
@click.option("--seconds", default=None, type=click.FloatRange(0.1), help="Of throughput, and "
              "as many of latency, in each round [default: 1].")
@click.option("--rounds", default=None, type=click.IntRange(1), help="The contenders take turns "
              "this often [default: 3].")
@click.option("--rate", default=200.0, type=click.FloatRange(1.0), show_default=True,
              help="Messages a second while latency is measured; with more than 100 clients, "
              "fewer in proportion.")
@click.option("--storm", default=None, type=click.IntRange(0), help="Clients in the largest "
              "storm of joins [default: 5000, or what descriptors allow].")
@click.option("--idle", default=None, type=click.IntRange(0), help="Clients that only stay, for "
              "the memory of each, and those in a console whose keys are pressed [default: 10000, "
              "or what descriptors allow].")
@click.option("--json", "json_file", type=path_given, metavar="FILE",
              help="Write everything, every round, to this file.")
@click.option("--no-console", is_flag=True, help="Leave out the server with its console open.")
@click.option("--only", type=part_names, metavar="NAME,NAME…", help="Only these parts: "
              + ", ".join(PARTS) + ".")
@click.option("--quick", is_flag=True, help="One short round of all but " + ", ".join(LONG)
              + ": a minute or two instead of a coffee break, and figures to match.")
def bench(clients: tuple[int, ...] | None, senders: int, size: int, seconds: float | None,
          rounds: int | None, rate: float, window: int, storm: int | None, idle: int | None,
          json_file: Path | None, no_console: bool, only: tuple[str, ...] | None,
          quick: bool) -> None:
    """Measure this server on this machine.

    Starts the server and a load in processes of their own, without and with the console,
    and next to them the relay that people write instead.  Prints deliveries a second, the
    delay of a line, CPU and memory; then what a join costs when thousands come at once, and
    what a room loses to those in it who never read.
    """
    descriptors = usage.raise_descriptor_limit() - SPARE_DESCRIPTORS
    if descriptors < FEWEST_CLIENTS:
        raise click.UsageError(f"{descriptors + SPARE_DESCRIPTORS} descriptors may be open here "
                               f"(ulimit -n), and {SPARE_DESCRIPTORS + FEWEST_CLIENTS} are the "
                               "fewest to measure with")
    usual = (10, 100) if quick else (10, 100, 1000)
    parts = only or tuple(name for name in PARTS if not (quick and name in LONG))
    plan = Plan(
        clients=clients or tuple(min(descriptors, each) for each in usual), senders=senders,
        size=size, rate=rate, window=window, seconds=seconds or (0.4 if quick else 1.0),
        rounds=rounds or (1 if quick else 3),
        storm=min(descriptors, (2000 if quick else 5000) if storm is None else storm),
        room=min(descriptors // 2, 300 if quick else 1000),    # the load is in two of them
        idle_clients=min(descriptors, (2000 if quick else 10_000) if idle is None else idle),
        keys=10 if quick else 40, login_seconds=2.0 if quick else SPREAD,
        parts=tuple(name for name in parts if not (no_console and name == "console")))
    if max(plan.clients) > descriptors:
        raise click.BadParameter(f"at most {descriptors:,} descriptors may be open here (ulimit "
                                 "-n)", param_hint="--clients")
    if plan.empty:
        raise click.UsageError("\n".join(["nothing is left to be measured", *plan.left_out()]))
    cpus = usage.choose_cpus()
    findings = Findings(plan, report.machine(cpus))
    progress = ProgressLine()
    # Being asked to end is Ctrl-C by another name: what was started has to be ended first.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        show(findings, cpus, progress)
    except KeyboardInterrupt:
        progress.clear()
        raise click.Abort from None
    finally:
        signal.signal(signal.SIGTERM, before)
        progress.clear()
    if json_file is not None:
        write(json_file, report.as_json(findings))
    if findings.errors:
        raise click.ClickException(f"{len(findings.errors)} measurements failed")


def write(path: Path, data: bytes) -> None:
    """What was measured is on the screen, whatever becomes of the file."""
    try:
        path.write_bytes(data)
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror}") from None


def show(findings: Findings, cpus: Cpus, progress: ProgressLine) -> None:
    """Carry the plan out, and print each part of it when it is complete."""
    plan = findings.plan
    columns = shutil.get_terminal_size((100, 24)).columns
    progress.print(report.header(findings, columns))
    for clients in measure_table(findings, cpus, progress):
        progress.print(report.table_lines(report.rows(findings, clients), columns))
    if ATTACHED in plan.parts:
        progress.print(measure_looked_at(findings, cpus, progress))
    if STORM in plan.parts and plan.storm:
        measure_storm(findings, cpus, progress)
        progress.print(storm_lines(findings.storm))
    if STALLED in plan.parts:
        measure_stalled(findings, cpus, progress)
        progress.print(stalled_lines(findings.stalled))
    if IDLE in plan.parts and plan.idle_clients:
        progress.print(report.idle_lines(measure_idle(findings, cpus, progress)))
    if KEYS in plan.parts and plan.idle_clients > FEW:
        answers = measure_answers(findings, progress)
        progress.print(keys_lines(answers) if answers is not None
                       else [f"answers of the console: {findings.keys_error}"])
    if LOGINS in plan.parts:
        progress.print(measure_logging_in(findings, progress))
    if SELECTOR in plan.parts:
        progress.print(report.selector_lines(measure_observing(findings, progress)))
    if WATCH in plan.parts:
        progress.print(watch_lines(measure_watching(findings, progress)))
        rows = measure_requesting(findings, cpus, progress)
        if rows:
            progress.print(request_lines(rows))
        elif findings.requests_error:
            progress.print([f"requests to uvicorn: {findings.requests_error}"])
    if CLUSTER in plan.parts:
        progress.print(measure_cluster(findings, cpus, progress))


if __name__ == "__main__":
    bench()
