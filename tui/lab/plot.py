"""Lines over an axis, in braille dots: eight to a cell, with marks, ticks and names."""

from __future__ import annotations

from itertools import groupby, pairwise

from textual.content import Content

from chatops.lab.lessons.figures import LinePlot, PlotLine
from tui.lab.axis import Axis, ruler, tick_text

BRAILLE = 0x2800
DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))    # bits by column and row
MARKS = "●◆■▲"
STYLES = ("$warning", "$accent", "$success", "$secondary")
LEAST_ROWS, MOST_ROWS = 8, 26
AROUND = 5                     # rows of a plot besides its area: title, axes, labels

Cell = tuple[str, str]


def draw_plot(plot: LinePlot, width: int, height: int) -> list[Content]:
    """At most `height` rows where that is enough for an area worth looking at."""
    rows = max(LEAST_ROWS, min(MOST_ROWS, height - AROUND))
    xs = Axis.around((x for s in plot.series for x, _ in s.points), plot.log_x)
    ys = Axis.around((y for s in plot.series for _, y in s.points), plot.log_y)
    ticks = {_row(ys, value, rows): tick_text(value) for value in ys.ticks()}
    margin = max(map(len, ticks.values()))
    names = max(len(s.label) for s in plot.series) + 3
    cells = width - margin - 2 - names
    area = _area(plot.series, xs, ys, cells, rows, names, ticks)
    lines = [Content.styled(plot.title, "bold"),
             Content.styled(f"{' ' * margin} {plot.y_label}, {plot.y_unit}{_scales(plot)}",
                            "$text-muted")]
    for y, row in enumerate(area):
        left = f"{ticks.get(y, ''):>{margin}} {'┤' if y in ticks else '│'}"
        parts = [("".join(c for c, _ in run), style) for style, run in
                 groupby(row, key=lambda cell: cell[1])]
        lines.append(Content.assemble((left, "$text-muted"), *parts))
    line, values = ruler(xs, cells)
    indent = " " * (margin + 1)
    lines += [Content.styled(f"{indent}└{line}", "$text-muted"),
              Content.styled(f"{indent} {values}", "$text-muted"),
              Content.styled(f"{indent} {plot.x_label:^{cells}}", "$text-muted")]
    return [line.truncate(width) for line in lines]


def _scales(plot: LinePlot) -> str:
    if plot.log_x and plot.log_y:
        return " (both axes logarithmic)"
    return " (logarithmic)" if plot.log_y else ""


def _area(series: tuple[PlotLine, ...], xs: Axis, ys: Axis, cells: int, rows: int, names: int,
          ticks: dict[int, str]) -> list[list[Cell]]:
    """Rows of cells; the first line lies on top, the names stand at the lines' ends."""
    area: list[list[Cell]] = [
        [("┈" if y in ticks and x < cells else " ", "$border") for x in range(cells + names)]
        for y in range(rows)]
    order = list(enumerate(series))
    for number, one in reversed(order):
        style = _style(number)
        for (column, row), bits in _dots(one, xs, ys, cells, rows).items():
            area[row][column] = (chr(BRAILLE + bits), style)
    for number, one in reversed(order):
        if _is_marked(one):
            for x, y in one.points:
                place = _row(ys, y, rows), _column(xs, x, cells)
                area[place[0]][place[1]] = (_mark(number), f"bold {_style(number)}")
    for number, one in order:
        _name(area, one, number, xs, ys, cells)
    return area


def _column(xs: Axis, x: float, cells: int) -> int:
    """The cell that holds the dot of this value."""
    return xs.cell(x, cells * 2) // 2


def _row(ys: Axis, y: float, rows: int) -> int:
    return rows - 1 - ys.cell(y, rows * 4) // 4


def _is_marked(series: PlotLine) -> bool:
    """A yardstick from edge to edge has no points of its own, and is dashed."""
    return len(series.points) > 2


def _mark(number: int) -> str:
    return MARKS[number % len(MARKS)]


def _style(number: int) -> str:
    return STYLES[number % len(STYLES)]


def _dots(series: PlotLine, xs: Axis, ys: Axis, cells: int, rows: int
          ) -> dict[tuple[int, int], int]:
    """Cells that the line goes through, and the dots of each."""
    found: dict[tuple[int, int], int] = {}
    wide, tall = cells * 2, rows * 4
    for (x1, y1), (x2, y2) in pairwise(series.points):
        left, right = xs.cell(x1, wide), xs.cell(x2, wide)
        low, high = ys.cell(y1, tall), ys.cell(y2, tall)
        steps = max(abs(right - left), abs(high - low), 1)
        for step in range(steps + 1):
            x = left + round((right - left) * step / steps)
            y = tall - 1 - (low + round((high - low) * step / steps))
            if _is_marked(series) or x % 4 < 2:
                place = x // 2, y // 4
                found[place] = found.get(place, 0) | DOTS[x % 2][y % 4]
    return found


def _name(area: list[list[Cell]], series: PlotLine, number: int, xs: Axis, ys: Axis,
          cells: int) -> None:
    """Write the line's name where it ends, or as near to that as there is room."""
    rows = len(area)
    mark = f" {_mark(number)}" if _is_marked(series) else ""
    text = f"{series.label}{mark}"
    x, y = series.points[-1]
    column, row = _column(xs, x, cells) + 2, _row(ys, y, rows)
    for away in sorted(range(-3, 4), key=abs):
        at = row + away
        room = area[at][column - 1 : column + len(text) + 1] if 0 <= at < rows else []
        if len(room) >= len(text) and all(char in " ┈" for char, _ in room):
            style = f"bold {_style(number)}"
            for offset, char in enumerate(text):
                area[at][column + offset] = (char, style)
            return
