"""One of the servers, running, in the console's own panes."""

from __future__ import annotations

import threading
from functools import partial
from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.content import Content

from chatops.api.commands import Quit
from chatops.lab.stages import STAGES, StageLink, StageServer
from chatops.lab.stages.link import refusal
from chatops.links.local import CONSOLES
from tui.config import Config
from tui.console import Navigation
from tui.lab.keys import Key, KeyStrip
from tui.lab.progress import Progress
from tui.lab.stage_text import StageText
from tui.messages import RunLine
from tui.model.state import ConsoleState
from tui.nested import NestedScreen
from tui.text.cells import clean

FIRST_PANE = {1: "selector", 2: "loop", 3: "clients", 4: "loop", 5: "clients",
              6: "clients"}

# What to do so that the fault shows, a command line a step; then round again.
TRIALS = {
    1: ("spawn chat 2", "despawn"),
    2: ("spawn chat 2", "despawn"),
    3: ("spawn chat 3", "spawn mute", "spawn flood 2", "despawn"),
    4: ("spawn mute", "spawn chat 2", "despawn"),
    # Bots fill the mute one's queue in seconds, and take it to its limit in minutes; a flood would
    # throw it out before anybody has looked.
    5: ("spawn chat 3", "spawn mute", "spawn bot 30", "despawn"),
    6: ("spawn chat 3", "spawn mute", "spawn flood", "despawn"),
}


class StageScreen(NestedScreen):
    """A stage from its start to its end: it is stopped when the screen goes.

    It looks and works as the console does, on a state, a link and a dispatcher of its own.
    """

    WITH_DETAILS = False           # its text has their room
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "stage(1)", "next stage"),
        Binding("N", "stage(-1)", "previous stage", show=False),
        Binding("t", "trial", "try"),
        Binding("i", "explain", "why"),
        Binding("s", "stop", "stop"),
    ]

    DEFAULT_CSS = """
    StageScreen #strip, StageScreen #keys { display: none; }
    StageScreen.-short StageText { max-height: 4; }
    """

    def __init__(self, stage: StageServer, app: App[int], navigation: Navigation,
                 progress: Progress, config: Config | None = None) -> None:
        """`stage` has been started already, and belongs to this screen from now on."""
        super().__init__(StageLink(stage, purposes=CONSOLES), app, navigation,
                         config or Config(), pane=FIRST_PANE[stage.number])
        self.stage = stage
        self.state.refusal = partial(refusal, stage)
        self._text = StageText()
        self._keys = KeyStrip()
        self._trial = 0                # the step of TRIALS that comes next
        self._ending = False
        progress.stages.add(stage.number)

    def on_mount(self) -> None:
        self.mount(self._text, before="#tabs")
        self.mount(self._keys)
        self._offer()

    def end(self) -> None:
        """Send its clients away and stop it, without waiting: a stage may be stuck."""
        if not self._ending:
            self._ending = True
            threading.Thread(target=self._end, name=f"end of {self.stage.label}",
                             daemon=True).start()

    def _end(self) -> None:
        self.link.close()
        self.stage.stop()

    # -- what the app asks for on every refresh

    def show(self, state: ConsoleState) -> None:
        super().show(state)
        if self._text.is_attached:
            self._text.show(self.stage, state)
            self._offer()

    def _arrange(self, state: ConsoleState) -> None:
        super()._arrange(state)
        self._lints.display = False        # the header tells of them; the loop has their room

    def _warn(self, state: ConsoleState) -> None:
        """Of the end alone: faults are what a stage is there for, and its text names them."""
        ended = not state.status.alive
        self._banner.display = ended or bool(state.fault)
        if state.fault:
            self._banner.update(Content(f" ! {clean(state.fault)}"), layout=False)
        elif ended:
            self._banner.update(Content(f" ■ {clean(state.status.detail)}   (s starts it again, "
                                        "n goes on)"), layout=False)

    def _offer(self) -> None:
        last = self.stage.number == max(STAGES)
        trials = TRIALS[self.stage.number]
        alive = self.stage.alive
        keys = [Key("n", "back to the lab" if last else "next stage", "stage(1)"),
                Key("t", f":{trials[self._trial]}", "trial"),
                Key("s", "stop" if alive else "start again", "stop"),
                Key("i", "what to do" if self._text.explains else "why", "explain"),
                Key("esc", "lab", "app.command('quit')"),
                Key(":", "command", "app.command(':')"), Key("1-5", "panes", "app.command('next')"),
                Key("N", "previous stage", "stage(-1)"), Key("p", "pause", "app.command('pause')")]
        if self.state.paused:      # the way back gives way to nothing
            back = Key("p", "go on", "app.command('pause')")
            keys = [back, *keys[:-1]]
        useless = {"explain" if self._text.tall else "", "" if alive else "trial"}
        self._keys.offer([key for key in keys if key.action not in useless])

    # -- what the learner does

    def action_stage(self, by: int) -> None:
        """The next stage, or the one before; after the last one, the lab."""
        number = self.stage.number + by
        if number in STAGES:
            self.post_message(RunLine(f"stage {number}"))
        elif by > 0:
            self.leave()

    def action_trial(self) -> None:
        """The next step of what makes the fault show."""
        if self.stage.alive:
            line = TRIALS[self.stage.number][self._trial]
            self._trial = (self._trial + 1) % len(TRIALS[self.stage.number])
            self.post_message(RunLine(line))

    def action_explain(self) -> None:
        """Why it happens, or again what to do, where there is no room for both."""
        self._text.explains = not self._text.explains
        self.show(self.state)
        self.call_after_refresh(self._redraw)      # the panes have more room now, or less

    def action_stop(self) -> None:
        """Stop it and go on looking; then, start it again from the beginning."""
        if self.stage.alive:
            self.dispatcher.there(Quit())      # in a thread of the link's own
        else:
            self.post_message(RunLine(f"stage {self.stage.number}"))
