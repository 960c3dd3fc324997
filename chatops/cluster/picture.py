"""How the nodes stand, as consoles show them.  Pure."""

from __future__ import annotations

from itertools import islice
from math import inf
from typing import Protocol

from chatops.api.snapshot import ClientRow, NodeRow, far_row
from chatops.chat.elsewhere import Elsewhere
from chatops.chat.hub import Hub
from chatops.cluster.arrivals import Arrivals
from chatops.cluster.frame_queue import FrameQueue
from chatops.cluster.link import Link
from chatops.cluster.peers import Peer
from chatops.cluster.reading import Reader

SHOWN = 2000                   # people of other nodes in a snapshot: a busy room of each


class Shown(Protocol):
    """What there is to be seen of a node."""

    node: str
    queue: FrameQueue
    link: Link
    reader: Reader
    arrivals: Arrivals


def rows(shown: Shown, hub: Hub) -> tuple[NodeRow, ...]:
    """All nodes, this one first and the others by their names."""
    people: dict[str, int] = {}
    rooms: dict[str, set[str]] = {}
    assert hub.elsewhere is not None
    for (node, _), person in hub.elsewhere.people.items():
        people[node] = people.get(node, 0) + 1
        rooms.setdefault(node, set()).update(person.rooms)
    here = NodeRow(
        shown.node, "here", sum(session.registered for session in hub.sessions.values()),
        sum(1 for room in hub.rooms.values() if room.members), shown.arrivals.trip,
        len(shown.queue), shown.queue.dropped, 0, shown.link.skew, hub.now)
    away = shown.link.state != "up"
    others = [_row(peer, people.get(peer.node, 0), len(rooms.get(peer.node, ())), away=away)
              for peer in shown.reader.peers.values()]
    return (here, *sorted(others, key=lambda row: row.name))


class FarRows:
    """Rows of those on other nodes, made again only when one of them has come, gone or changed,
    or may speak again.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._made_of = -1
        self._until = inf              # wall clock: then the first of the mutes ends
        self._rows: tuple[ClientRow, ...] = ()

    def rows(self) -> tuple[ClientRow, ...]:
        there = self._hub.elsewhere
        assert there is not None
        if there.version != self._made_of or self._hub.at >= self._until:
            self._made_of = there.version
            self._rows = self._made(there)
        return self._rows

    def _made(self, there: Elsewhere) -> tuple[ClientRow, ...]:
        shown, now, at = list(islice(there.people.items(), SHOWN)), self._hub.now, self._hub.at
        self._until = min([person.muted_until for _, person in shown if person.muted_until > at],
                          default=inf)
        return tuple([
            far_row(node, number, person.who.nick, person.rooms, now,
                    muted=person.muted_until > at, account=person.who.account)
            for (node, number), person in shown])


def _row(peer: Peer, people: int, rooms: int, *, away: bool) -> NodeRow:
    """`away`: the engine is, and whether the node is still there cannot be known."""
    state = "unknown" if away and peer.state == "up" else peer.state
    return NodeRow(peer.node, state, people, rooms, peer.late, 0, peer.missing, peer.doubled,
                   peer.skew, peer.seen)
