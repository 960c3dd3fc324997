"""Measured values in words: enough digits to compare, not one more."""

from __future__ import annotations


def micros(seconds: float) -> str:
    """`0.68 us`, `4.1 us`, `144 us`, `5,765 us`."""
    value = seconds * 1e6
    digits = 2 if value < 0.995 else 1 if value < 99.5 else 0
    return f"{value:,.{digits}f} us"


def millis(seconds: float) -> str:
    """`0.23 ms`, `300 ms`."""
    value = seconds * 1e3
    digits = 2 if value < 0.995 else 1 if value < 99.5 else 0
    return f"{value:,.{digits}f} ms"


def times(ratio: float) -> str:
    """`1.0`, `44`, `2,640`."""
    return f"{ratio:.1f}" if ratio < 9.95 else f"{ratio:,.0f}"


def yes(fact: bool) -> str:
    return "yes" if fact else "no"
