"""Whom an admin means by a word, and how it is said what became of them."""

from __future__ import annotations

from collections.abc import Callable

from chatops.api.commands import CommandResult
from chatops.chat import names
from chatops.chat.hub import Hub
from chatops.chat.session import Session
from chatops.units import shown

NAMED = 5                      # of many: an answer is a line, in the log and in every console too


class CommandRefused(Exception):  # noqa: N818  (it is an answer, not an error)
    """What was asked cannot be done; the message is for the operator."""


def find(hub: Hub, targets: tuple[str, ...]) -> tuple[list[Session], list[str]]:
    """Who is meant, and which targets are not here (any more)."""
    found: dict[int, Session] = {}
    missing = []
    for target in targets:
        session = names.find(target, hub.sessions.get, hub.nicks.find, hub.nicks.alike)
        if session is None:
            name = shown(target.removeprefix("#"))
            missing.append(f"#{name}" if names.id_of(target) is not None else name)
        else:
            found[session.id] = session
    return list(found.values()), missing


def parted(sessions: list[Session], do: Callable[[Session], bool]
           ) -> tuple[list[Session], list[Session]]:
    """Do it to each: to whom it was done, and for whom there was nothing to do."""
    done: list[Session] = []
    idle: list[Session] = []
    for session in sessions:
        (done if do(session) else idle).append(session)
    return done, idle


def named(sessions: list[Session]) -> str:
    """The first of them by id and nick, and how many more there are."""
    return _first([f"#{session.id} {session.nick}" for session in sessions[:NAMED]], len(sessions))


def _first(few: list[str], count: int) -> str:
    """These, and how many more of all there are."""
    return ", ".join(few) + (f" and {count - NAMED} more" if count > NAMED else "")


def outcome(did: str, sessions: list[Session], missing: list[str], how: str = "",
            idle: tuple[list[Session], str] = ([], "")) -> CommandResult:
    """What has been done to whom (and `how`), for whom there was nothing to do and why (`idle`),
    and who is not here.
    """
    spared, why = idle
    parts = []
    if sessions:
        parts.append(f"{did} {named(sessions)}{how}")
    if spared:
        parts.append(f"{named(spared)} {'was' if len(spared) == 1 else 'were'} {why}")
    if missing:
        few = _first(missing[:NAMED], len(missing))
        parts.append(f"{few} {'is' if len(missing) == 1 else 'are'} not here "
                     "(any more)")
    return CommandResult(bool(sessions or spared), "; ".join(parts))
