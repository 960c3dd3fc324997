"""Everything about one client or one descriptor, as a page of lines.  Pure.

What clients wrote stays text here: nothing of it is markup.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from textwrap import wrap

from textual.content import Content

from chatops.api.events import TALK, Disconnected, Event
from chatops.api.snapshot import ClientRow, KeyRow
from chatops.units import (
    counted,
    format_age,
    format_bytes,
    format_measured,
    format_seconds,
    format_size,
)
from tui.model.series import CLIENT, LINES, SPANS
from tui.model.state import ConsoleState
from tui.model.story import Story, StoryLine, lines_of
from tui.model.trend import Trend, when_full
from tui.text.cells import clean, fit, format_rate, mask_text
from tui.text.event_lines import client_of, clock_of, line_of
from tui.widgets.gauge import bar, gauge, sparkline
from tui.widgets.history_plot import spread, times, value_text

EVENTS_SHOWN = 8
BAR_LEAST, BAR_MOST = 10, 24
SPARK_LEAST, SPARK_MOST = 20, 60       # cells of the lines over five minutes
SPAN = "5m"
SILENT = 5.0                   # seconds without progress from which a reader is called slow
CLOSING = {"draining": "It has been told to go; what is queued goes out first.",
           "lingering": "It has been told to go; for a few seconds its own end is awaited."}
STYLES = {"lines-in": "$secondary", "lines-out": "$secondary", "queued": "$accent",
          "kernel": "$accent"}


def client_page(row: ClientRow, state: ConsoleState, story: Story, width: int, *,
                gone: bool = False) -> Content:
    """The page of a client, of lines that are cut at `width` by whoever draws it.  `story` is
    brought up to what is shown.
    """
    story.follow(state)
    key = None
    if not gone and state.snapshot is not None:
        key = next((k for k in state.snapshot.keys if k.client == row.id), None)
    wide = max(BAR_LEAST, min(BAR_MOST, width - 66))
    held = state.events.between(0, state.events_end)
    return Content("\n").join([
        *_who(row, state, gone), *_queues(row, state, story, wide), *_traffic(row, state),
        *_lately(row, state, width), *_watched(key, state), *_masks(story, state),
        *_capabilities(row, width), *_talk(row, state, held, width), *_happened(row, held)])


def key_page(key: KeyRow, state: ConsoleState) -> Content:
    """The page of a descriptor; the border says already what it is."""
    _, *lines = _watched(key, state)
    return Content("\n").join(lines)


def _heading(text: str) -> Content:
    return Content.styled(f"\n{text}", "bold $primary")


def _row(label: str, value: str | Content, note: str = "") -> Content:
    return Content.assemble((f"  {label:<11}", "$text-muted"), value,
                            (f"  {note}" if note else "", "$text-muted"))


def _ago(at: float, now: float) -> str:
    return f"{format_age(now - at)} ago"


def _is_program(state: ConsoleState) -> bool:
    """Whether its connections are a program's: of bytes, not of lines."""
    return state.snapshot is not None and state.snapshot.program is not None


def _who(row: ClientRow, state: ConsoleState, gone: bool) -> Iterable[Content]:
    now = state.now
    if gone:
        left = next((e for e in reversed(state.closed) if e.id == row.id), None)
        yield Content.styled(_farewell(left), "bold $warning")
        yield Content.styled("What follows is how it was.", "$text-muted")
    kind = "protocol" if _is_program(state) else "room"
    yield _row("peer", clean(row.peer), f"fd {row.fd}, {kind} {clean(row.room)}")
    if row.tls:
        yield _row("TLS", clean(row.tls))
    if not _is_program(state):
        asked = len(row.capabilities)
        yield _row("protocol", clean(row.protocol),
                   f"asked for {asked} {'capability' if asked == 1 else 'capabilities'}, see below"
                   if asked else "")
    if row.account:
        yield _row("account", clean(row.account))
    if len(row.rooms) > 1:
        yield _row("rooms", ", ".join(map(clean, row.rooms)))
    if row.closing:
        yield Content.styled(CLOSING[row.state], "bold $warning")
    yield _row("state", clean(row.state) + (", muted" if row.muted else ""),
               f"connected {_ago(row.connected_at, now)}, last spoke {_ago(row.active_at, now)}")
    if row.rtt >= 0:
        again = f"{row.retransmits:,} sent again"
        yield _row("round trip", f"{format_seconds(row.rtt)}, {again}",
                   "segments, as the kernel counts them")


def _farewell(event: Disconnected | None) -> str:
    if event is None:
        return "It has left."
    lost = f"; {counted(event.lines_lost, 'line')} did not reach it" if event.lines_lost else ""
    return f"It has left: {clean(event.reason)}{lost}."


def _queues(row: ClientRow, state: ConsoleState, story: Story, wide: int) -> Iterable[Content]:
    said = "what is written" if _is_program(state) else "a line"
    yield _heading(f"Three queues lie between {said} and its reader")
    yield _row("outbox", gauge(row.queued, row.queue_limit, wide),
               "wait in this process" if _is_program(state)
               else f"{row.queued_lines:,} lines wait in this process")
    if (trend := story.trend(row)) is not None:
        yield _row("", _outlook(trend, when_full(state)))
    # Its size is asked for only while something waits in the outbox.
    kernel = (gauge(row.kernel_queued, row.kernel_limit, wide) if row.kernel_limit
              else Content(f"{bar(0, wide)} {format_size(row.kernel_queued):>5}"))
    yield _row("kernel", kernel, "sent, and not acknowledged yet")
    yield _row("peer", _reading(row, state.now), "its own buffer cannot be seen")
    if row.high_water:
        yield _row("high water", f"{format_size(row.high_water)} in the outbox",
                   _ago(row.high_water_at, state.now))
    if row.lines_dropped:
        yield _row("dropped", Content.styled(counted(row.lines_dropped, "line"), "bold $error"))


def _outlook(trend: Trend, policy: str) -> Content:
    """What becomes of its outbox if it goes on so."""
    if trend.is_steady or trend.seconds is None:
        return Content.styled("neither grows nor empties", "$text-muted")
    rate = f"at {'+' if trend.growth > 0 else '-'}{format_bytes(abs(trend.growth))}/s"
    when = format_age(trend.seconds)
    if trend.growth < 0:
        return Content.styled(f"empty in {when} {rate}", "$success")
    if policy == "evict":
        return Content.styled(f"! evicted in {when} {rate}, or sooner for taking nothing",
                              "bold $error")
    if not policy:                 # its limit is a mark that it may go past
        goal = f"over its limit in {when}" if trend.seconds else "over its limit and grows"
        return Content.styled(f"▲ {goal} {rate}", "bold $warning")
    return Content.styled(f"▲ full in {when} {rate}; then {clean(policy)}", "bold $warning")


def _reading(row: ClientRow, now: float) -> Content:
    """What the two queues that can be seen say about the third."""
    stuck = now - row.progress_at
    if row.queued and stuck >= SILENT:
        return Content.styled(f"! does not read: no progress for {format_age(stuck)}",
                              "bold $error")
    if row.queued:
        return Content.styled("▲ reads more slowly than is said", "$warning")
    if not row.bytes_out and not row.kernel_queued:
        return Content.styled("nothing waits for it", "$text-muted")
    return Content.styled("reads as fast as it is sent to", "$success")


def _traffic(row: ClientRow, state: ConsoleState) -> Iterable[Content]:
    rates = state.rates.of(row)
    yield _heading("Traffic")
    for label, lines, size, per_second, bytes_per_second in (
        ("in", row.lines_in, row.bytes_in, rates.lines_in, rates.bytes_in),
        ("out", row.lines_out, row.bytes_out, rates.lines_out, rates.bytes_out),
    ):
        if _is_program(state):
            yield _row(label, f"{format_bytes(size):>5}", f"{format_bytes(bytes_per_second)}/s now")
            continue
        unit = "line " if lines == 1 else "lines"
        yield _row(label, f"{lines:>9,} {unit}  {format_bytes(size):>5}",
                   f"{format_rate(per_second)} lines/s, {format_bytes(bytes_per_second)}/s now")


def _watched(key: KeyRow | None, state: ConsoleState) -> Iterable[Content]:
    yield _heading("In the selector's map")
    if key is None:
        yield _row("interest", "not registered: it is not watched, and not read")
        return
    now = state.now
    yield _row("interest", f"{mask_text(key.events)}", f"since {_ago(key.armed_at, now)}, "
               f"registered {_ago(key.registered_at, now)}")
    yield _row("armed by", clean(key.armed_by))
    yield _row("file", clean(key.fileobj))
    yield _row("callback", clean(key.callback), f"data {clean(key.data)}")
    yield _row("fires", f"{key.fires:,}", f"{format_rate(state.rates.fires(key))}/s now, last "
               f"ready for {mask_text(key.last_mask)}")
    slowest = f"slowest call {format_seconds(key.slowest)}" if key.slowest > 0 else ""
    yield _row("its time", format_measured(key.busy),
               slowest or ("not measured" if key.fires else ""))
    yield _row("ready", Content.styled(clean(key.masks) or "never yet", "$success"),
               "newest last; r readable, w writable, W both")
    if key.stale:
        yield _row("!", Content.styled("its file object no longer has this descriptor",
                                       "bold $error"))
    if key.at_eof:
        yield _row("!", Content.styled("it keeps firing at the end of its file", "bold $error"))


def _lately(row: ClientRow, state: ConsoleState, width: int) -> Iterable[Content]:
    """Its figures over five minutes, a line each, and the axis they share."""
    yield _heading("The last five minutes")
    room = max(SPARK_LEAST, min(SPARK_MOST, width - 30))
    for figure in CLIENT:
        if _is_program(state) and figure.name in LINES:
            continue
        values = state.plotted(figure.name, SPAN, row.id)
        known = [value for value in values if not math.isnan(value)]
        peak = max(known, default=math.nan)
        yield Content.assemble((f"  {figure.name:<11}", "$text-muted"),
                               (sparkline(spread(values, room), room), STYLES[figure.name]),
                               (f"  peak {value_text(peak, figure)}", "$text-muted"))
    ruler, words = times(SPANS[SPAN], room, "then" if state.paused else "now")
    yield Content.styled(f"{'':13}{ruler}", "$text-muted")
    yield Content.styled(f"{'':13}{words}", "$text-muted")


def _masks(story: Story, state: ConsoleState) -> Iterable[Content]:
    """What it was watched for before, as far as the turns that are held tell."""
    for number, change in enumerate(story.changes):
        then = f"{mask_text(change.before)} → {mask_text(change.after)}"
        yield _row("" if number else "before", f"{then}  {_ago(change.at, state.now):<8}",
                   clean(change.by))


def _capabilities(row: ClientRow, width: int) -> Iterable[Content]:
    """What an IRC client has asked for, all of it: by this one sees why it hears what it hears."""
    if row.capabilities:
        yield _heading("Capabilities of IRCv3 that it has asked for")
        for line in wrap(", ".join(map(clean, row.capabilities)), max(20, width - 2),
                         break_on_hyphens=False):
            yield Content(f"  {line}")


def _talk(row: ClientRow, state: ConsoleState, held: list[Event], width: int) -> Iterable[Content]:
    if _is_program(state):
        return
    yield _heading("Said and told")
    lines = lines_of(row, held)
    for line in lines:
        yield _said(line, max(20, width - 2))
    if not lines:
        yield Content.styled("  nothing that is still held", "$text-muted")


def _said(line: StoryLine, width: int) -> Content:
    """`15:07:31 ← alice: brb, coffee`; the arrow points at who hears it."""
    own = line.way == "said"
    text = line.note + ", and its text is not kept" if line.note else (
        " ⏎ ".join(line.text.split("\n")))
    said = fit(f"{clean(line.who)}: {clean(text)}", width - 11).rstrip()
    return Content.assemble((f"  {clock_of(line.at)} ", "$text-muted"),
                            ("→ " if own else "← ", "$primary" if own else "$text-muted"),
                            (said, "$foreground" if own else "$text-muted"))


def _happened(row: ClientRow, held: list[Event]) -> Iterable[Content]:
    """The newest events of this client among those that are held, but for what was said."""
    yield _heading("What has happened to it")
    found = []
    for event in reversed(held):
        if client_of(event) == row.id and type(event) not in TALK:
            found.append(event)
            if len(found) == EVENTS_SHOWN:
                break
    yield from (Content("  ") + line_of(event) for event in reversed(found))
    if not found:
        yield Content.styled("  nothing that is still held", "$text-muted")
