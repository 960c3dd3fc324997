"""The header is calm: what comes and goes has a place of its own, and bars keep their height."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from chatops.api.snapshot import Snapshot
from tests.tui.feed import Feed
from tui.model.state import ConsoleState
from tui.widgets.gauge import sparkline
from tui.widgets.status_bar import _metric_lines, _metric_widths, _top
from tui.widgets.title_line import title_line

BARS = "▁▂▃▄▅▆▇█"


def seen(queued: int, seconds: float = 20.0) -> ConsoleState:
    """A server whose client 8 has had so much waiting."""
    feed, state = Feed(clients=9), ConsoleState()
    for n in range(1, round(seconds / 0.5) + 1):
        feed.step(0.5)
        state.feed(waiting(feed.snapshot(), queued), (), 0.5 * n)
    return state


def waiting(shot: Snapshot, queued: int) -> Snapshot:
    rows = [replace(row, nick="slow-one", queued=queued, kernel_queued=queued)
            if row.id == 8 else replace(row, queued=0, kernel_queued=0) for row in shot.clients]
    return replace(shot, clients=tuple(rows), queued=queued, kernel_queued=queued)


def lines(state: ConsoleState, width: int) -> list[str]:
    return [line.plain for line in _metric_lines(state, width, None)]


@pytest.mark.parametrize("width", [110, 120, 160, 200])
def test_a_queue_that_fills_leaves_the_bars_where_they_are_and_its_owner_behind_them(
        width: int) -> None:
    empty, full = (lines(seen(queued), width)[1] for queued in (0, 26_000))
    where = [{x for x, char in enumerate(line) if char in BARS} for line in (empty, full)]
    assert where[0] == where[1]
    assert full.count(" #8 ") + full.count("slow-one") == 2 or full.rstrip().endswith("#8")
    behind = full[full.index("25.4K"):].split("#8" if "#8" in full else "slow-one")[0]
    assert any(char in BARS for char in behind)


def test_in_eighty_columns_both_lines_end_before_the_last_one() -> None:
    for width in (60, 79, 80, 100, 120):
        assert 1 + sum(_metric_widths(width)) + 2 * (len(_metric_widths(width)) - 1) < width
    assert all(len(line) < 80 for line in lines(seen(4_000), 80))


def test_a_pause_of_a_quiet_server_is_told_when_it_is_long() -> None:
    state = ConsoleState()
    feed = Feed()
    feed.step(0.5)
    state.feed(feed.snapshot(), (), 1.0)
    told = []
    for now in (2.5, 4.0, 8.0):
        state.feed(None, (), now)
        assert not state.late
        told.append(title_line(state, 120).plain)
    assert ["nothing new" in line for line in told] == [False, False, True]
    assert "nothing new 7s" in told[-1]


def test_an_old_bar_keeps_its_height_while_the_peak_moves() -> None:
    before, after = [3.0, 4.0, 3.6], [3.0, 4.0, 3.6, 4.6]
    assert sparkline(after, 4)[:3] == sparkline(before, 3)
    tops = {_top("wakeups", (peak,)) for peak in (2.2, 2.9, 3.7, 4.3)}
    assert len(tops) == 1
    assert _top("wakeups", (0.0, float("nan"))) > 0
