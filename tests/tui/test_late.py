"""A snapshot that is late is called late: no quiet, no nought, no LIVE; the spin stays in sight."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from chatops.api.link import LinkStatus
from chatops.api.snapshot import Pulse, Snapshot
from tests.tui.feed import BEGAN, Feed
from tests.tui.press import on_screen, press
from tests.tui.shots import Rig
from tui.model.present import LATE_AFTER
from tui.model.rates import ASLEEP_AFTER, SAMPLE, Meter
from tui.model.state import ConsoleState
from tui.widgets.title_line import chip

SPIN = 40_000.0                # wake-ups a second


def pulse(rig: Rig, turns: float, *, behind: bool = True, always: bool = False) -> Pulse:
    return Pulse(rig.feed.now, rig.feed.turn + round(turns), rig.feed.ready + round(turns),
                 rig.feed.waited, rig.feed.worked + turns / SPIN, 10, behind,
                 "always" if always else "on-demand", rig.feed.now + 20 if always else 0.0)


def starve(rig: Rig, seconds: float) -> None:
    """No snapshot comes for so long, while the loop spins."""
    rig.link.silent = True
    turns = 0.0
    for _ in range(round(seconds * 10)):
        turns += SPIN / 10
        rig.link.status = LinkStatus(True, pulse=pulse(rig, turns, always=True))
        rig.run(0.1)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=str)
async def test_a_console_whose_server_has_no_time_for_it_shows_the_spin_and_says_late(
        size: tuple[int, int]) -> None:
    rig = Rig()
    async with rig.app.run_test(size=size) as pilot:
        rig.run(12)
        await press(rig, pilot, "4")
        starve(rig, 10.0)
        await pilot.pause()
        text = on_screen(rig)
        assert "LATE" in text
        assert "late 10s" in text
        assert "LIVE" not in text
        assert "quiet" not in text
        assert "WRITE INTEREST ALWAYS" in text
        told = re.search(r"([\d,]+) wake-ups/s, [\d,]+ before", text)
        assert told is not None
        assert float(told[1].replace(",", "")) == pytest.approx(SPIN, rel=0.01)
        assert "late, 10." in text                         # the loop pane
        assert list(rig.app.state.series["wakeups"])[-8:] == pytest.approx([SPIN] * 8, rel=0.01)
        assert rig.app.state.gauges.busy == pytest.approx(1.0)


async def test_the_console_is_live_again_with_the_next_snapshot() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(120, 40)) as pilot:
        rig.run(3)
        starve(rig, 5.0)
        rig.link.silent = False
        rig.link.status = LinkStatus(True, pulse=pulse(rig, SPIN, behind=False))
        rig.run(0.2)
        await pilot.pause()
        assert "● LIVE" in on_screen(rig)


def fed(snapshot: Snapshot, *, behind: bool, silent: float) -> ConsoleState:
    """A state that saw one snapshot and then none, with pulses meanwhile."""
    state = ConsoleState()
    beat = Pulse(snapshot.mono, 5, 5, 1.0, 1.0, 3, behind)
    before = replace(snapshot, mono=snapshot.mono - 1.0, lines_in=snapshot.lines_in - 50)
    state.feed(before, (), -1.0, status=LinkStatus(True, pulse=beat))
    state.feed(snapshot, (), 0.0, status=LinkStatus(True, pulse=beat))
    for tenth in range(1, round(silent * 10) + 1):
        beat = replace(beat, mono=snapshot.mono + tenth / 10)
        state.feed(None, (), tenth / 10, status=LinkStatus(True, pulse=beat))
    return state


def test_figures_of_an_old_snapshot_are_its_last_and_not_nought() -> None:
    state = fed(replace(Feed().snapshot(), lines_in=100), behind=True, silent=30.0)
    assert state.late
    assert not state.asleep
    assert state.gauges.lines_in == pytest.approx(50.0)
    assert chip(state)[0].strip("▲ ") == state.chip == "LATE"


def test_a_server_that_sleeps_is_quiet_however_long() -> None:
    state = fed(Feed().snapshot(), behind=False, silent=30.0)
    assert state.asleep
    assert not state.late
    assert state.gauges.lines_in == 0
    assert state.chip == "LIVE"


def test_one_that_wakes_after_a_long_sleep_is_not_late_at_once() -> None:
    state = fed(Feed().snapshot(), behind=False, silent=30.0)
    assert state.pulse is not None
    woken = replace(state.pulse, mono=state.pulse.mono + 0.1, behind=True)
    state.feed(None, (), 30.1, status=LinkStatus(True, pulse=woken))
    assert not state.late
    state.feed(None, (), 30.2 + LATE_AFTER, status=LinkStatus(True, pulse=woken))
    assert state.late


def test_a_state_that_is_fed_the_same_pulse_has_nothing_to_draw() -> None:
    state = fed(Feed().snapshot(), behind=False, silent=5.0)
    before = state.version
    for tenth in range(20):
        assert state.pulse is not None
        ticked = replace(state.pulse, mono=state.pulse.mono + 0.1)
        state.feed(None, (), 5.1 + tenth / 10, status=LinkStatus(True, pulse=ticked))
    assert state.version == before


def test_an_answer_with_an_age_is_as_old_as_it_says() -> None:
    state = ConsoleState()
    snapshot = replace(Feed().snapshot(), age=4.0)
    state.feed(snapshot, (), 100.0)
    assert state.age == pytest.approx(4.0)
    assert state.server_now == pytest.approx(snapshot.mono + 4.0)


def test_bars_of_the_loop_are_drawn_once_whether_snapshots_come_or_not() -> None:
    meter = Meter()
    base = Feed().snapshot()
    for tenth in range(101):                   # ten seconds, a snapshot in each of two halves
        mono = BEGAN + tenth / 10
        loop = replace(base.loop, turns=tenth * 100, ready=tenth * 100, worked=tenth / 100)
        late = 30 <= tenth < 70
        shot = None if late else replace(base, mono=mono, loop=loop, lines_in=tenth)
        meter.feed(shot, tenth / 10,
                   Pulse(mono, tenth * 100, tenth * 100, 0.0, tenth / 100, tenth, late))
    for name in ("wakeups", "lines_in", "queued"):
        assert len(meter.series[name]) == pytest.approx(10 / SAMPLE, abs=2), name
    assert list(meter.series["wakeups"]) == pytest.approx([1000.0] * len(meter.series["wakeups"]))
    assert meter.now.busy == pytest.approx(0.1)
    assert not meter.asleep


def test_without_pulses_silence_is_still_taken_for_sleep() -> None:
    meter = Meter()
    meter.feed(Feed().snapshot(), 0.0)
    meter.feed(None, ASLEEP_AFTER)
    assert meter.asleep
