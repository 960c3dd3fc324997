"""What an admin's node asks of others, and what they answer: plain data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from chatops.api import commands
from chatops.api.commands import Answer
from chatops.chat.effects import Kill, Wallops
from chatops.server.rulings import Ruling

AT_ONCE = 1000                 # rulings: some milliseconds


class Rulings(msgspec.Struct, frozen=True, tag="rulings"):
    """What was decided about addresses."""

    rulings: Annotated[tuple[Ruling, ...], Meta(max_length=AT_ONCE)]


class Locate(msgspec.Struct, frozen=True, tag="locate"):
    """What address does this client of yours have?"""

    target: str


Ordered = (commands.Kick | commands.Mute | commands.Unmute | commands.Broadcast | Rulings | Locate
           | Kill | Wallops)


class NodeAnswer(NamedTuple):
    """What became of an order on one node."""

    node: str
    ok: bool
    text: str
    answered: bool = True      # False: `text` says why it has not


Told = Callable[[Sequence[NodeAnswer]], None]
Obeys = Callable[[str, Ordered, Answer], None]     # the node that asks, what, and whom to tell
