"""What an admin can ask, from whichever console or script.

A command is a frozen struct.  `chatops.api.command_table` has, for each, how it is written,
which key runs it, what it does in a sentence, and who carries it out.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec


class Command(msgspec.Struct, frozen=True, tag=True):
    """Something an admin asks for."""


Fact = str | int | float | None


class CommandResult(msgspec.Struct, frozen=True):
    """How it went: one line for the operator, and rows where the answer is a list; `facts` are
    these for programs.
    """

    ok: bool
    text: str
    rows: tuple[str, ...] = ()
    facts: tuple[dict[str, Fact], ...] = ()


Answer = Callable[[CommandResult], None]     # who is told how it went


# -- carried out by the server.  A target is a connection id ("3", "#3") or a nick.


class Kick(Command, frozen=True, tag="kick"):
    targets: tuple[str, ...]
    reason: str = ""


class Ban(Command, frozen=True, tag="ban"):
    target: str                # a client, an address or a network: "3", "bob", "10.0.0.0/8"
    seconds: float = 0.0       # 0 is for ever
    reason: str = ""


class Unban(Command, frozen=True, tag="unban"):
    network: str


class Bans(Command, frozen=True, tag="bans"):
    pass


class Mute(Command, frozen=True, tag="mute"):
    targets: tuple[str, ...]
    seconds: float = 0.0


class Unmute(Command, frozen=True, tag="unmute"):
    targets: tuple[str, ...]


class Broadcast(Command, frozen=True, tag="broadcast"):
    text: str


class Limit(Command, frozen=True, tag="limit"):
    name: str = ""             # "" lists them all
    value: str = ""            # "" shows it


class Reload(Command, frozen=True, tag="reload"):
    pass


class Reopen(Command, frozen=True, tag="reopen"):
    pass


class Selector(Command, frozen=True, tag="selector"):
    backend: str


class WriteInterest(Command, frozen=True, tag="write-interest"):
    mode: str
    stay: str = ""             # "stay": no return to on-demand after 30 s


class SlowConsumer(Command, frozen=True, tag="slow-consumer"):
    policy: str


class Spawn(Command, frozen=True, tag="spawn"):
    kind: str
    count: int = 1


class Despawn(Command, frozen=True, tag="despawn"):
    kind: str = ""             # "" sends all of them away


class Quit(Command, frozen=True, tag="quit"):
    how: str = ""              # "drain", "now"; "" asks in a console, drains elsewhere


class Close(Command, frozen=True, tag="close"):
    targets: tuple[str, ...]   # of a program: ids of connections


class Cancel(Command, frozen=True, tag="cancel"):
    tasks: tuple[str, ...]     # of a program: ids or names


class Loop(Command, frozen=True, tag="loop"):
    number: int


# -- carried out by the console


class Pane(Command, frozen=True, tag="pane"):
    name: str


class NextPane(Command, frozen=True, tag="next"):
    pass


class Zoom(Command, frozen=True, tag="zoom"):
    pass


class Details(Command, frozen=True, tag="details"):
    target: str = ""


class Filter(Command, frozen=True, tag="filter"):
    expression: str = ""


class Sort(Command, frozen=True, tag="sort"):
    column: str


class Invert(Command, frozen=True, tag="invert"):
    pass


class Tag(Command, frozen=True, tag="tag"):
    target: str = ""


class Untag(Command, frozen=True, tag="untag"):
    pass


class Follow(Command, frozen=True, tag="follow"):
    pass


class Plot(Command, frozen=True, tag="plot"):
    figure: str = "wake-ups"
    span: str = ""             # "" is as much as there is something to show of
    target: str = ""           # a client; "" is the server


class HeaderFigures(Command, frozen=True, tag="figures"):
    pass


class Pause(Command, frozen=True, tag="pause"):
    pass


class Step(Command, frozen=True, tag="step"):
    turns: int


class Seek(Command, frozen=True, tag="seek"):
    turn: str                  # a turn's number, "-10 min": so long ago, or "06:25:53"


class Live(Command, frozen=True, tag="live"):
    pass


class Refresh(Command, frozen=True, tag="refresh"):
    seconds: float


class Speed(Command, frozen=True, tag="speed"):
    times: str                 # as fast as it happened; or "faster" and "slower" than now


class Copy(Command, frozen=True, tag="copy"):
    form: str = "row"


class Lints(Command, frozen=True, tag="lints"):
    pass


class Nodes(Command, frozen=True, tag="nodes"):
    pass


class Lab(Command, frozen=True, tag="lab"):
    pass


class ChooseLoop(Command, frozen=True, tag="loops"):
    pass


class OtherProcess(Command, frozen=True, tag="process"):
    pid: int


class Stage(Command, frozen=True, tag="stage"):
    number: int


class Lesson(Command, frozen=True, tag="lesson"):
    name: str = ""


class Record(Command, frozen=True, tag="record"):
    file: str                  # a path, or "off"


class Save(Command, frozen=True, tag="save"):
    file: str


class Theme(Command, frozen=True, tag="theme"):
    name: str


class Columns(Command, frozen=True, tag="columns"):
    columns: str = ""          # "id nick:20 appq", "+room -peer", "usual"; "" lists them


class View(Command, frozen=True, tag="view"):
    name: str = ""             # one to look by, "save", "forget"; "" lists them
    saved: str = ""            # which one is saved or forgotten


class Alert(Command, frozen=True, tag="alert"):
    condition: str = ""        # "queued>1M", "lint"; "off" removes all; "" lists them
    action: str = ""           # "" rings, "off" removes it, "run COMMAND"


class Screenshot(Command, frozen=True, tag="screenshot"):
    file: str


class Suspend(Command, frozen=True, tag="suspend"):
    pass


class Help(Command, frozen=True, tag="help"):
    pass


class Palette(Command, frozen=True, tag="palette"):
    pass


# Those that a chat server carries out itself; `chatops.server.admin` has each of them.
ServerCommand = (Kick | Ban | Unban | Bans | Mute | Unmute | Broadcast | Limit | Reload | Reopen
                 | Selector | WriteInterest | SlowConsumer | Quit)

ONLY_LOOKS = "this console only looks; attached without --read-only it may change things"


def only_looks(command: Command) -> bool:
    """Whether a server is the same after it."""
    return isinstance(command, Bans) or (isinstance(command, Limit) and not command.value)
