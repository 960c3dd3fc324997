"""Masks such as `*!*@10.0.*`: compared in linear steps, whatever a client puts into one.

Source: Modern IRC, "Wildcard Expressions" (`*` is any run, `?` one character) and RFC 7613's
remark that only ASCII letters fold, as `CASEMAPPING=ascii` says.
"""

from __future__ import annotations

import re

_ASCII_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
_STARS = re.compile(r"\*+")


def fold(name: str) -> str:
    """A nick or channel as it is compared: `CASEMAPPING=ascii`."""
    return name.translate(_ASCII_LOWER)


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

    Two pointers and one place to return to: at most `len(mask) * len(text)` steps, never the
    exponential ones of backtracking through each star.
    """
    mask, text = fold(mask), fold(text)
    at = here = 0
    star, resume = -1, 0               # the last star, and how far what it stands for reaches
    while here < len(text):
        if at < len(mask) and mask[at] == "*":
            star, resume = at, here
            at += 1
        elif at < len(mask) and mask[at] in ("?", text[here]):
            at += 1
            here += 1
        elif star >= 0:
            resume += 1
            at, here = star + 1, resume
        else:
            return False
    return all(char == "*" for char in mask[at:])
