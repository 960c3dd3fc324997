"""Three lines about the row under the cursor, beneath the tables."""

from __future__ import annotations

from textual import events
from textual.content import Content
from textual.widgets import Static

from chatops.api import node_table
from chatops.api.program import TaskRow
from chatops.api.snapshot import ClientRow, KeyRow, Snapshot
from chatops.units import (
    counted,
    format_age,
    format_bytes,
    format_clock,
    format_measured,
    format_size,
)
from tui.messages import RunLine
from tui.model.pressure import BAR_STYLES, MARKS, level
from tui.model.state import ConsoleState
from tui.program import someone
from tui.text.cells import clean, format_limit, mask_text
from tui.widgets.gauge import bar

LABEL = "$text-muted"
BAR = 10
WIDE = 96                      # cells from which the rate has room, too

Part = str | tuple[str, str]


class DetailStrip(Static):
    """What `enter` or a click shows in full, in short."""

    def __init__(self) -> None:
        super().__init__(id="strip")
        self._shown: Content | None = None

    def show(self, state: ConsoleState) -> None:
        """Draw what the state holds now."""
        lines = _lines(state, wide=self.size.width >= WIDE)
        content = Content("\n").join(
            [line.truncate(max(1, self.size.width), ellipsis=True) for line in lines])
        if self._shown is None or content != self._shown:
            self._shown = content
            self.update(content, layout=False)

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.post_message(RunLine("details"))


def _lines(state: ConsoleState, *, wide: bool) -> list[Content]:
    snapshot = state.snapshot
    if snapshot is None:
        return []
    if state.pane == "selector":
        fd = state.views["selector"].cursor
        key = next((row for row in snapshot.keys if row.fd == fd), None)
        return _of_key(key, state.now) if key is not None else []
    if state.pane == "tasks":
        task = next((t for t in snapshot.tasks if t.id == state.view.cursor), None)
        return _of_task(task) if task is not None else []
    if state.pane == "nodes":
        return [Content(f" {clean(node_table.engine_line(snapshot))}")]
    ident = state.cursor_client()
    if (person := state.person(ident)) is not None:
        where = ", ".join(person.rooms) or "no room"
        return [Content(clean(f" {person.nick} {person.word}, in {where}")),
                Content(clean(f" it is on node {person.node}, whose console shows its queues"))]
    client = state.client(ident) if ident is not None else None
    if client is None:
        return [Content.assemble((f" no {someone(state)} is selected", LABEL))]
    return _of_client(client, snapshot, state, wide=wide)


def _of_task(row: TaskRow) -> list[Content]:
    parts = ("", f"{row.name}  {row.coro}"), ("at ", " → ".join(row.chain) or row.at), (
        "failed " if row.error else "waits for ", row.waits or "-")
    return [Content.assemble((f" {label}", LABEL), clean(text)) for label, text in parts]


def _of_client(row: ClientRow, snapshot: Snapshot, state: ConsoleState, *,
               wide: bool) -> list[Content]:
    now, rates = state.now, state.rates.of(row)
    key = next((key for key in snapshot.keys if key.fd == row.fd), None)
    traits = ["closing" if row.closing else row.state] if row.state != "open" else []
    traits += ["muted"] if row.muted else []
    chat = snapshot.program is None         # a program's connections have bytes, and a protocol
    first: list[Part] = [
        (f" {clean(row.nick)}", "bold $primary"), f" #{row.id}",
        f" fd {row.fd}" if wide else "",            # the row above says it too
        ("  up ", LABEL), format_clock(now - row.connected_at),
        ("  in ", LABEL), _traffic(row.lines_in if chat else None, row.bytes_in),
        ("  out ", LABEL), _traffic(row.lines_out if chat else None, row.bytes_out),
        (f"  {format_bytes(rates.bytes_out)}/s" if wide else "", LABEL),
        (_place(row, chat=chat), LABEL), ", ".join(map(clean, row.rooms)) or clean(row.room) or "-",
        (f"  {' '.join(traits)}", "$warning")]
    second: list[Part] = [(" mask ", LABEL), (clean(row.masks) or "-", "$success")]
    if key is not None:
        second += [("   callback ", LABEL), clean(key.callback),
                   ("   armed by ", LABEL), clean(key.armed_by)]
    else:
        second += [("   not registered: not read", "$warning")]
    third: list[Part] = [
        (" queue app ", LABEL), *_gauge(row.queued, row.queue_limit),
        ("   kernel ", LABEL), *_gauge(row.kernel_queued, row.kernel_limit),
        ("   high water ", LABEL), format_size(row.high_water)]
    if row.high_water:
        third.append((f" {format_age(now - row.high_water_at)} ago", LABEL))
    if row.lines_dropped:
        third.append((f"   {counted(row.lines_dropped, 'line')} dropped", "$error"))
    return [Content.assemble(*line) for line in (first, second, third)]


def _place(row: ClientRow, *, chat: bool) -> str:
    """What stands before where it is."""
    return "  rooms " if len(row.rooms) > 1 else "  room " if chat else "  protocol "


def _traffic(lines: int | None, size: int) -> str:
    said = f"{counted(lines, 'line')} " if lines is not None else ""
    return f"{said}{format_bytes(size)}"


def _gauge(value: int, limit: int) -> list[Part]:
    if limit <= 0:
        return [format_size(value)]
    how = level(value / limit)
    return [(bar(value / limit, BAR, ""), BAR_STYLES[how]),
            f" {format_size(value)}/{format_limit(limit)}",
            (f" {MARKS[how]}".rstrip(), f"bold {BAR_STYLES[how]}")]


def _of_key(row: KeyRow, now: float) -> list[Content]:
    first: list[Part] = [
        (f" fd {row.fd}", "bold $primary"), f" {clean(row.type)}  {clean(row.fileobj)}",
        ("   data ", LABEL), clean(row.data) or "-"]
    second: list[Part] = [
        (" events ", LABEL), (mask_text(row.events), "$accent"),
        (f" for {format_clock(now - row.armed_at)}", LABEL),
        ("   armed by ", LABEL), clean(row.armed_by),
        ("   in the map for ", LABEL), format_clock(now - row.registered_at)]
    third: list[Part] = [
        (" callback ", LABEL), clean(row.callback),
        ("   fired ", LABEL), f"{row.fires:,}x",
        ("   last ", LABEL), mask_text(row.last_mask) if row.last_mask else "never",
        ("   busy ", LABEL), format_measured(row.busy),
        ("   slowest ", LABEL), format_measured(row.slowest)]
    if row.stale:
        third.append(("   STALE: its file object has another descriptor now", "$error"))
    if row.at_eof:
        third.append(("   fires at end of file: nothing is left to read", "$error"))
    return [Content.assemble(*line) for line in (first, second, third)]
