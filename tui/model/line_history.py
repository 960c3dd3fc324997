"""Command lines that were typed before.  Pure."""

from __future__ import annotations

from collections import deque

HISTORY = 200                  # lines, in memory only


class LineHistory:
    """Lines typed before; `older` and `newer` go through those that begin alike."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=HISTORY)
        self._at = 0               # lines back from the newest; 0 is what is being typed
        self._typed = ""

    def add(self, line: str) -> None:
        """Remember a line, once if it is repeated, and start again from the end."""
        if line and (not self._lines or self._lines[-1] != line):
            self._lines.append(line)
        self._at = 0

    @property
    def at_newest(self) -> bool:
        """Whether nothing older has been put in."""
        return self._at == 0

    def older(self, line: str) -> str:
        """The line before, or the same when there is none."""
        if self._at == 0:
            self._typed = line
        return self._go(1, line)

    def newer(self, line: str) -> str:
        """The line after; past the newest, what was being typed."""
        return self._go(-1, line) if self._at else line

    def _go(self, step: int, line: str) -> str:
        at = self._at + step
        while 0 < at <= len(self._lines):
            found = self._lines[-at]
            if found.startswith(self._typed):
                self._at = at
                return found
            at += step
        if at <= 0:
            self._at = 0
            return self._typed
        return line
