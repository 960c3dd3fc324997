"""The rows of the client and the selector table: their columns, order and filter.  Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any, TypeVar

from chatops.api.snapshot import CLOSING, ClientRow, KeyRow, Lint
from chatops.units import format_age, format_clock, format_measured, format_seconds, format_size
from tui.model import filters
from tui.model.columns import CellContext, Column
from tui.model.pressure import cell_style, level, share_of
from tui.model.state import ConsoleState
from tui.model.view import PaneView
from tui.text.cells import clean, format_count, format_rate, mask_text

Row = TypeVar("Row")

IDLE_LONG = 60.0               # seconds

SHORT = {"connection": "conn"}

MARKS = "* tagged; > the cursor; » the cursor, which follows its row"

_FLAGS = {"throttled": "t", "draining": "d", "lingering": "l"}


# -- clients


def _flag(row: ClientRow, context: CellContext) -> str:
    """What the row's colours say, in a letter, for those who see none."""
    if context.lints and row.id in context.lints and not row.closing:
        return "!"
    state = _FLAGS.get(row.state, "")
    if row.muted and not row.closing:
        state = "m"
    fullness = _fullness(row)
    return fullness if not state else state if fullness == " " else state.upper()


def _flag_rank(row: ClientRow, context: CellContext) -> int:
    flag = _flag(row, context)
    return 2 * " hftdlm!".find(flag.lower()) + flag.isupper()


def _fullness(row: ClientRow) -> str:
    """Of its queues, the one that is nearest to its limit."""
    share = max(share_of(row.queued, row.queue_limit),
                share_of(row.kernel_queued, row.kernel_limit))
    return {"full": "f", "filling": "h", "ok": " "}[level(share)]


def _mark(ident: int, context: CellContext) -> str:
    """Tagged, and where the cursor is: signs that need no colour."""
    cursor = " " if ident != context.cursor else "»" if ident == context.followed else ">"
    return ("*" if ident in context.tags else " ") + cursor


def _interest_style(mask: int) -> str:
    return "accent" if mask & 2 else "error" if not mask else ""


def _dim_zero(value: float) -> str:
    return "" if value >= 0.05 else "dim"


_CLIENTS: tuple[Column[ClientRow], ...] = (
    Column("!", 1, _flag, _flag_rank, gap=0, keep=90,
           style=lambda r, k: "error" if _flag(r, k) in "!f" else "warn",
           about="! lint; m muted; t throttled: it sends too much, and is read more slowly; "
                 "d draining: told to go, what is queued goes out first; l lingering: told to go, "
                 "its own end is awaited; f a queue is full; h a queue is half full; "
                 "MTDL the same, and a queue is half full or more"),
    Column("", 2, lambda r, k: _mark(r.id, k), lambda r, _: r.id, gap=0, keep=90, sorts=False,
           style=lambda r, k: "tag",
           about=MARKS),
    Column("ID", 2, lambda r, _: clean(r.word), lambda r, _: r.id, right=True, keep=80,
           about="the number that commands know it by"),
    Column("FD", 2, lambda r, _: "-" if r.node else str(r.fd), lambda r, _: r.fd, right=True,
           keep=45, style=lambda r, _: "dim",
           about="its descriptor in the server's process"),
    Column("NICK", 8, lambda r, _: r.nick, lambda r, _: r.nick.casefold(), grow=8, keep=85,
           style=lambda r, _: "name",
           about="what it calls itself"),
    Column("ROOM", 7, lambda r, _: r.room, lambda r, _: r.room.casefold(), grow=5, keep=15,
           style=lambda r, _: "dim",
           about="where it speaks"),
    Column("PEER", 15, lambda r, _: r.peer, lambda r, _: r.peer, grow=6, keep=40,
           style=lambda r, _: "dim",
           about="its address and port"),
    Column("PROTO", 5, lambda r, _: r.protocol, lambda r, _: r.protocol, keep=12,
           style=lambda r, _: "accent" if r.protocol != "line" else "dim",
           about="what it speaks: line or irc"),
    Column("EV", 2, lambda r, _: mask_text(r.mask), lambda r, _: r.mask, keep=60,
           style=lambda r, _: _interest_style(r.mask),
           about="watched for: R reading, W writing; -- not watched, so not read"),
    Column("APPQ", 5, lambda r, _: format_size(r.queued), lambda r, _: r.queued, right=True,
           grow=6, keep=75, keep_bar=38, style=lambda r, _: cell_style(r.queued, r.queue_limit),
           share=lambda r: share_of(r.queued, r.queue_limit),
           about="bytes queued in this process; the bar is the share of its limit"),
    Column("LINES", 5, lambda r, _: format_count(r.queued_lines), lambda r, _: r.queued_lines,
           right=True, keep=20, style=lambda r, _: _dim_zero(r.queued_lines),
           about="lines queued in this process"),
    Column("KERNQ", 5, lambda r, _: format_size(r.kernel_queued), lambda r, _: r.kernel_queued,
           right=True, grow=6, keep=70, keep_bar=18,
           style=lambda r, _: cell_style(r.kernel_queued, r.kernel_limit),
           share=lambda r: share_of(r.kernel_queued, r.kernel_limit),
           about="bytes in the kernel that the peer has not acknowledged"),
    Column("IN/S", 5, lambda r, k: format_rate(k.rates.of(r).lines_in),
           lambda r, k: k.rates.of(r).lines_in, right=True, title="IN/s", keep=55,
           style=lambda r, k: _dim_zero(k.rates.of(r).lines_in),
           about="lines per second from it"),
    Column("OUT/S", 5, lambda r, k: format_rate(k.rates.of(r).lines_out),
           lambda r, k: k.rates.of(r).lines_out, right=True, title="OUT/s", keep=55,
           style=lambda r, k: _dim_zero(k.rates.of(r).lines_out),
           about="lines per second to it"),
    Column("RTT", 5, lambda r, _: format_seconds(r.rtt) if r.rtt >= 0 else "-",
           lambda r, _: r.rtt, right=True, keep=10, style=lambda r, _: "dim",
           about="round trip to the peer's kernel"),
    Column("IDLE", 4, lambda r, k: "-" if r.node else format_age(k.now - r.active_at),
           lambda r, k: -1.0 if r.node else k.now - r.active_at, right=True, keep=50,
           style=lambda r, k: "dim" if k.now - r.active_at >= IDLE_LONG else "",
           about="time since it last sent something"),
    Column("HIST", 4, lambda r, _: r.masks, lambda r, _: r.masks, grow=12, keep=30,
           style=lambda r, _: "good", sorts=False,
           about="recent ready masks, newest last: r, w, W both"),
)


def _greyed(column: Column[ClientRow]) -> Column[ClientRow]:
    """The column, grey where the client is on its way out or on another node; the marks keep
    their colour.
    """
    style = column.style
    return column if column.name in ("!", "") else replace(
        column, style=lambda r, k: "dim" if r.closing or r.node else style(r, k))


# What is old by the clock, moves, or is marked is not told by the row alone.
_LIVE = frozenset(("!", "", "IN/S", "OUT/S", "IDLE", "ARMED", "FIRES/S"))


def _fix(column: Column[Row]) -> Column[Row]:
    return replace(column, fixed=column.name not in _LIVE)


CLIENTS = tuple(map(_fix, map(_greyed, _CLIENTS)))
# Not shown, but to be filtered by: ids of other nodes' clients begin with the node.
NOT_SHOWN: tuple[Column[ClientRow], ...] = (
    Column("NODE", 4, lambda r, _: clean(r.node), lambda r, _: r.node, fixed=True),
    Column("ACCOUNT", 7, lambda r, _: clean(r.account), lambda r, _: r.account.casefold(),
           fixed=True),
)


# -- the selector's map


def _key_flag(row: KeyRow, context: CellContext) -> str:
    if context.lints and row.fd in context.lints:
        return "!"
    return "!" if row.stale else "0" if row.at_eof else " "


_KEYS: tuple[Column[KeyRow], ...] = (
    Column("!", 1, _key_flag, lambda r, k: " 0!".find(_key_flag(r, k)), gap=0, keep=90,
           style=lambda r, k: "error",
           about="! lint, or its file has another descriptor now; "
                 "0 it fires at the end of its file"),
    Column("", 2, lambda r, k: _mark(r.fd, k), lambda r, _: r.fd, gap=0, keep=90, sorts=False,
           style=lambda r, _: "tag",
           about=MARKS),
    Column("FD", 2, lambda r, _: str(r.fd), lambda r, _: r.fd, right=True, keep=85,
           about="the descriptor"),
    Column("TYPE", 8, lambda r, _: SHORT.get(r.type, r.type), lambda r, _: r.type, grow=2, keep=60,
           style=lambda r, _: "" if r.client else "accent",
           about="what it is: listener, conn (a connection), waker …"),
    Column("FILEOBJ", 12, lambda r, _: r.fileobj, lambda r, _: r.fileobj, grow=24, keep=20,
           style=lambda r, _: "dim",
           about="the file object that was registered"),
    Column("EVENTS", 6, lambda r, _: mask_text(r.events), lambda r, _: r.events, keep=80,
           style=lambda r, _: _interest_style(r.events),
           about="watched for: R reading, W writing"),
    Column("CALLBACK", 19, lambda r, _: r.callback, lambda r, _: r.callback, grow=2, keep=75,
           style=lambda r, _: "name",
           about="what is called when it is ready"),
    Column("DATA", 10, lambda r, _: r.data, lambda r, _: r.data.casefold(), grow=6, keep=70,
           about="whose it is"),
    Column("ARMED", 8, lambda r, k: format_clock(k.now - r.armed_at),
           lambda r, k: k.now - r.armed_at, right=True, keep=50,
           about="time since what it is watched for changed"),
    Column("FIRES", 5, lambda r, _: format_count(r.fires), lambda r, _: r.fires, right=True,
           keep=40, style=lambda r, _: _dim_zero(r.fires),
           about="how often it was ready"),
    Column("FIRES/S", 7, lambda r, k: format_rate(k.rates.fires(r)),
           lambda r, k: k.rates.fires(r), right=True, keep=65, title="FIRES/s",
           style=lambda r, k: _dim_zero(k.rates.fires(r)),
           about="how often per second, lately"),
    Column("LAST", 4, lambda r, _: mask_text(r.last_mask) if r.last_mask else "-",
           lambda r, _: r.last_mask, keep=35,
           about="what it was ready for the last time"),
    Column("BUSY", 5, lambda r, _: format_measured(r.busy), lambda r, _: r.busy, right=True,
           keep=30,
           about="time spent in its callback"),
    Column("HIST", 4, lambda r, _: r.masks, lambda r, _: r.masks, grow=12, keep=25,
           style=lambda r, _: "good", sorts=False,
           about="recent ready masks, newest last: r, w, W both"),
)


KEYS = tuple(map(_fix, _KEYS))

TABLES: Mapping[str, Sequence[Column[Any]]] = {"clients": CLIENTS, "selector": KEYS}


# -- what is shown of them


def arrange(rows: Sequence[Row], columns: Sequence[Column[Row]], view: PaneView,
            context: CellContext) -> list[Row]:
    """The rows that pass the view's filter, in the view's order; equals by id."""
    kept = filters.apply(rows, view.filter, columns, context) if view.filter else list(rows)
    column = next((c for c in columns if c.name == view.sort), None)
    if column is not None:
        key = column.key
        kept.sort(key=lambda row: key(row, context), reverse=view.inverted)
    return kept


def client_context(state: ConsoleState) -> CellContext:
    """What the cells of the client table need."""
    return CellContext(state.now, state.rates, _lints_by(state, "client"), state.tags,
                       state.views["clients"].cursor, state.followed)


def key_context(state: ConsoleState) -> CellContext:
    """What the cells of the selector table need; a tagged client tags its descriptor."""
    keys = state.snapshot.keys if state.snapshot is not None and state.tags else ()
    tagged = {row.fd for row in keys if row.client in state.tags}
    return CellContext(state.now, state.rates, _lints_by(state, "fd"), tagged,
                       state.views["selector"].cursor)


def _lints_by(state: ConsoleState, field: str) -> dict[int, Lint]:
    lints = state.snapshot.lints if state.snapshot is not None else ()
    return {ident: lint for lint in reversed(lints) if (ident := getattr(lint, field)) > 0}


def arrange_clients(rows: Sequence[ClientRow], view: PaneView, context: CellContext
                    ) -> list[ClientRow]:
    """The clients to show, in order; last in every order are those on their way out, and behind
    them those of other nodes.
    """
    shown = arrange(rows, (*CLIENTS, *NOT_SHOWN), view, context)
    if any(map(attrgetter("node"), shown)) or not CLOSING.isdisjoint(
            map(attrgetter("state"), shown)):
        shown.sort(key=attrgetter("node", "closing"))
    return shown


def arrange_keys(rows: Sequence[KeyRow], view: PaneView, context: CellContext) -> list[KeyRow]:
    """The descriptors to show, in order."""
    return arrange(rows, KEYS, view, context)
