"""What has been counted by reason since the start: for collectors, which want words."""

from __future__ import annotations

from collections import Counter

REFUSED = ("banned", "full", "per-address", "connect-rate", "descriptors", "handshake")
EVICTED = ("queue-full", "total-queue", "stalled")
DROPPED = ("drop-oldest", "drop-newest")


class Refusal(str):
    """Why a newcomer may not come in, for it to read; `kind` is one of `REFUSED`."""

    kind: str

    def __new__(cls, kind: str, text: str) -> Refusal:
        refusal = super().__new__(cls, text)
        refusal.kind = kind
        return refusal


class Counts:
    """Belongs to the reactor's thread."""

    def __init__(self) -> None:
        self.refused: Counter[str] = Counter()     # newcomers, by kind
        self.evicted: Counter[str] = Counter()     # slow readers, by kind
        self.dropped: Counter[str] = Counter()     # lines, by slow-consumer policy
