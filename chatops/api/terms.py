"""How long a ban or a mute holds, out of the words of a command line.

A reason may follow without a mark between, so there is the question which words are which.
A mistaken duration that was taken for a reason is a ban for good: whatever looks as if it
could be meant as a time is understood or refused, never passed on.  A reason that begins
with a number is quoted (`"2 strikes"`), or follows `forever`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from chatops.units import UNITS, UnitError, is_number, parse_duration, shown

FOREVER = "forever"
_FOREVER = ((FOREVER,), ("for", "ever"), ("for", "good"))
_MOST_WORDS = 12               # of one duration: six units, each apart from its number
_COUNTS = frozenset((
    "a", "an", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "twelve", "fifteen", "twenty", "thirty", "sixty", "ninety", "half", "few", "couple",
    "several", "some", "another"))
_LONGER = frozenset(("month", "months", "year", "years", "yr", "yrs", "fortnight"))
_UNTIL = frozenset(("until", "till"))
_BEFORE_NUMBERS = "+-~<>=(.,≈±"


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a command, and whether quotes held it together."""

    text: str
    quoted: bool = False


def read_term(words: Sequence[Word]) -> tuple[float, int]:
    """Seconds, 0.0 for good, and how many of the words said so; none where a reason begins.

    Raises `UnitError` where a time may be meant that cannot be understood.
    """
    plain = _plain(words)
    for lasting in _FOREVER:
        if tuple(plain[:len(lasting)]) == lasting:
            return 0.0, len(lasting)
    begin = 1 if plain[:1] == ["for"] and len(words) > 1 else 0
    if words[begin].quoted:
        return _quoted(words[begin], begin)
    for end in range(min(len(plain), begin + _MOST_WORDS), begin, -1):
        text = " ".join(word.text for word in words[begin:end])
        last = end == len(words) or words[end].quoted
        if is_number(words[end - 1].text) and not last:
            break                  # `2 strikes` is no two seconds, nor `1h 2 strikes` 62 minutes
        seconds = _seconds(text)
        if seconds is not None:
            if end < len(plain) and is_numeral(plain[end]):
                raise UnitError(f"'{shown(text)} {shown(plain[end])}' can be read in two ways; "
                                "quote a reason that begins with a number")
            return _some(seconds, text), end
    if _may_be_meant(plain[begin:]):
        raise _refusal(" ".join(word.text for word in words[begin:begin + 2]))
    if _time_at_the_end(plain):
        raise UnitError("how long comes before the reason, as in 10m spam; a reason that ends "
                        f"like a time has {FOREVER} before it")
    return 0.0, 0


def read_alone(text: str) -> float:
    """Seconds in a field that holds nothing else; 0.0, for good, where it is left empty.

    Raises `UnitError`.
    """
    words = [Word(word) for word in text.split()]
    if not words:
        return 0.0
    seconds, used = read_term(words)
    if used < len(words):
        raise _refusal(text)
    return seconds


def is_numeral(text: str) -> bool:
    """Whether it begins as a number does, of whatever script: what reads as a time."""
    bare = text.lstrip(_BEFORE_NUMBERS)
    return bare[:1].isnumeric()


def _plain(words: Sequence[Word]) -> list[str]:
    """The words in front of the first that is quoted, without case."""
    plain: list[str] = []
    for word in words:
        if word.quoted:
            break
        plain.append(word.text.casefold())
    return plain


def _quoted(word: Word, begin: int) -> tuple[float, int]:
    """What is quoted is one thing: a time, or else a reason; but none that begins as a time."""
    parts = word.text.split()
    if len(parts) > 1 and parts[0].casefold() == "for":
        parts = parts[1:]
    text = " ".join(parts)
    seconds = None if is_number(text) else _seconds(text)
    if seconds is not None:
        return _some(seconds, text), begin + 1
    figures = list(takewhile(lambda part: is_numeral(part) or part.casefold() in UNITS, parts))
    timed = any(part.casefold() in UNITS or (not is_number(part) and _seconds(part) is not None)
                for part in figures)
    if parts and is_numeral(parts[0]) and (timed or len(figures) == len(parts)):
        raise _refusal(word.text)
    return 0.0, 0


def _seconds(text: str) -> float | None:
    try:
        return parse_duration(text)
    except UnitError:
        return None


def _some(seconds: float, text: str) -> float:
    """No time at all would be taken for no end."""
    if seconds == 0:
        raise UnitError(f"'{shown(text)}' is no time at all; write 30s, 10m, 2h30m or {FOREVER}")
    return seconds


def _may_be_meant(plain: Sequence[str]) -> bool:
    """Whether these words can be a time that went wrong."""
    if not plain:
        return False
    first = plain[0].strip(",;:.!")
    units = [word.strip(",;:.!") in UNITS or word.strip(",;:.!") in _LONGER for word in plain[:4]]
    return (is_numeral(first) or units[0] or first in _UNTIL
            or (first in _COUNTS and any(units[1:])))


def _time_at_the_end(plain: Sequence[str]) -> bool:
    """`ban bob spam 10m`: for good, if nobody looked."""
    return any(_seconds(text) is not None and not is_number(text)
               for begin in range(max(1, len(plain) - 4), len(plain))
               if (text := " ".join(plain[begin:])))


def _refusal(text: str) -> UnitError:
    return UnitError(f"'{shown(text)}' is not a duration; write 30s, 10m, 2h30m or 1w, and "
                     f"{FOREVER} before a reason that begins like a time")
