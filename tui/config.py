"""What the operator has made of the console, in a file of his own that he may edit too.

`$XDG_CONFIG_HOME/chatops/console.toml`, else `~/.config/chatops/console.toml`::

    theme = "day"
    alerts = ["queued>1M", "lint run notify-send chatops lint"]

    [keys]
    kick = "x,f9"              # replaces the keys that the command has; several by commas

    [columns]
    clients = ["ID", "NICK:20", "APPQ"]

    [views.slow]
    pane = "clients"
    filter = "appq:>0"
    sort = "APPQ"
    inverted = true

    [themes.solar]             # for `theme = "solar"`, or `:theme solar`
    like = "day"               # or night, contrast; night if it is not said
    primary = "#8a4b00"
    text-muted = "#5c5340"

Only the entry that changes is written, into the file as it stands then: another console may
have written to it meanwhile, and comments stay.  Raises `ConfigError`, one line.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chatops.system import files
from tui.model.alerts import AlertError, read_alert
from tui.model.chosen import ChoiceError, change
from tui.model.keymap import Keymap, KeymapError
from tui.model.own_theme import OwnTheme, ThemeError, own_theme
from tui.model.preferences import Preferences, SavedView
from tui.model.rows import TABLES
from tui.theme import THEMES


class ConfigError(ValueError):
    """The file cannot be read, understood or written; the message says which and why."""


def usual_path(environment: Mapping[str, str]) -> Path | None:
    """Where it lies (XDG Base Directory Specification); None where no home is known."""
    base = environment.get("XDG_CONFIG_HOME", "")
    if not os.path.isabs(base):            # "relative paths … should be ignored"
        home = os.path.expanduser("~")
        if not os.path.isabs(home):
            return None
        base = os.path.join(home, ".config")
    return Path(base, "chatops", "console.toml")


class Config:
    """The file, and what it says.  Belongs to the console's thread."""

    def __init__(self, path: Path | None = None) -> None:
        """Without a path nothing is read or kept.  Raises `ConfigError`."""
        self._path = path
        self.preferences = Preferences()
        if path is not None:
            try:
                self.preferences = _preferences(_parsed(_read(path)))
            except (ConfigError, KeymapError, AlertError) as error:
                raise ConfigError(f"{path}: {error}") from None

    def put(self, section: str, name: str, value: Any) -> None:
        """Keep this from now on; None forgets it.  `section` is "" for what stands before
        the first, as `theme` does.  Raises `ConfigError`.
        """
        if self._path is None:
            return
        try:
            text = _read(self._path)
            changed = edited(text, section, name, value)
            if changed != text:
                _write(self._path, changed)
        except OSError as error:
            raise ConfigError(f"{self._path}: {error.strerror or error}") from None
        except ConfigError as error:
            raise ConfigError(f"{self._path}: {error}") from None


def _read(path: Path) -> str:
    try:
        return files.text_of(files.read(path, regular=True))
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise ConfigError(str(error.strerror or error)) from None
    except UnicodeDecodeError:
        raise ConfigError("it is not UTF-8") from None


def _write(path: Path, text: str) -> None:
    """Whole or not at all, and through a link to where the file really is."""
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fd, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(fd, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileNotFoundError):
            os.chmod(beside, path.stat().st_mode & 0o777)
        os.replace(beside, path)
    except BaseException:
        os.unlink(beside)
        raise


# -- what it means


def _parsed(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(str(error)) from None


def _preferences(read: dict[str, Any]) -> Preferences:
    kinds = {"theme": str, "alerts": list, "keys": dict, "columns": dict, "views": dict,
             "themes": dict}
    for name, value in read.items():
        if name not in kinds:
            raise ConfigError(f"'{name}' is none of {', '.join(kinds)}")
        if not isinstance(value, kinds[name]):
            raise ConfigError(f"'{name}' is to be a {_KINDS[kinds[name]]}")
    own = {name: _own_theme(name, theme) for name, theme in read.get("themes", {}).items()}
    theme, themes = read.get("theme", ""), (*THEMES, *own)
    if theme and theme not in themes:
        raise ConfigError(f"no theme '{theme}'; there are {', '.join(themes)}")
    return Preferences(
        theme=theme, own_themes=own,
        keymap=Keymap({name: _text("keys", name, keys)
                       for name, keys in read.get("keys", {}).items()}),
        columns={pane: _columns(pane, names)
                 for pane, names in read.get("columns", {}).items()},
        views={name: _view(name, view) for name, view in read.get("views", {}).items()},
        alerts=[read_alert(line) for line in _texts("", "alerts", read.get("alerts", []))])


_KINDS = {str: "text in quotes", list: "list", dict: "section", bool: "true or false"}


def _text(section: str, name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ConfigError(f"'{name}' in [{section}] is to be a text in quotes")
    return value


def _texts(section: str, name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        where = f" in [{section}]" if section else ""
        raise ConfigError(f"'{name}'{where} is to be a list of texts in quotes")
    return tuple(value)


def _columns(pane: str, value: object) -> tuple[str, ...]:
    if pane not in TABLES:
        raise ConfigError(f"[columns] is of {' and '.join(TABLES)}; not of '{pane}'")
    words = _texts("columns", pane, value)
    try:
        return change(TABLES[pane], (), words)
    except ChoiceError as error:
        raise ConfigError(f"[columns] {pane}: {error}") from None


def _own_theme(name: str, read: object) -> OwnTheme:
    if not isinstance(read, dict):
        raise ConfigError(f"[themes] holds sections: [themes.{name}]")
    try:
        return own_theme(name, read)
    except ThemeError as error:
        raise ConfigError(str(error)) from None


def _view(name: str, read: object) -> SavedView:
    if not isinstance(read, dict):
        raise ConfigError(f"[views] holds sections: [views.{name}]")
    kinds = {"pane": str, "filter": str, "sort": str, "inverted": bool, "columns": list}
    for field, value in read.items():
        if field not in kinds or not isinstance(value, kinds[field]):
            raise ConfigError(f"[views.{name}] knows {', '.join(kinds)}; not {field} = {value!r}")
    return SavedView(
        read.get("pane", "clients"), read.get("filter", ""), read.get("sort", ""),
        read.get("inverted", False),
        _texts(f"views.{name}", "columns", read.get("columns", [])))


# -- writing TOML


def edited(text: str, section: str, name: str, value: Any) -> str:
    """The text with this entry changed, and all else as it was.

    Done by lines, and then read again: where somebody writes TOML in a way that this does
    not follow (inline tables, dotted keys), all of it is written anew.
    """
    wanted = _with(_parsed(text), section, name, value)
    for attempt in (_by_lines(text, section, name, value), dump(wanted)):
        try:
            if tomllib.loads(attempt) == wanted:
                return attempt
        except tomllib.TOMLDecodeError:
            continue
    raise ConfigError(f"'{name}' cannot be written there")


def _with(document: dict[str, Any], section: str, name: str, value: Any) -> dict[str, Any]:
    place = document.setdefault(section, {}) if section else document
    if value is None:
        place.pop(name, None)
    else:
        place[name] = value
    if section and not place:
        del document[section]
    return document


_HEADER = re.compile(r"^\s*\[([^\[\]]+)\]\s*(#.*)?$")


def _by_lines(text: str, section: str, name: str, value: Any) -> str:
    blocks = _blocks(text)
    if isinstance(value, Mapping) or (value is None and section == "views"):
        title = f"{section}.{_key(name)}"
        blocks = [block for block in blocks if block[0] != title]
        if value is not None:
            blocks.append((title, ["", f"[{title}]", *_entries(value)]))
    else:
        titles = [title for title, _ in blocks]
        if section not in titles:
            blocks.append((section, ["", f"[{section}]"]))
            titles.append(section)
        _set_line(blocks[titles.index(section)][1], name, value)
    lines = [line for _, block in blocks for line in block]
    return "\n".join(lines).strip("\n") + "\n" if lines else ""


def _blocks(text: str) -> list[tuple[str, list[str]]]:
    """The lines under each header, with it; those before the first under ""."""
    blocks: list[tuple[str, list[str]]] = [("", [])]
    for line in text.splitlines():
        if match := _HEADER.match(line):
            blocks.append((match[1].strip(), []))
        blocks[-1][1].append(line)
    return blocks


def _set_line(block: list[str], name: str, value: Any) -> None:
    line = None if value is None else f"{_key(name)} = {_value(value)}"
    at = next((i for i, old in enumerate(block)
               if old.partition("=")[0].strip() in (name, _key(name))), None)
    if at is not None:
        block[at:at + 1] = [] if line is None else [line]
    elif line is not None:
        end = len(block)
        while end and not block[end - 1].strip():
            end -= 1
        block.insert(end, line)


def dump(document: Mapping[str, Any], prefix: str = "") -> str:
    """The whole of it, anew: texts, numbers, truths, lists of those, and sections."""
    lines = _entries({k: v for k, v in document.items() if not isinstance(v, Mapping)})
    for name, value in document.items():
        if isinstance(value, Mapping):
            title = f"{prefix}{_key(name)}"
            if any(not isinstance(v, Mapping) for v in value.values()) or not value:
                lines += ["", f"[{title}]"]
            lines += [dump(value, f"{title}.").rstrip("\n")]
    return "\n".join(lines) + "\n"


def _entries(values: Mapping[str, Any]) -> list[str]:
    return [f"{_key(name)} = {_value(value)}" for name, value in values.items()]


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _value(name)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    if not isinstance(value, str):
        return str(value)
    # TOML 1.0, basic strings: control characters are written as code points.
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda m: f"\\u{ord(m[0]):04x}", escaped) + '"'
