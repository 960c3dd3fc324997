"""Who is connected, what each may still send, and how much waits for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from chatops.api.events import Disconnected
from chatops.api.snapshot import CLOSING, ClientRow, Snapshot
from chatops.system.addresses import with_port
from chatops.units import counted, format_age
from tui.model import rows
from tui.model.arrangement import Arrangement
from tui.model.state import ConsoleState
from tui.panes import totals
from tui.panes.table_pane import TablePane
from tui.panes.totals import TotalsLine
from tui.text.cells import clean
from tui.widgets.live_table import LiveTable

CLOSED_SHOWN = 8


class ClientsPane(TablePane):
    """The clients, one a line, and beneath them those who left lately."""

    def __init__(self) -> None:
        super().__init__("clients", LiveTable(
            rows.CLIENTS, attrgetter("id"), "clients",
            empty="nobody is here"))
        self._totals = TotalsLine()
        self._farewells = Static(id="closed", markup=False)
        self._farewells_text = ""
        self._arrangement = Arrangement(rows.arrange_clients)
        self._seen: Snapshot | None = None
        self._people: Sequence[ClientRow] = ()        # of this node, and of others
        self._least: Mapping[str, int] = {}           # cells of a column, by its name
        self._going: frozenset[int] = frozenset()     # ids of those on their way out

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield self._totals
        yield self._farewells

    def show(self, state: ConsoleState) -> None:
        """Draw what the state holds now."""
        snapshot = state.snapshot
        self._look(state, snapshot)
        self.choose(state, rows.CLIENTS)
        context = rows.client_context(state)
        shown = self._arrangement.of(snapshot, self._people, state.views["clients"], context)
        total = len(snapshot.clients) if snapshot is not None else 0
        if self._people:
            self.table.empty = self.no_match(state)
        elif snapshot is not None:
            self.table.empty = _nobody(snapshot, state)
        self.table.show_rows(shown, context, state.views["clients"], self._least)
        self._totals.show(self.table, totals.of_clients(shown, context, state)
                          if self._has_room_for_totals else {})
        far = len(snapshot.elsewhere) if snapshot is not None else 0
        count = (f"{total:,}" if len(shown) == total + far
                 else f"{len(shown):,} of {total + far:,}")
        if far and len(shown) == total + far:
            count += f", {far:,} on other nodes"
        if self._going:
            count += f", {len(self._going)} closing"
        self.show_tabs(state, f"Clients ({count})", state.tags_text)
        self._show_closed(state)

    @property
    def needed(self) -> int:
        return super().needed + self._farewells.display

    @property
    def welcome(self) -> int:
        return int(len(self.table.rows) >= totals.LEAST_ROWS)

    @property
    def _has_room_for_totals(self) -> bool:
        """They take no row from the table, or one of many."""
        least = self.needed + 1 if self.has_class("-above") else totals.LEAST_HEIGHT
        return self.size.height >= least

    def _look(self, state: ConsoleState, snapshot: Snapshot | None) -> None:
        """Go through a snapshot once.

        A client that is told to go leaves the cursor where its row was, to the next one;
        the cursor can still be moved to it, and one that is followed keeps it.
        """
        if snapshot is self._seen or snapshot is None:
            return
        before, view = self._going, state.views["clients"]
        self._seen, self._least = snapshot, _least(snapshot)
        self._people = ((*snapshot.clients, *snapshot.elsewhere) if snapshot.elsewhere
                        else snapshot.clients)
        self._going = frozenset([row.id for row in snapshot.clients if row.state in CLOSING])
        if view.cursor in self._going - before and view.cursor != state.followed:
            view.cursor = None

    def _show_closed(self, state: ConsoleState) -> None:
        wall = state.wall
        newest = state.departed[: -CLOSED_SHOWN - 1 : -1]
        text = "closed: " + "   ".join(_farewell(event, wall) for event in newest)
        if text != self._farewells_text:
            self._farewells_text = text
            self._farewells.display = bool(newest)
            self._farewells.update(Content(text), layout=False)


def _least(snapshot: Snapshot) -> dict[str, int]:
    """Ids and descriptors are given the cells that the largest of them needs."""
    least = {name: max(2, len(str(max(map(field, snapshot.clients), default=0))))
             for name, field in (("ID", attrgetter("id")), ("FD", attrgetter("fd")))}
    least["ID"] = max(least["ID"], max([len(row.word) for row in snapshot.elsewhere], default=0))
    return least


def _farewell(event: Disconnected, wall: float) -> str:
    lost = f", {counted(event.lines_lost, 'line')} lost" if event.lines_lost else ""
    return (f"#{event.id} {clean(event.nick)} {format_age(wall - event.at)} ago "
            f"\"{clean(event.reason)}\"{lost}")


def _nobody(snapshot: Snapshot, state: ConsoleState) -> str:
    """How somebody gets in; what is spawned speaks no TLS."""
    if state.replay:
        return "nobody is here"
    if snapshot.tls:
        return ("nobody is here; try  openssl s_client -quiet -connect "
                f"{with_port(snapshot.host, snapshot.port)}")
    spawns = "" if state.status.read_only else "  or type  :spawn chat 5"
    return f"nobody is here; connect with  nc {snapshot.host} {snapshot.port}{spawns}"
