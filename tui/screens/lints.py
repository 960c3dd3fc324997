"""What a reviewer would object to in the live selector: what it means, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter

from textual.content import Content

from chatops.api.snapshot import Lint
from chatops.lints import LINTS, age_of, distinct, looked_for
from tui.model.state import ConsoleState
from tui.screens.dialog import Sheet
from tui.text.cells import clean


class LintsScreen(Sheet):
    """The lints that hold, kept up to date while it is open."""

    def show(self, state: ConsoleState) -> None:
        snapshot = state.snapshot
        lints = snapshot.lints if snapshot is not None else ()
        kinds = looked_for(snapshot) if snapshot is not None else ()
        self.write(page(lints, state.now, kinds), f"Lints ({len(distinct(lints))})")


def page(lints: tuple[Lint, ...], now: float, kinds: Sequence[str] = tuple(LINTS)) -> Content:
    """Each kind once, with those it holds for, its meaning and its remedy; then the rest of the
    `kinds` that were looked for.
    """
    parts = [] if lints else [
        Content.styled("✓ nothing to object to in the selector", "bold $success")]
    told = sorted(distinct(lints), key=attrgetter("code"))
    for code, members in groupby(told, attrgetter("code")):
        for lint in members:
            age = age_of(lint, now)
            parts.append(Content.assemble(("! ", "bold $error"), (clean(lint.summary), "bold"),
                                          (f"  {age}" if age else "", "$text-muted")))
        if code in LINTS:
            text = LINTS[code]
            parts += [Content(text.meaning),
                      Content.assemble(("What to do  ", "bold $success"), text.remedy)]
        parts.append(Content())
    held = {lint.code for lint in lints}
    others = [Content.assemble(("✓ ", "$success"), (LINTS[code].title, "$text-muted"))
              for code in kinds if code not in held]
    if others:
        parts += [Content.styled("Looked for, and not found" if lints else "Looked for",
                                 "bold $primary"), *others]
    return Content("\n").join(parts)
