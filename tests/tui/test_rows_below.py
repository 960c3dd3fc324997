"""Rows that a table leaves empty show the last events; a wide terminal shows more than one pane."""

from __future__ import annotations

import pytest
from rich.console import RenderableType
from textual.screen import Screen

from chatops.api.events import Said
from tests.tui.feed import Feed
from tests.tui.press import Page, looking, on_screen, press, table, until
from tests.tui.program_feed import ProgramFeed
from tests.tui.shots import Rig, crowd
from tui.model.layout import APPEARS, LEAST_BELOW, PLENTY, SLACK, RowsBelow
from tui.panes.events import EventsPane

RULE = "─ 3 Events ─"
LINE = "[/foo] is not markup"


def settle(rows: RowsBelow, *needed: int, height: int = 13, welcome: int = 0) -> list[int]:
    """What is left beneath a table that needs so many rows, one after the other."""
    return [rows.settle("clients", height, each, welcome) for each in needed]


def rule_at(rig: Rig) -> int:
    """The line of the screen that the events stand beneath, -1 without."""
    return next((at for at, line in enumerate(on_screen(rig).split("\n")) if RULE in line), -1)


async def said(rig: Rig, pilot: Page, text: str) -> None:
    """Somebody says it, and it is drawn."""
    rig.run(0.1)
    rig.feed.happened.append(Said(rig.feed.wall, 1, "alice", "lobby", text))
    rig.app.tick()
    await pilot.pause()


# -- how many rows, without a screen


def test_rows_that_are_not_needed_are_given_away_from_a_certain_number_on() -> None:
    assert settle(RowsBelow(), 13) == [0]
    assert settle(RowsBelow(), 40) == [0]
    assert settle(RowsBelow(), 13 - APPEARS + 1) == [0]
    assert settle(RowsBelow(), 13 - APPEARS) == [APPEARS]
    assert settle(RowsBelow(), 2) == [11]


def test_a_row_that_comes_has_its_room_at_once_and_some_must_go_before_it_is_taken_back() -> None:
    rows = RowsBelow()
    assert settle(rows, 6, 7) == [7, 6]
    assert settle(rows, 6, 7, 6, 7, 8 - SLACK) == [6] * 5
    assert settle(rows, 7 - SLACK) == [6 + SLACK]


def test_what_is_given_away_comes_and_goes_at_different_numbers() -> None:
    rows = RowsBelow()
    least = 13 - LEAST_BELOW
    assert settle(rows, least - 1, least, least + 1) == [APPEARS, LEAST_BELOW, 0]
    assert settle(rows, least, least + 1, least) == [0, 0, 0]
    assert settle(rows, least - 1) == [APPEARS]


def test_the_sum_beneath_a_table_comes_after_some_events() -> None:
    for needed in range(2, 14):
        below = settle(RowsBelow(), needed, welcome=1)[0]
        without = settle(RowsBelow(), needed)[0]
        assert below == (without - 1 if without > PLENTY else without)


def test_another_height_or_pane_is_shared_out_as_by_a_console_that_has_just_come_up() -> None:
    rows = RowsBelow()
    assert settle(rows, 11, 9, 10) == [0, 4, 3]
    assert rows.settle("selector", 13, 11, 0) == 0
    assert rows.settle("selector", 20, 10, 0) == 10


# -- as it is seen


@pytest.mark.parametrize(("size", "clients"), [((80, 24), 8), ((80, 24), 1), ((60, 16), 3),
                                               ((100, 40), 20)])
async def test_what_is_said_can_be_read_beneath_a_table_that_leaves_room(
        size: tuple[int, int], clients: int) -> None:
    async with looking(Feed(clients), size) as (rig, pilot):
        await until(rig, pilot, lambda: rule_at(rig) > 0)
        await said(rig, pilot, LINE)
        lines = on_screen(rig).split("\n")
        assert any(LINE in line for line in lines[rule_at(rig):])
        assert table(rig).max_scroll_y == 0
        assert all(talker.nick in on_screen(rig) for talker in rig.feed.talkers.values())


@pytest.mark.parametrize("clients", [10, 14, 60])
async def test_a_table_that_needs_its_rows_keeps_them_all(clients: int) -> None:
    async with looking(Feed(clients), (80, 24)) as (rig, _):
        assert rule_at(rig) == -1
        assert not rig.app.query_one(EventsPane).display
        assert table(rig).size.height == 12            # and one for the totals


async def test_clients_that_come_are_seen_at_once_and_nothing_jumps_when_one_goes() -> None:
    async with looking(Feed(5), (80, 24)) as (rig, pilot):
        await until(rig, pilot, lambda: rule_at(rig) > 0)
        at = rule_at(rig)
        for ident in (6, 7):
            rig.feed.join(ident)
            rig.run(0.1)
            await until(rig, pilot, lambda: table(rig).max_scroll_y == 0
                        and rig.feed.talkers[6].nick in on_screen(rig))
        assert (grown := rule_at(rig)) > at
        for ident in (7, 6):
            rig.feed.leave(ident)
        rig.feed.happened.clear()
        rig.run(0.1)
        await pilot.pause()
        assert rule_at(rig) == grown
        for ident in range(8, 20):
            rig.feed.join(ident)
        rig.run(0.1)
        await until(rig, pilot, lambda: rule_at(rig) == -1)


async def test_who_has_left_is_told_above_what_is_said() -> None:
    feed = Feed(9)
    feed.leave(9, "evicted: queue full")
    async with looking(feed, (80, 24)) as (rig, pilot):
        await until(rig, pilot, lambda: rule_at(rig) > 0)
        lines = on_screen(rig).split("\n")
        assert "closed: #9" in lines[rule_at(rig) - 1]
        assert feed.talkers[8].nick in on_screen(rig)
        await said(rig, pilot, LINE)
        assert LINE in on_screen(rig)


async def test_the_other_tables_share_and_zoom_takes_all() -> None:
    async with looking(Feed(3), (80, 24)) as (rig, pilot):
        await press(rig, pilot, "2")
        await until(rig, pilot, lambda: rule_at(rig) > 0 and "Listener" in on_screen(rig))
        await press(rig, pilot, "z")
        await until(rig, pilot, lambda: rule_at(rig) == -1)
        await press(rig, pilot, "z")
        await until(rig, pilot, lambda: rule_at(rig) > 0)
        for key in "345":
            await press(rig, pilot, key)
            await until(rig, pilot, lambda: rule_at(rig) == -1)


@pytest.mark.parametrize(("there", "back", "heading"), [
    ("3", "1", "NICK"), ("2", "1", "NICK"), ("5", "1", "NICK"), ("5", "2", "CALLBACK")])
async def test_a_table_that_is_gone_to_shares_its_place_from_its_first_frame_on(
        there: str, back: str, heading: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with looking(Feed(14), (80, 24)) as (rig, pilot):
        await press(rig, pilot, there)
        for ident in range(6, 15):
            rig.feed.leave(ident)
        rig.run(0.1)
        frames: list[int] = []
        display = rig.app._display

        def noted(screen: Screen[object], renderable: RenderableType | None) -> None:
            if heading in on_screen(rig):          # else the one before
                frames.append(rule_at(rig))
            display(screen, renderable)

        monkeypatch.setattr(rig.app, "_display", noted)
        await press(rig, pilot, back)
        await until(rig, pilot, lambda: rule_at(rig) > 0)
        assert set(frames) == {rule_at(rig)}


async def test_a_program_shows_what_it_prints_beneath_its_tasks() -> None:
    async with looking(ProgramFeed(clients=1), (80, 24), 10.0) as (rig, pilot):
        await press(rig, pilot, "6")
        await until(rig, pilot, lambda: rule_at(rig) > 0)
        assert "listening on 127.0.0.1:8888" in on_screen(rig)


async def test_a_click_on_the_events_beneath_gives_them_the_screen() -> None:
    for offset in ((4, 0), (10, 2)):
        async with looking(Feed(3), (80, 24)) as (rig, pilot):
            await until(rig, pilot, lambda: rule_at(rig) > 0)
            await pilot.click("#events-pane", offset=offset)
            await until(rig, pilot, lambda: rig.app.state.pane == "events")
            await until(rig, pilot, lambda: rig.app.query_one(EventsPane).size.height == 13)


async def test_a_pause_holds_the_events_beneath_as_well() -> None:
    async with looking(Feed(3), (80, 24)) as (rig, pilot):
        await until(rig, pilot, lambda: rule_at(rig) > 0)
        await press(rig, pilot, "p")
        held = on_screen(rig).split("\n")[rule_at(rig):]
        await said(rig, pilot, "said while it is held")
        assert on_screen(rig).split("\n")[rule_at(rig):][:4] == held[:4]
        await press(rig, pilot, "p")
        await until(rig, pilot, lambda: "said while it is held" in on_screen(rig))


# -- 110 columns and more, and the height that most terminals have


@pytest.mark.parametrize("size", [(110, 24), (120, 30), (200, 31)])
async def test_a_wide_terminal_of_usual_height_shows_clients_events_and_the_loop(
        size: tuple[int, int]) -> None:
    async with looking(Feed(8), size) as (rig, pilot):
        text = on_screen(rig)
        for title in ("1 Clients (8)", "2 Selector (10)", "3 Events", "5 Log", "4 Loop"):
            assert title in text
        assert table(rig).max_scroll_y == 0
        await said(rig, pilot, LINE)
        assert LINE in on_screen(rig)
        await press(rig, pilot, "2")
        await until(rig, pilot, lambda: "Listener.on_ready" in on_screen(rig))
        await said(rig, pilot, "and again")
        assert "and again" in on_screen(rig)
        await press(rig, pilot, "z")
        await until(rig, pilot, lambda: "4 Loop:" not in on_screen(rig))


async def test_a_terminal_that_is_neither_wide_nor_high_has_one_pane() -> None:
    for size in ((109, 40), (120, 23)):
        async with looking(crowd(), size) as (rig, _):
            assert "4 Loop:" not in on_screen(rig)
            assert "[1 Clients]" in on_screen(rig)
