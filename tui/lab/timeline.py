"""What processes do over time, a lane each; every kind of doing has a pattern of its own."""

from __future__ import annotations

from itertools import groupby

from textual.content import Content

from chatops.lab.lessons.figures import Bar, Lane, Timeline
from tui.lab.axis import Axis, ruler
from tui.lab.wording import fold

KINDS = {"asleep": ("░", "$primary", "asleep"), "asking": ("×", "$error", "asking"),
         "free": ("─", "$success", "doing other work"), "copying": ("█", "$accent", "copying")}
MARK = "┊"

Cell = tuple[str, str]


def draw_timeline(figure: Timeline, width: int, height: int) -> list[Content]:
    """Bars with their notes beneath; lanes stand apart where `height` leaves room."""
    names = max(len(lane.label) for lane in figure.lanes)
    cells = width - names - 2
    axis = Axis(figure.start, figure.end, log=False)
    mark = axis.cell(figure.mark, cells)
    noted = any(lane.note for lane in figure.lanes)
    apart = height >= 6 + len(figure.lanes) * (3 if noted else 2)
    lines = [Content.styled(figure.title, "bold"), _heading(figure, names, cells, mark)]
    for number, lane in enumerate(figure.lanes):
        if number and apart:
            lines.append(_mark_alone(names, mark))
        lines.append(_lane(lane, names, cells, axis, mark))
        lines += [_beneath(note, names, mark) for note in fold(lane.note, cells)]
    line, values = ruler(axis, cells, figure.unit)
    indent = " " * (names + 2)
    lines += [Content.styled(indent + line, "$text-muted"),
              Content.styled(indent + values, "$text-muted"), _legend(figure)]
    return [line.truncate(width) for line in lines]


def _heading(figure: Timeline, names: int, cells: int, mark: int) -> Content:
    """`the data came ▼`, over its moment."""
    text = figure.mark_label
    line = f"{text} ▼".rjust(mark + 1) if mark >= len(text) + 1 else f"{' ' * mark}▼ {text}"
    return Content.styled(" " * (names + 2) + line[:cells], "$warning")


def _mark_alone(names: int, mark: int) -> Content:
    return Content.styled(" " * (names + 2 + mark) + MARK, "$warning")


def _beneath(note: str, names: int, mark: int) -> Content:
    """The note; the mark's line goes on where it is not."""
    tail = (" " * (mark - len(note)) + MARK) if mark > len(note) else ""
    return Content.assemble(" " * (names + 2), (note, "$text-muted"), (tail, "$warning"))


def _lane(lane: Lane, names: int, cells: int, axis: Axis, mark: int) -> Content:
    row: list[Cell] = [(" ", "")] * cells
    row[mark] = (MARK, "$warning")
    # The shortest last: however short a bar is, it keeps a cell.
    for bar in sorted(lane.bars, key=lambda bar: bar.start - bar.end):
        begin, end = _stretch(bar, axis, cells)
        sign, style, _ = KINDS.get(bar.kind, ("▪", "$foreground", bar.kind))
        drawn = sign * (end - begin)
        label = f" {bar.label} "
        if len(label) + 4 <= len(drawn):
            drawn = f"{sign * 2}{label}{drawn[len(label) + 2 :]}"
        row[begin:end] = [(char, style) for char in drawn]
    parts = [("".join(c for c, _ in run), style) for style, run in
             groupby(row, key=lambda cell: cell[1])]
    return Content.assemble((f"{lane.label:>{names}}", "bold"), "  ", *parts)


def _stretch(bar: Bar, axis: Axis, cells: int) -> tuple[int, int]:
    """The cells of a bar, at least one."""
    begin = min(cells - 1, int(axis.share(bar.start) * cells))
    return begin, max(begin + 1, round(axis.share(bar.end) * cells))


def _legend(figure: Timeline) -> Content:
    present = {bar.kind for lane in figure.lanes for bar in lane.bars}
    parts: list[Cell | str] = []
    for kind, (sign, style, name) in KINDS.items():
        if kind in present:
            parts += [(sign * 3, style), (f" {name}   ", "$text-muted")]
    return Content.assemble(*parts)
