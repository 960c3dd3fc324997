"""The lab's first screen: six servers, nine lessons, and what can be switched live."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.geometry import Size
from textual.screen import Screen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from chatops.lab.lessons import LESSONS
from chatops.lab.lessons.lesson import MeasuredLesson
from chatops.lab.stages import STAGES, StageServer
from tui.lab.keys import Key, KeyStrip
from tui.lab.progress import Progress
from tui.lab.wording import both_ends, fold, score_texts
from tui.messages import RunLine
from tui.model.state import ConsoleState
from tui.screens.sized import SizedScreen
from tui.widgets.choice_list import ChoiceList

LETTERS = "abcdefghijklmnopqrstuvwxyz"
SWITCHES = (
    ("selector poll", "under load"),
    ("write-interest always", "for 30 s"),
    ("slow-consumer drop-oldest", "who is late"),
    ("spawn slow 3", "bad clients"),
)
COMMAND_CELLS, STANDS_CELLS = 25, 14       # of a switch, and of how it stands
LEAST = 10                     # cells that a text is folded to
KEYS = (Key("↑↓←→", "move", "next_list"), Key("enter", "open", "open"),
        Key(f"1-{max(STAGES)}", "server", "to_stages"), Key("a-i", "lesson", "to_lessons"),
        Key("esc", "console", "leave"))


class LabScreen(SizedScreen, Screen[None]):
    """Opens stages and lessons by the command lines that do the same."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(n), f"run('stage {n}')", show=False) for n in STAGES),
        *(Binding(letter, f"run('lesson {lesson.name}')", show=False)
          for letter, lesson in zip(LETTERS, LESSONS, strict=False)),
        Binding("left,right,tab", "next_list", show=False),
        Binding("escape,q,L", "leave", "console"),
    ]
    AUTO_FOCUS = "#stages"

    DEFAULT_CSS = """
    LabScreen { background: $background; }
    LabScreen .heading { height: 1; background: $surface; text-wrap: nowrap; }
    LabScreen .columns { height: 1fr; }
    LabScreen .column { width: 1fr; height: 100%; }
    LabScreen #stages-box { width: 9fr; }
    LabScreen #others { width: 11fr; height: 100%; }
    LabScreen .box { border: round $border; border-title-color: $text-muted; padding: 0 1; }
    LabScreen .box:focus-within { border: round $primary; border-title-color: $primary;
                                  border-title-style: bold; }
    LabScreen #lessons-box { height: 1fr; min-height: 11; }
    LabScreen #switches { height: 6; border: round $border; padding: 0 1;
                          border-title-color: $text-muted; text-wrap: nowrap; }
    LabScreen.-short #switches, LabScreen.-flat #switches { display: none; }
    LabScreen OptionList { height: 1fr; border: none; background: $background; padding: 0;
                           text-wrap: nowrap; text-overflow: ellipsis;
                           scrollbar-size-vertical: 1; }
    LabScreen OptionList:focus { border: none; background-tint: $background 0%; }
    LabScreen OptionList > .option-list--option-highlighted { background: $background;
                                                              text-style: none; }
    LabScreen OptionList:focus > .option-list--option-highlighted {
        background: $block-cursor-background; }
    """

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self._progress = progress
        self._shown: tuple[int | str, ...] = ()
        self._drawn_for: list[Size] = []

    def compose(self) -> ComposeResult:
        yield Static(classes="heading")
        with Horizontal(classes="columns"):
            with Vertical(id="stages-box", classes="box") as box:
                box.border_title = "Six servers, in steps"
                yield ChoiceList(id="stages")
            with Vertical(id="others"):
                with Vertical(id="lessons-box", classes="box") as box:
                    box.border_title = "Nine lessons, measured here"
                    yield ChoiceList(id="lessons")
                yield Static(id="switches", markup=False)
        yield KeyStrip()

    def on_mount(self) -> None:
        self.query_one(KeyStrip).offer(KEYS)
        self.query_one("#switches").border_title = "On the chat server, live"

    def on_screen_resume(self) -> None:
        self.call_after_refresh(self._draw)

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    def show(self, state: ConsoleState) -> None:
        """How the switches stand at the chat server."""
        if self._sizes != self._drawn_for:
            self._draw()
        loop = state.live.loop if state.live is not None else None
        stands = ((loop.backend, loop.write_interest, loop.slow_consumer, "")
                  if loop is not None else ("", "", "", ""))
        box = self.query("#switches")
        width = box.first().content_size.width if box else 0
        if (width, *stands) == self._shown or not width:
            return
        self._shown = (width, *stands)
        wide = width >= COMMAND_CELLS + STANDS_CELLS
        lines = [f"{line:<{COMMAND_CELLS}}" if wide else line.partition(" ")[0]
                 for line, _ in SWITCHES]
        self.query_one("#switches", Static).update(Content("\n").join(
            Content.assemble((":", "bold $accent"), (line, "$foreground"), "  ",
                             (now or what, "$text-muted")).truncate(width, ellipsis=True)
            for line, (_, what), now in zip(lines, SWITCHES, stands, strict=True)))

    # -- drawing

    @property
    def _sizes(self) -> list[Size]:
        """Of the lists, without scroll bars; a layout's stand only after what it lays out does."""
        return [options.scrollable_content_region.size for options in self.query(OptionList)]

    def _draw(self) -> None:
        if not self.size or not self.query(KeyStrip):
            return
        self._drawn_for = sizes = self._sizes
        heading = Content.assemble((" lab ", "bold $background on $primary"),
                                   ("  see a selector at work, break it, understand why",
                                    "$foreground"))
        self.query_one(".heading", Static).update(
            both_ends(heading, score_texts(self._progress, LESSONS), self.size.width))
        stages, lessons = self.query(OptionList)
        width, height = sizes[0]
        _fill(stages, [Option(_stage(stage, width, number in self._progress.stages,
                                     height >= 6 * len(STAGES)), id=f"stage {number}")
                       for number, stage in STAGES.items()])
        width, height = sizes[1]
        titles = [fold(lesson.title, max(LEAST, width - 4)) for lesson in LESSONS]
        if sum(map(len, titles)) > height:     # each is seen, if not the whole of it
            titles = [[lesson.title] for lesson in LESSONS]
        about = width if height >= 3 * len(LESSONS) else 0
        _fill(lessons, [Option(_lesson(letter, title, lesson, self._progress, about),
                               id=f"lesson {lesson.name}")
                        for letter, title, lesson in zip(LETTERS, titles, LESSONS, strict=False)])

    # -- what the learner does

    @on(OptionList.OptionSelected)
    def _opened(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_run(event.option_id or "")

    def action_run(self, line: str) -> None:
        self.post_message(RunLine(line))

    def action_open(self) -> None:
        focused = self.focused
        if isinstance(focused, OptionList):
            focused.action_select()

    def action_next_list(self) -> None:
        self._to("lessons" if self.focused is self.query_one("#stages") else "stages")

    def action_to_stages(self) -> None:
        self._to("stages")

    def action_to_lessons(self) -> None:
        self._to("lessons")

    def _to(self, name: str) -> None:
        self.query_one(f"#{name}").focus()

    def action_leave(self) -> None:
        self.dismiss(None)


def _fill(options: OptionList, rows: list[Option]) -> None:
    at = options.highlighted
    options.clear_options()
    options.add_options(rows)
    options.highlighted = at or 0


def _stage(stage: type[StageServer], width: int, seen: bool, roomy: bool) -> Content:
    """Its name, its fault, and the way down to the next."""
    mark = ("✓", "$success") if seen else ("○", "$text-muted")
    mended = stage.mended
    sign, style = ("✓ ", "$success") if mended else ("! ", "$error")
    lines = [Content.assemble((f"{stage.number} ", "bold $primary"),
                              (stage.title, "bold $foreground"), "  ", mark)]
    if roomy:
        lines += [Content.styled(f"  {row}", "$foreground")
                  for row in fold(stage.what, max(LEAST, width - 4))]
    for at, row in enumerate(fold(stage.fault, max(LEAST, width - 4))):
        lines.append(Content.styled(f"  {sign if at == 0 else '  '}{row}", style))
    if roomy and stage.number != max(STAGES):
        lines.append(Content.styled("  ↓", "$text-muted"))
    return Content("\n").join(lines)


def _lesson(letter: str, title: list[str], lesson: MeasuredLesson[Any], progress: Progress,
            width: int) -> Content:
    """Its title, and where there is room for it, what it measures."""
    first, *rest = title
    about = fold(lesson.about, max(LEAST, width - 4)) if width else []
    return Content("\n").join([
        Content.assemble((f"{letter} ", "bold $primary"), progress.mark(lesson), " ",
                         (first, "$foreground")),
        *(Content.styled(f"    {row}", "$foreground") for row in rest),
        *(Content.styled(f"    {row}", "$text-muted") for row in about)])
