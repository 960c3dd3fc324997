"""Reading and writing the lines that ask for commands, by their table.

For every command, `parse(render(c)) == c`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import msgspec

from chatops.api.command_table import SPECS, Param, Spec, find, spec_of
from chatops.api.commands import Command
from chatops.api.terms import FOREVER, Word, is_numeral, read_term
from chatops.system.errors import ChatopsError
from chatops.units import UnitError, format_duration, parse_duration, parse_whole, shown


class CommandError(ChatopsError, ValueError):
    """The line cannot be understood; the message says what was expected."""


NAMES = tuple([spec.name for spec in SPECS])
NEAR_MOST = 2                  # commands that are named in the place of a mistyped one
NEARNESS = 0.75                # 0 to 1: how alike the two names are
NAME_MOST = 20                 # characters of a name that is compared with all of them

_WORD = re.compile(r"\s*(\"(?:\\.|[^\"\\])*\"|'[^']*'|\S+)")


@dataclass(frozen=True, slots=True)
class _WordSpans:
    """The words of a line, and what stands from each of them to the end, as a text has it."""

    words: tuple[Word, ...]
    text: Callable[[int], str]


def _of_line(line: str) -> _WordSpans:
    """A line that somebody typed, whose quotes hold words together."""
    found = list(_WORD.finditer(line))
    words = tuple(Word(_unquote(match[1]), match[1][0] in "\"'" and match[1] != _unquote(match[1]))
                  for match in found)
    return _WordSpans(words, lambda at: _unquote(line[found[at].start(1):].strip()))


def _of_arguments(arguments: Sequence[str]) -> _WordSpans:
    """What a shell has taken the quotes away from: a word with blanks in it was quoted."""
    words = tuple(Word(word, len(word.split()) > 1) for word in arguments)
    return _WordSpans(words, lambda at: " ".join(arguments[at:]))


def _unquote(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        try:
            (word,) = shlex.split(text)
        except ValueError:
            return text
        return word
    return text


def parse(line: str) -> Command:
    """Read one line, with or without its leading colon.  Raises `CommandError`."""
    return _of_typed(line, NAMES)


def _of_typed(line: str, known: Sequence[str]) -> Command:
    words = line.strip().removeprefix(":").split(maxsplit=1)
    spec = _spec(words[0] if words else "", known)
    return _command(spec, _of_line(words[1] if len(words) > 1 else ""))


def parse_arguments(arguments: Sequence[str], known: Sequence[str] = NAMES) -> Command:
    """Read a command whose words a shell has told apart: nothing in them is a quote any more.
    `known` is what may be meant by a name that is none.

    A whole line in one argument is read as a line; more than one is refused, for they would be
    said run together.  Raises `CommandError`.
    """
    name, *rest = arguments or [""]
    if len(" ".join(arguments).strip().splitlines()) > 1:
        raise CommandError("one line is said at a time, and this has more")
    if len(name.split()) > 1:
        return _of_typed(" ".join([name, *rest]), known)
    return _command(_spec(name, known), _of_arguments(rest))


def _spec(name: str, known: Sequence[str]) -> Spec:
    if not name:
        raise CommandError("type a command; ? lists them")
    spec = find(name)
    if spec is None:
        close = [word for word in known if word.startswith(name)] or _nearly(name, known)
        hint = f"; did you mean {' or '.join(close)}?" if close else "; ? lists them"
        raise CommandError(f"no command '{shown(name)}'{hint}")
    return spec


def _nearly(name: str, known: Sequence[str]) -> list[str]:
    """Those that a mistyped name is nearest to."""
    if len(name) > NAME_MOST:
        return []
    aliases = [alias for spec in SPECS if spec.name in known for alias in spec.aliases]
    return get_close_matches(name, [*known, *aliases], NEAR_MOST, NEARNESS)


def _command(spec: Spec, given: _WordSpans) -> Command:
    values: dict[str, object] = {}
    at, words = 0, given.words
    for param in spec.params:
        if at == len(words):
            if param.optional:
                continue
            raise CommandError(f"usage: {spec.usage}")
        try:
            if param.kind in ("text", "columns"):
                values[param.field], at = _text(given.text(at)), len(words)
            elif param.kind == "duration":
                values[param.field], used = read_term(words[at:])
                at += used
            else:
                values[param.field] = _read(param, _text(words[at].text))
                at += 1
        except ValueError as error:
            raise CommandError(f"{spec.name}: {error}") from None
    if at < len(words):
        raise CommandError(f"usage: {spec.usage}; too much: '{shown(given.text(at))}'")
    return spec.command(**values)


def _text(text: str) -> str:
    """Text that can be sent.  Raises ValueError where bytes that are no UTF-8 stand in it, which
    Python hands on as surrogates.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        byte = ord(text[error.start]) & 0xFF
        raise ValueError(f"what was given is not UTF-8: byte 0x{byte:02x} after "
                         f"{error.start} characters") from None
    return text


def _read(param: Param, word: str) -> object:
    match param.kind:
        case "targets":
            targets = tuple(t.removeprefix("#") for t in word.split(",") if t.strip("#"))
            if not targets:
                raise ValueError(f"{param.label} wants ids or nicks, as in 3,bob")
            return targets
        case "target" | "ban":
            return word.removeprefix("#")
        case "seconds":
            return parse_duration(word)
        case "number":
            try:
                return parse_whole(word)
            except UnitError:
                raise ValueError(f"{param.label} wants a whole number, not '{shown(word)}'"
                                 ) from None
        case "choice":
            if word not in param.choices and (word or not param.optional):
                raise ValueError(f"{param.label} is one of {', '.join(param.choices)}")
            return word
        case _:
            return word


def render(command: Command) -> str:
    """The line that asks for this command; keys echo it."""
    spec = spec_of(command)
    values = [(param, getattr(command, param.field)) for param in spec.params]
    while values and values[-1][0].optional and values[-1][1] == _default(command, values[-1][0]):
        values.pop()
    timed = any(param.kind == "duration" for param in spec.params)
    return " ".join([spec.name, *(_write(param, value, timed) for param, value in values)])


def _default(command: Command, param: Param) -> object:
    fields = {f.name: f.default for f in msgspec.structs.fields(type(command))}
    return fields[param.field]


def _write(param: Param, value: object, timed: bool) -> str:
    match param.kind:
        case "targets":
            assert isinstance(value, tuple)
            return ",".join(value)
        case "duration" | "seconds":
            assert isinstance(value, float | int)
            return format_duration(value) if value or param.kind == "seconds" else FOREVER
        case "number":
            return str(value)
        case _:
            text = str(value)
            if timed and param.kind == "text" and is_numeral(text):
                return _quoted(text)   # or it would be read as a part of the time before it
            if param.kind in ("text", "columns") and text == text.strip() and _has_no_quote(text):
                return text
            return as_word(text)


def as_word(text: str) -> str:
    """As it is, or in quotes where it would be read as something else without them."""
    return text if _has_no_quote(text) and not re.search(r"\s", text) else _quoted(text)


def _has_no_quote(text: str) -> bool:
    return text[:1] not in ("", '"', "'")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
