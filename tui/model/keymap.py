"""Which key runs which command line: the table of `SPECS`, as the operator has changed it.

Footer, help, palette and bindings are all made of one `Keymap`.  In the operator's file::

    [keys]
    kick = "x,f9"              # these instead of the usual ones; "" for none
    "sort left" = "h"          # what a key says more than the command's name
    "spawn chat 5" = "f5"      # any command line may have a key
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from textual.keys import KEY_NAME_REPLACEMENTS, KEY_TO_UNICODE_NAME, Keys, format_key

from chatops.api.command_line import CommandError, parse
from chatops.api.command_table import SPECS, Spec, find

# What moves the cursor, leaves, or is typed: the console could not be used without.
RESERVED = {
    "colon": "the command line", "escape": "going back", "ctrl+c": "leaving",
    "ctrl+q": "leaving", **dict.fromkeys(
        ("up", "down", "pageup", "pagedown", "home", "ctrl+home", "ctrl+end"), "the cursor"),
}
_MODIFIERS = re.compile(r"(?:(?:ctrl|shift|alt|super|hyper|meta)\+)*")
_NAMES = {key.value for key in Keys if not key.value.startswith("<")} | set(KEY_TO_UNICODE_NAME)


class KeymapError(ValueError):
    """Keys that cannot be given so; one line that says why."""


@dataclass(frozen=True, slots=True)
class KeymapEntry:
    """One thing that can be done: the line that does it and the keys that run that line."""

    spec: Spec
    line: str
    keys: tuple[str, ...] = ()

    @property
    def usage(self) -> str:
        """As it is written: the line of a key that says more than the command's name."""
        return self.line if " " in self.line else self.spec.usage

    @property
    def keys_text(self) -> str:
        return " ".join(key_name(key) for key in self.keys)


class Keymap:
    """Every line that has a key, by its command, in the order of the table."""

    def __init__(self, changed: Mapping[str, str] | None = None) -> None:
        """`changed` are keys by command line, several by commas.  Raises `KeymapError`."""
        self.entries = tuple(_entries({
            _line(line): _keys(line, keys) for line, keys in (changed or {}).items()}))
        self._check()

    def _check(self) -> None:
        taken: dict[str, str] = {}
        for entry in self.entries:
            for key in entry.keys:
                if key in RESERVED and not (key == "ctrl+q" and entry.line == "quit"):
                    raise KeymapError(f"[keys] {entry.line}: {key_name(key)} is for "
                                      f"{RESERVED[key]}")
                if taken.setdefault(key, entry.line) != entry.line:
                    raise KeymapError(f"[keys] {key_name(key)} is given twice, to "
                                      f"'{taken[key]}' and to '{entry.line}'")

    def of(self, name: str) -> tuple[tuple[str, str], ...]:
        """Each key of this command, and the line it runs."""
        return tuple((key, entry.line) for entry in self.entries if entry.spec.name == name
                     for key in entry.keys)

    def sign(self, line: str) -> str:
        """The first key that runs this line, as it is shown; the line itself without one."""
        return self.key_for(line) or f":{line}"

    def key_for(self, line: str) -> str:
        """The first key that runs this line, as it is shown; "" without one."""
        return next((key_name(entry.keys[0]) for entry in self.entries
                     if entry.line == line and entry.keys), "")


def grouped(entries: Iterable[KeymapEntry]) -> dict[str, list[KeymapEntry]]:
    """The entries by their heading."""
    groups: dict[str, list[KeymapEntry]] = {}
    for entry in entries:
        groups.setdefault(entry.spec.group, []).append(entry)
    return groups


def key_name(key: str) -> str:
    """As it stands on a keyboard: `/`, `F9`, `space`, `^p`."""
    modifier, plus, name = key.rpartition("+")
    shown = format_key(name)
    if plus:
        return f"^{shown}" if modifier == "ctrl" else f"{modifier}+{shown}"
    return shown.upper() if shown[:1] == "f" and shown[1:].isdigit() else shown


def _entries(changed: Mapping[str, tuple[str, ...]]) -> Iterator[KeymapEntry]:
    """One for each command, and one for each further line that a key runs."""
    for spec in SPECS:
        lines: dict[str, tuple[str, ...]] = {}
        for key, line in spec.keys:
            lines[line] = (*lines.get(line, ()), key)
        if spec.name not in lines:
            yield KeymapEntry(spec, spec.name, changed.get(spec.name, ()))
        lines |= {line: keys for line, keys in changed.items()
                  if (find(line.partition(" ")[0]) is spec and line != spec.name) or line in lines}
        for line, keys in lines.items():
            yield KeymapEntry(spec, line, keys)


def _line(text: str) -> str:
    """A line by its command's own name."""
    name, _, rest = text.strip().removeprefix(":").partition(" ")
    spec = find(name)
    if spec is None:
        raise KeymapError(f"[keys] no command '{name}'")
    line = f"{spec.name} {rest.strip()}".strip()
    if line != spec.name and line not in {usual for _, usual in spec.keys}:
        try:
            parse(line)
        except CommandError as error:
            raise KeymapError(f"[keys] {error}") from None
    return line


def _keys(line: str, text: str) -> tuple[str, ...]:
    words = [","] if text == "," else [word.strip() for word in text.split(",") if word]
    keys = []
    for word in words:
        key = _key(word or " ")
        if key is None:
            raise KeymapError(f"[keys] {line}: '{word}' is no key; keys are written x, X, f5, "
                              "ctrl+x, space, /")
        keys.append(key)
    return tuple(dict.fromkeys(keys))


def _key(text: str) -> str | None:
    """The name that Textual gives the key, None for what is none."""
    modifiers = _MODIFIERS.match(text)
    start = modifiers.end() if modifiers is not None and modifiers.end() < len(text) else 0
    name = text[start:]
    if len(name) == 1:
        if not name.isalnum():
            name = unicodedata.name(name, "").lower().replace("-", "_").replace(" ", "_")
            name = KEY_NAME_REPLACEMENTS.get(name, name)
        return text[:start] + name if name else None
    key = text.lower().replace("esc", "escape") if text.lower() == "esc" else text.lower()
    known = key in _NAMES or key[start:] in _NAMES or key[start:] in ("slash", "plus", "minus")
    return key if known else None


USUAL = Keymap()
