"""Reading and writing the lines that ask for commands, by their table.

For every command, `parse(render(c)) == c`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import msgspec

from chatops.api.commands import SPECS, Command, Param, Spec, find, spec_of
from chatops.units import UnitError, format_duration, parse_duration


class CommandError(ValueError):
    """The line cannot be understood; the message says what was expected."""


_WORD = re.compile(r"\s*(\"(?:\\.|[^\"\\])*\"|'[^']*'|\S+)")


def _words(line: str) -> Iterator[tuple[str, str]]:
    """Each word, unquoted, with what follows it."""
    at = 0
    while match := _WORD.match(line, at):
        raw, at = match[1], match.end()
        yield _unquote(raw), line[at:].strip()


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
    words = line.strip().removeprefix(":").split(maxsplit=1)
    if not words:
        raise CommandError("type a command; ? lists them")
    name, rest = words[0], words[1] if len(words) > 1 else ""
    spec = find(name)
    if spec is None:
        close = [s.name for s in SPECS if s.name.startswith(name)]
        hint = f"; did you mean {' or '.join(close)}?" if close else "; ? lists them"
        raise CommandError(f"no command '{name}'{hint}")
    return spec.command(**_arguments(spec, rest.strip()))


def _arguments(spec: Spec, rest: str) -> dict[str, object]:
    values: dict[str, object] = {}
    for param in spec.params:
        if not rest:
            if param.optional:
                continue
            raise CommandError(f"usage: {spec.usage}")
        if param.kind in ("text", "columns"):
            values[param.field], rest = _unquote(rest), ""
            continue
        word, after = next(_words(rest))
        try:
            values[param.field] = _read(param, word)
        except (UnitError, ValueError) as error:
            if param.optional and param.kind == "duration":
                continue  # the word belongs to the reason that follows
            raise CommandError(f"{spec.name}: {error}") from None
        rest = after
    if rest:
        raise CommandError(f"usage: {spec.usage}; too much: '{rest}'")
    return values


def _read(param: Param, word: str) -> object:
    match param.kind:
        case "targets":
            targets = tuple(t.removeprefix("#") for t in word.split(",") if t.strip("#"))
            if not targets:
                raise ValueError(f"{param.label} wants ids or nicks, as in 3,bob")
            return targets
        case "target" | "ban":
            return word.removeprefix("#")
        case "duration" | "seconds":
            return parse_duration(word)
        case "number":
            try:
                return int(word)
            except ValueError:
                raise ValueError(f"{param.label} wants a whole number, not '{word}'") from None
        case "choice":
            if word not in param.choices:
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
    return " ".join([spec.name, *(_write(param, value) for param, value in values)])


def _default(command: Command, param: Param) -> object:
    fields = {f.name: f.default for f in msgspec.structs.fields(type(command))}
    return fields[param.field]


def _write(param: Param, value: object) -> str:
    match param.kind:
        case "targets":
            assert isinstance(value, tuple)
            return ",".join(value)
        case "duration" | "seconds":
            assert isinstance(value, float | int)
            return format_duration(value)
        case "number":
            return str(value)
        case _:
            text = str(value)
            plain = text and text == text.strip() and text[0] not in "\"'"
            if plain and (param.kind in ("text", "columns") or not re.search(r"\s", text)):
                return text
            return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
