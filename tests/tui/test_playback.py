"""A recording in the console: it stops, plays on from what is looked at, and faster or slower."""

from __future__ import annotations

import pytest

from chatops.links.replay import ReplayLink
from chatops.replay.recording import Header, Moment, Recording
from tests.tui.feed import Feed
from tests.tui.press import begin, on_screen, press
from tests.tui.shots import Rig
from tests.tui.test_state import fed
from tests.unit.scripted import Clock
from tui.app import ConsoleApp


def recorded(seconds: float = 20.0) -> tuple[Recording, Clock]:
    moments = tuple(Moment(*frame) for frame in fed(Feed(), seconds).past.frames())
    return Recording(Header(0.0, "0", "3", "Linux"), moments), Clock()


def played(app: ConsoleApp, clock: Clock, seconds: float) -> None:
    """A little longer, so that no second ends with it."""
    for step in [0.1] * round(seconds * 10) + [0.01]:
        clock.now += step
        app.tick()


async def test_a_recording_stands_still_at_a_pause_and_plays_on_from_what_is_shown() -> None:
    recording, clock = recorded()
    link = ReplayLink(recording, clock)
    app = ConsoleApp(link, replay=True, ticking=False, clock=clock)
    async with app.run_test(size=(120, 40)) as pilot:
        played(app, clock, 10.0)
        assert app.state.chip == "REPLAY 00:10 of 00:19"
        events = app.state.events.total
        await pilot.press("p")
        played(app, clock, 5.0)
        await pilot.press("end")
        played(app, clock, 0.2)
        assert app.state.chip == "REPLAY 00:10 of 00:19"

        app.action_command("seek -5s")
        mono = app.state.now
        await pilot.press("p")
        assert app.state.travel is None
        assert app.state.live is not None
        assert app.state.live.mono <= mono == pytest.approx(link.now)
        assert app.state.chip == "REPLAY 00:05 of 00:19"
        assert 0 < app.state.events.total < events
        assert all(event.at <= app.state.live.at for event in app.state.events.newest(9999))
        played(app, clock, 5.2)
        assert app.state.chip == "REPLAY 00:10 of 00:19"
        assert app.state.events.total == pytest.approx(events, abs=events * 0.1)

        app.action_command("seek +8s")
        await pilot.press("p")
        assert app.state.chip == "REPLAY 00:18 of 00:19"
        assert app.state.events.total == sum(
            len(moment.events) for moment in recording.moments
            if moment.snapshot.mono <= app.state.now)
        played(app, clock, 3.0)
        assert not app.state.status.alive
        await pilot.press("p")
        assert link.status.alive
        played(app, clock, 1.0)
        assert app.state.chip.startswith("REPLAY 00:0")


async def test_a_recording_plays_faster_and_slower() -> None:
    recording, clock = recorded()
    app = ConsoleApp(ReplayLink(recording, clock), replay=True, ticking=False, clock=clock)
    async with app.run_test(size=(120, 40)) as pilot:
        played(app, clock, 2.0)
        for key in ("}", "}", "}"):
            await pilot.press(key)
        played(app, clock, 1.1)
        assert app.state.chip == "REPLAY 00:10 of 00:19 x8"
        app.action_command("speed 0.5")
        played(app, clock, 4.0)
        assert app.state.chip == "REPLAY 00:12 of 00:19 x0.5"
        for _ in range(20):
            await pilot.press("{")
        assert app.state.speed == 0.125
    rig = Rig()
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "right_curly_bracket")
        assert "only a recording" in on_screen(rig)
