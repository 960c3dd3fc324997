"""Sizes, durations and rates as people write them: `64K`, `1.5M`, `30s`, `2h30m`, `50/s`."""

from __future__ import annotations

import math
import re
from decimal import Decimal


class UnitError(ValueError):
    """Not a size, duration or rate; the message shows what one looks like."""


_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", re.IGNORECASE)
_SCALE = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[dhms]))+", re.IGNORECASE)
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[dhms])", re.IGNORECASE)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def parse_size(text: str) -> int:
    """Bytes in `4096`, `64K`, `1MiB`; units are powers of 1,024.  Raises `UnitError`."""
    match = _SIZE.fullmatch(text.strip())
    size = float(match[1]) * 1024 ** _SCALE[match[2].lower()] if match else math.inf
    if size == math.inf:
        raise UnitError(f"'{text}' is not a size; write 4096, 64K or 1M")
    return int(size)


def parse_duration(text: str) -> float:
    """Seconds in `30`, `30s`, `500ms`, `2h30m`.  Raises `UnitError`."""
    word = text.strip()
    seconds = math.inf             # as is what more digits than a float holds are read as
    if _NUMBER.fullmatch(word):
        seconds = float(word)
    elif _DURATION.fullmatch(word):
        seconds = sum(float(n) * _SECONDS[unit.lower()] for n, unit in _PART.findall(word))
    if seconds == math.inf:
        raise UnitError(f"'{text}' is not a duration; write 30s, 10m or 2h30m")
    return seconds


def parse_rate(text: str) -> float:
    """Events per second in `50`, `50/s`, `600/m`; `off` is 0.  Raises `UnitError`."""
    word = text.strip().lower()
    if word == "off":
        return 0.0
    number, _, per = word.partition("/")
    if (not _NUMBER.fullmatch(number) or per not in ("", "s", "m", "h")
            or float(number) == math.inf):
        raise UnitError(f"'{text}' is not a rate; write 50/s, 600/m or off")
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
    """At most four characters, rounded down: `0s`, `59s`, `3m`, `12h`, `99d`."""
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


def counted(count: int, one: str) -> str:
    """`1 ban`, `2,000 bans`."""
    return f"{count:,} {one}{'' if count == 1 else 's'}"
