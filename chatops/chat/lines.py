"""Whole lines in one piece: what kind they are, and how many of them may pass."""

from __future__ import annotations

from chatops.chat.parser import TO_BE_READ
from chatops.chat.sanitize import PRINTED, is_clean

COUNTED = 512                  # bytes of a line that count as one of its rate, as long as IRC's
                               # are: or a few clients could fill everybody's outbox at once


def is_talk(lines: bytes) -> bool:
    """Whether all of it is clean, and words for the room, as `parser.parse_line` would say one by
    one: then nobody need look at each.  Says no of some that are.
    """
    # `sanitize.is_plain` is asked without a call, for this is done for each chunk.
    return TO_BE_READ.search(b"\n" + lines) is None and (
        lines.translate(PRINTED) == lines or is_clean(lines))


def cost(lines: bytes, count: int) -> int:
    """What these `count` lines cost of a rate: one each, and more where they are long."""
    return max(count, len(lines) // COUNTED)


def affordable(lines: bytes, count: int, tokens: float) -> int:
    """How many of these lines may pass a token bucket that holds so many tokens.

    A line may cost more than the bucket can ever hold (see `cost`): it passes if one token is
    left, and the bucket goes into debt for the rest.
    """
    whole = max(0, int(tokens))
    if cost(lines, count) <= whole:
        return count
    return min(count, whole, max(1, lines.count(b"\n", 0, whole * COUNTED)))


def split(lines: bytes, count: int) -> tuple[bytes, bytes]:
    """The first `count` of the lines, and the others."""
    cut = 0
    for _ in range(count):
        cut = lines.index(b"\n", cut) + 1
    return lines[:cut], lines[cut:]


def cut(lines: bytes, size: int) -> tuple[bytes, bytes]:
    """As many of the lines as fit into so many bytes, but the first at least, and the others."""
    end = lines.rfind(b"\n", 0, size) + 1 or lines.find(b"\n") + 1
    return lines[:end], lines[end:]
