"""How a pane's rows are looked at: filter, order, cursor.  Pure."""

from __future__ import annotations

from dataclasses import dataclass

LARGEST_FIRST = frozenset({"!", "EV", "APPQ", "LINES", "KERNQ", "IN/S", "OUT/S", "RTT", "IDLE",
                           "EVENTS", "FIRES", "FIRES/S", "BUSY"})
CLIENT_COLUMNS = ("!", "ID", "FD", "NICK", "ROOM", "PEER", "PROTO", "EV", "APPQ", "LINES", "KERNQ",
                  "IN/S", "OUT/S", "RTT", "IDLE")
KEY_COLUMNS = ("!", "FD", "TYPE", "FILEOBJ", "EVENTS", "CALLBACK", "DATA", "ARMED", "FIRES",
               "FIRES/S", "LAST", "BUSY")


@dataclass(slots=True)
class PaneView:
    """How one pane's rows are looked at.  Rows are known by id (a connection's, or a
    descriptor's in the selector pane), so the cursor stays on its row whatever moves."""

    columns: tuple[str, ...] = ()      # that can be sorted by, as they stand
    sort: str = ""
    heading: str = ""                  # of the column it is sorted by, as it was last drawn
    inverted: bool = False             # largest first
    filter: str = ""
    cursor: int | None = None          # None while no row is shown: no action takes what is unseen
    kept: int | None = None            # where it stood then, to return to
    seen: tuple[str, ...] = ()         # columns that there is room for, as they stand
    shown: tuple[str, ...] = ()        # columns chosen, see `tui.model.chosen`; () for all
    behind: int | None = None          # lines beneath those in sight; None: the newest are

    def behind_text(self, key: str, *, short: bool = False) -> str:
        """`↓ 214 newer · end follows`, with the key that does; "" where the newest are in sight."""
        if self.behind is None:
            return ""
        if short:
            return f"↓{self.behind or ''} {key}"
        return f"↓ {self.behind:,} newer · {key} follows" if self.behind else (
            f"stands still · {key} follows")

    def beside(self, step: int) -> str:
        """The column so many to the right of the one it is sorted by, of those that are seen."""
        columns = [name for name in self.seen or self.columns if name in self.columns]
        if self.sort not in columns:
            return columns[0 if step > 0 else -1]
        return columns[(columns.index(self.sort) + step) % len(columns)]

    def sort_by(self, column: str) -> bool:
        """Sort by a column, or turn its order round; False when there is none such."""
        wanted = column.upper()
        if wanted not in self.columns:
            return False
        self.inverted = not self.inverted if wanted == self.sort else wanted in LARGEST_FIRST
        self.sort = wanted
        return True
