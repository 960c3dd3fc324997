"""What a column or a sign means is said where one looks for it: `?`, `:columns`, its heading."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from textual import events
from textual.widgets import OptionList

from tests.tui.press import begin, on_screen, press, write
from tests.tui.program_feed import ProgramFeed
from tests.tui.shots import Rig
from tui.model import rows
from tui.model.columns import Column, signs_of
from tui.panes import nodes, tasks, transports
from tui.screens.help import HelpScreen
from tui.widgets.entry_about import EntryAbout
from tui.widgets.live_table import LiveTable

TABLES: dict[str, Sequence[Column[Any]]] = {
    "clients": rows.CLIENTS, "selector": rows.KEYS, "tasks": tasks.COLUMNS,
    "nodes": nodes.COLUMNS, "transports": transports.COLUMNS}


@pytest.mark.parametrize("table", TABLES)
def test_every_column_says_what_it_is(table: str) -> None:
    assert [column.name for column in TABLES[table] if not column.about] == []


@pytest.mark.parametrize("table", TABLES)
def test_every_sign_is_told_apart_from_the_others(table: str) -> None:
    signs = [sign for sign, meaning in signs_of(TABLES[table]) if meaning]
    assert ">" in signs
    assert len(set(signs)) == len(signs) == len(signs_of(TABLES[table]))


def test_every_letter_before_a_client_is_explained() -> None:
    told = "".join(sign for sign, _ in signs_of(rows.CLIENTS))
    assert set(rows._FLAGS.values()) | set("!mfh*>»") <= set(told)
    assert {letter.upper() for letter in rows._FLAGS.values()} | {"M"} <= set(told)


async def test_help_ends_with_the_columns_of_the_active_pane() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        for pane, mark, last in (("1", "bytes in the kernel", "follows its row"),
                                 ("2", "what is called when it is ready", "follows its row")):
            await press(rig, pilot, pane, "question_mark", "end")
            assert last in on_screen(rig)
            options = rig.app.screen.query_one(OptionList)
            assert any(mark in str(option.prompt) for option in options.options)
            await press(rig, pilot, "escape")
        await press(rig, pilot, "4", "question_mark", "end")
        assert "Columns and signs" not in on_screen(rig)


async def test_enter_on_a_column_of_the_help_sorts_by_it_and_on_a_sign_does_nothing() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "1", "question_mark")
        options = rig.app.screen.query_one(OptionList)
        options.highlighted = options.get_option_index(":!")
        await press(rig, pilot, "enter")
        assert isinstance(rig.app.screen, HelpScreen)
        options.highlighted = options.get_option_index(":IN/s")
        await pilot.pause()
        told = rig.app.screen.query_one(EntryAbout)
        assert str(told.content) == "IN/s  lines per second from it"
        await press(rig, pilot, "enter")
        assert rig.app.state.views["clients"].sort == "IN/S"


async def test_below_sixty_columns_help_shows_no_stump_of_a_column() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "question_mark")
        await pilot.resize_terminal(50, 15)
        await pilot.pause()
        lines = [line.rstrip(" │") for line in on_screen(rig).split("\n")]
        assert any("ban CLIENT" in line for line in lines)
        assert not any(line.endswith("  …") for line in lines)


@pytest.mark.parametrize(("pane", "mark"), [
    ("1", "the high-water mark: above it"), ("6", "the innermost line")])
async def test_columns_of_a_program_are_listed_and_cannot_be_chosen(pane: str, mark: str) -> None:
    rig = Rig(ProgramFeed())
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, pane, "colon")
        await write(rig, pilot, "columns")
        await press(rig, pilot, "enter")
        assert mark in on_screen(rig)
        assert "signs before a row" in on_screen(rig)
        await press(rig, pilot, "escape", "colon")
        await write(rig, pilot, "columns id")
        await press(rig, pilot, "enter")
        assert "cannot be chosen" in on_screen(rig)


async def test_the_heading_under_the_mouse_says_what_it_is() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await begin(rig, pilot)
        table = rig.app.query_one("#clients-table", LiveTable)
        place = next(at for at in table.places if at.column.name == "EV")
        for y, said in ((0, place.column.about), (1, "None"), (0, place.column.about)):
            table.on_mouse_move(events.MouseMove(
                table, place.left, y, 0, 0, 0, False, False, False))
            assert str(table.tooltip) == said
