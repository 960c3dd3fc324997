"""The one bridge from a key, or a typed line, to a command and to what carries it out.

A key stands for a command line (`SPECS` says which).  `Dispatcher.key` fills in what the
line leaves open, from the selected rows or by asking; `Dispatcher.typed` parses, asks before
what cannot be taken back, and runs: a server's command goes through the link, a console's
through the table in `tui.actions`.  Whatever happens is echoed as a `:` line.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable

from textual.app import App
from textual.screen import ModalScreen

from chatops.api.command_line import CommandError, parse, render
from chatops.api.command_table import Spec, find, spec_of
from chatops.api.commands import (
    ONLY_LOOKS,
    Ban,
    Broadcast,
    Cancel,
    Close,
    Command,
    CommandResult,
    Kick,
    Mute,
    Quit,
    Unmute,
    WriteInterest,
    only_looks,
)
from chatops.api.link import ConsoleLink
from chatops.links.replay import REFUSAL, ReplayLink
from chatops.system.addresses import network_of
from tui import program, web
from tui.actions import ACTIONS
from tui.bindings import COMMAND_LINE
from tui.config import Config
from tui.console import Console, Navigation
from tui.model import reach
from tui.model.state import FASTEST, SLOWEST, ConsoleState
from tui.model.targets import Target, resolve
from tui.preview import Preview
from tui.recording import ConsoleRecording
from tui.screens.confirm import (
    BanDialog,
    BroadcastDialog,
    HiddenDialog,
    KickDialog,
    QuitDialog,
)
from tui.screens.listing import ListScreen
from tui.screens.program import EndDialog, LeaveDialog, named
from tui.screens.prompt import Prompt
from tui.tables import hidden_tags

# Of figures and dots, or with two colons in it: nobody who types it means a nick.
LIKE_AN_ADDRESS = re.compile(r"[0-9]+(?:\.[0-9]*)+|\[?[0-9a-f]*:[0-9a-f:.]*:[0-9a-f:.]*\]?",
                             re.IGNORECASE)


class Dispatcher:
    """One per app; belongs to its thread."""

    def __init__(self, app: App[int], state: ConsoleState, link: ConsoleLink, prompt: Prompt,
                 recording: ConsoleRecording, navigation: Navigation, config: Config, *,
                 attached: bool = False) -> None:
        """`attached`: the server lives elsewhere and outlives this console."""
        self._app = app
        self._state = state
        self._link = link
        self._prompt = prompt
        self._attached = attached
        self._console = Console(app, state, self.key, recording, navigation, config,
                                link if isinstance(link, ReplayLink) else None)
        self._preview = Preview(app, state)

    # -- the ways in

    def key(self, line: str) -> None:
        """A key, a click in the palette or the help screen: `line` may leave things open."""
        self._prompt.rest()
        try:
            self._begin(program.line_for(line, self._state))
        except CommandError as error:
            self._prompt.said(line)
            self._prompt.outcome(False, str(error))

    def typed(self, line: str) -> None:
        """A whole line, from the command line."""
        self._preview.entered()
        asked = " ".join(line.strip().removeprefix(":").split())
        try:
            if asked in SHORTHANDS:        # as the help has it beside its key
                self._begin(asked)
            else:
                self.run(parse(line))
        except CommandError as error:
            self._prompt.said(line.strip().removeprefix(":"))
            self._prompt.outcome(False, str(error))

    def typing(self, line: str) -> None:
        """The command line now reads so: some of it shows while it is being typed."""
        self._preview.typing(line)

    def cancelled(self) -> None:
        """The command line was left: what a half-typed line did is undone."""
        self._preview.cancelled()

    # -- filling in what a key leaves open

    def _begin(self, line: str) -> None:
        shorthand = SHORTHANDS.get(line)
        if shorthand is not None:
            whole = shorthand(self._state)
            if whole:
                self.run(parse(whole))
        elif line == COMMAND_LINE:
            self._prompt.open()
        elif line == "filter":
            self._prompt.open(f"filter {self._state.view.filter}")
        elif line == "broadcast":
            self._check_may_change(Broadcast(""))
            self._ask(BroadcastDialog(reach.of_a_broadcast(self._state.live)))
        else:
            spec = find(line)
            if spec is not None and spec.on_rows:
                self._on_rows(parse(self._with_rows(spec)))
                return
            if spec is not None and _needs_more(spec):
                self._prompt.open(f"{spec.name} ")
                return
            self.run(parse(line))

    def _on_rows(self, command: Command) -> None:
        """Nobody who is tagged and out of sight is acted on in silence."""
        hidden = len(hidden_tags(self._state))
        if hidden and isinstance(command, Mute | Unmute):
            self._check_may_change(command)
            self._ask(HiddenDialog(command, _found(command.targets, self._state), hidden))
        else:
            self.run(command)

    def _with_rows(self, spec: Spec) -> str:
        ids = self._state.selected()
        if not ids:
            raise CommandError(f"no {program.someone(self._state)} is selected")
        return f"{spec.name} {','.join(map(self._state.word_of, ids))}"

    # -- carrying out

    def run(self, command: Command) -> None:
        """Carry out, after asking where `_dialog` has a question.  Raises `CommandError`."""
        spec = spec_of(command)
        if self._state.in_browser and web.is_for_a_terminal(command):
            raise CommandError(f"'{spec.name}' is {web.NOT_IN_A_BROWSER}")
        if self._state.program is not None and not program.is_possible(spec.name):
            raise CommandError(f"'{spec.name}' is for a chat server; this is a program")
        self._check_may_change(command)
        dialog = self._dialog(command)
        if dialog is not None:
            self._ask(dialog)
        elif isinstance(command, Quit) and not self._serving:
            self._app.exit(self._link.status.exit_status)
        elif spec.where == "console":
            self._here(command)
        else:
            self.there(command)

    def _check_may_change(self, command: Command) -> None:
        """Who cannot carry it out is told at once, and not after a question.  Raises
        `CommandError`.
        """
        spec = spec_of(command)
        if isinstance(command, Quit) or spec.where == "console":
            return
        if why := self._state.refusal(spec.name):
            raise CommandError(why)
        if self._state.replay:
            raise CommandError(REFUSAL)
        if self._state.status.read_only and not only_looks(command):
            why = web.ONLY_LOOKS if self._state.in_browser else ONLY_LOOKS
            raise CommandError(f"{spec.name}: {why}")

    def _dialog(self, command: Command) -> ModalScreen[tuple[Command, ...]] | None:
        """The question that comes before this command, if there is one."""
        state = self._state
        match command:
            case Kick(targets, reason):
                return KickDialog(_found(targets, state), reason)
            case Ban(target, seconds, reason):
                # A key takes every selected row, so there may be several ids in it.
                like_one = "/" in target or (               # no nick has one in it
                    LIKE_AN_ADDRESS.fullmatch(target) and state.find(target) is None)
                if like_one and not network_of(target):
                    raise CommandError(f"'{target}' is not an address or a network")
                people = [] if network_of(target) else _found(target.split(","), state)
                return BanDialog(people, target, seconds, reason)
            case Close() | Cancel():
                return EndDialog(command, named(command, state))
            case Quit("") if self._serving and state.program is not None:
                return LeaveDialog(state.program.name, attached=self._attached,
                                   leave=self._leave, read_only=state.status.read_only)
            case Quit("") if self._serving:
                return QuitDialog(state, attached=self._attached, leave=self._leave)
        return None

    @property
    def _serving(self) -> bool:
        """There is a server that leaving could stop."""
        return self._link.status.alive and not self._state.replay

    def _leave(self) -> None:
        """Go, and let the server be."""
        self._app.exit(0)

    def _ask(self, dialog: ModalScreen[tuple[Command, ...]]) -> None:
        def answered(commands: tuple[Command, ...] | None) -> None:
            if commands:
                self.there(*commands)

        self._app.push_screen(dialog, answered)

    def _here(self, command: Command) -> None:
        line = render(command)
        self._prompt.said(line)
        action = ACTIONS.get(type(command))
        try:
            if action is None:
                raise CommandError("this console cannot do that")
            outcome = action(self._console, command)
        except (CommandError, OSError) as error:
            self._prompt.outcome(False, str(error))
            return
        except Exception as error:
            self._prompt.outcome(False, f"failed: {error!r}")
            raise
        if isinstance(outcome, str):
            self._prompt.outcome(True, outcome)
        elif isinstance(outcome, CommandResult):
            self._prompt.outcome(outcome.ok, outcome.text)
            self._app.push_screen(ListScreen(line, outcome))
        else:
            self._app.run_worker(self._report(line, _as_result(outcome)), name=line)

    def there(self, *commands: Command) -> None:
        """Hand over to the server at once; the outcome is awaited, never waited for."""
        for command in commands:
            if isinstance(command, Quit):
                self._state.draining = True
            line = render(command)
            self._prompt.said(line)
            future = asyncio.wrap_future(self._link.submit(command))
            self._app.run_worker(self._report(line, future), name=line, exit_on_error=False)

    async def _report(self, line: str, future: Awaitable[CommandResult]) -> None:
        try:
            result = await future
        except Exception as error:  # the command failed where nobody foresaw it
            result = CommandResult(False, f"failed: {error}")
        if not result.ok and line.startswith("quit"):
            self._state.draining = False
        self._prompt.said(line)
        self._prompt.outcome(result.ok, result.text)
        if result.rows:
            self._app.push_screen(ListScreen(line, result))


async def _as_result(outcome: Awaitable[str]) -> CommandResult:
    try:
        return CommandResult(True, await outcome)
    except (CommandError, OSError) as error:
        return CommandResult(False, str(error))


def _found(words: Iterable[str], state: ConsoleState) -> list[Target]:
    people, missing = resolve(words, state)
    if missing:
        raise CommandError(f"no {program.someone(state)} {', '.join(missing)}; it may have left")
    return people


def _needs_more(spec: Spec) -> bool:
    return any(not param.optional for param in spec.params)


# -- key lines that say "a step further" and not where that is

Shorthand = Callable[[ConsoleState], str]


def _sort(step: int) -> Shorthand:
    def line(state: ConsoleState) -> str:
        view = state.view
        if not view.columns:
            raise CommandError("this pane has an order of its own")
        return f"sort {view.beside(step).lower()}"

    return line


def _refresh(factor: float) -> Shorthand:
    return lambda state: f"refresh {min(SLOWEST, max(FASTEST, state.refresh * factor)):g}"


def _other_interest(state: ConsoleState) -> str:
    always = state.live is not None and state.live.loop.write_interest == "always"
    return render(WriteInterest("on-demand" if always else "always"))


def _back(state: ConsoleState) -> str:
    """What `escape` undoes: the last thing that keeps rows from the eye."""
    undo = (
        (state.paused, "live"),
        (bool(state.view.filter), "filter"),
        (state.zoomed, "zoom"),
        (bool(state.tags), "untag"),
    )
    return next((line for holds, line in undo if holds), "")


SHORTHANDS: dict[str, Shorthand] = {
    "sort left": _sort(-1),
    "sort right": _sort(1),
    "refresh faster": _refresh(0.5),
    "refresh slower": _refresh(2.0),
    "write-interest toggle": _other_interest,
    "back": _back,
}
