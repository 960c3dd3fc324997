"""Columns of a terminal that text takes: one count, for nicks, for tables and for the console."""

from __future__ import annotations

from functools import lru_cache

from wcwidth import wcswidth, wcwidth

JOINER = "\N{ZERO WIDTH JOINER}"


@lru_cache(maxsize=4096)
def width(text: str) -> int:
    """Columns of a terminal that the text takes (UAX #11); what moves a cursor takes none."""
    if text.isascii() and text.isprintable():
        return len(text)
    # wcswidth lets a joiner swallow whatever follows, a letter too.  It says -1 where there is
    # a control character.
    text = text.replace(JOINER, "")
    together = wcswidth(text)
    return together if together >= 0 else sum(max(0, wcwidth(char)) for char in text)


def pad(text: str, columns: int) -> str:
    """At least so many columns, with blanks behind."""
    return text + " " * (columns - width(text))
