"""How the nodes that share a chat stand, as a table and in a few words.  Pure."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from chatops.api.snapshot import Snapshot
from chatops.units import format_age, format_seconds, format_size

ALONE = "this is the only node; --cluster makes it one of several"
PROGRAM = "nodes are of chat servers; this is a program"
HEAD = ("NODE", "STATE", "CLIENTS", "ROOMS", "LAG", "BUFFERED", "LOST", "DUP", "SKEW", "SEEN")


def alone(snapshot: Snapshot | None) -> str:
    """Why there are no nodes to show."""
    return PROGRAM if snapshot is not None and snapshot.program is not None else ALONE


def table(snapshot: Snapshot) -> Iterator[tuple[str, ...]]:
    """A head and a row for each node; where there is but one, a line that says so."""
    if not snapshot.nodes:
        yield (alone(snapshot),)
        return
    yield HEAD
    for row in snapshot.nodes:
        here = row.state == "here"
        yield (row.name, row.state, f"{row.clients:,}", f"{row.rooms:,}",
               format_seconds(max(0.0, row.lag)), format_size(row.buffered) if here else "-",
               f"{row.lost:,}", f"{row.doubled:,}",
               f"{row.skew:+z.1f}s",
               format_age(max(0.0, snapshot.mono - row.seen)))


def facts(snapshot: Snapshot) -> dict[str, object]:
    """The same for programs; times are seconds since the epoch."""
    def wall(mono: float) -> float:
        return round(snapshot.at - (snapshot.mono - mono), 3)

    engine = snapshot.engine
    return {"nodes": [replace(row, seen=wall(row.seen)) for row in snapshot.nodes],
            "engine": replace(engine, since=wall(engine.since)) if engine is not None else None}


def engine_line(snapshot: Snapshot) -> str:
    """What joins the nodes, and how that is; "" where there is but one."""
    engine = snapshot.engine
    if engine is None:
        return ""
    age = format_age(max(0.0, snapshot.mono - engine.since))
    if engine.state == "up":
        return f"{engine.address} has been reached for {age}"
    return f"{engine.address} has been away for {age}: {engine.reason}"


def summary(snapshot: Snapshot) -> tuple[str, bool]:
    """`nodes 3/3`, or `alone 12s, 34.0K buffered`, and whether all is well; "" where there is but
    one.  Nodes that have left in good order do not count.
    """
    engine = snapshot.engine
    if engine is None:
        return "", True
    if engine.state != "up":
        buffered = sum(row.buffered for row in snapshot.nodes)
        return (f"alone {format_age(max(0.0, snapshot.mono - engine.since))}, "
                f"{format_size(buffered)} buffered"), False
    expected = [row for row in snapshot.nodes if row.state != "left"]
    there = sum(row.state in ("here", "up") for row in expected)
    return f"nodes {there}/{len(expected)}", there == len(expected)
