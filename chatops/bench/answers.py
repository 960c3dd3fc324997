"""What came of pressing the console's keys."""

from __future__ import annotations

import msgspec


class Answers(msgspec.Struct, frozen=True):
    """Seconds from a key to its answer, over the keys of one kind."""

    kind: str
    median: float
    p99: float
    few_median: float          # the same of the console with few clients
    few_p99: float


class KeysResult(msgspec.Struct, frozen=True):
    """What came of it."""

    clients: int
    answers: tuple[Answers, ...]
    drawing: float | None      # share of a core: what draws, at 100 clients and 200 lines/s
