"""The loops of a program, and its other processes: one of them is to be looked into."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from chatops.api.program import LoopRow, Process, Program
from chatops.units import counted
from tui.model.state import ConsoleState
from tui.screens.dialog import Dialog
from tui.text.cells import clean, fit
from tui.widgets.choice_list import ChoiceList

THREAD_WIDE, KIND_WIDE = 24, 10


class LoopsScreen(Dialog[str]):
    """Answers with the line that shows what was chosen, or None."""

    AUTO_FOCUS = "OptionList"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("q,o", "leave", "close", show=False)]

    DEFAULT_CSS = """
    LoopsScreen .box { width: 92; max-height: 80%; padding: 0; }
    LoopsScreen OptionList:focus { border: none; }
    LoopsScreen OptionList { height: auto; max-height: 20; border: none; padding: 0;
                             background: $surface; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._listed: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            box.border_title = "Loops and processes"
            box.border_subtitle = "↑↓ move   enter look into it   esc close"
            yield ChoiceList()

    def show(self, state: ConsoleState) -> None:
        program = state.program
        if program is None or not self.query(OptionList):      # before it was composed
            return
        lines = {**{f"loop {loop.number}": _of_loop(loop, program) for loop in program.loops},
                 **{f"process {each.pid}": _of_process(each) for each in program.processes}}
        listed = tuple(lines.items())
        if listed == self._listed:
            return
        options = self.query_one(OptionList)
        at = self._line_at(options.highlighted) or f"loop {program.shown}"
        self._listed = listed
        options.clear_options()
        options.add_options([Option(line, id=command) for command, line in listed])
        options.highlighted = list(lines).index(at) if at in lines else 0

    def _line_at(self, number: int | None) -> str | None:
        return None if number is None else self.query_one(OptionList).get_option_at_index(number).id

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(event.option.id)


def _of_loop(row: LoopRow, program: Program) -> Content:
    shown = row.number == program.shown
    return Content.assemble(
        (" ● " if shown else "   ", "$success"),
        (f"loop {row.number}  ", "bold"), (fit(row.kind, KIND_WIDE), "$secondary"),
        fit(clean(row.thread), THREAD_WIDE),
        (f"{counted(row.registered, 'descriptor')}  {row.backend}", "$text-muted"),
        (f"  {clean(row.armed_by)}" if row.armed_by else "", "$text-muted"))


def _of_process(row: Process) -> Content:
    return Content.assemble("   ", (f"process {row.pid}  ", "bold"),
                            ("a console of its own, in front of this one", "$text-muted"))
