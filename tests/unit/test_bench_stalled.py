"""The figures of a room in which some never read: what the others keep."""

from __future__ import annotations

import json

import pytest

from chatops.bench import report
from chatops.bench.flow import Throughput
from chatops.bench.nonreaders import PairedTurn, StalledResult
from chatops.bench.plan import Findings, Plan, Stalling
from chatops.bench.stalled import POLICIES, contender, spec, stalled_lines, stalls

PLAN = Plan(room=1000)


def flow(deliveries_per_s: float, cpu: float | None = 0.2) -> Throughput:
    return Throughput(0.25, deliveries_per_s, 0.0, 0.2, cpu)


def stalling(*turns: tuple[Throughput, Throughput], policy: str = "drop-oldest", began: int = 10,
             stayed: int = 10, lost: int = 0) -> Stalling:
    return Stalling(policy, spec(PLAN, policy), StalledResult(
        [PairedTurn(*turn) for turn in turns], began, stayed, 50_000, lost))


def test_what_is_kept_is_what_each_reader_gets() -> None:
    (found,) = stalls([stalling((flow(1_000_000), flow(990_000)))])
    assert (found.reading, found.stalling) == (1000, 1000)
    assert found.kept == 1.0
    (found,) = stalls([stalling((flow(1_000_000), flow(495_000)))])
    assert found.kept == 0.5


def test_what_is_kept_is_the_median_of_the_turns_own_ratios() -> None:
    (found,) = stalls([stalling((flow(1_000_000), flow(990_000)),
                                (flow(100_000), flow(49_500)),
                                (flow(10_000), flow(8910)))])
    assert found.kept == pytest.approx(0.9)


def test_what_a_delivery_costs_the_server_shows_when_the_load_is_the_limit() -> None:
    (found,) = stalls([stalling((flow(1_000_000, 0.10), flow(1_000_000, 0.15)))])
    assert found.cost == pytest.approx(1.5)
    (found,) = stalls([stalling((flow(1_000_000, None), flow(1_000_000, None)))])
    assert found.cost is None


def test_the_evicted_are_those_who_were_there_and_are_not() -> None:
    (found,) = stalls([stalling((flow(1.0), flow(1.0)), began=8, stayed=1)])
    assert (found.stalled, found.began, found.evicted) == (10, 8, 7)
    assert found.lines_lost == 5000
    assert "only 8 of the 10 were left when it began" in "\n".join(
        stalled_lines([stalling((flow(1.0), flow(1.0)), began=8)]))


def test_deliveries_that_readers_lost_are_shown() -> None:
    assert "3 deliveries lost, 0 readers closed" in "\n".join(
        stalled_lines([stalling((flow(1.0), flow(1.0)), lost=3)]))


def test_one_policy_that_failed_is_named_and_the_others_have_rows() -> None:
    broken = Stalling("evict", spec(PLAN, "evict"), error="never listened")
    lines = stalled_lines([broken, stalling((flow(1e6), flow(1e6)))])
    assert lines[3].split() == ["evict", *["-"] * 6]
    assert lines[4].strip() == "failed: never listened"
    assert lines[5].split()[0] == "drop-oldest"
    assert Findings(Plan(), {}, stalled=[broken]).errors == ["never listened"]


def test_a_busy_machine_is_named_when_most_turns_had_to_share_it() -> None:
    alone = (flow(1e6), flow(1e6))
    sharing = (Throughput(0.25, 1e6, 0.0, 0.1, 0.1), alone[1])
    assert not stalls([stalling(alone, alone, sharing)])[0].disturbed
    busy = stalling(alone, sharing, sharing)
    assert stalls([busy])[0].disturbed
    assert "\n".join(stalled_lines([busy, busy])).count("other programs had the CPUs") == 1


def test_only_evict_begins_with_queues_that_have_room() -> None:
    ahead = {policy: spec(PLAN, policy).ahead * 74 for policy in POLICIES}
    assert ahead["evict"] < 1 << 20
    assert ahead["drop-oldest"] == ahead["drop-newest"] > (1 << 20) + (256 << 10)
    assert contender("drop-oldest").on(1)[-2:] == ["--slow-consumer", "drop-oldest"]


def test_one_in_a_hundred_never_reads_and_there_is_always_somebody_who_does() -> None:
    assert spec(PLAN, "evict").stalled == 10
    small = spec(Plan(room=20, senders=30), "evict")
    assert small.stalled == 1
    assert small.senders + small.stalled < 20


def test_rooms_with_some_who_never_read_fit_a_terminal_of_80_columns() -> None:
    lines = stalled_lines([stalling((flow(12_345_678.0), flow(12_345_678.0)))])
    assert max(map(len, lines)) <= 80


def test_the_json_holds_every_turn_and_its_table() -> None:
    found = Findings(Plan(), {}, stalled=[stalling((flow(1000), flow(495)))])
    written = json.loads(report.as_json(found))
    assert written["stalled"][0]["result"]["turns"][0]["reading"]["deliveries_per_s"] == 1000
    assert written["stalled_table"][0]["kept"] == 0.5
