"""The console's state: what panes read, from what a link gives."""

from __future__ import annotations

import pytest

from chatops.api.events import Disconnected, Warned
from chatops.api.link import LinkStatus
from tests.tui.feed import Feed
from tui.model.state import FASTEST, SLOWEST, ConsoleState


def fed(feed: Feed, seconds: float = 3.0, step: float = 0.1) -> ConsoleState:
    state = ConsoleState()
    go_on(state, feed, seconds, step)
    return state


def go_on(state: ConsoleState, feed: Feed, seconds: float, step: float = 0.1) -> None:
    for _ in range(round(seconds / step)):
        feed.step(step)
        state.feed(feed.snapshot(), feed.take(), state.mono_now + step)


def test_now_ticks_between_snapshots_by_the_consoles_clock() -> None:
    feed = Feed()
    state = fed(feed)
    state.feed(None, [], state.mono_now + 2.5)
    assert state.now == pytest.approx(feed.now + 2.5)
    assert state.age == pytest.approx(2.5)


def test_a_reactor_that_has_just_become_busy_counts_as_busy_until_it_rests() -> None:
    feed = Feed()
    state = fed(feed)
    assert state.busy < 0.1
    feed.worked += 0.09
    go_on(state, feed, 0.1)
    assert state.busy > 0.9 > 5 * state.gauges.busy
    state.feed(None, [], state.mono_now + 10)
    assert state.busy == 0


def test_events_are_kept_up_to_a_bound_and_numbered() -> None:
    state = ConsoleState()
    state.feed(None, [Warned(float(n), str(n)) for n in range(6000)], 0.0)
    assert state.events.total == 6000
    assert state.events.first == 1000
    assert [e.at for e in state.events.newest(2)] == [5998.0, 5999.0]
    assert state.events.between(0, 1001) == [Warned(1000.0, "1000")]


def test_those_who_left_are_remembered() -> None:
    feed = Feed()
    state = fed(feed)
    feed.leave(3, "peer reset")
    go_on(state, feed, 0.1)
    assert [(e.id, e.reason) for e in state.closed] == [(3, "peer reset")]
    assert isinstance(state.closed[0], Disconnected)


def test_a_tag_goes_with_its_client() -> None:
    feed = Feed()
    state = fed(feed)
    state.toggle_tag(3)
    state.toggle_tag(4)
    feed.leave(3)
    go_on(state, feed, 0.1)
    assert state.selected() == (4,)


def test_an_action_takes_the_tagged_rows_or_else_the_one_at_the_cursor() -> None:
    state = fed(Feed())
    assert state.selected() == ()
    state.views["clients"].cursor = 5
    assert state.selected() == (5,)
    state.toggle_tag(7)
    state.toggle_tag(2)
    assert state.selected() == (2, 7)
    state.untag()
    assert state.selected() == (5,)


def test_in_the_selector_pane_the_cursor_means_the_descriptors_client() -> None:
    feed = Feed()
    state = fed(feed)
    state.show_pane("selector")
    state.view.cursor = feed.talkers[4].fd
    assert state.cursor_client() == 4
    state.view.cursor = 6              # the listener's
    assert state.cursor_client() is None


def test_a_client_is_found_by_id_and_by_nick() -> None:
    state = fed(Feed())
    for target in ("2", "#2", "bob"):
        found = state.find(target)
        assert found is not None
        assert found.id == 2
    assert state.find("nobody") is None


def test_a_pause_freezes_what_is_shown_and_nothing_else() -> None:
    feed = Feed()
    state = fed(feed)
    assert state.pause()
    frozen, then = state.snapshot, state.now
    go_on(state, feed, 2.0)
    assert state.snapshot is frozen
    assert state.now == then
    assert state.live is not frozen
    assert state.events_end < state.events.total
    assert state.chip == "PAUSED"
    assert not state.pause()
    assert state.snapshot is state.live


def test_stepping_back_shows_an_earlier_turn_and_live_returns() -> None:
    feed = Feed()
    state = fed(feed, 20.0)
    assert state.live is not None
    newest = state.live.turn
    assert state.step(-1)
    before = state.travel or 0
    assert 0 < before < newest
    assert state.chip.startswith(f"TURN {before:,} (-")
    state.step(-3)
    assert 0 < (state.travel or 0) < before
    state.go_live()
    assert state.chip == "LIVE"
    assert state.snapshot is state.live


def test_seeking_by_time_goes_back_so_long_and_has_rates_of_its_own() -> None:
    feed = Feed()
    state = fed(feed, 20.0)
    state.seek_to("-10s")
    assert state.server_now - state.now == pytest.approx(10.0, abs=1.0)
    shown = state.snapshot
    assert shown is not None
    assert any(state.rates.of(row).lines_out > 0 for row in shown.clients)
    with pytest.raises(ValueError, match="no turn"):
        state.seek_to("yesterday")


def test_events_after_the_moment_that_is_shown_are_not_to_be_shown() -> None:
    feed = Feed()
    state = fed(feed, 20.0)
    state.seek_to("-5s")
    shown = state.snapshot
    assert shown is not None
    assert state.events.newest(1, state.events_end)[0].at <= shown.at


def test_the_version_goes_up_only_when_there_is_something_to_draw() -> None:
    feed = Feed()
    state = fed(feed)
    before = state.version
    state.feed(None, [], state.mono_now + 0.1, status=LinkStatus(alive=True))
    assert state.version == before
    state.feed(None, [], state.mono_now + 0.1, status=LinkStatus(alive=False, failed=True))
    assert state.version > before


def test_the_refresh_interval_stays_within_reason() -> None:
    state = ConsoleState()
    assert state.set_refresh(0.0001) == FASTEST
    assert state.set_refresh(1000) == SLOWEST


def test_following_keeps_an_id_until_it_is_turned_off() -> None:
    state = fed(Feed())
    state.views["clients"].cursor = 4
    assert state.follow() == 4
    assert state.follow() is None
