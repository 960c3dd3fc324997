"""What is known here of another node, and of somebody on it, as a page of lines.  Pure."""

from __future__ import annotations

from collections.abc import Iterable

from textual.content import Content

from chatops.api import node_table
from chatops.api.snapshot import ClientRow, NodeRow, Snapshot
from chatops.units import counted, format_age, format_seconds, format_size
from tui.text.cells import clean

MEANS = {
    "here": "this console's own",
    "up": "it holds its lease",
    "gone": "nothing is heard of it; it may come back",
    "left": "it was shut down",
    "other version": "it speaks another version of chatops, and goes on by itself",
    "unknown": "the engine is away, and nothing is heard of it",
}


def person_page(row: ClientRow) -> Content:
    """Somebody on another node."""
    return Content("\n").join([
        _line("node", clean(row.node)),
        _line("rooms", ", ".join(map(clean, row.rooms)) or "none"),
        *([_line("account", clean(row.account))] if row.account else []),
        *([_line("state", "muted")] if row.muted else []),
        Content.styled(f"\n  Its address and its queues are in the console of node "
                       f"{clean(row.node)}.", "$text-muted")])


def node_page(row: NodeRow, snapshot: Snapshot) -> Content:
    """A node, and where that is this one, what joins it to the others."""
    return Content("\n").join(_node(row, snapshot))


def _node(row: NodeRow, snapshot: Snapshot) -> Iterable[Content]:
    here = row.state == "here"
    yield _line("state", clean(row.state), MEANS.get(row.state, ""))
    yield _line("people", f"{row.clients:,} in {counted(row.rooms, 'room')}")
    yield _line("lag", format_seconds(max(0.0, row.lag)),
                "its last frame, to the engine and back" if here else
                "its last frame, by both clocks")
    if here:
        yield _line("buffered", format_size(row.buffered), "not confirmed by the engine yet")
    yield _line("lost", counted(row.lost, "frame"),
                "waited too long and were dropped" if here else "never came")
    if not here:
        yield _line("doubled", counted(row.doubled, "frame"), "came again and were dropped")
    yield _line("skew", f"{row.skew:+z.1f}s", "its clock against the engine's")
    if not here:
        yield _line("seen", f"{format_age(max(0.0, snapshot.mono - row.seen))} ago")
    yield _line("engine", clean(node_table.engine_line(snapshot)))


def _line(label: str, value: str, note: str = "") -> Content:
    return Content.assemble((f"  {label:<9}", "$text-muted"), value,
                            (f"  {note}" if note else "", "$text-muted"))
