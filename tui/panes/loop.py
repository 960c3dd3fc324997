"""The loop itself: how often it wakes, what for, where its time goes, and its last turns."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import zip_longest

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from chatops.api.snapshot import LoopFigures, Snapshot, ThreadRow
from chatops.units import format_measured, format_seconds
from tui.model.rates import SAMPLE
from tui.model.state import ConsoleState
from tui.panes.calls import call_lines
from tui.panes.turns import turn_lines
from tui.text.cells import clean, fit, format_count, format_rate
from tui.widgets.gauge import TRACK, bar, columns, resample, scale_top, sparkline
from tui.widgets.titled_pane import TitledPane

Part = str | tuple[str, str]
LABEL = 9
SCALE = 7                      # cells for a plot's scale
LONG_CALLBACK = 0.05           # seconds from which a callback is worth a warning
OFF_CPU_SHOWN = 0.01           # seconds off the CPU that are worth a word
KEPT_SHOWN = 0.005             # the share of the time that is
KEPT_WIDE = 50                 # cells from which there is room to say so in full
BUSY, KEPT_FIGURE = 7, 6       # cells of the two figures behind the bar
PLOT_MOST = 5                  # rows of a plot
TURNS_LEAST = 5                # rows of the turns' story
THREADS_LEAST = 3
THREAD, LONG_THREAD = 11, 14   # cells for a thread's name
THREAD_IDS = 50                # cells from which there is room for their numbers and long names
CALLS_LEAST = 4                # rows of a program's calls
TALL = 26                      # rows from which everything is told
TWO_COLUMNS = 76               # cells from which there is room for two


class LoopPane(TitledPane):
    """`LoopPane()`; the app calls `show(state)` while it is visible."""

    DEFAULT_CSS = """
    LoopPane { padding: 0 1; overflow-y: auto; scrollbar-size-vertical: 1; }
    LoopPane Static { height: auto; text-wrap: nowrap; text-overflow: clip; }
    """
    can_focus = True

    def __init__(self) -> None:
        super().__init__("loop", "loop")
        self._page = Static()
        self._shown: Content | None = None
        self._cpu: dict[int, tuple[float, float]] = {}     # thread: CPU so far, share lately
        self._cpu_at = 0.0

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
        title = f"4 Loop: {loop.backend}"
        if state.program is None:      # a program's is its own business
            title += f", write {loop.write_interest}"
        self.show_title(state, title)

    def _draw(self, state: ConsoleState, snapshot: Snapshot) -> Content:
        width, height = self.scrollable_content_region.size
        if snapshot.program is not None:
            return Content("\n").join(_of_program(state, snapshot, width, height))
        if width >= TWO_COLUMNS:
            half = (width - 3) // 2
            figures = _figures(state, snapshot, half)
            most = max(THREADS_LEAST, height - len(figures) - 3)
            threads = _threads(snapshot.threads, self._cpu, half, most)
            plot = max(1, min(PLOT_MOST, height - len(figures) - len(threads) - 1))
            left = [*figures, *_busy(state, half, plot), *threads]
            plot = max(1, min(PLOT_MOST, height // 2 - 3))
            right = _wakeups(state, half, plot)
            right += turn_lines(state, snapshot, half, max(3, height - len(right) - 1))
            return Content("\n").join(_beside(left, right, half))
        figures = _figures(state, snapshot, width)
        if height < TALL:
            del figures[-2:]
        most = len(snapshot.threads) if height >= TALL else THREADS_LEAST
        threads = _threads(snapshot.threads, self._cpu, width, most)
        room = height - len(figures) - len(threads) - 1
        plot = min(PLOT_MOST, (room - TURNS_LEAST) // 2 - 1)
        plots = [*_wakeups(state, width, plot), *_busy(state, width, plot)] if plot > 0 else []
        turns = turn_lines(state, snapshot, width, max(TURNS_LEAST, room - len(plots)))
        return Content("\n").join([*figures, *plots, *turns, *threads])

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


def _of_program(state: ConsoleState, snapshot: Snapshot, width: int, height: int
                ) -> Iterator[Content]:
    """Of somebody else's loop: how late it is, and what it calls."""
    if width >= TWO_COLUMNS:
        half = (width - 3) // 2
        plot = max(1, min(PLOT_MOST, height // 4 - 1))
        right = [*_wakeups(state, half, plot), *_lag(state, half, plot)]
        right += turn_lines(state, snapshot, half, max(3, height - len(right) - 1))
        left = [*_figures(state, snapshot, half), *_busy(state, half, plot)]
        left += _calls(state, snapshot, half, max(CALLS_LEAST, height - len(left) - 1))
        yield from _beside(left, right, half)
        return
    figures = _figures(state, snapshot, width)
    if height < TALL:
        del figures[-2:]
    calls = _calls(state, snapshot, width,
                   CALLS_LEAST if height < TALL else height // 3)
    room = height - len(figures) - len(calls) - 1
    plot = max(1, min(PLOT_MOST, (room - TURNS_LEAST) // 2 - 1))
    plots = [*_lag(state, width, plot), *(_wakeups(state, width, plot) if height >= TALL else ())]
    yield from figures
    yield from plots
    yield from calls
    yield from turn_lines(state, snapshot, width, max(TURNS_LEAST, room - len(plots)))


def _calls(state: ConsoleState, snapshot: Snapshot, width: int, room: int) -> list[Content]:
    program = snapshot.program
    return call_lines(program, state.rates, width, room) if program is not None else []


def _label(text: str) -> Part:
    return (f"{text:<{LABEL}} ", "$text-muted")


def _figures(state: ConsoleState, snapshot: Snapshot, width: int) -> list[Content]:
    """Of the moment that is shown; the dispensable last."""
    loop, gauges = snapshot.loop, state.shown_gauges
    late = state.late and not state.paused
    counted = state.pulse if late and state.pulse is not None else loop
    room = max(8, width - LABEL - 15)
    lost = (f"{format_count(state.dropped)} lost  " if state.dropped else "", "bold $warning")
    rows: list[list[Part]] = [
        [_label("busy"), *_busy_bar(gauges.busy, gauges.off_cpu, width)],
        [_label("callback"), f"p50 {_timed(loop, loop.p50)}  p99 {_timed(loop, loop.p99)}"],
        [_label("slowest"), *_slowest(loop, width)],
        [_label("timers"), f"{loop.timers:,} pending, next ",
         "never" if loop.next_deadline is None else f"in {format_seconds(loop.next_deadline)}"],
        [_label("console"), (f"late, {state.age:.1f}s old  ", "bold $warning") if state.late else
         f"{state.age:.1f}s old  ", lost,
         f"built {format_measured(snapshot.built_in)}"
         + (f", rows read over {format_seconds(snapshot.spread)}" if snapshot.spread else "")],
        [_label("so far"), f"{_total(counted.turns)} turns  ",
         f"{_total(counted.ready)} events"],
        [_label("per wake"), (sparkline(state.shown_series["ready"], room), "$secondary"),
         (f"{gauges.ready:>7.1f}", "bold"), "  ready"],
    ]
    return [Content.assemble(*row).truncate(width, ellipsis=True) for row in rows]


def _busy_bar(busy: float, off_cpu: float, width: int) -> list[Part]:
    """The share of the time outside select(), and of that what was no work.

    The second figure has a place of its own, filled or not: nothing moves when it comes.
    """
    kept = min(busy, off_cpu)
    word = _kept(width)
    told = f" {kept:>4.0%} {word}" if kept >= KEPT_SHOWN else ""
    room = width - LABEL - 1 - BUSY - KEPT_FIGURE - len(word)
    drawn = bar(busy, room, "")
    return [(drawn, "$accent"), (TRACK * (room - len(drawn)), "$text-muted"),
            (f"{busy:>{BUSY}.1%}", "bold"), (told, "$warning")]


def _kept(width: int) -> str:
    """What is said of time in which the thread could have worked and did not run."""
    return "kept waiting" if width >= KEPT_WIDE else "off CPU"


def _total(count: int) -> str:
    """In full as the turns are, until that is too long."""
    return f"{count:,}" if count < 100_000 else format_count(count)


def _timed(loop: LoopFigures, seconds: float) -> str:
    """`-` where no callback has been timed: a loop of asyncio's only queues what is ready."""
    return format_seconds(seconds) if loop.slowest_name else "-"


def _slowest(loop: LoopFigures, width: int) -> list[Part]:
    """What it came of stands before whose it was: the name is what may be cut."""
    off_cpu = loop.slowest_off_cpu
    long = loop.slowest - off_cpu >= LONG_CALLBACK
    kept = (f", of it {format_seconds(off_cpu)} {_kept(width)}"
            if off_cpu >= OFF_CPU_SHOWN else "")
    return [(_timed(loop, loop.slowest), "bold $error" if long else "bold"), (kept, "$warning"),
            f"  {clean(loop.slowest_name)}", ("  ! holds the loop", "$error") if long else ""]


def _wakeups(state: ConsoleState, width: int, rows: int) -> list[Content]:
    room = max(4, width - SCALE)
    values = resample(state.shown_series["wakeups"], room)
    now = f"{format_rate(state.shown_gauges.wakeups)} wake-ups/s"
    return _plot(values, now, width, rows, "", "$primary")


def _busy(state: ConsoleState, width: int, rows: int) -> list[Content]:
    room = max(4, width - SCALE)
    values = [100 * share for share in resample(state.shown_series["busy"], room)]
    now = f"{state.shown_gauges.busy:.1%} outside select()"
    return _plot(values, now, width, rows, "%", "$accent")


def _lag(state: ConsoleState, width: int, rows: int) -> list[Content]:
    """How long what was due had to wait, the worst of the last second each time."""
    room = max(4, width - SCALE)
    seconds = resample(state.shown_series["lag"], room)
    values = [1000 * value for value in seconds]
    now = f"{format_seconds(state.shown_gauges.lag)} loop lag"
    if scale_top(values) < 1000:
        return _plot(values, now, width, rows, "ms", "$warning")
    return _plot(seconds, now, width, rows, "s", "$warning")


def _plot(values: list[float], now: str, width: int, rows: int, unit: str,
          style: str) -> list[Content]:
    """A heading with the figure of now, and an area with its scale at the right."""
    top = scale_top(values)
    heading = Content.assemble((now, "bold"), (f"  last {len(values) * SAMPLE:.0f} s",
                                               "$text-muted"))
    highest = f"{top:,.4g}{unit}" if top < 10_000 else format_rate(top)
    marks = [highest, *[""] * (rows - 2), f"0{unit}"][:rows]
    area = columns(values, len(values), rows, top)
    return [heading.truncate(width), *(
        Content.assemble((line, style), (f"{mark:>{SCALE}}", "$text-muted"))
        for line, mark in zip(area, marks, strict=True))]


def _beside(left: list[Content], right: list[Content], width: int) -> Iterator[Content]:
    """Two columns of this width each, with a rule between them."""
    for one, other in zip_longest(left, right, fillvalue=Content()):
        yield Content.assemble(one.truncate(width, pad=True), (" │ ", "$border"), other)


def _threads(threads: tuple[ThreadRow, ...], cpu: dict[int, tuple[float, float]],
             width: int, most: int) -> list[Content]:
    """The busiest of them, and how many there are besides."""
    if not threads:
        return []
    more = len(threads) - most
    wide = width >= THREAD_IDS
    name = LONG_THREAD if wide else THREAD
    heading = f"{'thread':<{name}}{'      id' if wide else ''}  cpu  purpose"
    if more > 0:
        told = f" (+{more} idler)"
        heading += told if len(heading) + len(told) <= width else f" +{more}"
    lines = [Content.styled(fit(heading, width), "$text-muted")]
    by_cpu = sorted(threads, key=lambda row: -row.cpu if not math.isnan(row.cpu) else 0.0)
    for row in by_cpu[:most]:
        share = cpu.get(row.native_id, (0.0, math.nan))[1]
        busy = "   -" if math.isnan(share) else f"{share:4.0%}"
        figures = f" {row.native_id:>7} {busy}  " if wide else f" {busy}  "
        purpose = row.doing or ("daemon" if row.daemon else "")
        lines.append(Content.assemble(
            (fit(row.name, name), "$primary"), figures,
            (fit(purpose, max(0, width - name - len(figures))), "$text-muted")))
    return lines
