"""What an operator may change for good: theme, keys, columns, saved views, alerts.  Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from textual.theme import Theme

from tui.model.alerts import AlertRule
from tui.model.keymap import Keymap
from tui.model.own_theme import OwnTheme
from tui.theme import PALETTE, THEMES


@dataclass(frozen=True, slots=True)
class SavedView:
    """How a pane's rows were looked at; `columns` is empty for the usual ones."""

    pane: str
    filter: str = ""
    sort: str = ""
    inverted: bool = False
    columns: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """In a line, for a list."""
        parts = [self.pane]
        if self.filter:
            parts.append(f"filter {self.filter}")
        if self.sort:
            parts.append(f"sort {self.sort.lower()}, {'largest' if self.inverted else 'smallest'} "
                         "first")
        if self.columns:
            parts.append("columns " + " ".join(self.columns).lower())
        return ", ".join(parts)


@dataclass(slots=True)
class Preferences:
    """As they stand; `tui.config` reads and keeps them."""

    theme: str = ""                    # "" is whichever suits the terminal
    keymap: Keymap = field(default_factory=Keymap)
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)      # by pane
    views: dict[str, SavedView] = field(default_factory=dict)              # by name
    alerts: list[AlertRule] = field(default_factory=list)
    own_themes: dict[str, OwnTheme] = field(default_factory=dict)          # by name

    @property
    def themes(self) -> Mapping[str, Theme]:
        """All that can be chosen."""
        return {**THEMES, **{name: own.usual for name, own in self.own_themes.items()}}

    @property
    def palette_themes(self) -> Mapping[str, Theme]:
        """The same for a terminal of 256 colours."""
        return {**THEMES, **PALETTE, **{name: own.palette for name, own in self.own_themes.items()}}
