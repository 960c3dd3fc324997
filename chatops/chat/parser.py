"""What a client's line asks for.  One table: dispatch, usage and `/help` come out of it."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class ClientCommand:
    """One row of the table."""

    name: str
    usage: str                     # the arguments, optional ones in brackets
    help: str


CLIENT_COMMANDS: tuple[ClientCommand, ...] = (
    ClientCommand("nick", "NAME", "be called NAME"),
    ClientCommand("who", "", "who is in this room"),
    ClientCommand("me", "TEXT", "say what you do: * you TEXT"),
    ClientCommand("msg", "NICK TEXT", "say something to one person only"),
    ClientCommand("join", "ROOM [KEY]", "go to another room"),
    ClientCommand("rooms", "", "list the rooms"),
    ClientCommand("history", "[N] [TEXT]", "what was said here, or what of it holds TEXT"),
    ClientCommand("topic", "[TEXT]", "what this room is about"),
    ClientCommand("away", "[TEXT]", "do not expect an answer; alone: you are back"),
    ClientCommand("login", "ACCOUNT PASSWORD", "be known as the owner of an account"),
    ClientCommand("register", "ACCOUNT PASSWORD", "make an account"),
    ClientCommand("quit", "[REASON]", "leave; so does quit alone on a line"),
    ClientCommand("help", "", "this list"),
)

_NAMES = frozenset(command.name for command in CLIENT_COMMANDS)
# A line of nothing else is blank, though to Python some of these are no whitespace: joiners,
# fillers of Hangul, and Braille without a dot.
_UNSEEN = " \u00a0\u2002\u2003\u2009\u3000\u200c\u200d\u115f\u1160\u3164\uffa0\u2800"
# A line that begins so may ask for something, or be blank: it has to be read, also where it turns
# out to be words for the room, as `quite so` does.
TO_BE_READ = re.compile(b"\n(?:/|\n|quit|%s)" % b"|".join(
    re.escape(character.encode()) for character in _UNSEEN))


class Say(NamedTuple):
    """A line for the room."""

    text: str


class ParsedCommand(NamedTuple):
    """A command of the table, with what follows its name."""

    name: str
    argument: str


class Unknown(NamedTuple):
    """A command that is not in the table; "" for a slash with nothing behind it."""

    name: str


def parse_line(line: str) -> Say | ParsedCommand | Unknown | None:
    """Read one sanitised line; None when it is blank.  `//x` says `/x`."""
    if line.startswith("/"):
        if line.startswith("//"):
            return Say(line[1:])
        name, _, argument = line[1:].partition(" ")
        name = name.lower()
        return ParsedCommand(name, argument.strip()) if name in _NAMES else Unknown(name)
    bare = line.strip()
    if bare == "quit":
        return ParsedCommand("quit", "")
    if not bare.strip(_UNSEEN):
        return None
    return Say(line)


def usage_of(name: str) -> str:
    """`/msg NICK TEXT`; for a command that was called without what it needs."""
    return next(_written(command) for command in CLIENT_COMMANDS if command.name == name)


def help_lines(without: Collection[str] = ()) -> list[str]:
    """One line per command but these, names and explanations in two columns."""
    listed = [command for command in CLIENT_COMMANDS if command.name not in without]
    width = max(len(_written(command)) for command in listed)
    return [f"{_written(command):{width}}  {command.help}" for command in listed]


def _written(command: ClientCommand) -> str:
    return f"/{command.name} {command.usage}".rstrip()
