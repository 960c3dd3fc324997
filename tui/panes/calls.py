"""What a program's loop calls, by name, and what that costs, as text.  Pure."""

from __future__ import annotations

from textual.content import Content

from chatops.api.program import CallbackRow, Program
from chatops.units import format_seconds
from tui.model.rates import RateTable
from tui.text.cells import fit, format_rate

# Heading and cells; where there is little room the dispensable ones are left out, in that order.
COLUMNS = {"share": 6, "calls/s": 8, "p50": 7, "p99": 7, "max": 7}
DISPENSABLE = ("calls/s", "p50")
NAME_LEAST = 15                # cells for the name of a call
LONG_CALL = 0.05               # seconds of one call that are worth a warning
HOT_SHARE = 0.5                # of the loop's time that is


def call_lines(program: Program, rates: RateTable, width: int, room: int) -> list[Content]:
    """A heading and at most `room` lines: who took most of the loop's time of late comes first,
    then who has taken most since somebody looks.
    """
    if room < 1 or not program.callbacks:
        return []
    rows = sorted(program.callbacks, key=lambda row: (-rates.call_share(row), -row.busy))
    more = f" (+{len(rows) - room})" if len(rows) > room else ""
    columns = dict(COLUMNS)
    for name in DISPENSABLE:
        if width - sum(columns.values()) - 2 < NAME_LEAST:
            del columns[name]
    heading = "".join(f"{text:>{cells}}" for text, cells in columns.items())
    return [Content.styled(fit(f"{heading}  call{more}", width), "$text-muted"),
            *(_line(row, rates, columns, width) for row in rows[:room])]


def _line(row: CallbackRow, rates: RateTable, columns: dict[str, int], width: int) -> Content:
    share = rates.call_share(row)
    figures = {
        "share": (f"{share:.1%}", "bold $warning" if share >= HOT_SHARE else "bold"),
        "calls/s": (format_rate(rates.calls(row)), ""),
        "p50": (format_seconds(row.p50), ""), "p99": (format_seconds(row.p99), ""),
        "max": (format_seconds(row.slowest), "bold $error" if row.slowest >= LONG_CALL else "")}
    cells = [(f"{figures[name][0]:>{room}}", figures[name][1]) for name, room in columns.items()]
    left = max(1, width - sum(columns.values()) - 2)
    return Content.assemble(*cells, "  ", (fit(row.name, left), "$primary")).truncate(width)
