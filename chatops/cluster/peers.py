"""The other nodes, as far as this one has heard of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from chatops.chat.elsewhere import Person
from chatops.cluster.engine import readable

Leases = dict[str, tuple[str, float]]      # of each node, whose boot it is, and seconds left of it


@dataclass(slots=True)
class Peer:
    """One node.  Times are monotonic, in seconds."""

    node: str
    boot: str
    state: Literal["up", "gone", "left", "other version"] = "up"
    seen: float = 0.0          # a frame of it was read, or it renewed its lease
    written: float = 0.0       # its last frame, by the engine's clock; 0 where that is not known
    late: float = 0.0          # seconds that its last frame was on its way
    skew: float = 0.0          # seconds that its clock is ahead of the engine's, as it says
    doubled: int = 0           # frames that came again
    missing: int = 0           # frames that never came
    introduced: bool = False   # it has told who is there
    all_told: bool = False     # and how its rooms stand
    asked_anew: bool = False   # for that, once, after an item that meant nothing
    gathering: list[Person] | None = None  # of a roster in several parts, once it has begun


def leases_in(answer: Any, asked: Sequence[str]) -> Leases:
    """Those of these nodes in the answer to `Keys.roll`; a node that holds none is left out."""
    return {node: (readable(boot), left / 1e3)
            for node, (boot, left) in zip(asked, answer, strict=True) if boot}
