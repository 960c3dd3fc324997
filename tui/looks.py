"""How the console looks on this terminal: the theme it begins with, and what lines go through."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

from textual.filter import LineFilter, NoColor
from textual.theme import Theme

from tui.model.preferences import Preferences
from tui.plain import PlainSigns
from tui.terminal import Terminal
from tui.theme import THEMES

THEME_VARIABLE = "CHATOPS_THEME"     # a theme for this terminal, before the operator's usual one
ABLE = Terminal()


def first_theme(preferred: str, terminal: Terminal,
                themes: Mapping[str, Theme] = THEMES) -> Theme:
    """What is asked for, else what suits the terminal.  `themes` can be chosen.

    Without colours the one for sixteen is right whatever is preferred: it marks by reversing
    what the others mark by a ground.
    """
    asked = os.environ.get(THEME_VARIABLE, "")
    if terminal.no_color:
        asked = "ansi"
    return themes.get(asked) or themes.get(preferred) or themes[terminal.theme]


def suited(preferences: Preferences, terminal: Terminal) -> Iterable[Theme]:
    """All that can be chosen, in colours that the terminal has."""
    return (preferences.palette_themes if terminal.palette else preferences.themes).values()


def looks(terminal: Terminal) -> Sequence[LineFilter]:
    """What makes plain lines of those that are drawn."""
    filters: list[LineFilter] = []
    if terminal.no_color:
        filters.append(NoColor())
    if terminal.letters:
        filters.append(PlainSigns(terminal.letters))
    return filters
