"""What a stage is about, beside the panes that show it: what to type, and what to see."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from chatops.lab.stages import STAGES, StageServer
from chatops.units import format_size
from tui.lab.wording import fold
from tui.model.state import ConsoleState
from tui.text.cells import clean

SPINNING = 1000.0              # wake-ups a second that nobody can have asked for
TALL = 34                      # rows of a terminal from which everything is told
LABEL = 6
STYLES = {"try": "bold $foreground"}


class StageText(Static):
    """`show(stage, state)`; in a small terminal `why` takes the place of what to do."""

    DEFAULT_CSS = """
    StageText { height: auto; background: $surface; padding: 0 1; border-left: thick $accent; }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)
        self.explains = False
        self._shown: Content | None = None

    @property
    def tall(self) -> bool:
        """There is room for all of it."""
        return self.app.size.height >= TALL

    def show(self, stage: StageServer, state: ConsoleState) -> None:
        """Draw what the state holds now."""
        width = self.content_size.width
        if width < 20:
            return
        host, port = stage.address
        rows = [("try", stage.try_it.format(host=host, port=port)), ("look at", stage.look_at)]
        if self.tall:
            rows = [("does", stage.what), *rows, ("why", stage.why)]
        elif self.explains:
            rows = [("does", stage.what), ("why", stage.why)]
        lines = [_heading(stage, state).truncate(width, ellipsis=True)]
        for label, text in [("fault", stage.fault), *rows]:
            style = _fault_style(stage) if label == "fault" else STYLES.get(label, "$foreground")
            lines += _told(label, text, style, width)
        content = Content("\n").join(lines)
        if self._shown is None or content != self._shown:
            same = (self._shown is not None
                    and self._shown.plain.count("\n") == content.plain.count("\n"))
            self._shown = content
            self.update(content, layout=not same)


def _heading(stage: StageServer, state: ConsoleState) -> Content:
    """`stage 2 of 5  echo   ● 38,437 wake-ups/s now`: the fault, at the moment it shows."""
    seen = sight(stage, state)
    return Content.assemble(
        (f"stage {stage.number} of {len(STAGES)}  ", "$text-muted"),
        (stage.title, "bold $foreground"),
        (f"   ● {clean(seen)}" if seen else "", f"bold {_fault_style(stage)}"))


def _fault_style(stage: StageServer) -> str:
    return "$success" if stage.mended else "$error"


def _told(label: str, text: str, style: str, width: int) -> list[Content]:
    lines = fold(text, width - LABEL - 2)
    heads = [f"{label:<{LABEL + 2}}", *[" " * (LABEL + 2)] * (len(lines) - 1)]
    return [Content.assemble((head, "$primary"), (line, style))
            for head, line in zip(heads, lines, strict=True)]


def sight(stage: StageServer, state: ConsoleState) -> str:
    """How what this stage is there for shows at this moment; "" while it does not."""
    live = state.live
    if live is None or not stage.alive:
        return ""
    held = next((lint.summary for lint in live.lints if lint.code == "held-loop"), "")
    if held and stage.number == 3:
        return "held " + held.rpartition(" the loop for ")[2].replace(", in ", ", ")
    if stage.number == 1:
        unwatched = sum(not client.mask for client in live.clients)
        return f"{unwatched} unwatched now" if unwatched else ""
    if stage.number in (2, 4) and state.gauges.wakeups >= SPINNING:
        return f"{state.gauges.wakeups:,.0f} wake-ups/s now"
    if stage.mended and live.queued:
        return "one waits, and holds up nobody"
    if stage.number == 6:
        late = max(live.clients, key=lambda client: client.queued, default=None)
        if late is not None and late.queued > late.queue_limit > 0:
            return (f"{format_size(late.queued)} wait for {late.nick}, the mark is "
                    f"{format_size(late.queue_limit)}")
    return ""
