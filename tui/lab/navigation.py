"""How one comes into the lab, and from one of its screens to another."""

from __future__ import annotations

from textual.app import App
from textual.screen import Screen

from chatops.api.command_line import CommandError
from chatops.lab.lessons import LESSONS
from chatops.lab.stages import STAGES
from chatops.units import shown
from tui.config import Config
from tui.lab.lesson import LessonScreen
from tui.lab.menu import LabScreen
from tui.lab.progress import Progress
from tui.lab.stage import StageScreen


class LabNavigation:
    """What `lab`, `stage` and `lesson` do; one per app, with what the learner has done."""

    def __init__(self, app: App[int], config: Config) -> None:
        self._app = app
        self._config = config
        self.progress = Progress()

    def lab(self) -> None:
        """The lab's menu, in the place of a stage or lesson that is in front."""
        app = self._app
        inside = isinstance(app.screen, StageScreen | LessonScreen)
        if inside and isinstance(app.screen_stack[-2], LabScreen):
            app.pop_screen()
        elif not isinstance(app.screen, LabScreen):
            self._enter(LabScreen(self.progress))

    def stage(self, number: int) -> None:
        """A stage, started afresh.  Raises `CommandError`."""
        if number not in STAGES:
            raise CommandError(f"no stage {number}; there are 1 to {max(STAGES)}")
        stage = STAGES[number]()
        try:
            stage.start()
        except OSError as error:
            raise CommandError(f"{stage.label} cannot listen: {error.strerror}") from None
        self._enter(StageScreen(stage, self._app, self, self.progress, self._config))

    def lesson(self, name: str) -> None:
        """A lesson by its name or number; "" is the first that is not answered."""
        names = [lesson.name for lesson in LESSONS]
        numbered = {str(number): known for number, known in enumerate(names, 1)}
        name = numbered.get(name, name)
        if not name:
            name = next((lesson.name for lesson in LESSONS
                         if self.progress.verdict(lesson) is None), names[0])
        if name not in names:
            raise CommandError(f"no lesson '{shown(name)}'; there are {', '.join(names)}")
        self._enter(LessonScreen(LESSONS[names.index(name)], self.progress))

    def _enter(self, screen: Screen[None]) -> None:
        """In the place of a stage or lesson; everything else stays beneath."""
        if isinstance(self._app.screen, StageScreen | LessonScreen):
            self._app.switch_screen(screen)
        else:
            self._app.push_screen(screen)
