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
NARROW = 45                    # cells under which `max` tells enough of long calls
NAME_LEAST = 20                # cells for the name of a call and its place
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
    if width < NARROW:
        del columns["p99"]
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
    return Content.assemble(*cells, "  ", (_named(row.name, left), "$primary")).truncate(width)


def _named(name: str, width: int) -> str:
    """With its file and line whole: beside its name, or before what there is room for of that."""
    said, _, place = name.rpartition(" (")
    text = fit(name, width)
    if not said or not place.endswith(")") or f"({place}" in text:
        return text
    return fit(f"{place[:-1]} {said.rpartition(': ')[2]}", width)
