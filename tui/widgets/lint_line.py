"""The header's last line: the lint that matters most, what comes of it, and which key helps."""

from __future__ import annotations

from collections.abc import Iterator

from textual.content import Content

from chatops.api.snapshot import ClientRow, Lint
from chatops.lints import distinct
from chatops.lints.server import STALLED
from chatops.system.columns import width as cells
from chatops.units import format_age, format_bytes, format_seconds
from tui.model.state import ConsoleState
from tui.model.trend import TREND, Levels, when_full
from tui.text.cells import clean, fit

LABEL, CLEAN, ROOM = "$text-muted", "$success", 9


class LintLine:
    """Follows the outbox of the client that it speaks of."""

    def __init__(self) -> None:
        self._levels = Levels(0)
        self._until = float("-inf")    # the server's clock of the last picture looked at

    def line(self, state: ConsoleState, width: int) -> Content:
        """What the state holds now, in so many cells."""
        lints = distinct(state.live.lints) if state.live is not None else ()
        if not lints:
            return Content.assemble((" lint   ", LABEL), (" ✓ nothing to object to", CLEAN))
        self._follow(state, lints[0].client)
        hints = list(_hints(state, lints))
        texts = [clean(text) for text in self._texts(state, lints[0])]
        text, hint = next(((text, hint) for text in texts for hint in hints
                           if ROOM + 2 + cells(text) + cells(hint) <= width),
                          (texts[-1], hints[-1]))
        shown = fit(f" ! {text}", width - ROOM - cells(hint)).rstrip()
        return Content.assemble((" lint   ", LABEL), (shown, "bold $error"), (hint, LABEL))

    def _follow(self, state: ConsoleState, ident: int) -> None:
        live = state.live
        if live is None or not ident:
            return
        if ident != self._levels.ident or live.mono < self._until:
            self._levels, self._until = Levels(ident), live.mono - TREND
        for snapshot, _ in state.past.since(self._until):
            if snapshot.mono <= live.mono:
                self._until = snapshot.mono
                self._levels.measure(snapshot)

    def _texts(self, state: ConsoleState, lint: Lint) -> Iterator[str]:
        """The one that tells most first."""
        rows = state.live.clients if state.live is not None else ()
        row = next((row for row in rows if row.id == lint.client), None)
        if row is not None and lint.code == "slow-reader" and (end := self._end(state, row)):
            stuck = state.server_now - row.progress_at >= STALLED
            who = f"#{row.id} {row.nick} {'does not read' if stuck else 'reads too slowly'}"
            yield (f"{who}: {format_bytes(row.queued)} of {format_bytes(row.queue_limit)}, {end}")
            yield f"{who}, {end}"
        yield lint.summary
        fact = lint.summary.partition("; ")[0]     # without what is to be done instead
        yield fact
        if lint.worst:         # the figure first: a long name may be cut, and it may not
            times = f"{lint.times:,}×, " if lint.times > 1 else ""
            yield f"{times}{format_seconds(lint.worst)}: {fact}"

    def _end(self, state: ConsoleState, row: ClientRow) -> str:
        """What becomes of an outbox that grows on like this."""
        trend, policy = self._levels.trend(row), when_full(state)
        if not policy or trend is None or trend.is_steady or trend.growth < 0:
            return ""
        end = "evicted" if policy == "evict" else "full"
        return f"{end} in {format_age(trend.seconds or 0.0)}"


def _hints(state: ConsoleState, lints: tuple[Lint, ...]) -> Iterator[str]:
    """The longest first.  Keys of a row only where they would take the one that is spoken of."""
    keymap, more = state.preferences.keymap, len(lints) - 1
    others = f"  +{more} more: {keymap.sign('lints')}" if more else ""
    client = lints[0].client
    if client and state.selected() == (client,) and state.client(client) is not None:
        keys = [f"{keymap.sign('details').replace('⏎', 'enter')} shows"]
        if _kicks(state):
            keys.append(f"{keymap.sign('kick')} kicks")
        yield f" — {', '.join(keys)}{others}"
    yield others or f"  {keymap.sign('lints')} explains"


def _kicks(state: ConsoleState) -> bool:
    return not (state.program is not None or state.replay or state.status.read_only
                or state.refusal("kick") or not state.status.alive)
