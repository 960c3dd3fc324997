"""A lesson's figures as lines of text, and as pages of them that fit a screen.  Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable

from textual.content import Content

from chatops.lab.lessons.figures import Figure, LinePlot, Quantities, Table, Timeline
from tui.lab.axis import Axis, ruler
from tui.lab.plot import AROUND, LEAST_ROWS, draw_plot
from tui.lab.timeline import draw_timeline
from tui.lab.wording import fold
from tui.text.cells import fit
from tui.widgets.gauge import bar

KIND_STYLES = {"good": "$success", "bad": "$error", "": "$primary"}
KIND_MARKS = {"good": "✓", "bad": "!", "": " "}
WORD_STYLES = {"yes": "$success", "no": "$text-muted", "-": "$text-muted", "none": "$text-muted"}
COLUMN_LEAST = 12
GAP = 2                        # cells between the columns of a table


def draw(figure: Figure, width: int, height: int) -> list[Content]:
    """The figure, `width` cells wide; `height` is what a plot may grow to."""
    if figure.note:
        notes = fold(figure.note, width)
        lines = _draw(figure, width, height - len(notes))
        return [*lines, *(Content.styled(note, "$text-muted") for note in notes)]
    return _draw(figure, width, height)


def _draw(figure: Figure, width: int, height: int) -> list[Content]:
    match figure:
        case LinePlot():
            return draw_plot(figure, width, height)
        case Timeline():
            return draw_timeline(figure, width, height)
        case Quantities():
            return _quantities(figure, width)
        case Table():
            return _table(figure, width)


def pages(figures: Iterable[Figure], width: int, height: int) -> list[list[Content]]:
    """As many figures to a page as have room on it; one that has not stands alone."""
    made: list[list[Content]] = []
    room = 0
    for figure in figures:
        least = AROUND + LEAST_ROWS + 8 if isinstance(figure, LinePlot) else 0
        lines = draw(figure, width, max(least, min(height, room - 1)))
        if made and len(lines) < room:
            made[-1] += [Content(), *lines]
        else:
            lines = draw(figure, width, height)
            made.append(list(lines))
        room = height - len(made[-1])
    return made


# -- bars side by side


def _quantities(figure: Quantities, width: int) -> list[Content]:
    names = max(len(row.label) for row in figure.rows)
    texts = max(len(row.text) for row in figure.rows)
    cells = width - names - texts - 7
    axis = _value_axis(figure)
    scale = f"   {figure.unit}, logarithmic" if figure.log else f"   {figure.unit}"
    heading = Content.assemble((figure.title, "bold"), (scale, "$text-muted"))
    lines = [heading.truncate(width, ellipsis=True)]
    for row in figure.rows:
        style = KIND_STYLES.get(row.kind, "$primary")
        share = axis.share(row.value) if row.value > 0 else 0.0
        lines.append(Content.assemble(
            (f"{row.label:>{names}} ", "bold"), ("│", "$border"),
            (bar(share, cells, " ").replace(" ", "\N{NO-BREAK SPACE}"), style),
            (f" {row.text:>{texts}} {KIND_MARKS.get(row.kind, ' ')}", f"bold {style}")))
    line, values = ruler(axis, cells, figure.unit)
    lines += [Content.styled(f"{' ' * names} └{line}", "$text-muted"),
              Content.styled(f"{' ' * names}  {values}", "$text-muted")]
    return lines


def _value_axis(figure: Quantities) -> Axis:
    """From zero, or from a power of ten that the smallest value is above."""
    values = [row.value for row in figure.rows if row.value > 0]
    highest = max(values, default=1.0)
    if not figure.log:
        return Axis(0.0, 100.0 if figure.unit == "%" else highest, log=False)
    lowest = 10.0 ** math.floor(math.log10(min(values, default=0.1)))
    return Axis(min(1.0, lowest), max(highest, 10 * min(1.0, lowest)), log=True)


# -- tables


def _table(figure: Table, width: int) -> list[Content]:
    """Cells that are too long are folded, so that nothing of a table is lost."""
    columns = list(zip(*((figure.columns, *figure.rows)), strict=True))
    widths = _shrunk([max(map(len, column)) for column in columns], width)
    numeric = [all(_is_number(cell) for cell in column[1:]) for column in columns]
    rule = (" " * GAP).join("─" * wide for wide in widths)
    lines = [Content.styled(figure.title, "bold")]
    if any(figure.columns):
        lines += _row(figure.columns, widths, numeric, heading=True)
    lines.append(Content.styled(rule, "$border"))
    for row in figure.rows:
        lines += _row(row, widths, numeric)
    return lines


def _shrunk(widths: list[int], width: int) -> list[int]:
    """The widest columns give way until all fit; that of the names after the others."""
    names, *others = widths
    while names + sum(others) + GAP * len(others) > width:
        widest = max(others, default=0)
        if widest > COLUMN_LEAST:
            others[others.index(widest)] -= 1
        elif names > COLUMN_LEAST:
            names -= 1
        else:
            break
    return [names, *others]


def _is_number(cell: str) -> bool:
    return cell[:1].isdigit() or cell == "-"


def _row(cells: tuple[str, ...], widths: list[int], numeric: list[bool], *,
         heading: bool = False) -> list[Content]:
    folded = [_folded(cell, wide) for cell, wide in zip(cells, widths, strict=True)]
    lines = []
    for number in range(max(map(len, folded))):
        parts: list[str | tuple[str, str]] = []
        for column, (cell, wide) in enumerate(zip(folded, widths, strict=True)):
            text = cell[number] if number < len(cell) else ""
            style = ("bold $primary" if heading else "bold" if column == 0 else
                     WORD_STYLES.get(cells[column], "$foreground"))
            parts += [(fit(text, wide, right=numeric[column]), style), " " * GAP]
        lines.append(Content.assemble(*parts[:-1]))
    return lines


def _folded(text: str, width: int) -> list[str]:
    """Lines of at most `width`; what a text is indented by, its next lines are too."""
    indent = " " * (len(text) - len(text.lstrip()))
    return fold(text.strip(), width, indent, f"{indent} ") or [""]
