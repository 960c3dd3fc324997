"""Makes every string that a client controls safe for terminals, logs and other clients.

What has passed here holds no control character, no terminal sequence, nothing that turns
the direction of text, and nothing invisible but the joiners that emoji, Persian and the
scripts of India need.  It is done once, at the entrance; nothing behind it escapes again.
"""

from __future__ import annotations

import re
from itertools import groupby
from unicodedata import category

from chatops.chat.editing import ERASE, Editor

# -- whole chunks

_PLAIN = frozenset(b"\n" + bytes(range(0x20, 0x7F)))
PRINTED = bytes(byte if byte in _PLAIN else ord("?") for byte in range(256))


def is_plain(chunk: bytes) -> bool:
    """Whether there is only printable ASCII and newlines: nothing to clean.

    The table maps everything else to something else, so a chunk that comes through as it
    was is plain; one pass in C, and no copy survives.
    """
    return chunk.translate(PRINTED) == chunk


# -- terminal sequences (ECMA-48, and what xterm makes of it), as 7-bit and as C1 forms

_C1 = "\x80-\x9f"
# Final bytes are optional: a sequence cut off by the end of the line goes as well.
_CSI = "(?:\x1b\\[|\x9b)[0-?]*+[ -/]*+[@-~]?"
# OSC, DCS, SOS, PM and APC.  Without an end only the introducer goes, by the rules below,
# or one stray byte could hide a whole line.  The body stops at any other control that
# could begin or end a string, so that scanning stays linear in a line made of them.
_STRING = f"(?:\x1b[\\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b{_C1}]*+(?:\x07|\x1b\\\\|\x9c)"
_ESCAPE = "\x1b[ -/]*+[0-~]?"
# Keys that are no ECMA-48: F1 to F5 of Linux' console, and arrows in application mode, which
# are SS3 and one letter (xterm's "PC-Style Function Keys").
_KEY = "\x1b\\[\\[[A-E]|(?:\x1bO|\x8f)[1-8]?[A-Za-z]"

# -- characters that are not text

_CONTROLS = f"\x00-\x1f\x7f{_C1}"
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_SEPARATORS = "\u2028\u2029"
_INVISIBLE = (
    "\u00ad\u180e\u200b\u2060-\u2065\u206a-\u206f\ufeff"   # soft hyphen, zero widths, BOM
    "\ufff0-\ufffb"                                     # interlinear annotation
    "\U00013430-\U0001343f"                            # hieroglyph layout
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"        # shorthand and musical formatting
    "\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"        # tags, and what is reserved by them
)
_NONCHARACTERS = "\ufdd0-\ufdef" + "".join(
    f"{chr(plane | 0xFFFE)}{chr(plane | 0xFFFF)}" for plane in range(0, 0x110000, 0x10000))
_SURROGATES = "\ud800-\udfff"

_UNSAFE = re.compile(
    f"{_KEY}|{_CSI}|{_STRING}|{_ESCAPE}"
    f"|[{_CONTROLS}{_BIDI}{_SEPARATORS}{_INVISIBLE}{_NONCHARACTERS}{_SURROGATES}]")

# -- piles of accents

MARK_LIMIT = 4


def _marks(first: int, last: int) -> str:
    """The combining marks among these code points, as the inside of a character class."""
    points = (point for point in range(first, last) if category(chr(point)) in ("Mn", "Me"))
    runs = groupby(enumerate(points), lambda counted: counted[1] - counted[0])
    return "".join(f"{chr(run[0])}-{chr(run[-1])}"
                   for run in ([point for _, point in group] for _, group in runs))


# Where no marks are (CJK, Hangul, private use, …) is left out: this runs at every start.
# Joiners count as marks, for one between two piles would make a higher one.
_BASIC_MARKS = (_marks(0x300, 0x3100) + _marks(0xA660, 0xAC00) + _marks(0xFB00, 0xFF00)
                + "\u200c\u200d")
_OTHER_MARKS = (_marks(0x10000, 0x12000) + _marks(0x13400, 0x13500) + _marks(0x16A00, 0x17000)
                + _marks(0x1BC00, 0x1F000) + _marks(0xE0100, 0xE01F0))
_EDITOR = Editor(_BASIC_MARKS + _OTHER_MARKS)
_PILE = re.compile(f"[{_BASIC_MARKS}{_OTHER_MARKS}]{{{MARK_LIMIT + 1},}}")
# `re` finds characters up to U+FFFF in a bitmap and those beyond one range after another, so
# the exact search costs 150 ns a character.  This one costs 10, and nearly always says no.
_PILE_PERHAPS = re.compile(f"[{_BASIC_MARKS}\U00010000-\U0010ffff]{{{MARK_LIMIT + 1}}}")


def is_clean(chunk: bytes) -> bool:
    """Whether it is UTF-8, and `clean` would leave each of its lines as it is.

    Says no of a few that it would leave: emoji with several modifiers look like a pile.
    """
    try:
        text = chunk.decode()
    except UnicodeDecodeError:
        return False
    return text.replace("\n", "").isprintable() and _PILE_PERHAPS.search(text) is None


def clean(raw: bytes) -> str:
    """One line of bytes, without its newline, as safe text, as its typist saw it; what is not
    UTF-8 is U+FFFD.
    """
    text = raw.decode("utf-8", "replace")
    if "\b" in text or "\x7f" in text:
        # Keys that move a cursor go first: a backspace takes back what can be seen.
        text = _UNSAFE.sub(_erasing, text.replace("\t", " "))
        text = _EDITOR.erased(text)
    return clean_text(text)


def _erasing(found: re.Match[str]) -> str:
    return found[0] if found[0] in ERASE else ""


def clean_text(text: str) -> str:
    """The same for text that came another way: a nick, a reason, an admin's words."""
    if not text.isprintable():
        text = _UNSAFE.sub("", text.replace("\t", " "))
    if text.isascii() or _PILE_PERHAPS.search(text) is None:
        return text
    return _PILE.sub(lambda pile: pile[0][:MARK_LIMIT], text)
