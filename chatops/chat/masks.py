"""Masks such as `*!*@10.0.*`: compared in few steps, whatever a client puts into one.

Source: Modern IRC, "Wildcard Expressions" (`*` is any run, `?` one character) and RFC 7613's
remark that only ASCII letters fold, as `CASEMAPPING=ascii` says.
"""

from __future__ import annotations

import re
from functools import lru_cache

_ASCII_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
_STARS = re.compile(r"\*+")


def fold(name: str) -> str:
    """A nick or channel as it is compared: `CASEMAPPING=ascii`."""
    return name.lower() if name.isascii() else name.translate(_ASCII_LOWER)


def normalise(mask: str) -> str:
    """A mask in full, `nick!user@host`, with runs of `*` made one; what is not given is `*`."""
    if "!" in mask:
        nick, _, rest = mask.partition("!")
        user, _, host = rest.partition("@")
    elif "@" in mask:
        nick = ""
        user, _, host = mask.partition("@")
    else:
        nick, user, host = mask, "", ""
    return _STARS.sub("*", f"{nick or '*'}!{user or '*'}@{host or '*'}")


def matches(mask: str, text: str) -> bool:
    """Whether the whole text is one that the mask stands for.

    What is between two stars is looked for from the left, and where it is found first is as good
    as any later place: nothing is tried twice.  A mask is as long as a line, the text is not, and
    a mask that cannot fit is not looked at; there is no loop over characters.
    """
    mask, text = fold(mask), fold(text)
    if len(mask) - mask.count("*") > len(text):
        return False
    first, *pieces = mask.split("*")
    if not pieces:
        return len(mask) == len(text) and _stands(mask, text)
    *middle, last = pieces
    at, end = len(first), len(text) - len(last)
    if not (_stands(first, text[:at]) and _stands(last, text[end:])):
        return False
    for piece in middle:
        if piece:
            at = _found(piece, text, at, end)
            if at < 0:
                return False
            at += len(piece)
    return True


def _stands(piece: str, text: str) -> bool:
    """Whether a piece without stars is this text, which is as long."""
    return piece == text or ("?" in piece and _searching(piece).match(text) is not None)


def _found(piece: str, text: str, at: int, end: int) -> int:
    """Where a piece without stars is first, or -1."""
    if "?" not in piece:
        return text.find(piece, at, end)
    found = _searching(piece).search(text, at, end)
    return found.start() if found is not None else -1


@lru_cache(maxsize=256)
def _searching(piece: str) -> re.Pattern[str]:
    """All that it matches is equally long, so it cannot try long."""
    return re.compile(re.escape(piece).replace("\\?", "."), re.DOTALL)
