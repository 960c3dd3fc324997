"""Whom an action is for: by id from the moment of choosing, so that nobody else is hit.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tui.model.find import find_row
from tui.model.state import ConsoleState
from tui.text.cells import clean


@dataclass(frozen=True, slots=True)
class Target:
    """A client as it was when it was chosen; `gone` once it has left."""

    id: int
    nick: str
    peer: str
    gone: bool = False
    word: str = ""                     # as a command names it, where that is not its id

    @property
    def shown(self) -> str:
        """`#3`, or `b#3` of node b."""
        return clean(self.word) or f"#{self.id}"

    @property
    def node(self) -> str:
        """Another node that it is on."""
        return self.word.partition("#")[0]

    @property
    def named(self) -> str:
        """As a command names it."""
        return self.word or str(self.id)


def resolve(words: Iterable[str], state: ConsoleState) -> tuple[list[Target], list[str]]:
    """Who is meant by these ids (`3`, `#3`) and nicks, and the words that mean nobody.

    A row that is still shown (while paused) but has left since is found, and is `gone`.
    """
    found: dict[int, Target] = {}
    missing = []
    present = present_ids(state)
    for word in words:
        row = find_row(word, state.live) or state.find(word)
        if row is None:
            missing.append(word)
        else:
            found[row.id] = Target(row.id, row.nick, row.peer, row.id not in present,
                                   row.word if row.node else "")
    return list(found.values()), missing


def host_in(peer: str) -> str:
    """The address in `127.0.0.1:50131` or `[::1]:50131`."""
    return peer.rpartition(":")[0].strip("[]")


def present_ids(state: ConsoleState) -> set[int]:
    """The ids of all who are connected now, whatever moment the panes show, and not on
    their way out.
    """
    live = state.live
    rows = (*live.clients, *live.elsewhere) if live is not None else ()
    return {row.id for row in rows if not row.closing}


def refreshed(targets: Sequence[Target], state: ConsoleState) -> list[Target]:
    """The same people; who has left is marked, and stays so."""
    present = present_ids(state)
    return [Target(t.id, t.nick, t.peer, t.gone or t.id not in present, t.word) for t in targets]
