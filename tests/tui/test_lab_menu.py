"""The lab's menu, and the ways in and out."""

from __future__ import annotations

import pytest
from textual.widgets import OptionList

from chatops.lab.lessons import LESSONS
from chatops.lab.stages import STAGES
from tests.tui.lab_scenes import learnt
from tests.tui.press import Page, begin, echo, kind, on_screen, press
from tests.tui.shots import Rig
from tui.lab.keys import KeyStrip
from tui.lab.lesson import LessonScreen
from tui.lab.menu import LabScreen
from tui.lab.stage import StageScreen
from tui.model.completion import complete
from tui.model.state import ConsoleState
from tui.screens.main import MainScreen

SIZES = [(80, 24), (120, 40)]


async def typed(rig: Rig, pilot: Page, line: str) -> None:
    await pilot.press("colon")
    await pilot.press(*[{" ": "space"}.get(key, key) for key in line], "enter")
    await pilot.pause()
    rig.run(0.1)
    await pilot.pause()


async def settled(rig: Rig, pilot: Page) -> None:
    """Lists are drawn to the width they have, and a scroll bar takes a cell of it."""
    for _ in range(3):
        await pilot.pause()
        rig.run(0.2)
    await pilot.pause()


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_the_lab_shows_every_stage_with_its_fault_and_every_lesson(
        size: tuple[int, int]) -> None:
    rig = Rig()
    async with rig.app.run_test(size=size) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "L")
        shown = " ".join(on_screen(rig).replace("│", " ").split())
        for stage in STAGES.values():
            assert f"{stage.number} {stage.title}" in shown
            assert stage.fault.split()[0] in shown
        for lesson in LESSONS:
            assert lesson.title in shown
        for line in (":selector poll", ":write-interest always", ":spawn slow 3"):
            assert line in shown


async def test_escape_leads_back_from_a_lesson_to_the_lab_and_from_there_to_the_console() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "L", "c")
        assert kind(rig) is LessonScreen
        await press(rig, pilot, "escape")
        assert kind(rig) is LabScreen
        await press(rig, pilot, "escape")
        assert kind(rig) is MainScreen


async def test_arrows_and_enter_open_what_is_marked() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "L", "right", "down", "down", "enter")
        assert isinstance(rig.app.screen, LessonScreen)
        assert rig.app.screen.lesson is LESSONS[2]


async def test_a_click_opens_a_lesson_and_a_click_on_a_key_is_the_key() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "L")
        await pilot.click(rig.app.screen.query_one("#lessons", OptionList), offset=(8, 4))
        await pilot.pause()
        assert isinstance(rig.app.screen, LessonScreen)
        assert rig.app.screen.lesson is LESSONS[4]
        await pilot.click(rig.app.screen.query_one(KeyStrip), offset=(2, 0))
        await pilot.pause()
        assert "read ●●" in on_screen(rig)


async def test_what_was_done_in_this_session_is_marked() -> None:
    rig = Rig()
    learnt(rig.app)
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "L")
        shown = on_screen(rig)
        assert "✓✓✓✗○○○○○" in shown
        assert "3 of 4 right" in shown
        assert "2 echo  ✓" in shown
        assert "3 broadcast  ○" in shown


async def test_a_lesson_can_be_asked_for_by_name_by_number_by_letter_or_as_the_next_one() -> None:
    rig = Rig()
    learnt(rig.app)
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        for words, at in (("lesson cost", 5), ("lesson 7", 6), ("lesson b", 1), ("lesson I", 8),
                          ("lesson", 4)):
            await typed(rig, pilot, words)
            assert isinstance(rig.app.screen, LessonScreen)
            assert rig.app.screen.lesson is LESSONS[at]
            assert f"lesson {at + 1} of 9: {LESSONS[at].name}" in on_screen(rig)
            await press(rig, pilot, "escape")


async def test_what_there_is_not_is_refused_with_what_there_is() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await begin(rig, pilot)
        await typed(rig, pilot, "lesson cooking")
        assert "no lesson 'cooking'; there are phases, combinations" in echo(rig)
        await typed(rig, pilot, "stage 7")
        assert "no stage 7; there are 1 to 6" in echo(rig)


async def test_a_lesson_gives_its_place_to_the_next_and_the_lab_lies_once_beneath() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "L", "a", "n", "n", "N")
        kinds = [type(screen) for screen in rig.app.screen_stack]
        assert kinds == [MainScreen, LabScreen, LessonScreen]
        await press(rig, pilot, "escape", "5", "L")
        assert [type(s) for s in rig.app.screen_stack] == [MainScreen, LabScreen]


async def test_a_stage_opened_from_the_command_line_leads_back_to_the_console() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        await typed(rig, pilot, "stage 5")
        assert kind(rig) is StageScreen
        await press(rig, pilot, "escape")
        assert kind(rig) is MainScreen


def test_lessons_and_stages_are_offered_by_name_while_they_are_typed() -> None:
    state = ConsoleState()
    assert [c.line for c in complete("lesson c", state).candidates] == [
        "lesson combinations", "lesson cost", "lesson closed"]
    assert [c.label for c in complete("stage ", state).candidates][:2] == ["1 listen", "2 echo"]
    assert complete("stage ec", state).candidates[0].line == "stage 2"
    assert complete("step ", state).candidates == ()


@pytest.mark.parametrize(
    "size", [(60, 16), (60, 24), (80, 19), (80, 20), (80, 24), (120, 40)], ids=str)
async def test_no_box_of_the_lab_is_cut_on_a_small_terminal(size: tuple[int, int]) -> None:
    rig = Rig()
    async with rig.app.run_test(size=size) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "L")
        rig.run(0.2)
        await pilot.pause()
        shown = on_screen(rig)
        assert shown.count("╮") == shown.count("╯")
        assert "i ○" in shown                      # the last of the lessons
        if "On the chat server" in shown:          # how each switch stands, not cut
            assert "epoll" in shown
            assert "on-demand" in shown
            assert "evict" in shown


@pytest.mark.parametrize("size", [(60, 30), (80, 24), (120, 40)], ids=str)
async def test_no_text_of_the_lab_is_cut_where_there_is_room_for_the_whole_of_it(
        size: tuple[int, int]) -> None:
    rig = Rig()
    async with rig.app.run_test(size=size) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "L")
        await settled(rig, pilot)
        assert "\u2026" not in on_screen(rig)


async def test_what_the_lab_lists_is_folded_to_the_width_that_a_list_has_come_to_have() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "L")
        stages = rig.app.screen.query_one("#stages-box")
        before, stages.styles.width = on_screen(rig), 30   # as while a terminal is resized
        await settled(rig, pilot)
        assert "\u2026" not in on_screen(rig)
        stages.styles.width = None
        await settled(rig, pilot)
        assert on_screen(rig) == before
