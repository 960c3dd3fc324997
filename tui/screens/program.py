"""Screens about a program that is observed: one of its tasks, and the questions before an end."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from chatops.api.commands import Cancel, Close, Command, Quit
from chatops.api.program import TaskRow
from tui.model.state import ConsoleState
from tui.screens.confirm import DETACH
from tui.screens.dialog import Sheet
from tui.screens.question import Choice, Question
from tui.text.cells import clean
from tui.widgets.task_page import task_page


class TaskScreen(Sheet):
    """`TaskScreen(id)`: the chain of a task, from its coroutine to what it waits for; `k` cancels
    it.
    """

    def __init__(self, ident: int) -> None:
        super().__init__()
        self._ident = ident
        self._last: TaskRow | None = None
        self._bindings.bind("k", f"app.command('cancel {ident}')", "cancel")

    def on_mount(self) -> None:
        self.query_one(".box").border_subtitle = Content("k cancel   ↑↓ scroll   esc close")

    def show(self, state: ConsoleState) -> None:
        tasks = state.snapshot.tasks if state.snapshot is not None else ()
        row = next((task for task in tasks if task.id == self._ident), None)
        gone = row is None
        self._last = row = row or self._last
        if row is None:
            self.write(Content("This task has ended."), f"task {self._ident}")
            return
        page = task_page(row, state.now)
        if gone:
            page = Content("\n").join([
                Content.styled("It has ended; what follows is how it was.", "bold $warning"), page])
        self.write(page, f"task {row.id} {clean(row.name)}")


class EndDialog(Question):
    """`EndDialog(command, what)`: before connections are aborted or tasks cancelled."""

    def __init__(self, command: Close | Cancel, what: Iterable[str]) -> None:
        self._command = command
        self._what = list(what)
        if isinstance(command, Close):
            super().__init__(Choice("y", "Abort", "harm"))
            return
        them = "them" if len(self._what) > 1 else "it"
        super().__init__(Choice("y", f"Cancel {them}", "harm"), back=Choice("n", f"Let {them} run"))

    def heading(self) -> str:
        many = len(self._what)
        if isinstance(self._command, Close):
            return f"Abort {many} connections?" if many > 1 else "Abort this connection?"
        return f"Cancel {many} tasks?" if many > 1 else "Cancel this task?"

    def body(self) -> Iterable[Widget]:
        yield Static(Content("\n".join(clean(text) for text in self._what[:8])))

    def commands(self, choice: int) -> tuple[Command, ...]:
        return (self._command,)


STOP, KILL = Choice("s", "Stop it", "care"), Choice("k", "Kill it", "harm")


class LeaveDialog(Question):
    """`LeaveDialog(name, attached, leave)`: what becomes of the program.

    Answers with `Quit("drain")` or `Quit("now")`; Detach calls `leave` and answers nothing.
    `read_only`: who may only look is not offered what would be refused.  Ctrl+C once more is no
    question: it detaches, or stops the program as it would by hand.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c", "insist", show=False)]

    def __init__(self, name: str, *, attached: bool, leave: Callable[[], None],
                 read_only: bool = False) -> None:
        super().__init__(*((DETACH,) if attached else ()), *(() if read_only else (STOP, KILL)))
        self._read_only = read_only
        self._name = name
        self._attached = attached
        self._leave = leave

    def heading(self) -> str:
        return "Leave the console?" if self._attached else "Stop the program?"

    def body(self) -> Iterable[Widget]:
        lines = [Content(f"{clean(self._name)} is running.\n")]
        if self._attached:
            lines.append(Content.assemble(("Detach    ", "bold"), "leave; the program goes on"))
        lines += [] if self._read_only else [
            Content.assemble(("Stop it   ", "bold"), "send it the signal that ends it"),
            Content.assemble(("Kill it   ", "bold"), "SIGKILL: it can clean nothing up")]
        yield Static(Content("\n").join(lines), classes="body")

    def commands(self, choice: int) -> tuple[Command, ...]:
        if self.choices[choice] is DETACH:
            return ()
        return (Quit("now" if self.choices[choice] is KILL else "drain"),)

    def action_choose(self, number: int) -> None:
        super().action_choose(number)
        if self.choices[number] is DETACH:
            self._leave()

    def action_insist(self) -> None:
        self.action_choose(self.choices.index(DETACH if self._attached else STOP))


def named(command: Close | Cancel, state: ConsoleState) -> list[str]:
    """What a command would end, a line each."""
    if isinstance(command, Close):
        rows = [state.find(word) for word in command.targets]
        return [f"#{row.id} {row.nick} {row.task} {row.peer}" for row in rows if row is not None]
    tasks = state.live.tasks if state.live is not None else ()
    return [f"{task.name} {task.coro} at {task.at}" for task in tasks
            if str(task.id) in command.tasks or task.name in command.tasks]
