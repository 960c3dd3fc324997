"""What a shell completes after `chatops ctl`: commands, and who and what is there right now.

A shell waits for it at every press of the tab key: with no server, or one that is slow to
answer, it completes what is known without.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click
from click.shell_completion import CompletionItem

from chatops.api.command_table import SPECS, Param, Spec
from chatops.api.command_table import find as find_spec
from chatops.api.commands import Bans, Despawn, Spawn
from chatops.api.snapshot import Snapshot
from chatops.control.client import ControlClient
from chatops.control.find import find, running
from chatops.control.frames import Ask, Done, Poll, Update
from chatops.control.socket_path import ControlError
from chatops.settings import LIMITS

PATIENCE = 1.0                 # seconds for each answer of a server


def words(looks: Iterable[tuple[str, str]]) -> Callable[..., list[CompletionItem]]:
    """Completes the words of `ctl`; `looks` are those that are no commands, with their help."""
    first = [*looks, *((spec.name, spec.help) for spec in SPECS if spec.where == "server"
                       and spec.command not in (Spawn, Despawn))]

    def complete(context: click.Context, _parameter: click.Parameter, begun: str
                 ) -> list[CompletionItem]:
        said = context.params.get("command") or ()
        if not said:
            return [CompletionItem(name, help=text) for name, text in first
                    if name.startswith(begun)]
        spec = find_spec(said[0])
        if spec is None or spec.where != "server" or len(said) > len(spec.params):
            return []
        server = _ServerNames(str(context.params.get("path") or ""), context.params.get("port"))
        return list(_values(spec, spec.params[len(said) - 1], begun, server))

    return complete


def _values(spec: Spec, param: Param, begun: str, server: _ServerNames) -> Iterable[CompletionItem]:
    before = ""
    match param.kind:
        case "choice":
            known = [(choice, "") for choice in param.choices]
        case "limit":
            known = [(name, setting.why) for name, setting in LIMITS.items()]
        case "network":
            known = server.bans()
        case "targets":
            before, comma, begun = begun.rpartition(",")
            before += comma
            known = server.nicks()
        case "target" | "ban":
            known = server.nicks()
        case _:
            known = []
    return [CompletionItem(before + value, help=text) for value, text in known
            if value.startswith(begun)]


class _ServerNames:
    """Asked when there is something to ask, and without a word when it is not there."""

    def __init__(self, path: str, port: int | None) -> None:
        self._path = path
        self._port = port

    def nicks(self) -> list[tuple[str, str]]:
        """Who is there, and where."""
        snapshot = snapshot_of(self._path, self._port)
        if snapshot is None:
            return []
        return [*((row.nick, f"#{row.id} in {row.room}, {row.peer}") for row in snapshot.clients),
                *((row.nick, f"{row.word} in {row.room}") for row in snapshot.elsewhere)]

    def bans(self) -> list[tuple[str, str]]:
        try:
            wire = _connect(self._path, self._port)
            try:
                wire.send(Ask(1, Bans()))
                reply = wire.wait(PATIENCE)
            finally:
                wire.close()
        except ControlError:
            return []
        rows = reply.result.rows if isinstance(reply, Done) else ()
        return [(row.split()[0], " ".join(row.split()[1:])) for row in rows]


def _connect(path: str, port: int | None) -> ControlClient:
    return ControlClient(find(path, port), read_only=True, patience=PATIENCE)


def snapshot_of(path: str, port: int | None) -> Snapshot | None:
    """How things stand at the server that is meant; None when it does not say."""
    try:
        wire = _connect(path, port)
        try:
            wire.send(Poll(now=True))
            while isinstance(reply := wire.wait(PATIENCE), Update):
                if reply.snapshot is not None:
                    return reply.snapshot
                wire.send(Poll(now=True))
        finally:
            wire.close()
    except ControlError:
        pass
    return None


def rooms(context: click.Context, _parameter: click.Parameter, begun: str
          ) -> list[CompletionItem]:
    """Those that somebody is in."""
    snapshot = snapshot_of(str(context.params.get("socket") or ""), context.params.get("port"))
    return [CompletionItem(room.name) for room in (snapshot.rooms if snapshot is not None else ())
            if room.name.startswith(begun)]


def sockets(_context: click.Context, _parameter: click.Parameter, begun: str
            ) -> list[CompletionItem]:
    """Those of this user's servers, and any file besides."""
    try:
        paths = [str(path) for path in running()]
    except ControlError:
        paths = []
    return [*(CompletionItem(path) for path in paths if path.startswith(begun)),
            CompletionItem(begun, type="file")]


def ports(_context: click.Context, _parameter: click.Parameter, begun: str
          ) -> list[CompletionItem]:
    """Those that this user's servers listen on."""
    try:
        return [CompletionItem(path.stem) for path in running() if path.stem.startswith(begun)]
    except ControlError:
        return []
