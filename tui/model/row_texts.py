"""What the words of a filter are looked for in, worked out once for each row.  Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Cell = Callable[[Any, Any], str]


class RowTexts:
    """The texts of a table's rows in lower case, for as long as each is the same row: those of
    its cells that nothing but the row decides, names (0) apart from figures (1).
    """

    def __init__(self) -> None:
        # By the row's `id`; it is held, so that no other row has that.
        self._known: tuple[dict[int, tuple[object, str]], ...] = ({}, {})

    def finder(self, which: int, cells: Sequence[Cell], needle: str, context: object
               ) -> Callable[[object], bool]:
        """What tells whether a row has this in these cells; they are the same with every call.

        Where all rows are others each time, looking until it is found costs less than all of
        their texts: those are put together when a row is looked at again.
        """
        known = self._known[which]

        def found(row: object) -> bool:
            held = known.get(id(row))
            if held is None:
                known[id(row)] = row, ""
                for cell in cells:  # noqa: SIM110 - ten thousand rows: a generator each is dear
                    if needle in cell(row, context).casefold():
                        return True
                return False
            text = held[1]
            if not text:
                text = "\n".join([cell(row, context) for cell in cells]).casefold()
                known[id(row)] = row, text
            return needle in text

        return found

    def forget(self, most: int) -> None:
        """All of them, where there are more: by then most are of rows that are gone."""
        for known in self._known:
            if len(known) > most:
                known.clear()
