"""The chain of a task, from its coroutine to what it waits for, in lines.  Pure."""

from __future__ import annotations

from textual.content import Content

from chatops.api.program import TaskRow
from chatops.units import format_age, format_seconds
from tui.text.cells import clean


def task_page(row: TaskRow, now: float) -> Content:
    """As it stands at `now`, on the program's clock."""
    lines = [_row("coroutine", row.coro), _row("state", row.state),
             _row("stands at", row.at), _row("waits for", row.on or "-"),
             _row("since", f"{format_age(now - row.since)}")]
    if row.holder:
        lines.append(_row("held by", row.holder, "bold $error"))
    if row.error:
        lines.append(_row("failed", row.error, "bold $error"))
    if row.steps:
        lines.append(_row("ran", f"{format_seconds(row.busy)} in {row.steps:,} steps"))
    if row.chain:
        lines.append(Content.styled("\nawaits", "bold $primary"))
        lines += [Content(f"  {'  ' * depth}{'└ ' if depth else ''}{clean(text)}")
                  for depth, text in enumerate(row.chain)]
    return Content("\n").join(lines)


def _row(label: str, value: str, style: str = "$foreground") -> Content:
    return Content.assemble((f"  {label:<11}", "$text-muted"), (clean(value), style))
