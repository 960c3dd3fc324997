"""Words that settings, commands, events and snapshots share, each with all that it can be.

A word is a `Literal` where no later version can add to it, so that msgspec refuses what a damaged
recording or a hostile frame says instead.  What may grow (`ClientRow.state`, `KeyRow.type`, a
stage's "unwatched") is a plain text, for a console of today shows a server of tomorrow; so is
what a command says, for one with a word too many is to be answered and not cut off.
"""

from __future__ import annotations

from typing import Literal

Phase = Literal["running", "draining", "stopped"]
SlowConsumer = Literal["evict", "drop-oldest", "drop-newest"]
WriteInterest = Literal["on-demand", "always"]
MapChange = Literal["register", "modify", "unregister"]
