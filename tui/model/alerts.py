"""What the operator wants to be told of: `queued>1M`, `busy>90%`, `lint`.  Pure.

An alert goes off once, when its condition begins to hold, and not again before it has ceased
to.  A figure that trembles around its limit does not ring all the time: it has to come back
by a tenth of the limit first (hysteresis, as in a thermostat), and a lint has to stay away.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chatops.api.snapshot import Snapshot
from chatops.lints import LINTS
from chatops.units import UnitError, format_size, parse_size
from tui.model.rates import Gauges

MARGIN = 0.1                   # of the limit, that a figure comes back by
QUIET = 3.0                    # seconds a lint stays away before it can be new
MOST = 50                      # alerts


class AlertError(ValueError):
    """No alert; one line that says why."""


@dataclass(frozen=True, slots=True)
class AlertContext:
    """What alerts look at."""

    snapshot: Snapshot
    gauges: Gauges
    alive: bool = True


@dataclass(frozen=True, slots=True)
class _AlertFigure:
    read: Callable[[AlertContext], float]
    about: str
    size: bool = False         # in bytes
    share: bool = False        # of 1


FIGURES: Mapping[str, _AlertFigure] = {
    "queued": _AlertFigure(lambda m: m.snapshot.queued, "bytes in the server's queues", size=True),
    "kernel": _AlertFigure(lambda m: m.snapshot.kernel_queued, "bytes in the kernel's", size=True),
    "clients": _AlertFigure(lambda m: len(m.snapshot.clients), "who is connected"),
    "busy": _AlertFigure(lambda m: m.gauges.busy, "share of the time the loop works", share=True),
    "wakeups": _AlertFigure(lambda m: m.gauges.wakeups, "wake-ups per second"),
    "in": _AlertFigure(lambda m: m.gauges.lines_in, "lines per second, said"),
    "out": _AlertFigure(lambda m: m.gauges.lines_out, "lines per second, sent"),
}
_COMPARISON = re.compile(r"([a-z]+)([<>])(.+)")


@dataclass(frozen=True, slots=True)
class AlertRule:
    """`condition` as it was written, and the command that is run; "" rings the bell."""

    condition: str
    run: str = ""

    @property
    def line(self) -> str:
        """What follows `:alert`."""
        return f"{self.condition} run {self.run}" if self.run else self.condition


def read_alert(line: str) -> AlertRule:
    """`queued>1M`, `lint:spin`, `gone run logger gone`.  Raises `AlertError`."""
    condition, _, rest = line.strip().partition(" ")
    how, _, command = rest.strip().partition(" ")
    if how not in ("", "run") or (how and not command.strip()):
        raise AlertError(f"an alert rings, or runs a command: {condition} run COMMAND")
    _holds(condition)
    return AlertRule(condition, command.strip())


def _holds(condition: str) -> Callable[[AlertContext, bool], bool]:
    """Whether it holds, told from the moment and from whether it held before."""
    if condition == "gone":
        return lambda moment, _held: not moment.alive
    kind, colon, name = condition.partition(":")
    if kind == "lint" and (name in LINTS or not colon):
        return lambda moment, _held: any(
            name in ("", lint.code) for lint in moment.snapshot.lints)
    match = _COMPARISON.fullmatch(condition)
    if match is None or match[1] not in FIGURES:
        raise AlertError(f"'{condition}' is no condition: lint, lint:NAME, gone, or one of "
                         f"{', '.join(FIGURES)} with > or < and a figure, as in queued>1M")
    figure, above = FIGURES[match[1]], match[2] == ">"
    limit = _limit(figure, match[3])
    back = limit * (1 - MARGIN if above else 1 + MARGIN)

    def holds(moment: AlertContext, held: bool) -> bool:
        value = figure.read(moment)
        if above:
            return value > (back if held else limit)
        return value < (back if held else limit)

    return holds


def _limit(figure: _AlertFigure, text: str) -> float:
    try:
        if figure.size:
            return parse_size(text)
        value = float(text.removesuffix("%"))
    except (UnitError, ValueError):
        value = -1.0
    if text.endswith("%"):
        value = value / 100 if figure.share else -1.0
    if not 0 <= value < float("inf") or (figure.share and value > 1):
        raise AlertError(f"'{text}' is no {'share, as 90% is' if figure.share else 'figure'}")
    return value


class Watch:
    """One alert through time."""

    def __init__(self, alert: AlertRule) -> None:
        """Raises `AlertError`."""
        self.alert = alert
        self.holds = False
        self._condition = _holds(alert.condition)
        self._is_lint = alert.condition.startswith("lint")
        self._seen = float("-inf")     # when it held last

    def look(self, moment: AlertContext, now: float) -> bool:
        """Whether it goes off now; `now` is any clock in seconds."""
        holds = self._condition(moment, self.holds)
        if holds:
            self._seen = now
        elif self._is_lint and self.holds and now - self._seen < QUIET:
            holds = True
        began = holds and not self.holds
        self.holds = holds
        return began

    def says(self, moment: AlertContext) -> str:
        """What is there to see, in a line."""
        name = re.split("[<>:]", self.alert.condition)[0]
        figure = FIGURES.get(name)
        if figure is not None:
            value = figure.read(moment)
            text = (format_size(value) if figure.size else f"{value:.1%}" if figure.share
                    else f"{value:g}")
            return f"{self.alert.condition}: {name} {text}"
        if name == "lint":
            wanted = self.alert.condition.partition(":")[2]
            found = next((lint.summary for lint in moment.snapshot.lints
                          if wanted in ("", lint.code)), "")
            return f"{self.alert.condition}: {found}"
        return "the server is gone"
