"""What is said for as long as the server always watches for writing: the fault, and its end.

And what is said of a server that is gone, or not well.
"""

from __future__ import annotations

from itertools import islice
from statistics import fmean

from textual.content import Content
from textual.widgets import Static

from tui.model.rates import SAMPLE
from tui.model.state import ConsoleState
from tui.text.cells import clean
from tui.widgets.gauge import bar

BEFORE = 10.0                  # seconds whose wake-ups are told as those from before
SETTLE = 1.5                   # seconds after its end whose bars may still tell of it
RETURNS = 30.0                 # seconds that a full bar of the countdown stands for
BAR = 10


class FaultBanner(Static):
    """Hidden while writing is watched on demand."""

    DEFAULT_CSS = """
    FaultBanner { display: none; height: auto; background: $error; color: $background;
                  text-style: bold; }
    """

    def __init__(self) -> None:
        super().__init__(id="fault", markup=False)
        self._before: float | None = None          # wake-ups a second, on demand
        self._ended = float("-inf")                # the console's clock, when it was seen last

    def show(self, state: ConsoleState) -> None:
        """Draw what the state holds now."""
        mode, until = state.write_interest
        always = mode == "always" and state.live is not None and state.status.alive
        self.display = always
        if always:
            self._ended = state.mono_now
            left = until - state.server_now if until else None
            self.update(_text(state.gauges.wakeups, self._before, left))
        elif state.live is not None:
            # An earlier try is no part of how it was before this one.
            calm = min(BEFORE, state.mono_now - self._ended - SETTLE)
            newest = list(islice(reversed(state.series["wakeups"]), max(0, int(calm / SAMPLE))))
            self._before = fmean(newest) if newest else self._before


def _text(now: float, before: float | None, left: float | None) -> Content:
    """The fault in a line; the wake-ups now and before, and when it ends, in another."""
    rise = f", {before:,.0f} before" if before is not None else ""
    ends = ("it stays until you press w" if left is None else
            f"back on demand in {max(0.0, left):2.0f} s {bar(left / RETURNS, BAR)} w: now")
    return Content(" ! WRITE INTEREST ALWAYS: sockets are nearly always writable, "
                   f"the loop spins\n   {now:,.0f} wake-ups/s{rise}   {ends}")


def what_is_wrong(state: ConsoleState) -> str:
    """With the server, or with what is known of it; "" while all is well."""
    status, said = state.status, clean(state.status.detail)
    if status.alive:
        return clean(state.fault) or said
    if state.replay:
        return ""
    leave = state.preferences.keymap.sign("quit")
    what = "the server crashed" if status.failed else "the server is gone"
    detail = f": {said}" if said else ""
    if state.program is not None or status.dropped:
        what, detail = said, ""
    if status.retrying:
        then = "it connects again" if status.dropped else "it is looked for"
        leave = f"{then}; {leave}"
    return f"{what}{detail}   ({leave} leaves)"
