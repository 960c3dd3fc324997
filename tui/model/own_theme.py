"""A theme of the operator's own, from `[themes.NAME]` of his file: a built-in one, changed.  Pure.

What the other one draws in a colour that is changed is drawn in the new one too, so that a
line or two make a theme.  Whether it can be read is the operator's own business.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from textual.color import Color, ColorParseError
from textual.theme import Theme

from tui.theme import PALETTE, THEMES

LIKE = ("night", "day", "contrast")    # `ansi` is the terminal's
COLOURS = ("primary", "secondary", "accent", "success", "warning", "error", "foreground",
           "background", "surface", "panel")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")


class OwnTheme(NamedTuple):
    """What is not changed is as the built-in one has it: in any colour, or in one of 256."""

    usual: Theme
    palette: Theme


class ThemeError(ValueError):
    """It says no theme; the message tells why, in a line."""


def own_theme(name: str, read: Mapping[str, object]) -> OwnTheme:
    """The theme of this name.  Raises `ThemeError`."""
    where = f"[themes.{name}]"
    if name in THEMES or not _NAME.fullmatch(name):
        raise ThemeError(f"{where} is to have a name of its own, of a-z, 0-9 and -")
    like = read.get("like", LIKE[0])
    if like not in LIKE:
        raise ThemeError(f"{where} is like {', '.join(LIKE)}; not like {like!r}")
    usual = THEMES[str(like)]
    known = _known(usual)
    changed = {key: _colour(where, key, value, known) for key, value in read.items()
               if key != "like"}
    return OwnTheme(_changed(name, usual, changed),
                    _changed(name, PALETTE.get(str(like), usual), changed))


def _known(theme: Theme) -> dict[str, str]:
    return {**{colour: getattr(theme, colour) for colour in COLOURS}, **theme.variables}


def _changed(name: str, like: Theme, changed: Mapping[str, str]) -> Theme:
    known = _known(like)
    # Also what is drawn in the same colour: a frame's, a scroll bar's.
    new = {known[key]: colour for key, colour in changed.items() if key in COLOURS}
    variables = {key: changed.get(key, new.get(value, value))
                 for key, value in like.variables.items()}
    theme = replace(like, name=f"chatops-{name}", variables=variables)
    for key in changed.keys() & set(COLOURS):
        setattr(theme, key, changed[key])
    return theme


def _colour(where: str, key: str, value: object, known: Mapping[str, str]) -> str:
    if key not in known:
        raise ThemeError(f"{where} knows like, {', '.join(COLOURS)}, "
                         f"text-muted, border …; not '{key}'")
    try:
        if isinstance(value, str) and Color.parse(value).ansi is None:
            return value
    except ColorParseError:
        pass
    raise ThemeError(f"{where} {key} is to be a colour like \"#58c4f6\"; not {value!r}")
