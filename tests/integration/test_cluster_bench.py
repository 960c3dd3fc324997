"""`chatops bench --only cluster`: nothing is lost, and a machine without an engine is told so."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from chatops.bench import nodes
from chatops.bench.cli import bench
from tests.integration.engine import needs_engine
from tests.patience import scaled


@needs_engine
@pytest.mark.timeout(scaled(60))
def test_lines_reach_other_nodes_later_than_ones_own_and_none_is_lost() -> None:
    cost = nodes.measure_nodes(30, 0.1)
    assert 0 < cost.own[0] < cost.other[0]
    assert cost.sent == 500
    assert cost.heard == (500, 500)


def test_without_an_engine_it_says_what_is_lacking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    result = CliRunner().invoke(bench, ["--only", "cluster", "--quick"])
    assert result.exit_code == 0
    assert "several nodes: neither redis-server nor valkey-server is installed" in result.output
