"""The questions before a kick, a ban, a broadcast and the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from msgspec.structs import replace
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from chatops.api.commands import Ban, Broadcast, Command, Kick, Mute, Quit, Unmute
from chatops.api.terms import read_alone
from chatops.units import format_duration, format_size
from tui.model import reach
from tui.model.state import ConsoleState
from tui.model.targets import Target, refreshed
from tui.screens.question import Choice, Question
from tui.text.cells import clean, fit
from tui.widgets.plain_input import PlainInput


class AboutClients(Question):
    """A question about certain clients, each listed by id; says who left meanwhile."""

    def __init__(self, targets: Sequence[Target], *choices: Choice) -> None:
        super().__init__(*choices)
        self.targets = list(targets)
        self._list = Static(self._people())

    def people(self) -> Iterable[Widget]:
        """The list, to be put into the body."""
        yield VerticalScroll(self._list, classes="people", can_focus=False)

    @property
    def present(self) -> list[Target]:
        """Those who have not left."""
        return [t for t in self.targets if not t.gone]

    def on_mount(self) -> None:
        super().on_mount()
        self._settle()

    def show(self, state: ConsoleState) -> None:
        targets = refreshed(self.targets, state)
        if targets != self.targets:
            self.targets = targets
            self._list.update(self._people())
            self.preview()
            self._settle()

    def _settle(self) -> None:
        """With nobody left to act on there is only one thing to press."""
        if self.targets and not self.present:
            for button in self.query(Button):
                button.disabled = button.id != "choice-0"
            self.query_one("#choice-0").focus()

    def _people(self) -> Content:
        wide = min(24, max((len(clean(t.nick)) for t in self.targets), default=0))
        lines = []
        for t in self.targets:
            line = f"{t.shown:>5}  {fit(t.nick, wide)}  {clean(t.peer)}"
            lines.append(Content.assemble(
                (line, "$text-disabled strike"), ("  has left", "$warning"))
                if t.gone else Content.styled(line, "bold"))
        return Content("\n").join(lines)


def _count(targets: Sequence[Target]) -> str:
    if len(targets) == 1:
        return f"{targets[0].shown} {targets[0].nick}"
    return f"{len(targets)} clients"


class KickDialog(AboutClients):
    """`KickDialog(targets, reason)`: answers with one `Kick` by id."""

    def __init__(self, targets: Sequence[Target], reason: str = "") -> None:
        super().__init__(targets, Choice("", "Kick", "harm"))
        self._reason = PlainInput(reason, placeholder="no reason given", id="reason")

    def heading(self) -> str:
        return f"Kick {_count(self.targets)}?"

    def body(self) -> Iterable[Widget]:
        yield from self.people()
        yield Static("Reason, which they read", classes="field")
        yield self._reason

    def commands(self, choice: int) -> tuple[Command, ...]:
        if not self.present:
            raise ValueError("nobody is left to kick")
        ids = tuple(t.named for t in self.present)
        return (Kick(ids, self._reason.value.strip()),)


class HiddenDialog(AboutClients):
    """`HiddenDialog(command, targets, hidden)`: before what is not asked about else, where some of
    those it takes are out of sight.  Answers with the command.
    """

    def __init__(self, command: Mute | Unmute, targets: Sequence[Target], hidden: int) -> None:
        self._does = "Mute" if isinstance(command, Mute) else "Unmute"
        super().__init__(targets, Choice("y", self._does, "care"))
        self._command = command
        self._hidden = hidden

    def heading(self) -> str:
        return f"{self._does} {_count(self.targets)}?"

    def body(self) -> Iterable[Widget]:
        yield from self.people()
        yield Static(Content(f"The filter hides {self._hidden} of them."), classes="body")

    def commands(self, choice: int) -> tuple[Command, ...]:
        if not self.present:
            raise ValueError("nobody is left")
        return (replace(self._command, targets=tuple(t.named for t in self.present)),)


class BanDialog(AboutClients):
    """`BanDialog(targets, target, seconds, reason)`: one `Ban` for each client.

    Without `targets`, of the address or network `target`.
    """

    def __init__(self, targets: Sequence[Target], target: str = "", seconds: float = 0.0,
                 reason: str = "") -> None:
        super().__init__(targets, Choice("", "Ban", "harm"))
        self._target = target
        self._for = PlainInput(format_duration(seconds) if seconds else "",
                               placeholder="for ever", id="duration")
        self._reason = PlainInput(reason, placeholder="no reason given", id="reason")
        self._address_only = not targets
        self._neighbours = Static(classes="reach")

    def show(self, state: ConsoleState) -> None:
        super().show(state)
        if not self._address_only:
            self._neighbours.update(_neighbours(self.present, state))

    def heading(self) -> str:
        return f"Ban {self._target if self._address_only else _count(self.targets)}?"

    def body(self) -> Iterable[Widget]:
        if self._address_only:
            yield Static(Content(f"Nobody from {clean(self._target)} gets in; who is in, is "
                                 "disconnected."), classes="body")
        else:
            yield from self.people()
            yield self._neighbours
        yield Static("For how long: 10m, 2h, 7d; empty is for ever", classes="field")
        yield self._for
        yield Static("Reason, which they read", classes="field")
        yield self._reason

    def commands(self, choice: int) -> tuple[Command, ...]:
        seconds = read_alone(self._for.value)
        reason = self._reason.value.strip()
        if self._address_only:
            return (Ban(self._target, seconds, reason),)
        if not self.present:
            raise ValueError("nobody is left to ban; ban the address instead")
        return tuple(Ban(t.named, seconds, reason) for t in self.present)


def _neighbours(people: Sequence[Target], state: ConsoleState) -> Content:
    """Who else a ban of these takes."""
    lines, warns = reach.of_a_ban(people, state.live)
    said = "\n".join(map(clean, lines))
    return Content.styled(f"! {said}", "$warning") if warns else Content(said)


class BroadcastDialog(Question):
    """`BroadcastDialog(whom)`: something to say to everybody, `all 3 clients`."""

    AUTO_FOCUS = "#text"

    def __init__(self, whom: str) -> None:
        super().__init__(Choice("", "Send", "good"))
        self._whom = whom
        self._text = PlainInput(placeholder="*** [admin] …", id="text")

    def heading(self) -> str:
        return f"Say to {self._whom}"

    def body(self) -> Iterable[Widget]:
        yield Static("One line, to every client in every room", classes="field")
        yield self._text

    def commands(self, choice: int) -> tuple[Command, ...]:
        text = self._text.value.strip()
        if not text:
            raise ValueError("say something first")
        return (Broadcast(text),)

    @on(Input.Submitted)
    def _send(self, event: Input.Submitted) -> None:
        """Saying something harms nobody: enter sends it."""
        event.stop()
        event.prevent_default()
        self.action_choose(1)


DRAIN, STOP = Choice("d", "Drain", "care"), Choice("s", "Stop now", "harm")
DETACH = Choice("x", "Detach", "good")


class QuitDialog(Question):
    """`QuitDialog(state, attached, leave)`: what is lost is said before it is.

    Answers with `Quit("drain")` or `Quit("now")`; Detach calls `leave` and answers nothing.
    Who may only look is not offered what would be refused.  Ctrl+C once more is no question.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c", "insist", show=False)]

    def __init__(self, state: ConsoleState, *, attached: bool,
                 leave: Callable[[], None]) -> None:
        stops = () if state.status.read_only else (DRAIN, STOP)
        super().__init__(*((DETACH,) if attached else ()), *stops)
        self._attached = attached
        self._leave = leave
        self._text = Static(_what_ends(state, attached), classes="body")

    def heading(self) -> str:
        return "Leave the console?" if self._attached else "Stop the server?"

    def body(self) -> Iterable[Widget]:
        yield self._text

    def show(self, state: ConsoleState) -> None:
        self._text.update(_what_ends(state, self._attached))

    def commands(self, choice: int) -> tuple[Command, ...]:
        if self.choices[choice] is DETACH:
            return ()
        return (Quit("now" if self.choices[choice] is STOP else "drain"),)

    def action_choose(self, number: int) -> None:
        super().action_choose(number)
        if self.choices[number] is DETACH:
            self._leave()

    def action_insist(self) -> None:
        self.action_choose(self.choices.index(DETACH if self._attached else STOP))


def _what_ends(state: ConsoleState, attached: bool) -> Content:
    snapshot = state.live
    clients = len(snapshot.clients) if snapshot is not None else 0
    queued = snapshot.queued if snapshot is not None else 0
    waiting = sum(1 for row in snapshot.clients if row.queued) if snapshot is not None else 0
    owed = f"; {format_size(queued)} still queued for {waiting:,} of them" if queued else ""
    lines = [Content(f"{clients:,} connected{owed}.\n")]
    if attached:
        lines.append(Content.assemble(("Detach    ", "bold"), "leave; the server goes on"))
    lines += [] if state.status.read_only else [
        Content.assemble(("Drain     ", "bold"), "let nobody in, deliver what is queued, stop"),
        Content.assemble(("Stop now  ", "bold"), "tell everybody and close; what is queued is lost"
                         if queued else "tell everybody and close"),
    ]
    return Content("\n").join(lines)
