"""The rows of a table in their order, worked out again only when they can have changed.  Pure.

A console draws five times a second and with every key; ten thousand rows are filtered and
sorted when a snapshot has come, or when they are looked at in another way.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any, Generic

from chatops.api.snapshot import Snapshot
from tui.model import filters
from tui.model.columns import CellContext, Row
from tui.model.row_texts import RowTexts
from tui.model.view import PaneView

CLOCK = 1.0                    # seconds after which a filter looks at ages again
MARKS = frozenset("*>»")       # what a row's mark is written with: a filter may ask for it


class Arrangement(Generic[Row]):
    """What `work_out` made of a snapshot's rows, for as long as that holds."""

    def __init__(self, work_out: Callable[[Sequence[Row], PaneView, CellContext], list[Row]]
                 ) -> None:
        self._work_out = work_out
        # Compared by what they are, not by what they hold; held, so that none is another's.
        self._seen: tuple[object, ...] = ()
        self._how: tuple[Any, ...] = ()
        self._rows: list[Row] = []
        self._texts = RowTexts()

    def of(self, snapshot: Snapshot | None, rows: Sequence[Row], view: PaneView,
           context: CellContext) -> list[Row]:
        """The rows in order: the same list as the last time where nothing has changed."""
        seen: tuple[object, ...] = (snapshot, rows, context.rates)
        how: tuple[Any, ...] = (view.filter, view.sort, view.inverted)
        if view.filter:            # it looks at texts, which tell more than their rows
            how += (math.floor(context.now / CLOCK),)
        if MARKS.intersection(view.filter):
            how += (frozenset(context.tags), context.cursor, context.followed)
        context.texts = self._texts
        same = bool(self._seen) and all(map(operator.is_, seen, self._seen))
        if how != self._how or not same:
            self._rows = self._work_out(
                self._rows if same and self._narrowed(how) else rows, view, context)
            self._seen, self._how = seen, how
        return self._rows

    def _narrowed(self, how: tuple[Any, ...]) -> bool:
        """Whether what is shown is filtered further, and nothing else."""
        return how[1:] == self._how[1:] and filters.narrows(self._how[0], how[0])
