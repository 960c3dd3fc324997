"""The connections of an asyncio program: whose each is, and how much waits in its buffer."""

from __future__ import annotations

from operator import attrgetter

from chatops.api.program import Program
from chatops.api.snapshot import ClientRow
from chatops.units import format_age, format_size
from tui.model.columns import CellContext, Column
from tui.model.pressure import cell_style, share_of
from tui.model.rows import MARKS, arrange, client_context
from tui.model.state import ConsoleState
from tui.model.view import PaneView
from tui.panes.table_pane import TablePane
from tui.program import processes
from tui.text.cells import mask_text
from tui.widgets.live_table import LiveTable

IDLE_LONG = 60.0               # seconds
EMPTY = "no connection is open"


def _flag(row: ClientRow, context: CellContext) -> str:
    if context.lints and row.id in context.lints:
        return "!"
    return "w" if row.state == "throttled" else "d" if row.closing else "" if row.reading else "r"


def _mark(row: ClientRow, context: CellContext) -> str:
    return ("*" if row.id in context.tags else " ") + (">" if row.id == context.cursor else " ")


COLUMNS: tuple[Column[ClientRow], ...] = (
    Column("!", 1, lambda r, k: _flag(r, k) or " ", _flag, gap=0, keep=90,
           style=lambda r, k: "error" if _flag(r, k) == "!" else "warn",
           about="! lint; w told to pause writing; r paused reading; d closing"),
    Column("", 2, _mark, lambda r, _: r.id, gap=0, keep=90, sorts=False,
           style=lambda r, k: "tag",
           about=MARKS),
    Column("ID", 2, lambda r, _: str(r.id), lambda r, _: r.id, right=True, keep=80,
           about="the number that commands know it by"),
    Column("FD", 2, lambda r, _: str(r.fd), lambda r, _: r.fd, right=True, keep=45,
           style=lambda r, _: "dim",
           about="its descriptor in the program"),
    Column("TASK", 10, lambda r, _: f"{r.nick} {r.task}" if r.task else "-",
           lambda r, _: f"{r.nick} {r.task}", grow=24, keep=85, style=lambda r, _: "name",
           about="the task that serves it"),
    Column("PROTOCOL", 10, lambda r, _: r.room, lambda r, _: r.room, grow=12, keep=60,
           about="the class of its protocol"),
    Column("PEER", 15, lambda r, _: r.peer or "-", lambda r, _: r.peer, grow=6, keep=40,
           style=lambda r, _: "dim",
           about="the address and port at the other end"),
    Column("EV", 2, lambda r, _: mask_text(r.mask), lambda r, _: r.mask, keep=65,
           style=lambda r, _: "accent" if r.mask & 2 else "" if r.mask else "error",
           about="watched for: R reading, W writing; -- not watched"),
    Column("APPQ", 5, lambda r, _: format_size(r.queued), lambda r, _: r.queued, right=True,
           grow=6, keep=75, keep_bar=38, style=lambda r, _: cell_style(r.queued, r.queue_limit),
           share=lambda r: min(1.0, share_of(r.queued, r.queue_limit)),
           about="bytes in the transport's write buffer; the bar is the share of MARK"),
    Column("MARK", 5, lambda r, _: format_size(r.queue_limit), lambda r, _: r.queue_limit,
           right=True, keep=25, style=lambda r, _: "dim",
           about="the high-water mark: above it the writer is told to pause"),
    Column("KERNQ", 5, lambda r, _: format_size(r.kernel_queued), lambda r, _: r.kernel_queued,
           right=True, keep=70, style=lambda r, _: "" if r.kernel_queued else "dim",
           about="bytes in the kernel that the peer has not acknowledged"),
    Column("IN", 5, lambda r, _: format_size(r.bytes_in), lambda r, _: r.bytes_in, right=True,
           keep=52,
           about="bytes received, as the kernel counts them"),
    Column("OUT", 5, lambda r, _: format_size(r.bytes_out), lambda r, _: r.bytes_out, right=True,
           keep=52,
           about="bytes that the peer's kernel has taken"),
    Column("AGE", 4, lambda r, k: format_age(k.now - r.connected_at),
           lambda r, k: k.now - r.connected_at, right=True, keep=48,
           about="time since it was opened"),
    Column("IDLE", 4, lambda r, k: format_age(k.now - r.active_at),
           lambda r, k: k.now - r.active_at, right=True, keep=50,
           style=lambda r, k: "dim" if k.now - r.active_at >= IDLE_LONG else "",
           about="time since bytes last came or went"),
    Column("TLS", 7, lambda r, _: r.tls or "-", lambda r, _: r.tls, keep=20,
           style=lambda r, _: "dim",
           about="its version of TLS, - without"),
)


class TransportsPane(TablePane):
    """In the place of the clients, where there is no chat server."""

    def __init__(self) -> None:
        super().__init__("clients", LiveTable(
            COLUMNS, attrgetter("id"), "transports", empty=EMPTY), ident="transports")

    def show(self, state: ConsoleState) -> None:
        """Draw what the state holds now."""
        view = state.views["clients"]
        sortable(view, COLUMNS, "APPQ")
        context = client_context(state)
        rows = state.snapshot.clients if state.snapshot is not None else ()
        shown = arrange(rows, COLUMNS, view, context)
        program = state.snapshot.program if state.snapshot is not None else None
        self.table.empty = self.no_match(state) if rows else _why_empty(program)
        self.table.show_rows(shown, context, view, {
            "ID": max(2, len(str(max((row.id for row in rows), default=0)))),
            "FD": max(2, len(str(max((row.fd for row in rows), default=0))))})
        count = f"{len(rows):,}" if len(shown) == len(rows) else f"{len(shown):,} of {len(rows):,}"
        self.show_tabs(state, f"Connections ({count})")


def sortable(view: PaneView, columns: tuple[Column[ClientRow], ...] | tuple[Column[object], ...],
             first: str) -> None:
    """Let a view be sorted by these columns, if it has been by others so far."""
    names = tuple(column.name for column in columns if column.sorts and column.name)
    if view.columns != names:
        view.columns, view.sort, view.inverted = names, first, True


def _why_empty(program: Program | None) -> str:
    if program is None or not program.unseen:
        return EMPTY
    return (f"{program.unseen}; `:loops` has {processes(program)} more" if program.processes
            else program.unseen)
