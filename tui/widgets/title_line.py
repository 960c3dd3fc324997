"""The header's first line: whose server, and which time the panes show."""

from __future__ import annotations

from textual.content import Content

from chatops.api import node_table
from chatops.system.addresses import with_port
from chatops.system.columns import width as cells
from chatops.units import counted, format_clock
from tui import program
from tui.model.state import ConsoleState

Part = str | tuple[str, str]

LABEL, VALUE = "$text-muted", "bold $foreground"
MARK, MARKED = ">", "bold $accent"     # before the figure that `enter` would plot
GONE_SHOWN = 1.0               # seconds from which a snapshot's age is worth saying of a server
QUIET_SHOWN = 5.0              # that is late or gone, and of one that has nothing to tell
CLIENTS = "clients"


def chip(state: ConsoleState) -> tuple[str, str]:
    """Which time the panes show, as a word on a ground of its own colour."""
    if state.replay and not state.status.alive and not state.paused:
        return " REPLAY ENDED ", "bold $background on $accent"
    if state.status.dropped:
        return " DROPPED ", "bold $background on $error"
    if state.status.retrying:
        return " ↻ AWAY ", "bold $background on $error"
    if not state.status.alive and not state.replay:
        return " FAILED " if state.status.failed else " GONE ", "bold $background on $error"
    if state.draining or (state.live is not None and state.live.phase == "draining"):
        return " DRAINING ", "bold $background on $warning"
    if state.travel is not None:
        return f" ◀ {state.chip} ", "bold $background on $secondary"
    if state.paused:
        return " ‖ PAUSED ", "bold $background on $warning"
    if state.replay:
        return f" {state.chip} ", "bold $background on $accent"
    if state.late:
        return " ▲ LATE ", "bold $background on $warning"
    return " ● LIVE ", "bold $background on $success"


def title_line(state: ConsoleState, width: int, *, marked: bool = False) -> Content:
    """What it reads, exactly `width` cells."""
    snapshot = state.live
    brand: list[Part] = [(" chatops ", "bold $background on $primary"), " "]
    who: list[Part] = [("no snapshot yet", LABEL)]
    backend, people, since = list[Part](), list[Part](), list[Part]()
    if snapshot is not None:
        since = [("  up ", LABEL), format_clock(state.server_now - snapshot.started_at)]
    if snapshot is not None and snapshot.program is not None:
        who = program.title(snapshot, snapshot.program)
    elif snapshot is not None:
        also = f" +{len(snapshot.also)}" if snapshot.also else ""
        who = [(f"{with_port(snapshot.host, snapshot.port)}{also}", "bold $foreground")]
        backend = [(f"  {snapshot.loop.backend}", "$secondary")]
        people = [" ", (MARK, MARKED) if marked else " ", (f"{CLIENTS} ", LABEL),
                  (f"{len(snapshot.clients):,}", VALUE)]
    right: list[Part] = []
    if snapshot is not None and snapshot.engine is not None:
        words, well = node_table.summary(snapshot)
        right += [(f"{words} ", "$secondary" if well else "$error")]
    if state.dropped:
        right += [(f"▲ {counted(state.dropped, 'event')} dropped ", "$warning")]
    if state.age > _age_shown(state) and state.live is not None:
        # Nothing new, because nothing happens; or because the server has no time for us.
        right += [(f"{_age_text(state)} ", "$warning" if state.late else LABEL)]
    if state.recording:
        right += [(f"● {state.recording} ", "bold $error")]
    if standing := " READ ONLY " if state.status.read_only else " ATTACHED " * state.attached:
        right += [(standing, "bold $background on $secondary"), " "]
    right += [chip(state), " "]
    end = Content.assemble(*right)
    # What gives way where there is no room: since when, then what else is told elsewhere.
    for left in ([*brand, *who, *backend, *people, *since], [*brand, *who, *backend, *people],
                 [*brand, *who, *people], [" ", *who, *people]):
        begin = Content.assemble(*left)
        if begin.cell_length + end.cell_length < width:
            break
    return _both_ends(begin, end, width)


def _age_text(state: ConsoleState) -> str:
    if not state.status.alive and not state.replay:
        return f"{state.age:.0f}s ago"
    return f"{'late' if state.late else 'nothing new'} {state.age:.0f}s"


def _age_shown(state: ConsoleState) -> float:
    """A quiet server is asked for nothing: a pause of a second or two is no news."""
    calm = (state.status.alive or state.replay) and not state.late
    return QUIET_SHOWN if calm else GONE_SHOWN


def _both_ends(left: Content, right: Content, width: int) -> Content:
    room = width - right.cell_length
    return Content.assemble(left.truncate(max(0, room - 1), ellipsis=True, pad=True), " ", right) \
        if room > 1 else right


def title_at(x: int, state: ConsoleState, width: int) -> str:
    """What a click into this cell of the line runs, "" for nothing."""
    end = width - 1
    if end - cells(chip(state)[0]) <= x < end:
        return "live" if state.paused and not state.replay else "pause"
    if state.live is None or state.live.program is not None:
        return ""
    figure = f"{CLIENTS} {len(state.live.clients):,}"
    at = title_line(state, width).plain.find(f" {figure} ")
    return f"plot {CLIENTS}" if 0 <= at < x <= at + len(figure) else ""
