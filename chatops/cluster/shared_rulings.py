"""Rulings of this node and those that the engine keeps: what is newer there holds here, and is kept
there where it is newer here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from chatops.cluster.frames import BadFrame, Codec
from chatops.cluster.kept_rulings import opened, sealed
from chatops.cluster.link import Link
from chatops.server.orders import Rulings
from chatops.server.rulings import NEVER, Ruling, all_of, same
from chatops.server.state import ServerState


def holding(state: ServerState, skew: float) -> tuple[Ruling, ...]:
    """Those that hold here, by the engine's clock, which ours is `skew` seconds ahead of."""
    return tuple([ruling.shifted(-skew) for ruling in all_of(state.admission.bans, state.hub.at)])


def adopt(state: ServerState, codec: Codec, link: Link, kept: Mapping[bytes, bytes],
          bad: Callable[[BadFrame], None], obey: Callable[[Rulings], None]) -> None:
    """What the engine has kept holds here, and what holds here it is to keep.  `obey` gets what
    is told, `bad` what is none.
    """
    found = opened(codec, kept, state.wall() - link.skew)
    if found.rulings:
        obey(Rulings(found.rulings))
    for error in found.bad:
        bad(error)
    link.rule(found.over, over=True)
    known = {ruling.network: ruling for ruling in found.rulings}
    link.rule(sealed(codec, [ruling for ruling in holding(state, link.skew)
                             if not same(known.get(ruling.network, NEVER), ruling)]))
