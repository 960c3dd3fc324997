"""What the console itself carries out: one function for each command, and a table of them.

Each takes the `Console` it acts in and its command, and returns what the echo row says
about the outcome ("" for nothing), at once or as something to await.  It raises
`CommandError` where it cannot be done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from chatops.api import commands as c
from chatops.api import node_table
from chatops.api.command_line import CommandError
from chatops.api.command_table import SPEEDS
from chatops.api.commands import Command
from chatops.api.events import Event
from chatops.api.snapshot import Snapshot
from chatops.links.replay import ReplayLink
from chatops.replay.recording import RecordingError
from chatops.replay.writer import save
from chatops.system import paths
from chatops.units import format_clock, format_size
from tui import program
from tui.choices import CHOICES
from tui.console import Action, Console
from tui.details_actions import client_meant, details, open_screen
from tui.model.keymap import KeymapEntry
from tui.model.state import FASTEST, SLOWEST, ConsoleState
from tui.navigation_actions import NAVIGATION
from tui.row_actions import ROW_ACTIONS
from tui.screens.help import HelpScreen
from tui.screens.lints import LintsScreen
from tui.screens.main import MainScreen
from tui.screens.palette import PaletteScreen
from tui.screens.plot import PlotScreen
from tui.suspend import suspend, told
from tui.tables import check_filter
from tui.widgets.status_bar import StatusBar


def _pane(console: Console, command: c.Pane) -> str:
    if command.name not in console.state.panes:
        raise CommandError(node_table.alone(console.state.live) if command.name == "nodes" else
                           "no tasks here: chatops watch shows those of a program")
    console.state.show_pane(command.name)
    return ""


def _next_pane(console: Console, _: c.NextPane) -> str:
    console.state.next_pane()
    return console.state.pane


def _zoom(console: Console, _: c.Zoom) -> str:
    state = console.state
    state.zoomed = not state.zoomed
    state.version += 1
    return f"{state.pane} has the screen" if state.zoomed else "all panes"


def _filter(console: Console, command: c.Filter) -> str:
    check_filter(command.expression, console.state.pane, console.state)
    console.state.set_filter(command.expression)
    return "" if command.expression else "all rows"


def _sort(console: Console, command: c.Sort) -> str:
    view = console.state.view
    if not view.sort_by(command.column):
        raise CommandError(f"no column '{command.column}' here; there is "
                           f"{', '.join(view.columns).lower() or 'none'}")
    console.state.version += 1
    return "largest first" if view.inverted else "smallest first"


def _invert(console: Console, _: c.Invert) -> str:
    view = console.state.view
    view.inverted = not view.inverted
    console.state.version += 1
    return "largest first" if view.inverted else "smallest first"


def _tag(console: Console, command: c.Tag) -> str:
    ident = client_meant(console.state, command.target)
    console.state.toggle_tag(ident)
    front = console.app.screen
    if not command.target and isinstance(front, MainScreen) and console.state.followed is None:
        front.move_down()          # as htop and mc do: the next one is tagged by the same key
    count = len(console.state.tags)
    return f"#{ident} {'' if ident in console.state.tags else 'un'}tagged; {count} in all"


def _untag(console: Console, _: c.Untag) -> str:
    console.state.untag()
    return ""


def _follow(console: Console, _: c.Follow) -> str:
    ident = console.state.follow()
    return f"the cursor stays on #{ident}" if ident is not None else "nobody is followed"


REFRESH_ENDS = {FASTEST: ", and no faster", SLOWEST: ", and no slower"}


def _refresh(console: Console, command: c.Refresh) -> str:
    seconds = console.state.set_refresh(command.seconds)
    return f"every {seconds:g} s{REFRESH_ENDS.get(seconds, '')}"


def _pause(console: Console, _: c.Pause) -> str:
    playback, state = console.playback, console.state
    if playback is None:
        return "paused; the header goes on" if state.pause() else "live"
    if state.paused or not playback.status.alive:
        shown = state.snapshot if state.paused else None
        return _play_from(playback, state, shown)
    state.pause()
    return "paused"


def _play_from(playback: ReplayLink, state: ConsoleState, shown: Snapshot | None) -> str:
    """Go on with a recording from what is shown; from its beginning where that is None."""
    begins = state.past.span[0]
    state.take_up(*playback.play_from(shown.mono if shown is not None else begins))
    return f"plays on from {format_clock(playback.now - begins)}"


def _speed(console: Console, command: c.Speed) -> str:
    playback = console.playback
    if playback is None:
        raise CommandError("only a recording can be played faster or slower: chatops replay")
    step = {"slower": -1, "faster": 1}.get(command.times)
    if step is None:
        times = command.times
    else:
        now = [float(speed) for speed in SPEEDS].index(playback.speed)
        times = SPEEDS[max(0, min(len(SPEEDS) - 1, now + step))]
    playback.speed = console.state.speed = float(times)
    console.state.version += 1
    return f"{times} times as fast as it happened" if times != "1" else "as fast as it happened"


def _live(console: Console, _: c.Live) -> str:
    console.state.go_live()
    return ""


def _step(console: Console, command: c.Step) -> str:
    state = console.state
    if not state.step(command.turns):
        raise CommandError("nothing is held of the past yet")
    return state.chip.lower()


def _seek(console: Console, command: c.Seek) -> str:
    try:
        console.state.seek_to(command.turn)
    except ValueError as error:
        raise CommandError(str(error)) from None
    goes_on = "; the header goes on" if console.playback is None else ""
    return f"{console.state.chip.lower()}{goes_on}"


def _plot(console: Console, command: c.Plot) -> str:
    ident = client_meant(console.state, command.target) if command.target else 0
    front = console.app.screen
    try:
        if isinstance(front, PlotScreen):
            front.aim(command.figure, command.span, ident)
        else:
            open_screen(console, PlotScreen(command.figure, command.span, ident, console.state))
    except ValueError as error:
        raise CommandError(str(error)) from None
    return ""


def _figures(console: Console, _: c.HeaderFigures) -> str:
    console.app.screen.query_one(StatusBar).focus()
    return "arrows go through the header, enter plots a figure, escape goes back"


def _help(console: Console, _: c.Help) -> str:
    console.app.push_screen(HelpScreen(_offered(console), console.state), _run_chosen(console))
    return ""


def _palette(console: Console, _: c.Palette) -> str:
    console.app.push_screen(PaletteScreen(_offered(console)), _run_chosen(console))
    return ""


def _offered(console: Console) -> tuple[KeymapEntry, ...]:
    return tuple(told(entry, console.app) for entry in program.offered(console.state))


def _run_chosen(console: Console) -> Callable[[str | None], None]:
    def chosen(line: str | None) -> None:
        if line:
            console.run(line)

    return chosen


def _lints(console: Console, _: c.Lints) -> str:
    open_screen(console, LintsScreen())
    return ""


def _nodes(console: Console, _: c.Nodes) -> c.CommandResult:
    live = console.state.live
    if live is None or live.engine is None:
        raise CommandError(node_table.alone(live))
    rows = list(node_table.table(live))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return c.CommandResult(True, node_table.engine_line(live), tuple(
        ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]))


def _record(console: Console, command: c.Record) -> str:
    recording, live = console.recording, console.state.live
    if command.file == "off":
        return recording.stop()
    try:
        return recording.start(_path(command.file), live.loop.backend if live is not None else "")
    except RecordingError as error:
        raise CommandError(str(error)) from None


def _path(text: str) -> Path:
    try:
        return paths.expand(text)
    except paths.PathError as error:
        raise CommandError(str(error)) from None


def _save(console: Console, command: c.Save) -> Awaitable[str]:
    # Off this thread: a minute of a busy server takes the disk a moment.
    return _saved(_path(command.file), tuple(console.state.past.frames()))


async def _saved(file: Path, moments: tuple[tuple[Snapshot, Sequence[Event]], ...]) -> str:
    try:
        size = await asyncio.to_thread(save, file, moments)
    except RecordingError as error:
        raise CommandError(str(error)) from None
    return f"{format_size(size)} in {file}; `chatops replay` shows it"


ACTIONS: dict[type[Command], Action] = {
    c.Pane: _pane,
    c.NextPane: _next_pane,
    c.Zoom: _zoom,
    c.Details: details,
    c.Filter: _filter,
    c.Sort: _sort,
    c.Invert: _invert,
    c.Tag: _tag,
    c.Untag: _untag,
    c.Follow: _follow,
    c.Plot: _plot,
    c.HeaderFigures: _figures,
    c.Refresh: _refresh,
    c.Pause: _pause,
    c.Step: _step,
    c.Seek: _seek,
    c.Speed: _speed,
    c.Live: _live,
    c.Record: _record,
    c.Save: _save,
    c.Lints: _lints,
    c.Nodes: _nodes,
    c.Help: _help,
    c.Palette: _palette,
    c.Suspend: suspend,
    **CHOICES,
    **NAVIGATION,
    **ROW_ACTIONS,
}
