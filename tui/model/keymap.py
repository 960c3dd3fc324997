"""Every key and command as a list to read and to choose from, out of `SPECS` alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from textual.keys import format_key

from chatops.api.commands import SPECS, Spec


@dataclass(frozen=True, slots=True)
class Entry:
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


def key_name(key: str) -> str:
    """As it stands on a keyboard: `/`, `F9`, `space`, `^p`."""
    modifier, plus, name = key.rpartition("+")
    shown = format_key(name)
    if plus:
        return f"^{shown}" if modifier == "ctrl" else f"{modifier}+{shown}"
    return shown.upper() if shown[:1] == "f" and shown[1:].isdigit() else shown


def entries() -> Iterator[Entry]:
    """One for each command, and one for each further line that a key runs."""
    for spec in SPECS:
        lines: dict[str, list[str]] = {}
        for key, line in spec.keys:
            lines.setdefault(line, []).append(key)
        if spec.name not in lines:
            yield Entry(spec, spec.name)
        for line, keys in lines.items():
            yield Entry(spec, line, tuple(keys))


@lru_cache(maxsize=1)
def groups() -> dict[str, list[Entry]]:
    """The entries by their heading, in the order of the table."""
    grouped: dict[str, list[Entry]] = {}
    for entry in entries():
        grouped.setdefault(entry.spec.group, []).append(entry)
    return grouped
