"""The simulation of many nodes: one seed gives one result, and it knows what is dear."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from chatops.bench.nodes_simulation import Simulation, SimulationOutcome, main, memory_of, table


def simulated(nodes: int, *, seed: int = 1, clients: int = 4, rate: float = 50.0
              ) -> SimulationOutcome:
    return Simulation(nodes, clients, rate, seed).run(2.0)


def test_one_seed_gives_one_result_and_another_another() -> None:
    first, again, other = simulated(5), simulated(5), simulated(5, seed=2)
    assert first.late == again.late
    assert (first.met, first.frames, first.out) == (again.met, again.frames, again.out)
    assert first.late != other.late


def test_all_meet_and_every_line_is_heard_on_all_nodes() -> None:
    simulation = Simulation(8, 4, 50.0, 1)
    outcome = simulation.run(4.0)
    assert not any(simulation._unmet.values())
    assert outcome.lost == 0
    under_way = sum([bool(len(node.queue)) for node in simulation.nodes])
    assert simulation.lines - under_way - 1 <= len(simulation.ways) <= simulation.lines > 100


@pytest.mark.parametrize("nodes", [10, 40])
def test_one_roster_answers_all_newcomers_of_a_pause(nodes: int) -> None:
    """Without a pause each newcomer has one of everybody: about as many as there are nodes."""
    assert simulated(nodes).meeting_frames < nodes


def test_more_nodes_cost_the_engine_more_for_the_same_lines_and_they_come_later() -> None:
    few, many = simulated(4), simulated(40)
    assert many.engine > 5 * few.engine
    assert many.out > 5 * few.out
    assert many.late[0] > few.late[0]


def test_an_engine_that_is_busy_has_more_lines_in_a_frame() -> None:
    calm, busy = [Simulation(20, 4, rate, 1).run(0.5) for rate in (50.0, 60_000.0)]
    assert calm.engine < 0.5 < busy.engine
    assert busy.lines_a_frame > 1.5 * calm.lines_a_frame


def test_memory_grows_with_the_people_elsewhere() -> None:
    assert 1.5 < memory_of(41, 100) / memory_of(21, 100) < 2.5


def test_the_command_prints_a_row_for_each_number_of_nodes() -> None:
    result = CliRunner().invoke(main, ["--nodes", "3,5", "--seconds", "0.5", "--rate", "5"])
    assert result.exit_code == 0
    head, *rows = result.output.splitlines()
    assert head == table([])[0]
    assert [row.split()[0] for row in rows] == ["3", "5"]


README = Path(__file__).parents[2] / "README.md"
NUMBER = re.compile(r"[\d.,]*\d")


def in_the_readme() -> list[list[str]]:
    """The numbers of its table, row by row."""
    table = README.read_text("utf-8").partition("\n| nodes | people |")[2].partition("\n\n")[0]
    return [NUMBER.findall(line) for line in table.splitlines()[2:]]


def rounds_to(value: float, shown: str) -> bool:
    """Whether it is what is shown, up to the digits that are."""
    unit: float = 10.0 ** -len(shown.partition(".")[2])
    return abs(value - float(shown.replace(",", ""))) <= unit / 2 + 1e-9


def test_the_readme_has_what_the_simulation_prints() -> None:
    rows = in_the_readme()
    assert len(rows) == 3
    for nodes, people, frames, met, lines, engine, out, p50, p99, memory in rows:
        count = int(nodes.replace(",", ""))
        said = Simulation(count, 10, count * 10 * 0.1, 1).run(10.0)
        is_so = [rounds_to(value, shown) for value, shown in (
            (count * 10, people), (said.meeting_frames, frames), (said.met, met),
            (said.lines, lines), (said.engine * 100, engine), (said.out / 1e6, out),
            (said.late[0] * 1e3, p50), (said.late[1] * 1e3, p99))]
        assert all(is_so), f"{nodes} nodes: {is_so}\n" + "\n".join(table([said]))
        # Of objects, whose sizes are those of this Python.
        assert said.memory / 1e6 == pytest.approx(float(memory), rel=0.3, abs=0.1)
