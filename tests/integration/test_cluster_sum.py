"""`python -m chatops.bench.nodes_sum`: what three nodes cost over one server."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from chatops.bench.nodes_sum import DeliveryCost, lines_of, main
from tests.integration.engine import needs_engine
from tests.patience import scaled


def test_the_medians_are_compared_and_the_engine_is_a_part_of_them() -> None:
    one = [DeliveryCost(1_000_000, seconds) for seconds in (1.0, 2.0, 9.0)]
    three = [DeliveryCost(1_000_000, 3.0, 1.0, lost=1)]
    assert lines_of("a room", one, three) == [
        "a room", "  a server alone     2.00 us of CPU a delivery",
        "  three nodes        4.00 us, 25% of it the engine's; deliveries for the same CPU: "
        "0.50 of one server's; 1 lost"]


@needs_engine
@pytest.mark.timeout(scaled(120))
def test_a_short_one_measures_both_and_loses_nothing() -> None:
    result = CliRunner().invoke(main, ["--clients", "6", "--rooms", "6", "--rate", "30",
                                       "--seconds", "0.5", "--rounds", "1"])
    assert result.exit_code == 0, result.output
    assert len(re.findall(r"deliveries for the same CPU: \d+\.\d\d of one server's; 0 lost",
                          result.output)) == 2
