"""Whom an action takes besides those it is for, as far as this node can tell.  Pure."""

from __future__ import annotations

from collections.abc import Sequence

from chatops.api.snapshot import NodeRow, Snapshot
from chatops.units import counted
from tui.model.targets import Target, host_in

EVERYWHERE = "It holds on all nodes, and may take others there"


def other_nodes(snapshot: Snapshot | None) -> list[NodeRow]:
    """Those on which there may be somebody."""
    nodes = snapshot.nodes if snapshot is not None else ()
    return [row for row in nodes if row.state not in ("here", "left")]


def of_a_broadcast(snapshot: Snapshot | None) -> str:
    """Who hears it: `all 3 clients`, or that nobody does."""
    here = len(snapshot.clients) if snapshot is not None else 0
    others = sum(row.clients for row in other_nodes(snapshot))
    if others:
        near = counted(here, "client") if here else "nobody"
        return f"{near} here and {others:,} on other nodes"
    if not here:
        return "everybody: no client is there yet"
    return "the only client" if here == 1 else f"all {counted(here, 'client')}"


def of_a_ban(people: Sequence[Target], snapshot: Snapshot | None) -> tuple[list[str], bool]:
    """Who else a ban of these takes, in lines, and whether that is a warning: it is of the address,
    and an office has one for all.  That of somebody on another node is known there alone.
    """
    if not people:
        return [], False               # they have left, and there is nothing to press
    near = [person for person in people if not person.node]
    far = [person for person in people if person.node]
    nodes = other_nodes(snapshot)
    hosts = {host_in(person.peer) for person in near}
    others = _others(hosts, near, snapshot)
    lines = [_of_hosts(hosts, others, alone=not nodes)] if near else []
    lines += [_of_far(far)] if far else []
    lines += [EVERYWHERE] if nodes or far else []
    return lines, bool(others or far)


def _others(hosts: set[str], chosen: Sequence[Target], snapshot: Snapshot | None) -> int:
    """How many on this node have one of these addresses."""
    ids = {person.id for person in chosen}
    rows = snapshot.clients if snapshot is not None else ()
    return sum(not row.closing and row.id not in ids and host_in(row.peer) in hosts
               for row in rows)


def _of_hosts(hosts: set[str], others: int, *, alone: bool) -> str:
    where = next(iter(hosts)) if len(hosts) == 1 else f"{len(hosts)} addresses"
    if not others:
        return f"This bans {where}; nobody else {'is there' if alone else 'on this node'}"
    here = "" if alone else " on this node"
    return f"This bans {where}: {others:,} {'other goes' if others == 1 else 'others go'} too{here}"


def _of_far(far: Sequence[Target]) -> str:
    if len(far) == 1:
        return f"Only node {far[0].node} knows the address of {far[0].shown}"
    return f"Only their nodes know the addresses of {len(far)} of them"
