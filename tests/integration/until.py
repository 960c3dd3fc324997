"""Waiting for something that another thread brings about."""

from __future__ import annotations

import select
import time
from collections.abc import Callable

PATIENCE = 5.0                 # seconds; what takes longer is broken
LOOK = 0.005                   # seconds between looks


def until(true: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Look again and again until it is true; fails when that takes too long."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come true in time"
        select.select([], [], [], LOOK)
