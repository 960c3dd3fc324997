"""The join storm's figures: what a join costs, and what that grew by."""

from __future__ import annotations

import json

import pytest

from chatops.bench import report
from chatops.bench.contenders import CHATOPS
from chatops.bench.load import LoadResult
from chatops.bench.plan import BenchRun, Findings, Plan
from chatops.bench.storm import doublings, storm_lines, storms


def storm(clients: int, number: int, cpu: float | None, seconds: float = 1.0) -> BenchRun:
    return BenchRun(CHATOPS.name, clients, number, LoadResult(seconds, connect_cpu=cpu))


def test_storms_double_up_to_the_largest() -> None:
    assert doublings(5000) == [625, 1250, 2500, 5000]
    assert doublings(3) == [1, 3]
    assert doublings(0) == []


def test_a_cost_that_grows_with_the_clients_is_linear() -> None:
    found = storms([storm(size, 1, size * 70e-6, seconds=0.5) for size in (625, 1250, 5000)])
    assert [each.growth for each in found] == pytest.approx([1.0, 1.0, 1.0])
    assert found[-1].cpu == pytest.approx(70e-6)
    assert found[-1].joins_per_s == 10_000


def test_a_cost_that_grows_with_their_square_is_told_apart() -> None:
    runs = [storm(size, 1, size * size * 1e-7) for size in (625, 5000)]
    assert storms(runs)[-1].growth == pytest.approx(8.0)
    assert ("8 times the clients: a join costs 8.00 times as much (linear 1, N² 8)"
            in "\n".join(storm_lines(runs)))


def test_growth_is_the_median_of_the_rounds_own_growth() -> None:
    runs = [storm(clients, number, cpu) for number, costs in enumerate([(1, 8), (2, 40), (3, 12)])
            for clients, cpu in zip((100, 400), costs, strict=True)]
    assert storms(runs)[-1].growth == 2.0      # of 2, 5 and 1


def test_a_system_that_tells_nothing_of_processes_has_joins_and_no_cost() -> None:
    lines = storm_lines([storm(size, 1, None) for size in (100, 200)])
    assert lines[-2].split() == ["200", "200", "-", "-"]
    assert "N²" not in "\n".join(lines)


def test_a_storm_that_failed_is_named_and_the_others_still_count() -> None:
    runs = [storm(100, 1, 1.0), BenchRun(CHATOPS.name, 200, 1, error="never answered"),
            storm(400, 1, 4.0)]
    lines = "\n".join(storm_lines(runs))
    assert "failed: never answered" in lines
    assert "4 times the clients: a join costs 1.00 times as much" in lines
    assert Findings(Plan(), {}, storm=runs).errors == ["never answered"]


def test_storms_fit_a_terminal_of_80_columns() -> None:
    lines = storm_lines([storm(size, 1, size * 12.3456789) for size in (12_500, 100_000)])
    assert max(map(len, lines)) <= 80


def test_the_json_holds_every_storm_and_its_table() -> None:
    runs = [storm(100, 1, 1.0), storm(200, 1, 3.0)]
    written = json.loads(report.as_json(Findings(Plan(), {}, storm=runs)))
    assert [run["result"]["connect_cpu"] for run in written["storm"]] == [1.0, 3.0]
    assert written["storm_table"][1]["growth"] == 1.5
