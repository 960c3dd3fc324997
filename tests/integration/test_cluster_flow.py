"""`chatops bench --only cluster`: what two nodes and three deliver, over a server alone."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from chatops.bench import nodes_flow
from chatops.bench.contenders import CHATOPS
from chatops.bench.in_turn import InTurnSpec, Served, run
from chatops.bench.nodes_flow import NodesFlow, flow_lines, measure_flow
from chatops.bench.runner import ServerProcess
from tests.integration.engine import needs_engine
from tests.patience import scaled

pytestmark = [needs_engine, pytest.mark.timeout(scaled(120))]


def test_all_that_is_said_reaches_the_clients_of_every_node(
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes_flow, "CLIENTS", 60)
    monkeypatch.setattr(nodes_flow, "SLICES", 1)
    alone, two, three = measure_flow(1, 0.3, None)
    assert [each.nodes for each in (alone, two, three)] == [1, 2, 3]
    assert alone.over == 1.0
    for each in (two, three):
        assert each.over == pytest.approx(each.deliveries_per_s / alone.deliveries_per_s)
        assert each.deliveries_per_s > 0
        assert each.over_apart > 0
    assert [each.lost for each in (alone, two, three)] == [0, 0, 0]


def test_each_is_loaded_so_many_times_and_nothing_is_lost() -> None:
    with ExitStack() as stack:
        ports = [stack.enter_context(ServerProcess(CHATOPS)).port for _ in range(2)]
        spec = InTurnSpec(served=tuple([Served((port,)) for port in ports]), clients=20, senders=4,
                          window=16, times=3, seconds=0.05)
        turns = run(spec).turns
    for each in turns:
        assert len(each.deliveries_per_s) == 3
        assert min(each.deliveries_per_s) > 0
        assert (each.lost, each.closed) == (0, 0)


def test_each_is_told_as_a_share_of_one_server() -> None:
    spread, apart = flow_lines([NodesFlow(1, 20e6, 1.0), NodesFlow(2, 17e6, 0.85, 0, 0.97),
                                NodesFlow(3, 16e6, 0.8, 4, 0.92)])
    assert spread == ("  999 in one room, 1,024 lines under way, all servers on one CPU: "
                      "alone 20.0 M deliveries/s, 2 nodes 0.85 x, 3 nodes 0.80 x; 4 lost")
    assert apart == ("  the same people in a room of each node's own: "
                     "2 nodes 0.97 x, 3 nodes 0.92 x")
