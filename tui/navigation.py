"""How one comes from the console to what lies in front of it, and from one of these to another."""

from __future__ import annotations

import asyncio
from pathlib import Path

from textual.app import App
from textual.screen import Screen

from chatops.api.command_line import CommandError
from chatops.lab.lessons import LESSONS
from chatops.lab.stages import STAGES
from chatops.links.remote import RemoteLink
from chatops.system.errors import ChatopsError
from chatops.units import shown
from tui.config import Config
from tui.lab.lesson import LessonScreen
from tui.lab.menu import LETTERS, LabScreen
from tui.lab.progress import Progress
from tui.lab.stage import StageScreen
from tui.nested import NestedScreen, ProcessScreen


class ConsoleNavigation:
    """What `lab`, `stage`, `lesson` and `process` do; one per app, with what the learner has done.
    """

    def __init__(self, app: App[int], config: Config, *, in_browser: bool = False) -> None:
        self._app = app
        self._config = config
        self._in_browser = in_browser
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
        """A lesson by its name, its number, or its letter in the menu; "" is the first that is
        not answered.
        """
        names = [lesson.name for lesson in LESSONS]
        called = {str(number): known for number, known in enumerate(names, 1)}
        called |= zip(LETTERS, names, strict=False)
        name = called.get(name.lower(), name)
        if not name:
            name = next((lesson.name for lesson in LESSONS
                         if self.progress.verdict(lesson) is None), names[0])
        if name not in names:
            raise CommandError(f"no lesson '{shown(name)}'; there are {', '.join(names)}")
        self._enter(LessonScreen(LESSONS[names.index(name)], self.progress))

    async def process(self, path: str, *, read_only: bool) -> str:
        """Another process of the program, by its control socket.  Raises `CommandError`.

        `read_only`: as this console may only look, that one may, too.
        """
        try:
            # In a thread: one that is held does not answer at once.
            link = await asyncio.to_thread(RemoteLink, Path(path), read_only=read_only)
        except ChatopsError as error:      # nobody is there, or not of this version
            raise CommandError(str(error)) from None
        self._enter(ProcessScreen(link, self._app, self, self._config,
                                  in_browser=self._in_browser))
        return ""

    def _enter(self, screen: Screen[None]) -> None:
        """In the place of a stage, a lesson or a process; everything else stays beneath."""
        if isinstance(self._app.screen, NestedScreen | LessonScreen):
            self._app.switch_screen(screen)
        else:
            self._app.push_screen(screen)
