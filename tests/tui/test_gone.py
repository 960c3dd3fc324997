"""A console whose server is gone, or wants no more of it: what is said, and what stands still."""

from __future__ import annotations

from chatops.api.link import LinkStatus
from tests.tui.feed import Feed
from tests.tui.press import SMALL, on_screen
from tests.tui.shots import Rig
from tui.model.state import ConsoleState

KILLED = LinkStatus(False, "the server ended without a word", failed=True)
DROPPED = LinkStatus(False, "this console was dropped: it did not read", dropped=True)


async def test_the_uptime_of_a_server_that_was_killed_stands_still_and_its_age_is_said() -> None:
    rig = Rig()
    async with rig.app.run_test(size=SMALL) as pilot:
        rig.run(3)
        rig.link.silent = True
        rig.link.status = KILLED
        rig.run(0.2)
        await pilot.pause()
        before = on_screen(rig)
        rig.run(100)
        await pilot.pause()
        after = on_screen(rig)
        up = [text.split(" up ")[1].split()[0] for text in (before, after)]
        assert up[0] == up[1]
        assert "FAILED" in after
        assert "100s ago  FAILED" in after
        assert "quiet" not in after
        assert "alice" in after


async def test_a_console_that_was_dropped_says_so_and_calls_no_server_gone() -> None:
    rig = Rig()
    async with rig.app.run_test(size=SMALL) as pilot:
        rig.run(2)
        rig.link.silent = True
        rig.link.status = DROPPED
        rig.run(0.2)
        await pilot.pause()
        text = on_screen(rig)
        assert "! this console was dropped: it did not read" in text
        assert " DROPPED " in text
        assert "gone" not in text
        assert "crashed" not in text


def test_figures_of_a_server_that_is_gone_are_its_last_and_not_nought() -> None:
    feed, state = Feed(), ConsoleState()
    for n in range(50):
        feed.step(0.1)
        state.feed(feed.snapshot(), (), 1000 + n / 10)
    last = state.gauges
    assert last.lines_in > 0
    state.feed(None, (), 1005, status=KILLED)
    state.feed(None, (), 1100, status=KILLED)
    assert state.gauges == last
    assert state.age > 90


def test_a_server_that_is_back_counts_on() -> None:
    feed, state = Feed(), ConsoleState()
    state.feed(feed.snapshot(), (), 1000)
    state.feed(None, (), 1001, status=KILLED)
    stood = state.server_now
    state.feed(None, (), 1050)
    assert state.server_now == stood
    state.feed(feed.snapshot(), (), 1060, status=LinkStatus(True))
    begun = state.server_now
    state.feed(None, (), 1061)
    assert state.server_now == begun + 1
