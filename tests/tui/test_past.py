"""In the past the panes show the past, whatever goes on meanwhile."""

from __future__ import annotations

import re

import pytest
from textual.widgets import Static

from chatops.links.replay import WholePast
from chatops.replay.recording import Moment
from tests.tui.feed import Feed
from tests.tui.press import begin, looking, on_screen, press, write
from tests.tui.shots import Rig
from tests.tui.test_state import fed, go_on
from tui.model.state import ConsoleState


async def test_who_left_after_a_moment_has_not_left_there() -> None:
    async with looking(Feed(), (120, 40), 5.0) as (rig, pilot):
        rig.feed.leave(5, "before it")
        await begin(rig, pilot, 3.0)
        rig.feed.leave(3, "after it")
        await begin(rig, pilot, 3.0)
        assert "after it" in on_screen(rig)
        await press(rig, pilot, "S")
        await write(rig, pilot, "-4s")
        await press(rig, pilot, "enter")
        text = on_screen(rig)
        assert "before it" in text
        assert "after it" not in text
        age = text[text.index("closed: #5"):].split()[3]
        await begin(rig, pilot, 30.0)
        assert f"{age} ago \"before it\"" in on_screen(rig)
        await press(rig, pilot, "end")
        assert "after it" in on_screen(rig)


def test_the_figures_of_a_moment_stand_still_and_are_those_of_it() -> None:
    feed = Feed()
    state = fed(feed, 10.0)
    feed.off_cpu_share = 0.5
    go_on(state, feed, 5.0)
    assert state.shown_gauges == state.gauges
    state.seek_to("-7s")
    shown, bars = state.shown_gauges, list(state.shown_series["busy"])
    assert shown.busy == pytest.approx(0.008, abs=0.004)
    assert state.gauges.busy == pytest.approx(0.508, abs=0.01)
    assert bars == pytest.approx(list(state.series["busy"])[:len(bars)])
    assert max(bars) < 0.1 < max(state.series["busy"])
    go_on(state, feed, 5.0)
    assert state.shown_gauges == shown
    assert list(state.shown_series["busy"]) == bars
    state.go_live()
    assert state.shown_gauges == state.gauges


def test_the_figures_of_a_pause_are_those_of_its_beginning() -> None:
    feed = Feed()
    state = fed(feed, 5.0)
    before, bars = state.gauges, list(state.series["busy"])
    state.pause()
    feed.off_cpu_share = 0.5
    go_on(state, feed, 5.0)
    assert state.shown_gauges == before
    assert list(state.shown_series["busy"]) == bars


async def test_the_loop_pane_of_the_past_stands_still_as_a_whole() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await begin(rig, pilot, 10.0)
        await press(rig, pilot, "4", "z", "left_square_bracket")
        pane = rig.app.query_one("#loop-pane Static", Static)
        before = [line for line in str(pane.visual).split("\n") if "s old" not in line]
        rig.feed.off_cpu_share = 0.7
        await begin(rig, pilot, 10.0)
        after = [line for line in str(pane.visual).split("\n") if "s old" not in line]
        assert "(-" in "".join(before)         # so long ago it is, which goes on
        assert [line.partition("(-")[0] for line in after] == [
            line.partition("(-")[0] for line in before]


async def test_seeking_says_that_the_header_goes_on() -> None:
    async with looking(Feed(), (120, 40), 10.0) as (rig, pilot):
        await press(rig, pilot, "S")
        await write(rig, pilot, "-5s")
        await press(rig, pilot, "enter")
        assert "; the header goes on" in on_screen(rig)


def test_what_is_still_to_come_of_a_recording_is_so_far_ahead() -> None:
    feed = Feed()
    state = ConsoleState(replay=True)
    moments = [Moment(*frame) for frame in fed(feed, 20.0).past.frames()]
    state.past = WholePast(moments)
    state.feed(moments[10].snapshot, (), 0.0)
    state.seek_to("+5s")
    assert re.fullmatch(r"TURN [\d,]+ \(\+[45]\.\ds\)", state.chip)
    state.seek_to("+13s")
    assert re.fullmatch(r"TURN [\d,]+ \(\+1[78]s\)", state.chip)


def test_a_step_forward_from_the_present_stays_there() -> None:
    state = fed(Feed(), 20.0)
    assert state.step(1)
    assert state.chip == "LIVE"
    state.step(-1)
    state.step(1)
    assert state.travel is not None        # until `end` is pressed
