"""Everything about one client or one descriptor, kept up to date while it is open."""

from __future__ import annotations

from collections.abc import Iterable

from textual.content import Content

from chatops.api.events import Disconnected
from chatops.api.snapshot import ClientRow, KeyRow
from chatops.units import format_age, format_seconds, format_size
from tui.model.state import ConsoleState
from tui.screens.dialog import Sheet
from tui.text.cells import clean, format_rate, mask_text
from tui.text.event_lines import client_of, line_of
from tui.widgets.gauge import bar, gauge

EVENTS_SHOWN = 12
BAR_LEAST, BAR_MOST = 10, 24
SILENT = 5.0                   # seconds without progress from which a reader is called slow
CLOSING = {"draining": "It has been told to go; what is queued goes out first.",
           "lingering": "It has been told to go; for a few seconds its own end is awaited."}


class DetailsScreen(Sheet):
    """`DetailsScreen(id)`: one client.  Kick, ban and mute act on it, by id."""

    DEFAULT_CSS = "DetailsScreen .page { text-wrap: nowrap; text-overflow: ellipsis; }"

    def __init__(self, ident: int) -> None:
        super().__init__()
        self._ident = ident
        self._last: ClientRow | None = None
        for key, name in (("k", "kick"), ("K", "ban"), ("m", "mute"), ("M", "unmute")):
            self._bindings.bind(key, f"app.command('{name} {ident}')", name)

    def on_mount(self) -> None:
        self.query_one(".box").border_subtitle = Content(
            "k kick   K ban   m mute   ↑↓ scroll   esc close")

    def show(self, state: ConsoleState) -> None:
        row = state.client(self._ident)
        gone = row is None
        self._last = row = row or self._last
        if row is None:
            self.write(Content(f"There is no client #{self._ident}; it has left."),
                       f"#{self._ident}")
            return
        key = None
        if not gone and state.snapshot is not None:
            key = next((k for k in state.snapshot.keys if k.client == row.id), None)
        wide = max(BAR_LEAST, min(BAR_MOST, self.app.size.width - 70))
        parts = [*_who(row, state, gone), *_queues(row, state, wide), *_traffic(row, state),
                 *_watched(key, state), *_happened(row, state)]
        self.write(Content("\n").join(parts),
                   f"#{row.id} {clean(row.nick)}{'  has left' if gone else ''}")


class KeyScreen(Sheet):
    """`KeyScreen(fd)`: one entry of the selector's map."""

    def __init__(self, fd: int) -> None:
        super().__init__()
        self._fd = fd

    def show(self, state: ConsoleState) -> None:
        keys = state.snapshot.keys if state.snapshot is not None else ()
        key = next((row for row in keys if row.fd == self._fd), None)
        if key is None:
            self.write(Content(f"fd {self._fd} is not registered any more."), f"fd {self._fd}")
            return
        _, *lines = _watched(key, state)     # the border says already what it is
        self.write(Content("\n").join(lines), f"fd {key.fd} {clean(key.type)}")


def _heading(text: str) -> Content:
    return Content.styled(f"\n{text}", "bold $primary")


def _row(label: str, value: str | Content, note: str = "") -> Content:
    return Content.assemble((f"  {label:<11}", "$text-muted"), value,
                            (f"  {note}" if note else "", "$text-muted"))


def _ago(at: float, now: float) -> str:
    return f"{format_age(now - at)} ago"


def _who(row: ClientRow, state: ConsoleState, gone: bool) -> Iterable[Content]:
    now = state.now
    if gone:
        left = next((e for e in reversed(state.closed) if e.id == row.id), None)
        yield Content.styled(_farewell(left), "bold $warning")
        yield Content.styled("What follows is how it was.", "$text-muted")
    yield _row("peer", clean(row.peer), f"fd {row.fd}, room {clean(row.room)}")
    if row.tls:
        yield _row("TLS", clean(row.tls))
    yield _row("protocol", row.protocol, ", ".join(map(clean, row.capabilities)))
    if len(row.rooms) > 1:
        yield _row("rooms", ", ".join(map(clean, row.rooms)))
    if row.closing:
        yield Content.styled(CLOSING[row.state], "bold $warning")
    yield _row("state", row.state + (", muted" if row.muted else ""),
               f"connected {_ago(row.connected_at, now)}, last spoke {_ago(row.active_at, now)}")


def _farewell(event: Disconnected | None) -> str:
    if event is None:
        return "It has left."
    lost = f"; {event.lines_lost:,} lines did not reach it" if event.lines_lost else ""
    return f"It has left: {clean(event.reason)}{lost}."


def _queues(row: ClientRow, state: ConsoleState, wide: int) -> Iterable[Content]:
    yield _heading("Three queues lie between a line and its reader")
    yield _row("outbox", gauge(row.queued, row.queue_limit, wide),
               f"{row.queued_lines:,} lines wait in this process")
    # Its size is asked for only while something waits in the outbox.
    kernel = (gauge(row.kernel_queued, row.kernel_limit, wide) if row.kernel_limit
              else Content(f"{bar(0, wide)} {format_size(row.kernel_queued):>5}"))
    yield _row("kernel", kernel, "sent, and not acknowledged yet")
    yield _row("peer", _reading(row, state.now), "its own buffer cannot be seen")
    if row.high_water:
        yield _row("high water", f"{format_size(row.high_water)} in the outbox",
                   _ago(row.high_water_at, state.now))
    if row.lines_dropped:
        yield _row("dropped", Content.styled(f"{row.lines_dropped:,} lines", "bold $error"))


def _reading(row: ClientRow, now: float) -> Content:
    """What the two queues that can be seen say about the third."""
    stuck = now - row.progress_at
    if row.queued and stuck >= SILENT:
        return Content.styled(f"! does not read: no progress for {format_age(stuck)}",
                              "bold $error")
    if row.queued:
        return Content.styled("▲ reads more slowly than is said", "$warning")
    return Content.styled("reads as fast as is said", "$success")


def _traffic(row: ClientRow, state: ConsoleState) -> Iterable[Content]:
    rates = state.rates.of(row)
    yield _heading("Traffic")
    for label, lines, size, per_second, bytes_per_second in (
        ("in", row.lines_in, row.bytes_in, rates.lines_in, rates.bytes_in),
        ("out", row.lines_out, row.bytes_out, rates.lines_out, rates.bytes_out),
    ):
        yield _row(label, f"{lines:>9,} lines  {format_size(size):>5}B",
                   f"{format_rate(per_second)} lines/s, {format_size(bytes_per_second)}B/s now")


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
    yield _row("its time", format_seconds(key.busy), f"slowest call {format_seconds(key.slowest)}")
    yield _row("ready", Content.styled(key.masks or "never yet", "$success"),
               "newest last; r readable, w writable, W both")
    if key.stale:
        yield _row("!", Content.styled("its file object no longer has this descriptor",
                                       "bold $error"))
    if key.at_eof:
        yield _row("!", Content.styled("it keeps firing at the end of its file", "bold $error"))


def _happened(row: ClientRow, state: ConsoleState) -> Iterable[Content]:
    """The newest events of this client among those that are held."""
    yield _heading("Lately")
    held = state.events.between(0, state.events_end)
    found = []
    for event in reversed(held):
        if client_of(event) == row.id:
            found.append(event)
            if len(found) == EVENTS_SHOWN:
                break
    yield from (Content("  ") + line_of(event) for event in reversed(found))
    if not found:
        yield Content.styled("  nothing", "$text-muted")


