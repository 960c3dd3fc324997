"""A line as its typist saw it: a terminal that edits nothing sends the backspaces as well.

Windows' telnet and PuTTY's raw mode do so, where `nc` in a cooked terminal (termios(3),
ICANON) sends what is left in the end.  One backspace takes back one character as a reader
counts them, however many bytes, code points or columns it has: a base with its marks, an
emoji put together with joiners, a flag (UAX #29 calls them grapheme clusters).
"""

from __future__ import annotations

import re

ERASE = "\b\x7f"

_PICTURE = "\u2190-\u2bff\U0001f000-\U0001faff"


class Editor:
    """Knows which characters belong to the one before them."""

    def __init__(self, marks: str) -> None:
        """`marks`: the inside of a character class."""
        # Besides marks: skin tones, and the vowels and finals of Hangul that is spelled out.
        follows = f"[{marks}\U0001f3fb-\U0001f3ff\u1160-\u11ff\ud7b0-\ud7fb]"
        flag = "[\U0001f1e6-\U0001f1ff]"
        self._characters = re.compile(f"(?:{flag}{{2}}|.)(?:\u200d[{_PICTURE}]|{follows})*",
                                      re.DOTALL)
        self._follows = re.compile(follows)

    def erased(self, text: str) -> str:
        """The text without its backspaces and what they took back.  Linear in its length."""
        first, *others = re.split(f"[{ERASE}]", text)
        kept = self._characters.findall(first)
        for part in others:
            # A mark typed after a backspace stands by itself here, but goes with its base.
            while kept and self._follows.match(kept.pop()):
                pass
            if part:
                kept += self._characters.findall(part)
        return "".join(kept)
