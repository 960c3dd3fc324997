"""Waiting for something that another thread brings about."""

from __future__ import annotations

import select
from collections.abc import Callable

from tests.patience import PATIENCE, Deadline

LOOK = 0.005                   # seconds between looks


def until(true: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Look again and again until it is true; fails when that takes too long."""
    deadline = Deadline(seconds)
    while not true():
        assert deadline.left() > 0, "it did not come true in time"
        select.select([], [], [], LOOK)
