"""Each experiment's claim, measured on this machine.

Times are compared with wide margins, medians with medians: whoever else uses the machine
may slow a measurement down, but not turn it round.
"""

from __future__ import annotations

import functools
import itertools
import os
import selectors
import subprocess
import sys
import threading
from typing import Any

import pytest

from chatops.lab.experiments import EXPERIMENTS
from chatops.lab.experiments.anatomy import Anatomy
from chatops.lab.experiments.apart import ExperimentError, run_apart
from chatops.lab.experiments.closed import ASKED, Closed
from chatops.lab.experiments.combinations import Combinations
from chatops.lab.experiments.cost import CostCurve
from chatops.lab.experiments.late import SIZE
from chatops.lab.experiments.limits import Limits
from chatops.lab.experiments.models import ModelRun, Models, signal_driven
from chatops.lab.experiments.triggering import HALF, Triggering
from chatops.lab.experiments.writable import Writable
from tests.patience import scaled

# What is measured is not measured side by side.
pytestmark = pytest.mark.xdist_group("measures")

linux = pytest.mark.skipif(not hasattr(selectors, "EpollSelector"), reason="epoll is Linux's")
MODELS = ("blocking", "non-blocking", "multiplexing", "signal-driven", "asynchronous")


@functools.cache
def measured(name: str) -> Any:
    return run_apart(name)


def model(name: str) -> ModelRun:
    models: Models = measured("models")
    return models.run(name)


# The five models.

@pytest.mark.parametrize("name", MODELS)
def test_every_model_waits_the_300_ms_that_the_data_is_late(name: str) -> None:
    waiting = model(name).span("wait")
    assert 0.29 < waiting.length < scaled(0.3)
    assert waiting.start == 0.0


@pytest.mark.parametrize("name", MODELS)
def test_every_model_gets_all_the_data_and_copies_for_a_moment_only(name: str) -> None:
    run = model(name)
    copying = run.span("copy")
    assert run.size == SIZE
    assert copying.start >= run.arrived
    assert copying.length < run.span("wait").length / 3


@pytest.mark.parametrize("name", MODELS)
def test_the_spans_of_a_model_follow_each_other_without_a_gap(name: str) -> None:
    spans = model(name).spans
    assert all(span.end >= span.start for span in spans)
    assert all(a.end == b.start for a, b in itertools.pairwise(spans))


def test_blocking_makes_one_call_in_all_and_uses_next_to_no_cpu() -> None:
    run = model("blocking")
    assert sum(span.calls for span in run.spans) == 1
    assert run.eagain == 0
    assert run.cpu < run.span("wait").length / 6


def test_non_blocking_asks_in_vain_thousands_of_times_and_burns_cpu() -> None:
    run = model("non-blocking")
    assert run.eagain > 1000
    assert run.span("wait").doing == "asking"
    assert run.cpu > 4 * model("blocking").cpu
    assert run.cpu == max(model(name).cpu for name in MODELS)


def test_multiplexing_makes_two_calls_and_none_in_vain() -> None:
    run = model("multiplexing")
    assert [span.calls for span in run.spans] == [1, 1]
    assert run.eagain == 0
    assert run.span("wait").doing == "asleep"


@pytest.mark.parametrize("name", ["signal-driven", "asynchronous"])
def test_the_last_two_models_are_free_for_other_work_while_they_wait(name: str) -> None:
    run = model(name)
    assert run.span("wait").doing == "free"
    assert run.steps > 2           # ten times that, where nobody else wants the CPU


def test_asyncio_is_a_non_blocking_read_and_a_selector_underneath() -> None:
    assert model("asynchronous").eagain == 1


def test_the_signal_driven_model_says_why_it_cannot_run_in_another_thread() -> None:
    caught: list[BaseException] = []

    def attempt() -> None:
        try:
            signal_driven()
        except RuntimeError as error:
            caught.append(error)

    thread = threading.Thread(target=attempt)
    thread.start()
    thread.join(scaled(5.0))
    assert "main thread" in str(caught[0])


# Blocking, synchronous: two questions.

def test_the_four_combinations_are_four_different_calls() -> None:
    result: Combinations = measured("combinations")
    found = [result.combination(blocking=blocking, synchronous=synchronous).name
             for blocking in (True, False) for synchronous in (True, False)]
    assert found == ["recv(), blocking", "select()", "recv(), non-blocking", "submit(recv)"]


def test_nobody_has_the_data_before_it_came_however_fast_the_call_returned() -> None:
    result: Combinations = measured("combinations")
    for call in result.calls:
        assert call.data_at >= call.returned
        assert call.data_at > result.late * 0.95


# The selectors module.

def test_the_default_selector_is_the_first_of_those_tried_that_is_here() -> None:
    result: Anatomy = measured("anatomy")
    assert result.chosen == selectors.DefaultSelector.__name__
    assert result.chosen == next(name for name, here in result.tried if here)


def test_every_selector_class_is_listed_whether_it_is_here_or_not() -> None:
    result: Anatomy = measured("anatomy")
    names = {row.name: row.here for row in result.classes}
    for name in ("SelectSelector", "PollSelector", "EpollSelector", "KqueueSelector",
                 "DevpollSelector"):
        assert names[name] == hasattr(selectors, name)
    assert result.classes[0].name == "BaseSelector"


def test_a_class_that_is_not_here_stands_below_the_one_that_it_would_be_made_of() -> None:
    result: Anatomy = measured("anatomy")
    above: dict[str, str] = {}
    line: list[str] = []
    for row in result.classes:
        line[row.depth:] = [row.name]
        above[row.name] = line[row.depth - 1]
    assert above["SelectSelector"] == above["KqueueSelector"] == "_BaseSelectorImpl"
    assert {above[f"{name}Selector"] for name in ("Poll", "Epoll", "Devpoll")} == {
        "_PollLikeSelector"}
    why = {row.name: row.why for row in result.classes}
    assert why["_BaseSelectorImpl"] != why["_PollLikeSelector"]


def test_a_key_has_four_fields_and_does_not_change_when_the_interest_does() -> None:
    result: Anatomy = measured("anatomy")
    assert [field.name for field in result.fields] == ["fileobj", "fd", "events", "data"]
    assert result.old_key_unchanged


def test_the_map_follows_what_is_done_and_refuses_what_is_wrong() -> None:
    result: Anatomy = measured("anatomy")
    assert [(step.outcome.split("(")[0], step.in_map) for step in result.steps
            if not step.call.startswith("modify(sock, 0)")] == [
        ("SelectorKey", 1), ("KeyError", 1), ("ValueError", 1), ("SelectorKey", 1),
        ("SelectorKey", 1), ("TypeError", 1), ("SelectorKey", 0), ("KeyError", 0)]


# Limits and costs.

def test_select_takes_descriptor_1023_and_refuses_1024() -> None:
    result: Limits = measured("limits")
    assert result.of("select", 1023).reported
    assert "ValueError" in result.of("select", 1024).error


@linux
@pytest.mark.parametrize("mechanism", ["poll", "epoll"])
def test_poll_and_epoll_take_descriptor_1024(mechanism: str) -> None:
    result: Limits = measured("limits")
    assert result.of(mechanism, 1024).reported


@pytest.mark.parametrize("mechanism", ["select", "poll"])
def test_a_wakeup_from_select_or_poll_costs_more_the_more_idle_ones_there_are(
        mechanism: str) -> None:
    curve: CostCurve = measured("cost")
    assert curve.growth(mechanism) >= 5


@linux
def test_a_wakeup_from_epoll_costs_the_same_however_many_idle_ones_there_are() -> None:
    curve: CostCurve = measured("cost")
    assert curve.counts("epoll")[-1] >= 1000
    assert curve.growth("epoll") <= 2.5


@linux
def test_beside_one_idle_descriptor_epoll_saves_less_than_a_send_costs() -> None:
    curve: CostCurve = measured("cost")
    for mechanism in ("select", "poll"):
        assert curve.cost(mechanism, 1) - curve.cost("epoll", 1) < curve.send


def test_select_is_measured_up_to_the_fullest_set_it_can_take() -> None:
    curve: CostCurve = measured("cost")
    assert 950 < curve.counts("select")[-1] < 1024


@linux
@pytest.mark.parametrize("limit", [256, 1024])
def test_without_descriptor_1024_it_is_said_how_many_there_are(limit: int) -> None:
    command = f"ulimit -n {limit}; exec {sys.executable} -m chatops.lab.experiments limits"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False,
                          timeout=scaled(20.0))
    assert done.stderr.splitlines()[-1] == (
        f"OSError: this process may have {limit:,} descriptors, and descriptor 1,024 takes 1,025 "
        "(ulimit -n)")


@linux
@pytest.mark.parametrize("limit", [40, 48])
def test_with_too_few_descriptors_for_a_curve_it_is_said_how_many_there_are(limit: int) -> None:
    command = f"ulimit -n {limit}; exec {sys.executable} -m chatops.lab.experiments cost"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False,
                          timeout=scaled(20.0))
    assert done.returncode
    assert done.stderr.splitlines()[-1].startswith(
        f"OSError: this process may have {limit} descriptors, and the curve needs ")


# Level and edge.

@linux
@pytest.mark.parametrize("mechanism", ["select", "poll", "epoll, level"])
def test_level_triggered_is_told_as_long_as_anything_is_left(mechanism: str) -> None:
    told = measured("triggering").of(mechanism)
    assert told.sent
    assert told.half_read
    assert told.more_sent
    assert told.asked_twice
    assert not told.emptied


@linux
def test_edge_triggered_is_told_again_only_of_something_new_or_when_armed_again() -> None:
    result: Triggering = measured("triggering")
    told = result.of("epoll, edge")
    assert result.half == HALF
    assert told.sent
    assert not told.half_read
    assert told.more_sent
    assert not told.asked_twice
    assert told.rearmed
    assert not told.emptied


# Writable.

def test_a_quiet_socket_watched_for_writing_wakes_its_loop_a_thousandfold() -> None:
    result: Writable = measured("writable")
    assert result.loop("read only").wakeups == 0
    assert result.loop("read and write").per_second > 1000


def test_a_socket_stops_being_writable_only_when_the_kernels_are_full() -> None:
    result: Writable = measured("writable")
    assert result.taken > 100_000
    assert not result.writable_when_full
    assert 0 < result.drained <= result.taken


# Closed while registered.

@pytest.mark.parametrize("duplicated", [False, True])
def test_select_fails_for_everybody_when_one_descriptor_is_closed(duplicated: bool) -> None:
    result: Closed = measured("closed")
    case = result.of("select", duplicated=duplicated)
    assert case.error == "EBADF"
    assert case.through_selectors == "select() raises EBADF"


@linux
@pytest.mark.parametrize("duplicated", [False, True])
def test_poll_reports_a_closed_descriptor_every_time(duplicated: bool) -> None:
    result: Closed = measured("closed")
    case = result.of("poll", duplicated=duplicated)
    assert (case.reports, case.flags) == (ASKED, "POLLNVAL")
    assert case.through_selectors == "ready, on every turn"


@linux
def test_epoll_forgets_a_closed_descriptor_without_a_word() -> None:
    result: Closed = measured("closed")
    case = result.of("epoll", duplicated=False)
    assert (case.error, case.reports, case.through_selectors) == ("", 0, "silence")
    assert not case.newcomer_blamed


@linux
def test_epoll_reports_a_dead_number_while_a_duplicate_lives_and_blames_the_next() -> None:
    result: Closed = measured("closed")
    case = result.of("epoll", duplicated=True)
    assert case.reports == ASKED
    assert case.removable == "EBADF"
    assert case.newcomer_blamed


# Running apart.

@linux
def test_an_experiment_apart_leaves_the_console_not_one_descriptor_more() -> None:
    before = len(os.listdir("/proc/self/fd"))
    run_apart("triggering")
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_comes_back_as_the_result_it_promises(name: str) -> None:
    assert isinstance(measured(name), EXPERIMENTS[name].result)


def test_an_experiment_that_takes_too_long_is_ended_and_said_so() -> None:
    with pytest.raises(ExperimentError, match="did not end within"):
        run_apart("models", deadline=0.05)


def test_an_experiment_that_fails_gives_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EXPERIMENTS, "nonsense", EXPERIMENTS["models"])
    with pytest.raises(ExperimentError, match="one of models"):
        run_apart("nonsense")
