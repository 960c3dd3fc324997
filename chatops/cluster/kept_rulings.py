"""Bans, and that they were lifted, as the engine keeps them for nodes that are away or begin.

Nodes tell each other of them, but those that were told may all have ended by the time that one
comes back whose file still has a ban that was lifted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from chatops.cluster.frames import BadFrame, Codec, Order, pack
from chatops.cluster.items import unpack
from chatops.server.orders import Rulings
from chatops.server.rulings import Ruling

OLDEST = 3                     # version of the frames since which they are written like this
REMEMBERED = 90 * 86_400.0     # seconds that a lifted ban is; who is away for longer brings it back


class KeptRuling(NamedTuple):
    """One, as it is written: what is compared, and what is signed."""

    network: str
    value: bytes


class Found(NamedTuple):
    """What the engine has kept."""

    rulings: tuple[Ruling, ...]
    over: list[KeptRuling]     # they hold no more, and need not be kept
    bad: list[BadFrame]        # somebody else has written them


def sealed(codec: Codec, rulings: Iterable[Ruling]) -> list[KeptRuling]:
    """As they are written; their times are the engine's."""
    return [KeptRuling(ruling.network, b"%.6f " % ruling.at + codec.seal(
        0, ruling.at, [pack(Order("", "", 0, Rulings((ruling,))))])) for ruling in rulings]


def opened(codec: Codec, kept: Mapping[bytes, bytes], now: float) -> Found:
    """What has been written, at this moment of the engine's clock."""
    rulings: list[Ruling] = []
    over: list[KeptRuling] = []
    bad: list[BadFrame] = []
    for network, value in kept.items():
        try:
            ruling = _opened(codec, value)
        except BadFrame as error:
            bad.append(error)
            continue
        ended = ruling.at + REMEMBERED if ruling.lifted else ruling.until
        if ended and ended <= now:
            over.append(KeptRuling(network.decode(), value))
        else:
            rulings.append(ruling)
    return Found(tuple(rulings), over, bad)


def _opened(codec: Codec, value: bytes) -> Ruling:
    frame = codec.open(value.partition(b" ")[2], OLDEST)
    for raw in frame.items:
        match unpack(raw):
            case Order(what=Rulings(rulings=(ruling,))):
                return ruling
    raise BadFrame("it is no ruling")
