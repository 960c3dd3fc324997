"""A burst of keys faster than anybody types is a paste, in a terminal that does not say so.

A terminal that brackets what is pasted (xterm's mode 2004) says where it begins and ends, and
Textual makes one `Paste` of it.  One that does not (Linux' console, old `screen`, a serial line)
sends the letters as if they were typed, and letters are commands here.  What tells them from
typing is that many come in one read: hands press one key after another, and the reader looks
within a millisecond.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator

from textual import events
from textual._xterm_parser import XTermParser
from textual.message import Message

LEAST = 4                      # characters in one read: fast hands roll over two, seldom three
DISTINCT = 3                   # of them different: a key held down, or two, is no text
LONG = 16                      # from here on control keys among them do not make it typing
GOES_ON = 0.05                 # seconds within which more letters belong to the same paste
SEQUENCE_TIME = 0.1            # seconds that the rest of a sequence may take, as in Textual

_PASTE_BEGINS, _PASTE_ENDS = "\x1b[200~", "\x1b[201~"
# A whole sequence of the terminal's: CSI, SS3, strings (ECMA-48), or Alt and a key.
_SEQUENCE = re.compile(
    "(\x1b(?:\\[[<-?]?[0-?]*[ -/]*[@-~]|O[1-8]?[A-Za-z]|[\\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\\\)"
    "|[^\\[O\\]PX^_]))")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Bursts:
    """Parts what is read into keys and pastes.  Pure: time is an argument, in seconds."""

    def __init__(self) -> None:
        self.goes_on = False           # what was pasted last belongs to the paste before it
        self._until = float("-inf")    # more text before this belongs to the last paste
        self._bracketed = False        # the terminal says itself what is pasted
        self._tail = ""                # a sequence that the last read began
        self._tail_until = 0.0

    def split(self, data: str, now: float) -> Iterator[tuple[str, bool]]:
        """(text, whether it was pasted), in order; whole again when put together."""
        tail = self._tail if now < self._tail_until else ""
        self._tail, known = "", len(tail)
        *parts, last = _SEQUENCE.split(tail + data)
        text, escape, begun = last.partition("\x1b")
        if escape:
            self._tail, self._tail_until = escape + begun, now + SEQUENCE_TIME
        for part in (*parts, text, escape + begun):
            sequence = part.startswith("\x1b")
            if sequence:
                self._bracketed = part == _PASTE_BEGINS or (
                    self._bracketed and part != _PASTE_ENDS)
            fresh, known = part[known:], max(0, known - len(part))
            if fresh:
                yield fresh, not sequence and self._is_pasted(fresh, now)

    def _is_pasted(self, text: str, now: float) -> bool:
        if self._bracketed:
            return False               # it is part of one already
        self.goes_on = now < self._until
        if not self.goes_on:
            enough = LEAST - 1 if text[-1] in "\r\n" else LEAST
            if len(text) < enough or len(set(text)) < DISTINCT:
                return False
            if len(text) < LONG and _CONTROL.search(text):
                return False
        self._until = now + GOES_ON
        return True


class BurstParser(XTermParser):
    """Textual's, which is fed with what one read gave."""

    def __init__(self, debug: bool = False, *, clock: Callable[[], float] = time.monotonic
                 ) -> None:
        super().__init__(debug)
        self._bursts = Bursts()
        self._clock = clock
        self._line_ended = False       # by what was pasted last

    def feed(self, data: str) -> Iterable[Message]:
        """The messages of one read."""
        if not data:                   # the end of file
            yield from super().feed(data)
        for part, pasted in self._bursts.split(data, self._clock()):
            if pasted:
                text = part.replace("\r\n", "\n").replace("\r", "\n")
                if self._line_ended and self._bursts.goes_on:
                    text = f"\n{text}"         # it is none of the line that was put in
                self._line_ended = text.endswith("\n")
                yield events.Paste(_CONTROL.sub("", text))
            else:
                yield from super().feed(part)


def tell_bursts_from_keys() -> None:
    """Have Textual's driver read so.  It makes its parser by this name, and there is no other
    way to what one read gave: its messages say nothing of that.
    """
    from textual.drivers import linux_driver

    linux_driver.XTermParser = BurstParser  # type: ignore[attr-defined]
