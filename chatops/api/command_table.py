"""How commands are written: their names, arguments, keys and help, one row for each.

`SPECS` also says who carries a command out: the server's reactor thread or the console itself.
`chatops.api.command_line` reads and writes lines by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from chatops.api.commands import (
    Alert,
    Ban,
    Bans,
    Broadcast,
    Cancel,
    ChooseLoop,
    Close,
    Columns,
    Command,
    Copy,
    Despawn,
    Details,
    Filter,
    Follow,
    HeaderFigures,
    Help,
    Invert,
    Kick,
    Lab,
    Lesson,
    Limit,
    Lints,
    Live,
    Loop,
    Mute,
    NextPane,
    Nodes,
    OtherProcess,
    Palette,
    Pane,
    Pause,
    Plot,
    Quit,
    Record,
    Refresh,
    Reload,
    Reopen,
    Save,
    Screenshot,
    Seek,
    Selector,
    SlowConsumer,
    Sort,
    Spawn,
    Speed,
    Stage,
    Step,
    Suspend,
    Tag,
    Theme,
    Unban,
    Unmute,
    Untag,
    View,
    WriteInterest,
    Zoom,
)
from chatops.api.words import SlowConsumer as SlowConsumerWord

BACKENDS = ("select", "poll", "epoll", "kqueue", "devpoll")
WRITE_INTERESTS = ("on-demand", "always")
SLOW_CONSUMER = get_args(SlowConsumerWord)
LOG_LEVELS = ("debug", "info", "warning", "error")
BUILT_IN = ("chat", "bot", "slow", "mute", "flood", "drip", "half-close", "rst")
PLOTS = ("wake-ups", "lines-in", "lines-out", "busy", "queued", "kernel", "clients")
PLOT_SPANS = ("1m", "5m", "1h")
SPEEDS = ("0.125", "0.25", "0.5", "1", "2", "4", "8", "16", "32", "64")
PANES = ("clients", "selector", "events", "loop", "log", "tasks", "nodes")

# What can be asked of a program that is observed; the rest is for a chat server.
OF_PROGRAMS = ("selector", "close", "cancel", "loop", "quit")

Kind = Literal[
    "targets", "target", "ban", "network", "duration", "limit", "word", "choice",
    "number", "seconds", "column", "file", "lesson", "text", "theme", "columns", "view", "alert",
]


@dataclass(frozen=True, slots=True)
class Param:
    """One argument: the struct field it fills, how it is read, and how it is completed."""

    field: str
    kind: Kind
    label: str
    optional: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Spec:
    """One row of the table."""

    name: str
    command: type[Command]
    help: str
    group: str                             # heading in the help screen
    params: tuple[Param, ...] = ()
    aliases: tuple[str, ...] = ()
    keys: tuple[tuple[str, str], ...] = ()  # (key, command line it runs or begins)
    label: str = ""                        # what the footer calls it; "" keeps it out
    on_rows: bool = False                  # takes the tagged rows, or the one under the cursor
    where: Literal["server", "console"] = "server"

    @property
    def usage(self) -> str:
        """`kick CLIENT,… [REASON]`"""
        words = [f"[{p.label}]" if p.optional else p.label for p in self.params]
        return " ".join([self.name, *words])


def _p(field: str, kind: Kind, label: str, *choices: str, optional: bool = False) -> Param:
    return Param(field, kind, label, optional, choices)


SPECS: tuple[Spec, ...] = (
    Spec("kick", Kick, "Tell clients why and disconnect them.", "Clients",
         (_p("targets", "targets", "CLIENT,…"), _p("reason", "text", "REASON", optional=True)),
         keys=(("k", "kick"), ("f9", "kick")), label="kick", on_rows=True),
    Spec("ban", Ban, "Disconnect a client and refuse its address, or an address or network.",
         "Clients",
         (_p("target", "ban", "CLIENT|ADDRESS|NETWORK"),
          _p("seconds", "duration", "DURATION", optional=True),
          _p("reason", "text", "REASON", optional=True)),
         keys=(("K", "ban"),), on_rows=True),
    Spec("unban", Unban, "Let an address or network in again.", "Clients",
         (_p("network", "network", "ADDRESS|NETWORK"),)),
    Spec("bans", Bans, "List the bans in force.", "Clients"),
    Spec("mute", Mute, "Let clients listen but not speak.", "Clients",
         (_p("targets", "targets", "CLIENT,…"),
          _p("seconds", "duration", "DURATION", optional=True)),
         keys=(("m", "mute"),), on_rows=True),
    Spec("unmute", Unmute, "Let muted clients speak again.", "Clients",
         (_p("targets", "targets", "CLIENT,…"),), keys=(("M", "unmute"),), on_rows=True),
    Spec("broadcast", Broadcast, "Say something to every client in every room.", "Clients",
         (_p("text", "text", "TEXT"),), aliases=("say",), keys=(("b", "broadcast"),),
         label="say"),
    Spec("limit", Limit, "Show or change a limit while the server runs.", "Server",
         (_p("name", "limit", "NAME", optional=True),
          _p("value", "word", "VALUE", optional=True)), aliases=("limits",)),
    Spec("reload", Reload,
         "Read the settings, the bans and the certificate again; it says what has changed.",
         "Server"),
    Spec("reopen", Reopen, "Open the log file again, after it was moved away.", "Server"),
    Spec("selector", Selector, "Swap the selector's backend under load; nobody is disconnected.",
         "Selector", (_p("backend", "choice", "BACKEND", *BACKENDS),)),
    Spec("close", Close, "Abort connections of a program: their transports are told so.",
         "Program", (_p("targets", "targets", "CONNECTION,…"),), on_rows=True),
    Spec("cancel", Cancel, "Cancel tasks of a program.", "Program",
         (_p("tasks", "targets", "TASK,…"),)),
    Spec("loop", Loop, "Show another loop of a program that has several.", "Program",
         (_p("number", "number", "NUMBER"),)),
    Spec("loops", ChooseLoop, "Choose among the loops and processes of a program.", "Program",
         keys=(("o", "loops"),), label="loops", where="console"),
    Spec("process", OtherProcess, "Look into another process of the same program.", "Program",
         (_p("pid", "number", "PID"),), where="console"),
    Spec("write-interest", WriteInterest,
         "Watch for writing only while bytes wait, or always (returns after 30 s).", "Selector",
         (_p("mode", "choice", "MODE", *WRITE_INTERESTS),
          _p("stay", "choice", "stay", "stay", optional=True)),
         keys=(("w", "write-interest toggle"),)),
    Spec("slow-consumer", SlowConsumer, "What happens to a client whose outbox is full.",
         "Selector", (_p("policy", "choice", "POLICY", *SLOW_CONSUMER),)),
    Spec("spawn", Spawn, "Start built-in clients, good and bad, over real sockets.", "Lab",
         (_p("kind", "choice", "KIND", *BUILT_IN),
          _p("count", "number", "COUNT", optional=True))),
    Spec("despawn", Despawn, "Send built-in clients away.", "Lab",
         (_p("kind", "choice", "KIND", *BUILT_IN, optional=True),)),
    Spec("lab", Lab, "Open the lab: six servers, lessons, and what selectors cost.", "Lab",
         keys=(("L", "lab"),), label="lab", where="console"),
    Spec("stage", Stage, "Run one of the lab's six servers.", "Lab",
         (_p("number", "number", "1-6"),), where="console"),
    Spec("lesson", Lesson, "Open a lesson of the lab.", "Lab",
         (_p("name", "lesson", "LESSON", optional=True),), where="console"),
    Spec("lints", Lints, "What a reviewer would object to in the selector right now.", "Selector",
         keys=(("l", "lints"),), where="console"),
    Spec("nodes", Nodes, "The nodes that share this chat, and what joins them.", "Server",
         where="console"),
    Spec("pane", Pane, "Show a pane.", "View", (_p("name", "choice", "PANE", *PANES),),
         keys=tuple((str(n), f"pane {pane}") for n, pane in enumerate(PANES, 1)),
         where="console"),
    Spec("next", NextPane, "Go to the next pane.", "View", keys=(("tab", "next"),),
         where="console"),
    Spec("zoom", Zoom, "Give the whole screen to this pane, and back.", "View",
         keys=(("z", "zoom"),), where="console"),
    Spec("details", Details, "Show everything about one client, descriptor or event.", "View",
         (_p("target", "target", "CLIENT", optional=True),), keys=(("enter", "details"),),
         where="console"),
    Spec("filter", Filter, "Keep rows: text, !text, nick:bob, appq:>64K.", "View",
         (_p("expression", "text", "EXPRESSION", optional=True),), keys=(("slash", "filter"),),
         label="filter", where="console"),
    Spec("sort", Sort, "Sort by a column.", "View", (_p("column", "column", "COLUMN"),),
         keys=(("less_than_sign", "sort left"), ("greater_than_sign", "sort right")),
         label="sort", where="console"),
    Spec("invert", Invert, "Invert the order.", "View", keys=(("I", "invert"),),
         where="console"),
    Spec("tag", Tag, "Tag a row, and go to the next; an action takes all tagged rows.", "View",
         (_p("target", "target", "CLIENT", optional=True),), keys=(("space", "tag"),),
         label="tag", where="console"),
    Spec("untag", Untag, "Untag all rows.", "View", keys=(("u", "untag"),), where="console"),
    Spec("follow", Follow, "Keep the cursor on the selected client.", "View",
         keys=(("F", "follow"),), where="console"),
    Spec("plot", Plot, "A figure over the last minutes or hour: the server's, or a client's.",
         "View", (_p("figure", "choice", "FIGURE", *PLOTS, optional=True),
                  _p("span", "choice", "SPAN", *PLOT_SPANS, optional=True),
                  _p("target", "target", "CLIENT", optional=True)),
         keys=(("g", "plot"),), where="console"),
    Spec("figures", HeaderFigures,
         "Go through the header's figures: arrows, enter plots one, escape.", "View",
         keys=(("G", "figures"),), where="console"),
    Spec("refresh", Refresh, "Seconds between refreshes.", "View",
         (_p("seconds", "seconds", "SECONDS"),),
         keys=(("plus", "refresh faster"), ("minus", "refresh slower")), where="console"),
    Spec("columns", Columns, "Choose columns, order and width: id nick:20, +room -peer; "
         "usual brings all back.", "View",
         (_p("columns", "columns", "COLUMN[:CELLS]…", optional=True),), where="console"),
    Spec("view", View, "Look at the rows in a way that was saved: filter, sort and columns.",
         "View", (_p("name", "view", "NAME|save|forget", optional=True),
                  _p("saved", "view", "NAME", optional=True)),
         aliases=("views",), where="console"),
    Spec("copy", Copy, "Copy the row, or the row as JSON.", "View",
         (_p("form", "choice", "FORM", "row", "json", optional=True),),
         keys=(("c", "copy row"), ("y", "copy json")), where="console"),
    Spec("pause", Pause, "Freeze the rows. A recording stops, and plays on from what is shown.",
         "Time", keys=(("p", "pause"),), label="pause", where="console"),
    Spec("step", Step, "Step back or forward through the turns of the loop.", "Time",
         (_p("turns", "number", "±TURNS"),),
         keys=(("left_square_bracket", "step -1"), ("right_square_bracket", "step 1")),
         label="step", where="console"),
    Spec("seek", Seek, "Go to a turn by number, back by a time (-10s), or to a clock time (06:25).",
         "Time", (_p("turn", "text", "TURN|-TIME|HH:MM[:SS]"),),
         keys=(("S", "seek"),), where="console"),
    Spec("speed", Speed, "Play a recording faster or slower than it happened.", "Time",
         (_p("times", "choice", "TIMES", "slower", "faster", *SPEEDS),),
         keys=(("left_curly_bracket", "speed slower"), ("right_curly_bracket", "speed faster")),
         where="console"),
    Spec("live", Live, "Back to the present.", "Time", keys=(("end", "live"),), where="console"),
    Spec("record", Record, "Record turns, snapshots and events to a file, or `off`.", "Time",
         (_p("file", "file", "FILE|off"),), where="console"),
    Spec("save", Save, "Write what is still held of the past to a file.", "Time",
         (_p("file", "file", "FILE"),), where="console"),
    Spec("theme", Theme, "Choose the colours; they change while you choose.", "Console",
         (_p("name", "theme", "NAME"),), where="console"),
    Spec("alert", Alert, "Ring, or run a command, when queued>1M, lint …; or take that off.",
         "Console", (_p("condition", "alert", "CONDITION", optional=True),
                     _p("action", "text", "run COMMAND|off", optional=True)),
         aliases=("alerts",), where="console"),
    Spec("screenshot", Screenshot, "Write the screen to a new file, as SVG or as text by its "
         "name.", "Console", (_p("file", "file", "FILE"),), where="console"),
    Spec("help", Help, "Every key and command.", "Console",
         keys=(("question_mark", "help"), ("f1", "help")), label="help", where="console"),
    Spec("palette", Palette, "Find a command by typing a part of it.", "Console",
         keys=(("ctrl+p", "palette"),), where="console"),
    Spec("suspend", Suspend, "Give the terminal back to the shell, until `fg`.", "Console",
         keys=(("ctrl+z", "suspend"),), where="console"),
    Spec("quit", Quit, "Leave: drain the queues first, or stop now.", "Console",
         (_p("how", "choice", "HOW", "drain", "now", optional=True),), aliases=("q", "exit"),
         keys=(("q", "quit"), ("f10", "quit"), ("ctrl+q", "quit")), label="quit"),
)

_BY_NAME = {name: spec for spec in SPECS for name in (spec.name, *spec.aliases)}
_BY_TYPE = {spec.command: spec for spec in SPECS}


def spec_of(command: Command | type[Command]) -> Spec:
    """The row that a command comes from."""
    return _BY_TYPE[command if isinstance(command, type) else type(command)]


def find(name: str) -> Spec | None:
    """The row with this name or alias."""
    return _BY_NAME.get(name)
