"""What is different in the console when it looks at a program instead of a chat server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from chatops.api.command_line import CommandError
from chatops.api.command_table import OF_PROGRAMS, find
from chatops.api.program import Program
from chatops.api.snapshot import Snapshot
from chatops.units import format_seconds
from tui import web
from tui.model.keymap import KeymapEntry
from tui.model.state import ConsoleState
from tui.text.cells import clean

Part = str | tuple[str, str]
# Of the header: label, value, the series it has, and names of who is the most in it.
Figure = tuple[str, str, str, tuple[str, ...]]

ONLY_OF_PROGRAMS = ("close", "cancel", "loop", "loops", "process")
ONLY_OF_SERVERS = ("nodes",)               # of what a console carries out itself

# Keys that end something mean what is under the cursor here.
ENDS = {"kick": {"clients": "close", "selector": "close", "tasks": "cancel"}}
ENDS_CALLED = {"close": "abort", "cancel": "cancel"}       # beside the key


def someone(state: ConsoleState) -> str:
    """What a row of the first pane is called."""
    return "client" if state.program is None else "connection"


def line_for(line: str, state: ConsoleState) -> str:
    """The command line that a key means for a program.  Raises `CommandError` for keys of a
    chat server.
    """
    if state.program is None:
        return line
    ends = ENDS.get(line, {}).get(state.pane)
    if ends == "cancel":
        task = state.views["tasks"].cursor
        if task is None or task <= 0:
            raise CommandError("no task is selected")
        return f"cancel {task}"
    if ends is not None:
        return ends
    if line in ENDS:
        raise CommandError("no connection and no task is selected")
    if not is_possible(line):
        raise CommandError(f"'{line.partition(' ')[0]}' is for a chat server; this is a program")
    return line


def is_possible(line: str) -> bool:
    """Whether a program can be asked for this."""
    spec = find(line.partition(" ")[0])
    return spec is None or spec.where == "console" or spec.name in OF_PROGRAMS


def is_offered(line: str, state: ConsoleState) -> bool:
    """Whether help and palette list this: what there is no use for here only costs a look."""
    name, _, rest = line.partition(" ")
    spec = find(name)
    if name == "pane" and rest and rest not in state.panes:
        return False
    if spec is not None and spec.where != "console" and state.refusal(spec.name):
        return False
    if spec is not None and state.in_browser and web.is_none_of_its(spec.command):
        return False
    if name == "speed" and not state.replay:
        return False
    if state.program is None:
        return name not in ONLY_OF_PROGRAMS
    return name not in ONLY_OF_SERVERS and is_possible(line)


def offered(state: ConsoleState) -> Iterator[KeymapEntry]:
    """What help and palette list.  Of a program, keys that end something stand at what they do."""
    entries = state.preferences.keymap.entries
    for entry in filter(lambda entry: is_offered(entry.line, state), entries):
        ends = () if state.program is None else [
            key for line, panes in ENDS.items() if entry.line in panes.values()
            for other in entries if other.line == line for key in other.keys]
        yield replace(entry, keys=(*entry.keys, *ends))


def title(snapshot: Snapshot, program: Program) -> list[Part]:
    """What the header says of it: name, process, Python, loop."""
    parts: list[Part] = [(clean(program.name), "bold $foreground"),
                         (f"  pid {program.pid}", "$text-muted")]
    if program.python:
        parts.append((f"  Python {clean(program.python)}", "$text-muted"))
    parts.append((f"  {program.kind or 'no loop'} {snapshot.loop.backend}", "$secondary"))
    if len(program.loops) > 1:
        parts.append((f"  loop {program.shown} of {len(program.loops)}", "$accent"))
    if program.processes:
        parts.append((f"  +{processes(program)}", "$accent"))
    return parts


def processes(program: Program) -> str:
    """How many others it has: `1 process`, `3 processes`."""
    count = len(program.processes)
    return f"{count} process{'' if count == 1 else 'es'}"


def figures(snapshot: Snapshot, program: Program) -> list[Figure]:
    """Two of the header's metrics, in the place of a chat's lines."""
    pool = program.executor
    threads = f"  executor {pool.busy}/{pool.most} +{pool.waiting}" if pool is not None else ""
    return [("lag", format_seconds(snapshot.loop.lag), "", ()),
            ("tasks", f"{program.tasks:,}{threads}", "", ())]
