"""The benchmark's figures: what it computes, says and refuses, without starting a server."""

from __future__ import annotations

import json
import os
import selectors
import socket
import subprocess
import sys
from array import array

import pytest
from click.testing import CliRunner

from chatops.bench import report, usage
from chatops.bench.attached import AttachedRow, attached_lines
from chatops.bench.cli import bench
from chatops.bench.contenders import (
    ASYNCIO,
    BARE,
    CHATOPS,
    CONSOLE,
    CONTENDERS,
    IRC,
    LOOKED_AT,
    Contender,
)
from chatops.bench.flow import Latency, Throughput, percentile
from chatops.bench.load import Idle, LoadResult
from chatops.bench.plan import BenchRun, Findings, Plan
from chatops.bench.ready import EpollSet, ReadySet, SelectorSet
from chatops.bench.selector_cost import StandIn, measure_selector
from chatops.loop.observed import ObservedSelector


def result(speed: float, *, load_cpu: float = 0.5, server_cpu: float | None = 0.9,
           lost: int = 0) -> LoadResult:
    return LoadResult(
        0.5, 20 << 20, 30 << 20, Throughput(1.0, speed, speed / 100, load_cpu, server_cpu),
        Latency(100, 300.0, 800.0, 1500.0, 2000.0, 0.2, 0.1), lost=lost)


def findings(*runs: BenchRun) -> Findings:
    return Findings(Plan(clients=(100,)), report.machine((0, 1)), list(runs))


def test_a_percentile_is_the_sample_that_its_share_lies_below() -> None:
    ordered = array("d", range(1000))
    assert percentile(ordered, 0.5) == 500
    assert percentile(ordered, 0.99) == 990
    assert percentile(ordered, 1.0) == 999
    assert percentile([7.0], 0.999) == 7.0


def test_a_percentile_of_nothing_is_not_a_number() -> None:
    nothing = percentile([], 0.5)
    assert nothing != nothing


def test_a_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    runs = []
    for number, (ours, theirs) in enumerate([(300.0, 100.0), (100.0, 10.0), (200.0, 100.0)]):
        runs += [BenchRun(CHATOPS.name, 100, number, result(ours)),
                 BenchRun(ASYNCIO.name, 100, number, result(theirs))]
    ours_row, theirs_row = report.rows(findings(*runs), 100)
    assert ours_row.deliveries_per_s == 200.0
    assert ours_row.to_asyncio == 3.0
    assert theirs_row.to_asyncio == 1.0


def test_a_console_is_held_against_the_server_without_it() -> None:
    runs = []
    for number, (without, with_it) in enumerate([(100.0, 80.0), (10.0, 9.0), (50.0, 10.0)]):
        runs += [BenchRun(CHATOPS.name, 100, number, result(without)),
                 BenchRun(CONSOLE.name, 100, number, result(with_it))]
    plain, console = report.rows(findings(*runs), 100)
    assert plain.to_plain is None
    assert console.to_plain == 0.8
    assert "0.80 of what it delivers with nobody looking" in "\n".join(
        report.table_lines([plain, console], 100))


def test_irc_is_held_against_the_same_server_and_plain_clients() -> None:
    runs = [BenchRun(CHATOPS.name, 100, 1, result(100.0)), BenchRun(IRC.name, 100, 1, result(87.0))]
    plain, irc = report.rows(findings(*runs), 100)
    assert (plain.to_plain, irc.to_plain) == (None, 0.87)
    assert "0.87 of what it delivers to plain clients" in "\n".join(
        report.table_lines([plain, irc], 100))


def test_without_asyncio_in_the_run_there_is_no_ratio() -> None:
    (row,) = report.rows(findings(BenchRun(CHATOPS.name, 100, 1, result(5.0))), 100)
    assert row.to_asyncio is None
    assert " - " in report.table_lines([row], 100)[0]


def test_a_round_that_failed_is_named_and_the_others_still_count() -> None:
    (row,) = report.rows(findings(
        BenchRun(CHATOPS.name, 100, 1, result(5.0)),
        BenchRun(CHATOPS.name, 100, 2, error="never listened")), 100)
    assert row.deliveries_per_s == 5.0
    assert "failed: never listened" in "\n".join(report.table_lines([row], 100))


def test_a_contender_that_always_fails_has_a_row_that_says_why() -> None:
    (row,) = report.rows(findings(BenchRun(CHATOPS.name, 100, 1, error="never listened")), 100)
    line, remark, _ = report.table_lines([row], 100)
    assert line.split()[:2] == ["100", "chatops"]
    assert remark.strip() == "failed: never listened"


def test_a_load_busier_than_the_server_is_confessed() -> None:
    (busy,) = report.rows(findings(
        BenchRun(CHATOPS.name, 100, 1, result(5.0, load_cpu=0.99, server_cpu=0.7))), 100)
    assert "the load was busier" in "\n".join(report.table_lines([busy], 100))
    (idle,) = report.rows(findings(
        BenchRun(CHATOPS.name, 100, 1, result(5.0, load_cpu=0.7, server_cpu=0.99))), 100)
    assert len(report.table_lines([idle], 100)) == 2


def test_a_machine_that_was_busy_with_something_else_is_named_once() -> None:
    found = report.rows(findings(
        *(BenchRun(each.name, 100, 1, result(5.0, load_cpu=0.4, server_cpu=0.5))
          for each in CONTENDERS)), 100)
    assert "\n".join(report.table_lines(found, 100)).count("other programs had the CPUs") == 1


def test_lost_deliveries_are_shown() -> None:
    (row,) = report.rows(findings(BenchRun(CHATOPS.name, 100, 1, result(5.0, lost=3))), 100)
    assert "3 deliveries lost" in "\n".join(report.table_lines([row], 100))


def test_a_system_that_tells_nothing_of_processes_gets_dashes() -> None:
    (row,) = report.rows(findings(
        BenchRun(CHATOPS.name, 100, 1, result(5.0, server_cpu=None))), 100)
    assert row.server_cpu is None
    assert not row.load_is_the_limit


def test_every_line_of_the_table_fits_a_terminal_of_100_columns() -> None:
    runs = [BenchRun(each.name, 100, 1, result(12_345_678.0)) for each in CONTENDERS]
    found = findings(*runs)
    lines = [*report.table_lines(report.rows(found, 100), 100), report.header(found, 100)[-1]]
    assert max(map(len, lines)) <= 100


def test_a_narrow_terminal_gets_fewer_columns_rather_than_broken_lines() -> None:
    found = findings(*(BenchRun(each.name, 100, 1, result(12_345_678.0)) for each in CONTENDERS))
    lines = [*report.table_lines(report.rows(found, 100), 80), *report.header(found, 80)]
    assert max(map(len, lines)) <= 80
    assert "p99 ms" in lines[-1]
    assert "MiB" not in lines[-1]


def test_a_benchmark_without_contenders_has_no_headings_for_them() -> None:
    header = report.header(Findings(Plan(parts=("storm",)), report.machine(None)), 100)
    assert not any("deliveries/s" in line for line in header)


def test_idle_clients_are_counted_in_memory_each_and_wake_ups() -> None:
    run = BenchRun(CHATOPS.name, 1000, 1, LoadResult(
        0.5, resident_empty=10 << 20, resident=(10 << 20) + (2048 * 1000),
        idle=Idle(1.0, wakeups=0)))
    assert report.idle_lines(run) == [
        "1,000 idle clients: connected in 0.50 s (2,000/s), 2.00 KiB each, 0 wake-ups in 1 s", ""]


def test_the_json_holds_every_round_and_the_table() -> None:
    found = findings(BenchRun(CHATOPS.name, 100, 1, result(5.0)),
                     BenchRun(CHATOPS.name, 100, 2, result(7.0)))
    written = json.loads(report.as_json(found))
    assert [run["result"]["throughput"]["deliveries_per_s"] for run in written["runs"]] == [5, 7]
    assert written["table"][0]["deliveries_per_s"] == 6
    assert written["machine"]["cpus"] == "server on CPU 0, load on CPU 1"


def test_with_many_clients_latency_is_asked_with_fewer_messages() -> None:
    plan = Plan(rate=200.0)
    assert plan.spec(10).rate == 200.0
    assert plan.spec(100).rate == 200.0
    assert plan.spec(1000).rate == 20.0


def test_there_are_never_more_senders_than_clients() -> None:
    assert Plan(senders=10).spec(3).senders == 3


def test_a_contender_that_is_not_installed_takes_no_part() -> None:
    missing = Contender("x", "x", ("x",), module="a_module_that_nobody_has")
    assert not missing.installed
    assert CHATOPS.on(4000)[4:8] == ["--host", "127.0.0.1", "--port", "4000"]


def test_only_who_is_asked_for_takes_part() -> None:
    assert Plan(parts=("attached",)).contenders() == []
    assert Plan(parts=("bare", "attached")).contenders() == [BARE]
    assert LOOKED_AT.with_metrics(5000).on(4000)[-1] == "127.0.0.1:5000"


def test_what_looking_costs_is_the_median_of_the_ratios_within_a_round() -> None:
    rows = [AttachedRow(10, 200.0, 190.0, 0.95, 1.04), AttachedRow(1000, error="it ended")]
    text = "\n".join(attached_lines(rows))
    assert "0.95    1.04" in text
    assert "failed: it ended" in text
    assert max(map(len, text.splitlines())) <= 80


def test_the_stand_in_has_other_keys_ready_every_turn() -> None:
    selector = StandIn(2)
    first, second, third = (selector.select(0) for _ in range(3))
    assert {key.fd for key, _ in first}.isdisjoint(key.fd for key, _ in second)
    assert first == third


def test_the_stand_in_can_be_observed() -> None:
    observed = ObservedSelector(StandIn(2))
    for _ in range(4):
        observed.select(0)
    assert [registration.fires for registration in observed.registrations()] == [2, 2, 2, 2]


def test_the_cost_of_the_selector_is_measured_in_microseconds() -> None:
    cost = measure_selector(rounds=3)
    assert 0 < cost.turn + cost.event < 1000
    assert cost.watched_event > 0


@pytest.mark.parametrize("kind", [EpollSet, SelectorSet])
def test_a_ready_set_tells_who_can_be_read(kind: type[EpollSet] | type[SelectorSet]) -> None:
    if kind is EpollSet and not hasattr(selectors, "EpollSelector"):
        pytest.skip("no epoll here")
    ready: ReadySet = kind()
    here, there = socket.socketpair()
    with here, there:
        ready.add(here.fileno())
        assert ready.poll(0.0) == []
        there.send(b"x")
        assert ready.poll(1.0) == [here.fileno()]
        ready.discard(here.fileno())
        assert ready.poll(0.0) == []
    ready.close()


def test_usage_of_a_process_that_is_not_there_is_unknown() -> None:
    assert usage.cpu_seconds(0) is None
    assert usage.resident_bytes(0) is None
    assert usage.wakeups(0) is None
    assert usage.difference(None, 1.0) is None


@pytest.mark.skipif(not usage.PROC.is_dir(), reason="no /proc here")
def test_usage_of_this_process_is_known() -> None:
    assert (usage.resident_bytes(os.getpid()) or 0) > 1 << 20
    assert usage.cpu_seconds(os.getpid()) is not None
    assert usage.wakeups(os.getpid()) is not None


@pytest.mark.skipif(sys.platform != "linux", reason="other clocks of processes are not known")
def test_cpu_time_of_another_process_is_known_to_less_than_a_tick() -> None:
    with subprocess.Popen([sys.executable, "-c", "print(flush=True); input()"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as sleeper:
        assert sleeper.stdout is not None
        sleeper.stdout.readline()
        used = usage.cpu_seconds(sleeper.pid)
        sleeper.kill()
    assert used is not None
    assert used * 100 % 1 != 0
    assert usage.cpu_seconds(sleeper.pid) is None


@pytest.mark.parametrize(("arguments", "says"), [
    (["--clients", "10,x"], "not a list of numbers"),
    (["--clients", "0"], "not a list of numbers"),
    (["--only", "nobody"], "no part is called 'nobody'"),
    (["--size", "5"], "17<=x<=4000"),
    (["--clients", "2000000000"], "descriptors"),
])
def test_what_cannot_be_measured_is_refused_with_a_reason(arguments: list[str],
                                                          says: str) -> None:
    outcome = CliRunner().invoke(bench, arguments)
    assert outcome.exit_code == 2
    assert says in outcome.output
