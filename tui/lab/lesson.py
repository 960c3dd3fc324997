"""A lesson: pages to read, an experiment made now, its pictures, and a question."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from chatops.lab.lessons import LESSONS
from chatops.lab.lessons.lesson import MeasuredLesson
from tui.lab import pictures
from tui.lab.keys import Key, KeyStrip
from tui.lab.lesson_text import (
    TEXT_WIDTH,
    choice_text,
    experiment_text,
    steps_text,
    verdict_text,
)
from tui.lab.progress import Progress
from tui.lab.wording import both_ends, score_texts
from tui.lab.worker import in_thread
from tui.messages import RunLine
from tui.screens.sized import SizedScreen
from tui.widgets.choice_list import ChoiceList

PAGE_WIDTH = 100               # cells that a page takes at most
FRAME = 5                      # rows that are not the page's: heading, steps, keys, air
TICK = 0.1


class LessonScreen(SizedScreen, Screen[None]):
    """One lesson, step by step; what is measured and answered stays in `Progress`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,space,pagedown", "step(1)", "next page", priority=True),
        Binding("left,backspace,pageup", "step(-1)", "back", priority=True),
        Binding("home", "step(-99)", show=False, priority=True),
        Binding("end", "step(99)", show=False, priority=True),
        Binding("enter", "forward", "go on", show=False, priority=True),
        Binding("m", "measure", "measure"),
        *(Binding(str(n), f"choose({n})", show=False) for n in range(1, 10)),
        Binding("n", "lesson(1)", "next lesson"),
        Binding("N", "lesson(-1)", "previous lesson", show=False),
        Binding("down", "scroll(1)", show=False),
        Binding("up", "scroll(-1)", show=False),
        Binding("escape,q,L", "leave", "lab"),
    ]

    AUTO_FOCUS = ""

    DEFAULT_CSS = """
    LessonScreen { background: $background; }
    LessonScreen .heading { height: 1; background: $surface; text-wrap: nowrap; }
    LessonScreen .steps { height: 1; background: $panel; text-wrap: nowrap; padding: 0 1; }
    LessonScreen .sheet { height: 1fr; align-horizontal: center; padding: 1 2 0 2;
                          scrollbar-size-vertical: 1; }
    LessonScreen .page { max-width: 100%; height: auto; }
    LessonScreen OptionList { max-width: 100%; height: auto; border: none;
                              background: $background; padding: 0; margin: 1 0 0 0; }
    LessonScreen OptionList:focus { border: none; background-tint: $background 0%; }
    LessonScreen .verdict { max-width: 100%; height: auto; margin: 1 0 0 0; }
    """

    def __init__(self, lesson: MeasuredLesson[Any], progress: Progress, *,
                 lessons: tuple[MeasuredLesson[Any], ...] = LESSONS,
                 clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.lesson = lesson
        self._progress = progress
        self._lessons = lessons
        self._clock = clock
        self._missing = lesson.missing()
        self._step = 0
        self._began: float | None = None           # of the measurement under way
        self._error = ""
        self._pictures: list[Content] = []

    def compose(self) -> ComposeResult:
        yield Static(classes="heading")
        yield Static(classes="steps")
        with VerticalScroll(classes="sheet") as sheet:
            sheet.can_focus = False
            yield Static(classes="page", markup=False)
            choices = ChoiceList()
            choices.display = False
            yield choices
            yield Static(classes="verdict", markup=False)
        yield KeyStrip()

    def on_mount(self) -> None:
        self.set_interval(TICK, self._tick)

    def on_resize(self) -> None:
        self._draw_pictures()
        self._draw()

    # -- where one is

    @property
    def _reads(self) -> int:
        return len(self.lesson.pages)

    @property
    def _places(self) -> list[str]:
        """The steps there are now: pictures come with the measurement."""
        return (["read"] * self._reads + ["measure"] + ["look"] * len(self._pictures)
                + ["answer"])

    @property
    def _place(self) -> str:
        return self._places[self._step]

    @property
    def _result(self) -> Any:
        return self._progress.results.get(self.lesson.name)

    @property
    def measuring(self) -> bool:
        return self._began is not None

    # -- what the learner does

    def action_step(self, by: int) -> None:
        """To the next page, or the one before."""
        self._go(self._step + by)

    def action_forward(self) -> None:
        """What comes naturally: read on, measure, look, answer, the next lesson."""
        options = self.query_one(OptionList)
        chosen, at = self._progress.choices.get(self.lesson.name), options.highlighted
        if options.display and at is not None and at != chosen:
            self.action_choose(at + 1)
        elif self._place == "measure" and self._result is None:
            self.action_measure()
        elif self._place == "answer" and chosen is None:
            options.highlighted = 0        # not on without an answer, nor with one by accident
        elif self._step == len(self._places) - 1:
            self.action_lesson(1)
        else:
            self._go(self._step + 1)

    def action_measure(self) -> None:
        """Make the experiment, here and now, in a thread; the pictures follow."""
        if self.measuring or self._missing:
            return
        self._began, self._error = self._clock(), ""
        self._go(self._reads)
        self.run_worker(self._measure(), name=f"measure {self.lesson.name}")

    async def _measure(self) -> None:
        try:
            result = await in_thread(self.lesson.measure, f"lesson {self.lesson.name}")
        except Exception as error:         # a machine may lack what an experiment needs
            self._error = str(error) or type(error).__name__
        else:
            self._progress.results[self.lesson.name] = result
            self._draw_pictures()
        self._began = None
        self._go(self._reads if self._error else self._reads + 1)

    def action_choose(self, number: int) -> None:
        """Answer, or guess before the measurement."""
        if self._place in ("measure", "look", "answer") and number <= len(self.lesson.choices):
            self._progress.choices[self.lesson.name] = number - 1
            if self._place == "look":
                self._step = len(self._places) - 1
            self._draw()

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_choose(event.option_index + 1)

    def action_lesson(self, by: int) -> None:
        """Another lesson; after the last one, the lab."""
        at = [lesson.name for lesson in self._lessons].index(self.lesson.name) + by
        if 0 <= at < len(self._lessons):
            self.post_message(RunLine(f"lesson {self._lessons[at].name}"))
        elif by > 0:
            self.action_leave()

    def action_scroll(self, lines: int) -> None:
        self.query_one(".sheet").scroll_relative(y=lines, animate=False)

    def action_leave(self) -> None:
        self.dismiss(None)

    # -- drawing

    def _go(self, step: int) -> None:
        self._step = max(0, min(len(self._places) - 1, step))
        self.query_one(".sheet").scroll_home(animate=False)
        self._draw()

    def _tick(self) -> None:
        if self.measuring and self._place == "measure":
            self._draw()

    def _draw_pictures(self) -> None:
        result = self._result
        if result is None or not self.size:
            return
        width = min(PAGE_WIDTH, self.size.width - 5)
        height = self.size.height - FRAME
        places = len(self._places)
        self._pictures = [Content("\n").join(page) for page in
                          pictures.pages(self.lesson.figures(result), width, height)]
        if self._step > self._reads:       # the window's size changes how many there are
            self._step = min(self._step + len(self._places) - places, len(self._places) - 1)

    def _draw(self) -> None:
        if not self.size or not self.query(KeyStrip):
            return
        place = self._place
        asks = place == "answer" or (place == "measure" and not self.measuring
                                     and self._result is None and not self._missing)
        self.query_one(".heading", Static).update(self._heading(), layout=False)
        self.query_one(".steps", Static).update(
            steps_text(self._places, self._step), layout=False)
        wide = PAGE_WIDTH if place == "look" else TEXT_WIDTH
        for part in self.query(".page, OptionList, .verdict"):
            part.styles.width = wide
        self.query_one(".page", Static).update(self._page(place))
        self._draw_choices(asks)
        verdict = self.query_one(".verdict", Static)
        verdict.display = place == "answer"
        if place == "answer":
            verdict.update(verdict_text(
                self._progress.verdict(self.lesson),
                guessed=self._result is None and self.lesson.name in self._progress.choices))
        self.query_one(KeyStrip).offer(self._keys(place))

    def _heading(self) -> Content:
        names = [lesson.name for lesson in self._lessons]
        number = names.index(self.lesson.name) + 1
        left = Content.assemble(
            (" lab ", "bold $background on $primary"),
            (f" lesson {number} of {len(names)}: {self.lesson.name}  ", "$text-muted"),
            (self.lesson.title, "bold $foreground"))
        room = self.size.width - len(names) - 2        # beside the marks, which always stay
        return both_ends(left.truncate(room, ellipsis=True),
                         score_texts(self._progress, self._lessons), self.size.width)

    def _page(self, place: str) -> Content:
        if place == "read":
            return Content(self.lesson.pages[self._step])
        if place == "look":
            return self._pictures[self._step - self._reads - 1]
        if place == "measure":
            took = None if self._began is None else self._clock() - self._began
            return experiment_text(self.lesson, self._missing, self._error, took,
                                   measured=self._result is not None)
        hint = "" if self._result is not None else "\n\nNot measured yet: m does."
        return Content.assemble((self.lesson.question, "bold"), (hint, "$text-muted"))

    def _draw_choices(self, shown: bool) -> None:
        options = self.query_one(OptionList)
        if options.display != shown:
            options.display = shown
            self.set_focus(options if shown else None, scroll_visible=False)
        if not shown:
            return
        verdict = self._progress.verdict(self.lesson)
        marked = self._progress.choices.get(self.lesson.name)
        rows = [choice_text(number, text, number == marked,
                            right=None if verdict is None else text == verdict.right)
                for number, text in enumerate(self.lesson.choices)]
        at = options.highlighted
        options.clear_options()
        options.add_options(Option(row) for row in rows)
        options.highlighted = marked if marked is not None else at

    def _keys(self, place: str) -> list[Key]:
        last = self.lesson.name == self._lessons[-1].name
        onward = Key("n", "back to the lab" if last else "next lesson", "lesson(1)")
        keys = [Key("→", "next", "step(1)"), Key("←", "back", "step(-1)")]
        if self._step == 0:
            keys.pop()
        if self._step == len(self._places) - 1:
            keys = [onward, keys[-1]]
        if not self._missing and not self.measuring:
            keys.append(Key("m", "measure" + (" again" if self._result else ""), "measure"))
        if place in ("measure", "answer"):
            keys.append(Key(f"1-{len(self.lesson.choices)}", "choose", "scroll(99)"))
        if onward not in keys:
            keys.append(onward)
        return [*keys, Key("esc", "lab", "leave")]
