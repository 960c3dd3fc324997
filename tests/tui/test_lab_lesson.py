"""A lesson on the screen: reading, measuring, looking, answering."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from chatops.lab.experiments.apart import ExperimentError
from chatops.lab.lessons import LESSONS
from chatops.lab.lessons.figures import Figure, Quantities, Quantity
from chatops.lab.lessons.lesson import MeasuredLesson
from tests.patience import scaled
from tests.tui.press import Page, begin, kind, on_screen, press
from tests.tui.shots import Rig
from tests.unit.test_lessons import WORLDS
from tui.lab.lesson import LessonScreen
from tui.lab.menu import LabScreen
from tui.lab.progress import Progress

SIZES = [(80, 24), (120, 40)]


class Count(msgspec.Struct, frozen=True):
    wakeups: int


@dataclass(frozen=True, slots=True)
class Imagined(MeasuredLesson[Count]):
    """A lesson whose experiment ends when the test says so."""

    gate: Any = None
    fails: str = ""

    def measure(self) -> Count:
        assert self.gate.wait(scaled(10.0))
        if self.fails:
            raise ExperimentError(self.fails)
        return Count(7)


def figures(result: Count) -> tuple[Figure, ...]:
    return (Quantities("Counted", "1/s", False,
                       (Quantity("wake-ups", result.wakeups, str(result.wakeups)),)),)


def imagined(name: str = "first", *, fails: str = "", needs: tuple[str, ...] = ()) -> Imagined:
    gate = threading.Event()
    gate.set()
    return Imagined(
        name, f"The {name} one", ("Page one [/foo].", "Page two."), "models", "we count wake-ups",
        figures, "How many?", ("none", "seven", "more"), lambda result: 1,
        lambda result: f"There were {result.wakeups}.", needs, gate, fails)


async def opened(rig: Rig, pilot: Page, lesson: MeasuredLesson[Any], *,
                 progress: Progress | None = None) -> LessonScreen:
    screen = LessonScreen(lesson, progress or Progress(), lessons=(lesson, imagined("second")),
                          clock=lambda: rig.time)
    rig.app.push_screen(screen)
    await begin(rig, pilot, 0.1)
    return screen


async def measure(rig: Rig, pilot: Page) -> None:
    """Press the key, and wait for the experiment and for the pictures."""
    await pilot.press("m")
    await rig.app.workers.wait_for_complete()
    await pilot.pause()


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_one_reads_then_measures_then_looks_then_answers(size: tuple[int, int]) -> None:
    rig = Rig()
    async with rig.app.run_test(size=size) as pilot:
        await opened(rig, pilot, imagined())
        assert "Page one [/foo]." in on_screen(rig)
        await press(rig, pilot, "right")
        assert "Page two." in on_screen(rig)
        await press(rig, pilot, "enter")
        assert "we count wake-ups" in on_screen(rig)
        await press(rig, pilot, "enter")           # measures
        await rig.app.workers.wait_for_complete()
        await pilot.pause()
        assert "Counted" in on_screen(rig)
        await press(rig, pilot, "right", "2")
        assert "✓ Right." in on_screen(rig)
        assert "There were 7." in on_screen(rig)
        assert "1 of 1 right" in on_screen(rig)


async def test_a_wrong_answer_is_told_what_was_true_here_and_another_is_taken() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await opened(rig, pilot, imagined())
        await measure(rig, pilot)
        await press(rig, pilot, "right", "3")
        assert "✗ Not here. It is: seven" in on_screen(rig)
        assert "0 of 1 right" in on_screen(rig)
        await press(rig, pilot, "up", "enter")     # arrows and enter do as well
        assert "✓ Right." in on_screen(rig)


async def test_a_guess_before_the_measurement_is_held_against_it() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await opened(rig, pilot, imagined())
        await press(rig, pilot, "right", "right", "2")
        assert "▸ 2  seven" in on_screen(rig)
        assert "Right" not in on_screen(rig)
        await measure(rig, pilot)
        await press(rig, pilot, "right")
        assert "✓ Right." in on_screen(rig)


async def test_the_console_goes_on_while_an_experiment_runs() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        lesson = imagined()
        lesson.gate.clear()
        screen = await opened(rig, pilot, lesson)
        await pilot.press("m")
        await pilot.pause()
        assert screen.measuring
        assert "measuring" in on_screen(rig)
        await press(rig, pilot, "left")
        assert "Page two." in on_screen(rig)
        lesson.gate.set()
        await rig.app.workers.wait_for_complete()
        await pilot.pause()
        assert "Counted" in on_screen(rig)


async def test_the_last_lessons_key_is_called_by_where_it_leads() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(120, 40)) as pilot:
        first, last = LESSONS[0], LESSONS[-1]
        for lesson, said, other in ((first, "n next lesson", "n back to the lab"),
                                    (last, "n back to the lab", "n next lesson")):
            rig.app.push_screen(LessonScreen(lesson, Progress()))
            await begin(rig, pilot, 0.1)
            for key in ("home", "end"):
                await press(rig, pilot, key)
                assert said in on_screen(rig)
                assert other not in on_screen(rig)


async def test_one_may_leave_in_the_middle_of_a_measurement() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        lesson = imagined()
        lesson.gate.clear()
        await opened(rig, pilot, lesson)
        await pilot.press("m")
        await press(rig, pilot, "escape")
        assert not isinstance(rig.app.screen, LessonScreen)
        lesson.gate.set()


async def test_enter_alone_neither_guesses_nor_goes_on_without_an_answer() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        screen = await opened(rig, pilot, imagined())
        await press(rig, pilot, "enter", "enter", "enter")
        await rig.app.workers.wait_for_complete()
        await press(rig, pilot, "enter", "enter")
        assert rig.app.screen is screen
        assert "Right" not in on_screen(rig)
        await press(rig, pilot, "down", "enter")
        assert "✓ Right." in on_screen(rig)


async def test_an_experiment_that_fails_says_why_and_may_be_tried_again() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await opened(rig, pilot, imagined(fails="too few [descriptors]"))
        await measure(rig, pilot)
        assert "It failed: too few [descriptors]" in on_screen(rig)
        assert "m measure" in on_screen(rig)


async def test_what_a_machine_lacks_is_said_and_nothing_is_measured() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await opened(rig, pilot, imagined(needs=("kqueue-of-nowhere",)))
        await press(rig, pilot, "right", "right", "m")
        assert "This machine has no kqueue-of-nowhere" in on_screen(rig)


async def test_what_was_measured_is_there_when_one_comes_back() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        progress = Progress()
        await opened(rig, pilot, imagined(), progress=progress)
        await measure(rig, pilot)
        await press(rig, pilot, "escape")
        await opened(rig, pilot, imagined(), progress=progress)
        await press(rig, pilot, "right", "right", "right")
        assert "Counted" in on_screen(rig)


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_every_lesson_can_be_gone_through_from_the_first_to_the_last(
        size: tuple[int, int]) -> None:
    rig = Rig()
    true = {name: list(worlds)[-1] for name, worlds in WORLDS.items()}
    rig.app.navigation.progress.results.update(
        {name: WORLDS[name][choice]() for name, choice in true.items()})
    async with rig.app.run_test(size=size) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "L", "a")
        for number, lesson in enumerate(LESSONS, 1):
            assert f"lesson {number} of 9" in on_screen(rig)
            screen = rig.app.screen
            assert isinstance(screen, LessonScreen)
            right = lesson.choices.index(true[lesson.name])
            wrong = (right + 1) % len(lesson.choices)
            await pilot.press("end", str(wrong + 1))
            await pilot.pause()
            assert lesson.question[:40] in on_screen(rig)
            assert f"✗ Not here. It is: {true[lesson.name]}" in on_screen(rig)
            assert "Right." not in on_screen(rig)
            if number % 2:                                    # the others stay answered wrongly
                await press(rig, pilot, str(right + 1))
                assert "✓ Right." in on_screen(rig)
                assert "Not here." not in on_screen(rig)
            heading = on_screen(rig).split("\n")[0]           # the marks stay, however long it is
            assert len(LESSONS) - number == heading.count("○")
            assert (heading.count("✓"), heading.count("✗")) == ((number + 1) // 2, number // 2)
            await press(rig, pilot, "n")
        assert kind(rig) is LabScreen
        assert "5 of 9 right" in on_screen(rig)


async def test_the_real_experiment_is_measured_and_drawn() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "colon")
        await pilot.press(*"lesson triggering", "enter")
        await pilot.pause()
        await measure(rig, pilot)
        assert "epoll, edge" in on_screen(rig)
        await press(rig, pilot, "right", "2")
        assert "✓ Right." in on_screen(rig)
