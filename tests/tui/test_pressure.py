"""How near a queue is to its limit: one colour for it in every pane, louder as it fills."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from textual.content import Content

from tests.tui.feed import Feed
from tests.tui.press import begin
from tests.tui.shots import Rig
from tui.model import rows
from tui.model.columns import CellContext
from tui.model.pressure import FULL_AT, WARN_AT
from tui.panes import transports
from tui.widgets import detail_strip
from tui.widgets.gauge import gauge
from tui.widgets.live_table import LiveTable

LIMIT = 65_536
LOOK = CellContext(now=Feed().now)
SHARES = (0.01, 0.4, 0.49, WARN_AT, 0.74, 0.89, FULL_AT, 1.0, 1.5)
AS_IN_DETAILS = {"": "$success", "warn": "$warning", "error": "$error"}
LOUDNESS = ("$success", "$warning", "$error")


def colours(content: Content) -> set[str]:
    return {colour for span in content.spans for colour in LOUDNESS if colour in str(span.style)}


@pytest.mark.parametrize("share", SHARES)
def test_a_queue_has_the_same_colour_in_the_tables_the_strip_and_the_details(share: float) -> None:
    queued = round(share * LIMIT) + (share < 1)
    row = replace(Feed().snapshot().clients[0], queued=queued, queue_limit=LIMIT,
                  kernel_queued=queued, kernel_limit=LIMIT)
    cells = [column.style(row, LOOK) for column in rows.CLIENTS if column.share is not None]
    cells += [column.style(row, LOOK) for column in transports.COLUMNS if column.share is not None]
    assert {AS_IN_DETAILS[cell] for cell in cells} == colours(gauge(queued, LIMIT, 10))
    assert colours(gauge(queued, LIMIT, 10)) == colours(
        Content.assemble(*detail_strip._gauge(queued, LIMIT)))


def test_a_fuller_queue_never_has_a_calmer_colour() -> None:
    seen = [LOUDNESS.index(colours(gauge(share * LIMIT, LIMIT, 10)).pop()) for share in SHARES]
    assert seen == sorted(seen)
    assert set(seen) == {0, 1, 2}


def test_a_queue_without_a_limit_is_far_from_it_and_an_empty_one_is_grey() -> None:
    row = replace(Feed().snapshot().clients[0], queued=5, queue_limit=0)
    appq = next(column for column in rows.CLIENTS if column.name == "APPQ")
    assert (appq.style(row, LOOK), appq.style(replace(row, queued=0), LOOK)) == ("", "dim")


async def test_below_half_the_figure_is_plain_and_its_bar_green() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(120, 30)) as pilot:
        await begin(rig, pilot)
        table = rig.app.query_one("#clients-table", LiveTable)
        row = replace(table.rows[0], queued=LIMIT * 2 // 5, queue_limit=LIMIT, kernel_queued=0)
        drawn = dict(table._cells(row))
        bar = next(text for text in drawn if "█" in text)
        assert drawn[bar] == "good"
        assert next(style for text, style in drawn.items() if "25.6K" in text) == "row"
