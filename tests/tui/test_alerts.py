"""Alerts: once for each time a condition begins to hold, and a command that harms nothing."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatops.api.link import LinkStatus
from tests.patience import PATIENCE, Deadline
from tests.tui.feed import Feed
from tests.tui.press import begin, echo, press
from tests.tui.shots import Rig, crowd
from tui import alarm
from tui.config import Config
from tui.model.alerts import AlertContext, AlertError, AlertRule, Watch, read_alert
from tui.model.rates import Gauges

SNAPSHOT = Feed(clients=3).snapshot()


def moment(busy: float = 0.0, **figures: float) -> AlertContext:
    return AlertContext(SNAPSHOT, Gauges(busy=busy, **figures))


def test_it_goes_off_when_it_begins_to_hold_and_not_while_it_holds() -> None:
    watch = Watch(read_alert("busy>50%"))
    rings = [watch.look(moment(busy), at) for at, busy in enumerate((0.4, 0.6, 0.9, 0.6, 0.2, 0.6))]
    assert rings == [False, True, False, False, False, True]


def test_a_figure_that_trembles_around_its_limit_rings_once() -> None:
    watch = Watch(read_alert("busy>50%"))
    assert sum(watch.look(moment(0.5 + (-1) ** at * 0.01), at) for at in range(100)) == 1
    below = Watch(read_alert("wakeups<100"))
    assert sum(below.look(moment(wakeups=100 + (-1) ** at * 3), at) for at in range(100)) == 1


@given(st.lists(st.floats(0, 1), min_size=1))
def test_between_two_alarms_it_always_came_back_by_a_tenth(values: list[float]) -> None:
    watch = Watch(read_alert("busy>50%"))
    since = [0.0]
    for at, value in enumerate(values):
        since.append(value)
        if watch.look(moment(value), at):
            assert value > 0.5
            assert min(since) <= 0.45
            since = []


def test_a_limit_of_zero_comes_back_at_zero() -> None:
    watch = Watch(read_alert("in>0"))
    assert [watch.look(moment(lines_in=n), n) for n in (0, 1, 0, 1)] == [False, True, False, True]


def test_a_lint_has_to_stay_away_before_it_is_new() -> None:
    watch, feed = Watch(read_alert("lint:slow-reader")), crowd()
    quiet = moment()
    while not feed.snapshot().lints:
        feed.step()
    loud = AlertContext(feed.snapshot(), Gauges())
    looked = [(quiet, 0), (loud, 1), (quiet, 2), (loud, 3), (quiet, 4), (quiet, 7), (loud, 8)]
    assert [watch.look(at, now) for at, now in looked] == [
        False, True, False, False, False, False, True]
    assert "queue growing" in watch.says(loud)
    assert not Watch(read_alert("lint:write-idle")).look(loud, 0)


def test_a_server_that_goes_is_told_once() -> None:
    watch = Watch(read_alert("gone"))
    there, gone = moment(), AlertContext(SNAPSHOT, Gauges(), alive=False)
    assert [watch.look(at, n) for n, at in enumerate((there, gone, gone, there, gone))] == [
        False, True, False, False, True]


@pytest.mark.parametrize("line", [
    "queued", "queued>", "queued>x", "queued=3", "busy>", "busy>-1", "clients>50%", "lint:nothing",
    "lint:", "gone:1", "", "in>nan", "in>inf", "lint bell", "lint run", "queued>-1",
    "busy>90", "busy>101%",
])
def test_what_is_no_alert_is_said_in_a_line(line: str) -> None:
    with pytest.raises(AlertError) as caught:
        read_alert(line)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("line", ["queued>1M", "lint", "lint run sh -c 'echo \"$CHATOPS_ALERT\"'",
                                  "busy>0.5", "clients<1", "gone run true"])
def test_an_alert_is_written_as_it_is_read(line: str) -> None:
    assert read_alert(line).line == line


# -- in the console


async def test_an_alert_is_set_rings_is_listed_kept_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    rig = Rig(crowd(), config=Config(path))
    rung: list[int] = []
    rig.app.alarm._ring = lambda: rung.append(1)
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "colon", *"alert queued>10K", "enter")
        assert "rings the bell" in echo(rig)
        assert not rung
        rig.run(60)
        await pilot.pause()
        assert rung == [1]
        assert "queued>10K: queued " in echo(rig)
        assert [alert.line for alert in Config(path).preferences.alerts] == ["queued>10K"]
        await press(rig, pilot, "colon", *"alert", "enter")
        assert "1 set" in echo(rig)
        await press(rig, pilot, "escape", "colon", *"alert queued>10K off", "enter")
        assert "removed" in echo(rig)
        await press(rig, pilot, "colon", *"alert queued>10K off", "enter")
        assert "no alert 'queued>10K' is set" in echo(rig)
    assert Config(path).preferences.alerts == []


async def test_a_server_that_goes_rings_although_nothing_comes_any_more() -> None:
    rig = Rig()
    rung: list[int] = []
    rig.app.alarm._ring = lambda: rung.append(1)
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        rig.app.state.preferences.alerts = [AlertRule("gone")]
        rig.run(1)
        assert rung == []
        rig.link.silent, rig.link.status = True, LinkStatus(alive=False, detail="crashed")
        rig.run(1)
        assert rung == [1]


# -- commands


def test_a_command_is_run_without_a_shell_and_told_what_there_is(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert alarm.run(f"touch '{out} $HOME; x'", "") == ""
    assert os.listdir(tmp_path) == ["out $HOME; x"]
    assert alarm.run(f"sh -c 'printf %s \"$CHATOPS_ALERT\" > {out}'", "bob; rm -rf $HOME") == ""
    assert out.read_text() == "bob; rm -rf $HOME"


@pytest.mark.parametrize(("line", "says"), [
    ("/nowhere/at/all", "not run: No such file"), ("false", "ended with status 1"),
    ("sh -c 'kill -9 $$'", "killed by signal 9"), ("echo 'open", "not run: No closing quotation"),
])
def test_a_command_that_fails_is_said(line: str, says: str) -> None:
    assert says in alarm.run(line, "")


def test_a_command_that_does_not_end_is_killed_with_what_it_started(tmp_path: Path) -> None:
    beat = tmp_path / "pid"
    said = alarm.run(f"sh -c 'sleep 600 & echo $! > {beat}; wait'", "", seconds=0.5)
    assert said == "killed after 0.5 s"
    child = int(beat.read_text())
    deadline = Deadline(PATIENCE)
    while _runs(child) and deadline.left() > 0:
        threading.Event().wait(0.01)
    assert not _runs(child)


def _runs(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_only_some_run_at_once_and_the_loop_never_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    let_go, said = threading.Event(), []
    started = threading.Semaphore(0)

    def hang(line: str, text: str) -> str:
        started.release()
        let_go.wait(PATIENCE)
        return ""

    monkeypatch.setattr(alarm, "run", hang)
    bell = alarm.Alarm(lambda: None, lambda ok, line, text: said.append((ok, text)))
    state = Rig().app.state
    state.feed(SNAPSHOT, [], 1.0)
    state.preferences.alerts = [AlertRule(f"clients>{n / 10:g}", "hang") for n in range(6)]
    try:
        bell.look(state)
        for _ in range(alarm.AT_ONCE):
            assert started.acquire(timeout=PATIENCE)
        assert [ok for ok, _ in said] == [True] * alarm.AT_ONCE + [False, False]
        assert "still running" in said[-1][1]
    finally:
        let_go.set()
