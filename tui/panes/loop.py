"""The loop itself: how often it wakes, what for, where its time goes, and its last turns."""

from __future__ import annotations

import math

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from chatops.snapshot import LoopFigures, Snapshot, ThreadRow
from chatops.units import format_seconds
from tui.cells import clean, fit, format_rate
from tui.state import ConsoleState
from tui.turn_lines import turn_lines
from tui.widgets.gauge import columns, resample, scale_top, sparkline, split_bar

Part = str | tuple[str, str]
LABEL = 9
LONG_CALLBACK = 0.05           # seconds from which a callback is worth a warning
PLOT_LEAST, PLOT_MOST = 2, 6   # rows of a plot


class LoopPane(Vertical):
    """`LoopPane()`; the app calls `show(state)` while it is visible."""

    DEFAULT_CSS = """
    LoopPane { padding: 0 1; overflow-y: auto; scrollbar-size-vertical: 1; }
    LoopPane Static { height: auto; }
    """
    can_focus = True

    def __init__(self) -> None:
        super().__init__(id="loop-pane", classes="pane")
        self._page = Static()
        self._shown: Content | None = None
        self._cpu: dict[int, tuple[float, float]] = {}     # thread: CPU so far, share lately
        self._cpu_at = 0.0
        self._title = ""

    def compose(self) -> ComposeResult:
        yield self._page

    def show(self, state: ConsoleState) -> None:
        """Draw what the state holds now."""
        snapshot = state.snapshot
        if snapshot is None:
            return
        self._measure_threads(snapshot)
        content = self._draw(state, snapshot)
        if self._shown is None or content != self._shown:
            # The height changes only when turns or threads come and go.
            same = (self._shown is not None
                    and self._shown.plain.count("\n") == content.plain.count("\n"))
            self._shown = content
            self._page.update(content, layout=not same)
        loop = snapshot.loop
        title = f"4 Loop: {loop.backend}, write {loop.write_interest}"
        if title != self._title:
            self._title = title
            self.border_title = Content(title)

    def _draw(self, state: ConsoleState, snapshot: Snapshot) -> Content:
        width, height = self.content_size.width, self.content_size.height
        threads = _threads(snapshot.threads, self._cpu, width)
        fixed = _figures(state, snapshot, width)
        # Plots and turns share what the figures leave: never fewer rows than they need.
        room = height - fixed.plain.count("\n") - 1 - len(threads) - 4
        plot_rows = max(PLOT_LEAST, min(PLOT_MOST, room // 3))
        turns = max(3, room - 2 * plot_rows)
        blocks = [
            fixed,
            _plot(state, "wakeups", "wake-ups/s", width, plot_rows, ""),
            _plot(state, "busy", "busy %", width, plot_rows, "%"),
            *turn_lines(state, snapshot, width, turns),
            *threads,
        ]
        return Content("\n").join(blocks)

    def _measure_threads(self, snapshot: Snapshot) -> None:
        """Each thread's share of a core, over at least half a second."""
        seconds = snapshot.mono - self._cpu_at
        if 0 <= seconds < 0.5 and self._cpu:
            return
        before = self._cpu
        self._cpu_at = snapshot.mono
        self._cpu = {
            row.native_id: (row.cpu, (row.cpu - before[row.native_id][0]) / seconds
                            if row.native_id in before and seconds > 0 else math.nan)
            for row in snapshot.threads}


def _label(text: str) -> Part:
    return (f"{text:<{LABEL}} ", "$text-muted")


def _figures(state: ConsoleState, snapshot: Snapshot, width: int) -> Content:
    loop, gauges = snapshot.loop, state.gauges
    room = max(8, width - LABEL - 9)
    # The numbers are the present's while rows are frozen; the plots beside them are, too.
    rows: list[list[Part]] = [
        [_label("wake/s"), (sparkline(state.series["wakeups"], room), "$primary"),
         (f"{format_rate(gauges.wakeups):>7}", "bold")],
        [_label("per wake"), (sparkline(state.series["ready"], room), "$primary"),
         (f"{gauges.ready:>7.1f}", "bold")],
        [_label("time"), *_split(gauges.busy, room), ],
        [_label("callback"), f"p50 {format_seconds(loop.p50)}  p99 {format_seconds(loop.p99)}"],
        [_label("slowest"), *_slowest(loop)],
        [_label("timers"), f"{loop.timers:,} pending, next ",
         "never" if loop.next_deadline is None else f"in {format_seconds(loop.next_deadline)}"],
        [_label("so far"), f"{loop.turns:,} turns, {loop.ready:,} events, "
         f"{loop.registered:,} registered"],
        [_label("console"), f"snapshot {format_seconds(snapshot.built_in)}, "
         f"{state.age:.1f}s old, ", (f"{state.dropped:,} events lost",
                                     "bold $warning" if state.dropped else "$text-muted")],
    ]
    return Content("\n").join(Content.assemble(*row).truncate(width) for row in rows)


def _split(busy: float, room: int) -> list[Part]:
    """Waiting and working as parts of one bar, with letters as well as colours."""
    wait, work = split_bar((1 - busy, busy), room)
    return [("░" * wait, "$text-muted"), ("█" * work, "$accent"), f"{busy:>7.1%}"]


def _slowest(loop: LoopFigures) -> list[Part]:
    long = loop.slowest >= LONG_CALLBACK
    return [(format_seconds(loop.slowest), "bold $error" if long else "bold"),
            f"  {clean(loop.slowest_name)}", ("  ! holds the loop", "$error") if long else ""]


def _plot(state: ConsoleState, name: str, title: str, width: int, rows: int,
          unit: str) -> Content:
    """One series over the last two minutes, with its scale at the right."""
    factor = 100.0 if unit == "%" else 1.0
    room = max(4, width - 8)
    values = [v * factor for v in resample(state.series[name], room)]
    top = scale_top(values)
    lines = columns(values, room, rows, top)
    marks = [f"{top:>6,.4g}{unit}", *[""] * (rows - 2), f"{'0':>6}{unit}"][:rows]
    parts: list[Part] = [(f"{title}, the last {room // 2} s", "$text-muted")]
    style = "$primary" if not unit else "$accent"
    for line, mark in zip(lines, marks, strict=True):
        parts += ["\n", (line, style), (mark, "$text-muted")]
    return Content.assemble(*parts)


def _threads(threads: tuple[ThreadRow, ...], cpu: dict[int, tuple[float, float]],
             width: int) -> list[Content]:
    if not threads:
        return []
    lines = [Content.styled(fit(f"{'thread':<15} {'id':>8}   cpu  what it does", width),
                            "$text-muted")]
    for row in threads:
        share = cpu.get(row.native_id, (0.0, math.nan))[1]
        busy = "   -" if math.isnan(share) else f"{share:4.0%}"
        lines.append(Content.assemble(
            (fit(row.name, 15), "$primary"), f" {row.native_id:>8}  {busy}  ",
            (fit(row.doing or ("daemon" if row.daemon else ""), max(0, width - 32)),
             "$text-muted")))
    return lines
