"""How long a ban holds: understood or refused, and never for ever or for a second by accident."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from chatops.api.command_line import CommandError, parse, parse_arguments, render
from chatops.api.commands import Ban, Broadcast, Kick, Mute, Spawn
from chatops.units import UNITS, UnitError, parse_duration, parse_rate, parse_size, parse_whole

MINUTE, HOUR, DAY, WEEK = 60.0, 3600.0, 86_400.0, 604_800.0

def short(value: object) -> str:
    """For a test's name: not all of a number's 5,000 digits."""
    return str(value)[:20]


UNDERSTOOD = [
    ("10min spam", 10 * MINUTE, "spam"),
    ("1w", WEEK, ""),
    ("2 weeks", 2 * WEEK, ""),
    ("1h30", 90 * MINUTE, ""),
    ("1h30 spam", 90 * MINUTE, "spam"),
    ("1h30m spam", 90 * MINUTE, "spam"),
    ("1h 30m spam", 90 * MINUTE, "spam"),
    ("1 h 30 min spam", 90 * MINUTE, "spam"),
    ("1 hour 30 minutes of silence", 90 * MINUTE, "of silence"),
    ("1 hour x", HOUR, "x"),
    ("90 min", 90 * MINUTE, ""),
    ("5m30 spam", 330.0, "spam"),
    ("1.5h", 90 * MINUTE, ""),
    ("10M SPAM", 10 * MINUTE, "SPAM"),
    ("1d12 spam", 36 * HOUR, "spam"),
    ("for 10 min spam", 10 * MINUTE, "spam"),
    ("for 1 hour", HOUR, ""),
    ("30", 30.0, ""),
    ('30 "2 strikes"', 30.0, "2 strikes"),
    ('10m "2 strikes"', 10 * MINUTE, "2 strikes"),
    ('"1 hour" x', HOUR, "x"),
    ("forever 2 strikes", 0.0, "2 strikes"),
    ("forever", 0.0, ""),
    ("for good spam", 0.0, "spam"),
    ("for ever", 0.0, ""),
    ('"2 strikes"', 0.0, "2 strikes"),
    ("spam", 0.0, "spam"),
    ("spammed 3 rooms", 0.0, "spammed 3 rooms"),
    ("for spamming", 0.0, "for spamming"),
    ("a spammer", 0.0, "a spammer"),
    ("week-old grudge", 0.0, "week-old grudge"),
    ("'10m' spam", 10 * MINUTE, "spam"),
]
REFUSED = [
    "2 strikes", "10minn spam", "10x", "1h30x", "1h 30 spam rows", "10m 2 strikes",
    "1 30", "3 months", "1 month", "1y", "1mo spam", "-10m", "+10m spam", ".5h", "~10m", "½h",
    "١٠m", "１０m spam", "10m, spam", "10m: spam", "0", "0s", "0 spam", "0m spam", "1,5h", "1:30",
    "1h30m15h", "1m1m", "30s5m", "1e3s", "1h2.5", "an hour", "a week spam", "ten minutes",
    "half an hour", "one day of rest", "hour", "minutes", "for a day", "for 2 strikes",
    "until tomorrow", "spam 10m", "spamming for 1 week", "spam 10 min", '"10min spam"',
    '"1 hour x"', '"30" spam', "9" * 5000, "9" * 5000 + "d", "1001000d", "9" * 5000 + " strikes",
]


@pytest.mark.parametrize(("words", "seconds", "reason"), UNDERSTOOD)
def test_a_time_that_is_nearly_right_is_understood(
        words: str, seconds: float, reason: str) -> None:
    assert parse(f"ban bob {words}") == Ban("bob", seconds, reason)


@pytest.mark.parametrize("words", [*REFUSED, "90 sec. x"], ids=short)
def test_a_time_that_is_not_understood_is_refused_in_one_short_line(words: str) -> None:
    with pytest.raises(CommandError) as refused:
        parse(f"ban bob {words}")
    said = str(refused.value)
    assert said.startswith("ban: ")
    assert "\n" not in said
    assert len(said) < 220
    assert "10m" in said or "quote a reason" in said


@pytest.mark.parametrize(("words", "seconds"), [
    ("10min", 600.0), ("10 min", 600.0), ("1h30", 5400.0), ("for 1 hour", 3600.0),
    ("1w", WEEK), ("forever", 0.0), ("", 0.0), ("30", 30.0),
])
def test_a_mute_takes_the_same_times(words: str, seconds: float) -> None:
    assert parse(f"mute bob {words}") == Mute(("bob",), seconds)


@pytest.mark.parametrize("words", ["10min spam", "2 strikes", "soon", "0", "an hour"])
def test_a_mute_has_no_reason_and_passes_no_word_over(words: str) -> None:
    with pytest.raises(CommandError):
        parse(f"mute bob {words}")


number = st.integers(1, 99).map(str)
near = st.sampled_from([*UNITS, "", "x", "mo", "strikes", "spam", ",", "for", "a", "half", "1"])


@given(st.lists(st.tuples(number, st.sampled_from(["", " "]), near), min_size=1, max_size=3),
       st.sampled_from(["", " spam", " and so on"]), st.sampled_from(["", "for "]))
@example([("2", " ", "strikes")], "", "")
def test_no_word_with_a_number_in_front_bans_for_good(
        parts: list[tuple[str, str, str]], reason: str, before: str) -> None:
    words = before + " ".join("".join(part) for part in parts) + reason
    for arguments in (["ban bob " + words], ["ban", "bob", *words.split()], ["ban", "bob", words]):
        try:
            command = parse_arguments(arguments)
        except CommandError:
            continue
        assert isinstance(command, Ban)
        # Quoted, what has no unit behind its first number is a reason: "2 strikes".
        if len(arguments) != 3 or parts[0][2] in UNITS:
            assert command.seconds > 0


@given(st.text(max_size=20), st.just(0.0) | st.floats(0.001, 1e6))
@example("10m spam", 0.0)
@example("30", 600.0)
@example("½ an hour", 600.0)
@example("spam 10m", 0.0)
def test_what_is_rendered_keeps_time_and_reason_apart(reason: str, seconds: float) -> None:
    assert parse(render(Ban("bob", seconds, reason))) == Ban("bob", seconds, reason)


# -- what a shell has split


@pytest.mark.parametrize(("arguments", "command"), [
    (["broadcast", '"hello"'], Broadcast('"hello"')),
    (["broadcast", "'tis", "late'"], Broadcast("'tis late'")),
    (["broadcast", "two  blanks"], Broadcast("two  blanks")),
    (["broadcast", "-1", "is", "less"], Broadcast("-1 is less")),
    (["say", 'a "b" c'], Broadcast('a "b" c')),
    (["kick", "bob", "2 strikes"], Kick(("bob",), "2 strikes")),
    (["kick", "bob", "2", "strikes"], Kick(("bob",), "2 strikes")),
    (["ban", "bob", "2 strikes"], Ban("bob", 0.0, "2 strikes")),
    (["ban", "bob", "1 hour", "x"], Ban("bob", HOUR, "x")),
    (["ban", "bob", "1", "hour", "x"], Ban("bob", HOUR, "x")),
    (["ban", "bob", "10m", "2 strikes"], Ban("bob", 600.0, "2 strikes")),
    (["ban bob 10m spam"], Ban("bob", 600.0, "spam")),
    (["kick 3", "spam"], Kick(("3",), "spam")),
])
def test_words_from_a_shell_are_taken_as_they_are(arguments: list[str], command: object) -> None:
    assert parse_arguments(arguments) == command


@given(st.text(min_size=1, max_size=30))
def test_any_line_from_a_shell_is_said_as_given(text: str) -> None:
    assume(len(f"say {text}".strip().splitlines()) < 2)
    assert parse_arguments(["broadcast", text]) == Broadcast(text)


@pytest.mark.parametrize("words", [shlex.split(w) for w in REFUSED if '"' not in w],
                         ids=short)
def test_a_shell_is_refused_what_a_console_is(words: list[str]) -> None:
    with pytest.raises(CommandError):
        parse_arguments(["ban", "bob", *words])


@pytest.mark.parametrize("arguments", [
    ["broadcast", "caf\udce9"], ["kick", "caf\udce9"], ["kick", "3", "caf\udce9"],
    ["ban", "\udce9", "10m"], ["limit", "\udce9"], ["unban", "\udcff"],
])
def test_bytes_that_are_not_utf_8_are_refused_in_a_line(arguments: list[str]) -> None:
    for words in (arguments, [" ".join(arguments)]):
        with pytest.raises(CommandError, match=r"not UTF-8: byte 0x(e9|ff)") as refused:
            parse_arguments(words)
        str(refused.value).encode()


# -- numbers


@pytest.mark.parametrize("text", ["9" * 5000, "-" + "9" * 5000, "١", "１", "²", "1_0", "1.0", "",
                                  "0x1", "nan", "one", "+", "1 0"], ids=short)
def test_what_is_no_whole_number_is_refused_in_a_short_line(text: str) -> None:
    with pytest.raises(UnitError, match="whole number") as refused:
        parse_whole(text)
    assert len(str(refused.value)) < 80
    with pytest.raises(CommandError, match="spawn") as refused_too:
        parse(f'spawn slow "{text}"')
    assert len(str(refused_too.value)) < 120


def test_a_whole_number_may_have_a_sign_and_blanks_around_it() -> None:
    assert [parse_whole(text) for text in ("7", " 7 ", "+7", "-7", "007")] == [7, 7, 7, -7, 7]
    assert parse("spawn slow 5") == Spawn("slow", 5)


@pytest.mark.parametrize("read", [parse_duration, parse_size, parse_rate])
@pytest.mark.parametrize("text", ["٣", "３", "٣s", "²", "9" * 5000, "1ſ", "1K" + "9" * 5000],
                         ids=short)
def test_digits_of_other_scripts_and_thousands_of_them_are_no_figures(
        read: object, text: str) -> None:
    with pytest.raises(UnitError) as refused:
        read(text)  # type: ignore[operator]
    assert len(str(refused.value)) < 120
