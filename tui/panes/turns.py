"""The story of the loop's turns, as text: what select() waited for, and what came of it.  Pure."""

from __future__ import annotations

from collections.abc import Iterable

from textual.content import Content

from chatops.api.snapshot import Change, Ready, Snapshot, Turn
from chatops.units import format_seconds, format_size
from tui.model.state import ConsoleState
from tui.text.cells import clean, format_count, mask_text

Part = str | tuple[str, str]
INDENT = "  "
WIDE = 60                      # cells from which a turn is told in more words
OFF_CPU_SHOWN = 0.01           # seconds off the CPU that are worth a word
READY_SHOWN = 4                # ready descriptors told one by one; more are counted


def turn_lines(state: ConsoleState, snapshot: Snapshot, width: int, room: int) -> list[Content]:
    """A heading and at most `room` lines: the newest turns, the last of them in full."""
    turns = _shown(state, snapshot, room)
    title = _title(state, snapshot, width)
    lines: list[Content] = []
    for turn in reversed(turns):
        # An older turn for which there is too little room is told as far as there is.
        told = [part.truncate(width, ellipsis=True) for part in story(turn, width)]
        lines[:0] = told[: room - len(lines)]
        if len(lines) >= room:
            break
    if not lines:
        lines = [Content.styled("no turn has been recorded yet", "$text-muted italic")]
    return [title.truncate(width, ellipsis=True), *lines]


def _title(state: ConsoleState, snapshot: Snapshot, width: int) -> Content:
    """Which turn, and of the past, how far it is from now; then as many keys as there is room for.
    """
    number = f"{snapshot.turn:,}"
    past = f"  {state.chip.removeprefix(f'TURN {number} ')}" if state.paused else ""
    what = Content.assemble((f"Tick {number}", "bold $primary"), (past, "bold $warning"))
    sign = state.preferences.keymap.sign
    keys = (f"  {sign('step -1')} {sign('step 1')} step", f"   {sign('seek')} seek")
    for shown in ("".join(keys), keys[0]):
        if what.cell_length + len(shown) <= width:
            return what + Content.styled(shown, "$text-muted")
    return what


def _shown(state: ConsoleState, snapshot: Snapshot, count: int) -> list[Turn]:
    """The last turns before the moment that is shown, oldest first."""
    return [turn for turn in state.past.turns_around(snapshot.turn, count)
            if turn.n <= snapshot.turn]


def story(turn: Turn, width: int) -> Iterable[Content]:
    """`select(None) slept 71ms → 1 ready`, and a line for each thing that came of it."""
    asked = "None" if turn.timeout is None else format_seconds(turn.timeout)
    wide = width >= WIDE
    alike = f"×{format_count(turn.repeats + 1)}" if turn.repeats else ""
    parts: list[Part] = [
        (f"{turn.n:>7,} ", "$text-muted"), f"select({asked}) ",
        (("slept " if wide else "") + format_seconds(turn.waited), "$text-muted"),
        (f" {alike}" if alike and not wide else "", "bold $warning"),  # before what may be cut
        (f" → {len(turn.ready)} ready", "bold"),
        (f"  worked {format_seconds(turn.worked - turn.off_cpu)}" if wide else "", "$text-muted"),
    ]
    if turn.off_cpu >= OFF_CPU_SHOWN:
        parts.append((f"  kept waiting {format_seconds(turn.off_cpu)}", "$warning"))
    if alike and wide:
        parts.append((f"  {alike} alike", "bold $warning"))
    yield Content.assemble(*parts)
    for ready in turn.ready[:READY_SHOWN]:
        yield _ready(ready)
    more = len(turn.ready) - READY_SHOWN
    if more > 0:
        yield Content.styled(f"{INDENT}and {more:,} more", "$text-muted")
    for note in turn.notes:
        yield Content.assemble(INDENT, (clean(note), "$text"))
    for change in turn.changes:
        yield _change(change)
    if turn.queues:
        yield Content.assemble((f"{INDENT}queues ", "$text-muted"), "  ".join(
            f"#{client} {format_size(size)}" for client, size in turn.queues[:6]))


def _ready(ready: Ready) -> Content:
    return Content.assemble(
        INDENT, ("fd ", "$text-muted"), f"{ready.fd} ",
        (mask_text(ready.mask), "bold $success"), f" {clean(ready.name)}",
        (f"  {format_seconds(ready.cost)}" if ready.cost == ready.cost else "", "$text-muted"),
        (f", {format_seconds(ready.off_cpu)} of it kept waiting"
         if ready.off_cpu >= OFF_CPU_SHOWN else "", "$warning"))


def _change(change: Change) -> Content:
    moved = {
        "register": f"{mask_text(change.after)}",
        "unregister": f"{mask_text(change.before)} → gone",
    }.get(change.what, f"{mask_text(change.before)} → {mask_text(change.after)}")
    return Content.assemble(
        INDENT, (clean(change.what), "$accent"), f" fd {change.fd} {clean(change.name)} ",
        (moved, "bold"), (f"  by {clean(change.by)}", "$text-muted"))
