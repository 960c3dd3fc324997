"""Requests to an observed server, measured for real, and how that is told."""

from __future__ import annotations

import pytest

from chatops.bench.watch_requests import MODES, RequestRow, _row, measure_requests, request_lines


def test_a_server_is_measured_plain_and_observed_and_looked_at() -> None:
    pytest.importorskip("uvicorn")
    rows = measure_requests(1)
    assert tuple(row.mode for row in rows) == MODES
    assert all(row.rate > 0 for row in rows)
    assert rows[0].kept == 1.0
    assert len(request_lines(rows)) == 2 + len(rows)


def test_ratios_are_those_within_a_round_and_a_disturbed_round_changes_no_median() -> None:
    found: dict[str, list[tuple[float, float | None]]] = {
        "plain": [(1000.0, 1e-4), (100.0, 1e-4), (1000.0, 1e-4)],      # the machine was busy
        "watched": [(950.0, 1.1e-4), (95.0, 1.1e-4), (10.0, 1.1e-4)],
    }
    row = _row("watched", found)
    assert (row.rate, row.kept) == (95.0, 0.95)
    assert row.cost == pytest.approx(1.1)


def test_what_the_system_does_not_tell_is_a_dash() -> None:
    lines = request_lines((RequestRow("plain", 12_345.0, 1.0, None, None),))
    assert lines[-1].split() == ["plain", "12,345", "1.00", "-", "-"]
