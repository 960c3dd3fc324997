"""Sizes, durations and rates as people write them: `64K`, `1.5M`, `30s`, `2h30m`, `50/s`.

A duration is one or more numbers with their units, the largest unit first, blanks as one
likes: `90 min`, `1h30m`, `1 hour 30 minutes`.  Units are ms, s sec second(s), m min minute(s),
h hr hour(s), d day(s) and w wk week(s), in any case.  A last number without one is in the next
smaller unit: `1h30` is an hour and thirty minutes.  A number alone is in seconds.  Digits are
0 to 9, of whatever length.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal

from chatops.system.errors import ChatopsError


class UnitError(ChatopsError, ValueError):
    """Not a size, duration or rate; the message shows what one looks like."""


_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kmgt]?)(?:i?b)?", re.IGNORECASE | re.ASCII)
_SCALE = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_WHOLE = re.compile(r"[+-]?[0-9]+")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604_800.0}
_SMALLER = {"w": "d", "d": "h", "h": "m", "m": "s"}
UNITS = {name: unit for unit, names in {
    "ms": "ms msec msecs millisecond milliseconds", "s": "s sec secs second seconds",
    "m": "m min mins minute minutes", "h": "h hr hrs hour hours", "d": "d day days",
    "w": "w wk wks week weeks"}.items() for name in names.split()}
_PART = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([a-z]*)", re.IGNORECASE | re.ASCII)
LONGEST = 1000 * 365 * 86_400.0    # seconds: past that, dates and clocks end
SHOWN = 40                     # characters of what cannot be understood that are said again


def shown(text: str) -> str:
    """What somebody gave, short enough for a message of one line."""
    return text if len(text) <= SHOWN else f"{text[:SHOWN - 1]}…"


def parse_whole(text: str) -> int:
    """A whole number in the digits 0 to 9.  Raises `UnitError`, for one of thousands of digits
    as well, which `int` does not read.
    """
    word = text.strip()
    if not _WHOLE.fullmatch(word) or len(word) > 1000:
        raise UnitError(f"'{shown(text)}' is not a whole number")
    return int(word)


def is_number(text: str) -> bool:
    """Whether it is a number with nothing behind it, as in `30` or `0.5`."""
    return _NUMBER.fullmatch(text.strip()) is not None


def parse_size(text: str) -> int:
    """Bytes in `4096`, `64K`, `1MiB`; units are powers of 1,024.  Raises `UnitError`."""
    match = _SIZE.fullmatch(text.strip())
    size = float(match[1]) * 1024 ** _SCALE[match[2].lower()] if match else math.inf
    if size == math.inf:
        raise UnitError(f"'{shown(text)}' is not a size; write 4096, 64K or 1M")
    return int(size)


def parse_duration(text: str) -> float:
    """Seconds in `30`, `30s`, `500ms`, `2h30m`, `90 min`, `1h30`.  Raises `UnitError`."""
    word = text.strip()
    seconds = float(word) if _NUMBER.fullmatch(word) else _sum(word)
    if seconds == math.inf:        # as is what more digits than a float holds are read as
        raise UnitError(f"'{shown(text)}' is not a duration; write 30s, 10m or 2h30m")
    if seconds > LONGEST:
        raise UnitError(f"'{shown(text)}' is longer than a thousand years; write 30s, 10m or "
                        "2h30m")
    return seconds


def _sum(word: str) -> float:
    """Of all the parts, infinity where they make no duration."""
    seconds, at, before = 0.0, 0, ""
    while at < len(word):
        match = _PART.match(word, at)
        if match is None:
            return math.inf
        unit = UNITS.get(match[2].lower(), "")
        if not match[2]:
            unit = _SMALLER.get(before, "")
            if match.end() < len(word) or "." in match[1]:
                return math.inf
        if not unit or (before and _SECONDS[unit] >= _SECONDS[before]):
            return math.inf
        seconds += float(match[1]) * _SECONDS[unit]
        at, before = match.end(), unit
    return seconds if before else math.inf


def parse_rate(text: str) -> float:
    """Events per second in `50`, `50/s`, `600/m`; `off` is 0.  Raises `UnitError`."""
    word = text.strip().lower()
    if word == "off":
        return 0.0
    number, _, per = word.partition("/")
    if (not _NUMBER.fullmatch(number) or per not in ("", "s", "m", "h")
            or float(number) == math.inf):
        raise UnitError(f"'{shown(text)}' is not a rate; write 50/s, 600/m or off")
    return float(number) / _SECONDS[per or "s"]


def format_size(size: float) -> str:
    """At most five characters: `0`, `999`, `12.1K`, `46.7M`."""
    if size < 1000:
        return str(int(size))
    for unit in "KMGTPE":
        size /= 1024
        if size < 999.5:
            return f"{size:.1f}{unit}" if size < 99.95 else f"{size:.0f}{unit}"
    return f"{size:.0f}E"


def format_bytes(size: float) -> str:
    """A size among words, where a bare number would be a count: `72B`, `1.4K`."""
    text = format_size(size)
    return f"{text}B" if text.isdigit() else text


def format_duration(seconds: float) -> str:
    """So that `parse_duration` reads the same back: `30s`, `2h30m`, `0.25s`."""
    whole = int(seconds)
    if whole != seconds:
        return f"{Decimal(repr(seconds)):f}s"  # every digit, and never an exponent
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, whole = divmod(whole, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def format_age(seconds: float) -> str:
    """At most four characters, rounded down: `0s`, `59s`, `3m`, `12h`, `999d`, `2y`."""
    if seconds >= 1000 * 86400:
        return f"{min(999, int(seconds // (365 * 86400)))}y"
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{max(0, int(seconds))}s"


def format_clock(seconds: float) -> str:
    """`00:12:41`, with days in front when there are any."""
    minutes, second = divmod(max(0, int(seconds)), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    clock = f"{hour:02}:{minute:02}:{second:02}"
    return f"{days}d {clock}" if days else clock


def format_seconds(seconds: float) -> str:
    """A short time with its unit: `40us`, `0.4ms`, `71ms`, `1.2s`; `-` when unknown."""
    if math.isnan(seconds):
        return "-"
    if seconds < 0.0001:
        return f"{seconds * 1e6:.0f}us"
    if seconds < 0.00995:
        return f"{seconds * 1e3:.1f}ms"
    if seconds < 0.9995:
        return f"{seconds * 1e3:.0f}ms"
    return f"{seconds:.1f}s"


def format_measured(seconds: float) -> str:
    """The same of what takes time whenever it happens: `-` where nothing was measured."""
    return format_seconds(seconds) if seconds > 0 else "-"


def counted(count: int, one: str) -> str:
    """`1 ban`, `2,000 bans`."""
    return f"{count:,} {one}{'' if count == 1 else 's'}"


def they_were(count: int, one: str) -> str:
    """`1 line was`, `2000 lines were`: for clients and logs, whose figures programs read."""
    return f"{count} {one} was" if count == 1 else f"{count} {one}s were"
