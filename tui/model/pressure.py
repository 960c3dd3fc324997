"""How near a queue is to its limit, and how that is shown everywhere.  Pure.

The colour gets louder as the queue fills, and a sign or a letter always says the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Level = Literal["ok", "filling", "full"]

WARN_AT, FULL_AT = 0.5, 0.9    # shares of a limit from which a queue is worth a look

BAR_STYLES: Mapping[Level, str] = {"ok": "$success", "filling": "$warning", "full": "$error"}
MARKS: Mapping[Level, str] = {"ok": " ", "filling": "▲", "full": "!"}
_CELL_STYLES: Mapping[Level, str] = {"ok": "", "filling": "warn", "full": "error"}


def share_of(value: float, limit: float) -> float:
    """The part of the limit that is taken; 0 where there is no limit."""
    return value / limit if limit > 0 else 0.0


def level(share: float) -> Level:
    """A word for how full something is, for those who see no colour."""
    if share >= FULL_AT:
        return "full"
    return "filling" if share >= WARN_AT else "ok"


def cell_style(value: float, limit: float) -> str:
    """What a table draws the figure in: plain below half, then louder; grey for nothing."""
    return _CELL_STYLES[level(share_of(value, limit))] if value > 0 else "dim"
