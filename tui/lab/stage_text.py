"""What a stage is about, beside the panes that show it: what to type, and what to see."""

from __future__ import annotations

import textwrap

from textual.content import Content
from textual.widgets import Static

from chatops.lab.stages import STAGES, Stage
from tui.state import ConsoleState

SPINNING = 1000.0              # wake-ups a second that nobody can have asked for
TALL = 34                      # rows of a terminal from which everything is told
LABEL = 6


class StageText(Static):
    """`show(stage, state)`; in a small terminal `why` takes the place of what to do."""

    DEFAULT_CSS = """
    StageText { height: auto; background: $surface; padding: 0 1; border-left: thick $accent; }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)
        self.explains = False
        self._shown: Content | None = None

    def show(self, stage: Stage, state: ConsoleState) -> None:
        """Draw what the state holds now."""
        width = self.content_size.width
        if width < 20:
            return
        tall = self.app.size.height >= TALL
        host, port = stage.address
        rows = [("try", stage.try_it.format(host=host, port=port)), ("look at", stage.look_at)]
        if tall:
            rows = [("does", stage.what), *rows, ("why", stage.why)]
        elif self.explains:
            rows = [("does", stage.what), ("why", stage.why)]
        lines = [_heading(stage, state)]
        for label, text in rows:
            lines += _told(label, text, width)
        content = Content("\n").join(lines)
        if self._shown is None or content != self._shown:
            same = (self._shown is not None
                    and self._shown.plain.count("\n") == content.plain.count("\n"))
            self._shown = content
            self.update(content, layout=not same)


def _heading(stage: Stage, state: ConsoleState) -> Content:
    """`stage 2 of 5  echo   the fault: …  ● now`"""
    seen = sight(stage, state)
    fault = ("$success", "  ") if stage.number == max(STAGES) else ("$error", "  the fault: ")
    parts: list[str | tuple[str, str]] = [
        (f"stage {stage.number} of {len(STAGES)}  ", "$text-muted"),
        (stage.title, "bold $foreground"), (f"{fault[1]}{stage.fault}", fault[0])]
    if seen:
        parts.append((f"  ● {seen}", f"bold {fault[0]}"))
    return Content.assemble(*parts)


def _told(label: str, text: str, width: int) -> list[Content]:
    lines = textwrap.wrap(text, width - LABEL - 2)
    heads = [f"{label:<{LABEL + 2}}", *[" " * (LABEL + 2)] * (len(lines) - 1)]
    strong = "bold $foreground" if label == "try" else "$foreground"
    return [Content.assemble((head, "$primary"), (line, strong))
            for head, line in zip(heads, lines, strict=True)]


def sight(stage: Stage, state: ConsoleState) -> str:
    """How what this stage is there for shows at this moment; "" while it does not."""
    live = state.live
    if live is None or not stage.alive:
        return ""
    if any(lint.code == "held-loop" for lint in live.lints) and stage.number == 3:
        return "held now"
    if stage.number == 1:
        unwatched = sum(not client.mask for client in live.clients)
        return f"{unwatched} unwatched now" if unwatched else ""
    if stage.number in (2, 4) and state.gauges.wakeups >= SPINNING:
        return f"{state.gauges.wakeups:,.0f} wake-ups/s now"
    if stage.number == max(STAGES) and live.queued:
        return "one waits, and holds up nobody"
    return ""
