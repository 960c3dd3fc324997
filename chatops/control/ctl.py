"""`chatops ctl`: one command to a running server, for scripts; the answer in text or JSON."""

from __future__ import annotations

import math
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NoReturn

import click
import msgspec
from msgspec.structs import asdict, replace

from chatops.api import node_table
from chatops.api.command_line import CommandError, parse_arguments
from chatops.api.command_table import SPECS, Spec, spec_of
from chatops.api.commands import Command, Despawn, Spawn
from chatops.api.snapshot import Snapshot
from chatops.control import complete
from chatops.control.agreement import agree
from chatops.control.client import ControlClient
from chatops.control.find import find
from chatops.control.frames import Ask, Bye, Done, Poll, Update
from chatops.control.socket_path import ControlError
from chatops.system.addresses import with_port
from chatops.system.streams import say
from chatops.units import counted, format_duration, format_seconds, format_size

PACE = 0.1                     # seconds between two batches of `events`
OLD = 0.5                      # seconds of age at which an answer says how old it is

Row = tuple[object, ...]


def _status(snapshot: Snapshot) -> Iterator[Row]:
    loop = snapshot.loop
    program = snapshot.program
    if program is not None:
        yield "program", f"{program.name}, pid {program.pid}, Python {program.python}"
        yield "loop", program.unseen or f"{program.kind}, {counted(program.tasks, 'task')}"
    else:
        where = ", ".join([with_port(snapshot.host, snapshot.port), *snapshot.also])
        yield "server", f"{where}, {snapshot.phase}"
    yield "up", format_duration(int(snapshot.mono - snapshot.started_at))
    if program is not None:            # what comes and goes unseen is not counted
        yield "connections", len(snapshot.clients)
    else:
        yield "clients", f"{len(snapshot.clients)} (of {snapshot.accepted} so far)"
    yield "queued", (f"{format_size(snapshot.queued)} here, "
                     f"{format_size(snapshot.kernel_queued)} in the kernel")
    if program is None:
        yield "lines", f"{snapshot.lines_in} in, {snapshot.lines_out} out"
    yield "selector", ", ".join((loop.backend, counted(loop.registered, "descriptor"),
                                 counted(loop.turns, "turn")))
    for number, lint in enumerate(snapshot.lints):
        yield "" if number else "lints", f"{lint.code}: {lint.summary}"
    if not snapshot.lints:
        yield "lints", "none"
    if snapshot.age:
        yield "as of", f"{format_seconds(snapshot.age)} ago"


def _clients(snapshot: Snapshot) -> Iterator[Row]:
    whose = ("NICK", "ROOM") if snapshot.program is None else ("TASK", "PROTOCOL")
    nodes = snapshot.nodes
    yield "ID", *whose, *(("NODE",) if nodes else ()), "PEER", "QUEUED", "KERNEL", "STATE"
    for row in (*snapshot.clients, *snapshot.elsewhere):
        node = (row.node or nodes[0].name,) if nodes else ()
        own = ("-", "-", "-") if row.node else (
            row.peer, format_size(row.queued), format_size(row.kernel_queued))
        yield (row.word, row.nick, ",".join(row.rooms) or row.room, *node, *own,
               "muted" if row.muted else row.state)


def people(snapshot: Snapshot) -> list[dict[str, object]]:
    """Everybody, for programs: `word` is how a command names them."""
    return [{"word": row.word, **asdict(row)} for row in (*snapshot.clients, *snapshot.elsewhere)]


def _fds(snapshot: Snapshot) -> Iterator[Row]:
    yield "FD", "TYPE", "EVENTS", "DATA", "CALLBACK", "FIRES"
    for row in snapshot.keys:
        yield (row.fd, row.type, ("-", "R", "W", "RW")[row.events & 3], row.data, row.callback,
               row.fires)


def _tasks(snapshot: Snapshot) -> Iterator[Row]:
    yield "ID", "NAME", "COROUTINE", "STATE", "AT", "WAITS FOR"
    for row in snapshot.tasks:
        name = row.name if row.id else f"{row.count} more"
        yield row.id or "-", name, row.coro, row.state, row.at, row.waits


def _callbacks(snapshot: Snapshot) -> Iterator[Row]:
    yield "CALL", "CALLS", "BUSY", "P50", "P99", "SLOWEST"
    for row in snapshot.program.callbacks if snapshot.program is not None else ():
        yield (row.name, row.calls, *(format_seconds(seconds) for seconds in
                                      (row.busy, row.p50, row.p99, row.slowest)))


def _rooms(snapshot: Snapshot) -> Iterator[Row]:
    nodes = bool(snapshot.nodes)
    yield "ROOM", "MEMBERS", *(("HERE",) if nodes else ()), "LINES"
    for row in snapshot.rooms:
        yield (row.name, row.members + row.elsewhere, *((row.members,) if nodes else ()),
               row.lines)


# What can be looked at: in words, as text, and which part of the snapshot it is.
LOOKS: dict[str, tuple[str, Callable[[Snapshot], Iterable[Row]], Callable[[Snapshot], object]]] = {
    "status": ("How the server is, in a few lines; as JSON the whole snapshot.", _status,
               lambda snapshot: snapshot),
    "clients": ("Who is connected.", _clients, people),
    "fds": ("The selector's map.", _fds, lambda snapshot: snapshot.keys),
    "tasks": ("The tasks of a program that is observed.", _tasks,
              lambda snapshot: snapshot.tasks),
    "callbacks": ("What the calls of a program's loop cost while a console looks.", _callbacks,
                  lambda snapshot: snapshot.program.callbacks if snapshot.program else ()),
    "rooms": ("The rooms and how many are in them.", _rooms, lambda snapshot: snapshot.rooms),
    "nodes": ("The nodes that share this chat, and what joins them.", node_table.table,
              node_table.facts),
}
OF_PROGRAMS = ("tasks", "callbacks")           # a server has none
EVENTS = "What happens, a line for each, until the server ends or you do."


class _WaitSeconds(click.FloatRange):
    """Seconds; `nan` is less than nothing, but not smaller."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None
                ) -> float:
        seconds = float(super().convert(value, param, ctx))
        if math.isnan(seconds):
            self.fail(f"'{value}' is no number of seconds", param, ctx)
        return seconds


_FLAG = re.compile(r"--[a-z][a-z-]*(=.*)?|-[a-zA-Z]", re.DOTALL)


class _Ctl(click.Command):
    """Its help lists what the table has for servers, and what is to be said may begin with `-`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Set what is text apart from options: `-1 is down` and `->` are no flags, and no flag
        has a blank in it.  A word like `--jsom` is refused, as a flag that was misspelt.
        """
        valued = {name for param in self.params if isinstance(param, click.Option)
                  and not param.is_flag for name in param.opts}
        options: list[str] = []
        words: list[str] = []
        rest = iter(args)
        for arg in rest:
            if arg == "--":
                words += rest
            elif arg in valued:
                options += [arg, *islice(rest, 1)]
            elif _FLAG.fullmatch(arg):
                options.append(arg)
            else:
                words.append(arg)
        return super().parse_args(ctx, [*options, "--", *words])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        asks = [(spec.usage, _explained(spec)) for spec in SPECS
                if spec.where == "server" and spec.command not in (Spawn, Despawn)]
        looks = [(name, words) for name, (words, _, _) in LOOKS.items()]
        for title, rows in (("To ask for", asks), ("To look at", [*looks, ("events", EVENTS)])):
            with formatter.section(title):
                formatter.write_dl(rows)


def _explained(spec: Spec) -> str:
    """What a command does, and the words that it takes where the table lists them."""
    words = [f"{param.label}: {', '.join(param.choices)}." for param in spec.params
             if len(param.choices) > 1]
    return " ".join([spec.help, *words])


@click.command(cls=_Ctl)
@click.argument("command", nargs=-1, required=True, shell_complete=complete.words(
    [*((name, words) for name, (words, _, _) in LOOKS.items()), ("events", EVENTS)]))
@click.option("--json", "as_json", is_flag=True,
              help="print JSON: one value, or one a line for `events`")
@click.option("--port", type=click.IntRange(1, 65535), help="the server on this port",
              is_eager=True, shell_complete=complete.ports)
@click.option("--socket", "path", default="", metavar="PATH", help="its control socket",
              is_eager=True, shell_complete=complete.sockets)
@click.option("--wait", "patience", type=_WaitSeconds(0), default=0.0, metavar="SECONDS",
              help="how long to wait for it to be there")
@click.option("--yes", "agreed", is_flag=True, help="ban everybody without a question")
def ctl(command: tuple[str, ...], as_json: bool, port: int | None, path: str,
        patience: float, agreed: bool) -> None:
    """One command to a running server, and the answer as text or JSON.

    With one server running there is no need to say which.  The exit status is 0 when the
    command succeeded, 1 when it did not, and 2 when there is no such command.
    """
    line = " ".join(command)
    first, *more = line.split() or [""]
    if first in LOOKS or first == "events":
        if more:
            _fail(f"{first} is asked by itself, without '{' '.join(more)}'", 2)
        line = first
    else:
        asked = _parsed(command)
        agree(asked, agreed, _fail)
    try:
        wire = _connected(path, port, time.monotonic() + patience)
        try:
            if line == "events":
                _follow(wire, as_json)
            elif line in LOOKS:
                _show(wire, line, as_json)
            else:
                _ask(wire, asked, as_json)
        finally:
            wire.close()
    except ControlError as error:
        _fail(str(error), 1)
    except KeyboardInterrupt:
        sys.exit(130)


def _connected(path: str, port: int | None, deadline: float) -> ControlClient:
    """Raises `ControlError`, with the last reason, when there is none by then."""
    while True:
        try:
            return ControlClient(find(path, port))
        except ControlError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(min(PACE, max(0.0, deadline - time.monotonic())))


def _parsed(words: Sequence[str]) -> Command:
    try:
        command = parse_arguments(words, _known())
    except CommandError as error:
        _fail(str(error).replace("? lists them", "--help lists them"), 2)
    if spec_of(command).where != "server" or isinstance(command, Spawn | Despawn):
        _fail(f"'{spec_of(command).name}' is for a console; `chatops attach` opens one", 2)
    return command


def _known() -> list[str]:
    """All that can be asked here."""
    return [*LOOKS, "events", *(spec.name for spec in SPECS if spec.where == "server"
                                and spec.command not in (Spawn, Despawn))]


def _ask(wire: ControlClient, command: Command, as_json: bool) -> None:
    wire.send(Ask(1, command))  # type: ignore[arg-type]  # the table says that it is the server's
    reply = wire.wait()
    if not isinstance(reply, Done):
        raise ControlError(reply.detail if isinstance(reply, Bye) else "no answer came")
    result = reply.result
    if as_json:
        _json({"ok": result.ok, "text": result.text, "rows": result.facts or result.rows})
    else:
        text = "\n".join([result.text, *result.rows])
        if result.ok:
            _print(text)
        else:
            say(text)
    sys.exit(0 if result.ok else 1)


def _show(wire: ControlClient, what: str, as_json: bool) -> None:
    _, rows, part = LOOKS[what]
    wire.send(Poll(now=True))
    snapshot = None
    while snapshot is None:
        reply = wire.wait()
        if not isinstance(reply, Update):
            raise ControlError(reply.detail if isinstance(reply, Bye) else "no answer came")
        snapshot = reply.snapshot
        if snapshot is None:
            wire.send(Poll(now=True))      # there were events before it could be afforded
    if what == "status":
        from chatops import lints  # only here: who asks for a table does not pay for it

        snapshot = replace(snapshot, lints=lints.find(snapshot))
    if what in OF_PROGRAMS and snapshot.program is None:
        raise ControlError(f"{what} are a watched program's; this is a server")
    if as_json:
        _json(part(snapshot))
    else:
        _table(rows(snapshot))
    if snapshot.age >= OLD and what != "status":      # which says so itself
        say(f"chatops: this was so {format_seconds(snapshot.age)} ago; the server could not afford "
            "a newer look at once")


def _follow(wire: ControlClient, as_json: bool) -> None:
    from chatops.storage.log_lines import line_of  # only here, and for some time

    while True:
        wire.send(Poll(snapshot=False))
        reply = wire.wait(None)
        if isinstance(reply, Bye):
            if reply.failed:
                raise ControlError(reply.detail)
            return
        if isinstance(reply, Update):
            for event in reply.events:
                if as_json:
                    _json(event)
                else:
                    _print(line_of(event))
        time.sleep(PACE)


def _table(rows: Iterable[Row]) -> None:
    from chatops.system.columns import pad, width  # its tables take a while to import

    lines = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(width, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        _print("  ".join(map(pad, line, widths)).rstrip())


def _json(value: object) -> None:
    _print(msgspec.json.encode(value))


def _print(text: str | bytes) -> None:
    """On standard output.  Raises `ControlError` where that cannot be written; that nobody
    reads any more, as after `| head`, is for click to end with.
    """
    try:
        click.echo(text)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise ControlError(f"cannot write the answer: {error.strerror}") from None


def _fail(text: str, status: int) -> NoReturn:
    say(f"chatops: {text}")
    sys.exit(status)
