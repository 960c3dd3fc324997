"""Sizes, durations and rates, as people write and read them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatops.units import (
    UnitError,
    counted,
    format_age,
    format_bytes,
    format_clock,
    format_duration,
    format_seconds,
    format_size,
    parse_duration,
    parse_rate,
    parse_size,
)


@pytest.mark.parametrize(("text", "size"), [
    ("0", 0), ("4096", 4096), ("64K", 65_536), ("64k", 65_536), ("1M", 1 << 20),
    ("1.5M", 1_572_864), ("1MiB", 1 << 20),
    ("2 GB", 2 << 30), ("1T", 1 << 40), ("10b", 10), (" 1K ", 1024),
])
def test_a_size_is_read_in_powers_of_1024(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "K", "-1", "1X", "1 2", "1e3", "٣K2x", "nan", "1KK",
                                  "9" * 400, "9" * 308 + "T"])
def test_what_is_no_size_says_what_one_looks_like(text: str) -> None:
    with pytest.raises(UnitError, match="64K"):
        parse_size(text)


@pytest.mark.parametrize(("text", "seconds"), [
    ("30", 30.0), ("0.5", 0.5), ("30s", 30.0), ("500ms", 0.5), ("2h30m", 9000.0), ("1d", 86_400.0),
    ("1M", 60.0), ("1m1s1ms", 61.001), ("5 s", 5.0), ("1h2", 3720.0),
])
def test_a_duration_is_read_in_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "-5s", "5x", "1h2.5", "inf", "1e3s",
                                  "9" * 400, "9" * 308 + "d"])
def test_what_is_no_duration_says_what_one_looks_like(text: str) -> None:
    with pytest.raises(UnitError, match="2h30m"):
        parse_duration(text)


@pytest.mark.parametrize(("text", "rate"), [
    ("50", 50.0), ("50/s", 50.0), ("600/m", 10.0), ("3600/h", 1.0), ("off", 0.0), ("OFF", 0.0),
])
def test_a_rate_is_read_per_second(text: str, rate: float) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize("text", ["", "/s", "-1/s", "5/d", "5/ms", "fast", "5/s/s", "9" * 400])
def test_what_is_no_rate_says_what_one_looks_like(text: str) -> None:
    with pytest.raises(UnitError, match="50/s"):
        parse_rate(text)


@pytest.mark.parametrize(("size", "text"), [
    (0, "0"), (999, "999"), (1000, "1.0K"), (12_400, "12.1K"), (65_536, "64.0K"),
    (102_348, "99.9K"), (102_400, "100K"), (1_023_500, "1.0M"), (1 << 40, "1.0T"),
    (1 << 60, "1.0E"),
])
def test_a_size_is_written_short(size: int, text: str) -> None:
    assert format_size(size) == text


@pytest.mark.parametrize(("size", "text"), [(0, "0B"), (584, "584B"), (12_400, "12.1K")])
def test_bytes_alone_are_written_with_their_unit(size: int, text: str) -> None:
    assert format_bytes(size) == text


@given(st.floats(0, 1e18))
def test_a_size_never_takes_more_than_five_characters(size: float) -> None:
    assert len(format_size(size)) <= 5


@pytest.mark.parametrize(("seconds", "text"), [
    (0, "0s"), (30, "30s"), (9000, "2h30m"), (86_461, "1d1m1s"), (0.25, "0.25s"), (90.5, "90.5s"),
    (1e-7, "0.0000001s"),
    (1_234_567.5, "1234567.5s"),
])
def test_a_duration_is_written_as_it_is_read(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.floats(0, 1e9) | st.integers(0, 10**9))
def test_a_duration_that_was_written_reads_back_the_same(seconds: float) -> None:
    assert parse_duration(format_duration(seconds)) == seconds


@pytest.mark.parametrize(("seconds", "text"), [
    (-1, "0s"), (0, "0s"), (59.9, "59s"), (60, "1m"), (3599, "59m"), (3600, "1h"), (86_399, "23h"),
    (86_400, "1d"), (100 * 86_400, "100d"), (1000 * 86_400 - 1, "999d"), (1000 * 86_400, "2y"),
    (10 * 365 * 86_400, "10y"),
])
def test_an_age_is_rounded_down(seconds: float, text: str) -> None:
    assert format_age(seconds) == text


@given(st.floats(0, 1e300))
def test_an_age_never_takes_more_than_four_characters(seconds: float) -> None:
    assert len(format_age(seconds)) <= 4


@pytest.mark.parametrize(("seconds", "text"), [
    (-5, "00:00:00"), (761.9, "00:12:41"), (86_399, "23:59:59"), (90_061, "1d 01:01:01"),
])
def test_a_clock_shows_days_when_there_are_any(seconds: float, text: str) -> None:
    assert format_clock(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [
    (math.nan, "-"), (0, "0us"), (0.00004, "40us"), (0.0004, "0.4ms"), (0.071, "71ms"),
    (0.00994, "9.9ms"), (0.00996, "10ms"), (0.9996, "1.0s"), (1.24, "1.2s"), (75.0, "75.0s"),
])
def test_a_short_time_comes_with_its_unit(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


@pytest.mark.parametrize(("count", "text"), [(0, "0 bans"), (1, "1 ban"), (2, "2 bans"),
                                             (2000, "2,000 bans")])
def test_one_is_said_otherwise_than_many(count: int, text: str) -> None:
    assert counted(count, "ban") == text
