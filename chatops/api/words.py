"""Words that settings, commands, events and snapshots share, each with all that it can be."""

from __future__ import annotations

from typing import Literal

Phase = Literal["running", "draining", "stopped"]
SlowConsumer = Literal["evict", "drop-oldest", "drop-newest"]
WriteInterest = Literal["on-demand", "always"]
