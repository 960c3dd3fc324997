"""Who may be called what, and who looks like whom (FAULTS.md I09, I13)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatops.chat.names import (
    RESERVED,
    InvalidName,
    check_nick,
    check_room,
    skeleton,
)
from chatops.system.columns import width

CYRILLIC_BOB = "\u0412ob"


@pytest.mark.parametrize("nick", ["bob", "Bob", "x", "alice_2", "a-b", "n[away]", "_bob", "{x}",
                                  "ada|away", "back\\slash", "q`", "c^3",
                                  "administrate", "hosta", "allison", "a" * 20])
def test_ordinary_nicks_are_allowed(nick: str) -> None:
    check_nick(nick)
    check_nick(nick, ascii_only=False)


@pytest.mark.parametrize("nick", [
    "", " ", "\t", "a b", "*", "***", "2fast", "-bob", "-", "#3", "@bob", "bob:", "a,b", "a/b",
    "bob\n", "bob\r", "bob\0", "\x1b[2J", "[/]", "a\u200db", "\u200b", "\u202ebob",
    "a" * 21, "x" * 300,
])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_what_is_no_name_is_refused(nick: str, ascii_only: bool) -> None:
    with pytest.raises(InvalidName):
        check_nick(nick, ascii_only=ascii_only)


@pytest.mark.parametrize("nick", [
    *RESERVED, "ADMIN", "Server", "Adm1n", "admln", "admin_", "ad-min", "a_l_l", "guest-7",
    "Guest-7", "guest", "guest7",
])
def test_nobody_passes_for_the_server(nick: str) -> None:
    with pytest.raises(InvalidName, match=r"reserved|guest"):
        check_nick(nick)


@pytest.mark.parametrize("nick", ["\u0430dmin", "\uff41dmin", "\u0455erver",
                                  "g\u0430", "admin\u0301", "h\u03bfst"])
def test_nobody_passes_for_the_server_in_another_script(nick: str) -> None:
    with pytest.raises(InvalidName):
        check_nick(nick)
    if nick != "g\u0430":
        with pytest.raises(InvalidName):
            check_nick(nick, ascii_only=False)


@pytest.mark.parametrize("nick", ["zo\u00eb", "日本", "Ольга", "한국", "हिन्दी", "عمر"])
def test_names_of_any_script_are_allowed_where_the_admin_allows_them(nick: str) -> None:
    check_nick(nick, ascii_only=False)
    with pytest.raises(InvalidName, match="A-Z"):
        check_nick(nick)


@pytest.mark.parametrize("nick", ["ﬁn", "ｂob", "e\u0301a", "𝐛ob", "ⓑob", "½x", "👍", "\u0301a"])
def test_a_name_has_one_spelling(nick: str) -> None:
    with pytest.raises(InvalidName):
        check_nick(nick, ascii_only=False)


def test_a_nick_is_measured_in_columns() -> None:
    check_nick("日" * 10, ascii_only=False)
    with pytest.raises(InvalidName, match="20 columns"):
        check_nick("日" * 11, ascii_only=False)
    check_nick("abcde", max_width=5)
    with pytest.raises(InvalidName, match="5 columns"):
        check_nick("abcdef", max_width=5)


@pytest.mark.parametrize(("one", "other"), [
    ("bob", "BOB"), ("bob", CYRILLIC_BOB), ("paypal", "p\u0430yp\u0430l"), ("paypal", "paypa1"),
    ("alice", "AL1CE"), ("Ian", "lan"), ("barney", "bamey"), ("vvill", "will"), ("otto", "0tt0"),
    ("zoe", "zo\u00eb"), ("bob", "ｂｏｂ"), ("bob", "b\u200dob"), ("strasse", "stra\u00dfe"),
    ("xena", "\u0445\u0435na"), ("omar", "\u03bfmar"),
])
def test_nicks_that_look_alike_have_the_same_skeleton(one: str, other: str) -> None:
    assert skeleton(one) == skeleton(other)


@pytest.mark.parametrize(("one", "other"), [
    ("bob", "rob"), ("alice", "alicia"), ("anna", "hanna"), ("mila", "milla"), ("x2", "xz"),
    ("bob", "bob_"), ("日本", "日木"), ("sam", "5am"),
])
def test_nicks_that_differ_to_the_eye_have_different_skeletons(one: str, other: str) -> None:
    assert skeleton(one) != skeleton(other)


@given(st.text(max_size=30))
def test_a_skeleton_is_its_own_skeleton_whatever_the_case(nick: str) -> None:
    assert skeleton(skeleton(nick)) == skeleton(nick)
    assert skeleton(nick.casefold()) == skeleton(nick)


@given(st.text(max_size=30), st.booleans())
def test_a_nick_that_is_allowed_is_safe_to_print(nick: str, ascii_only: bool) -> None:
    try:
        check_nick(nick, ascii_only=ascii_only)
    except InvalidName:
        return
    assert nick.isprintable()
    assert not any(char.isspace() or char in ":,#*/@\"'" for char in nick)
    assert 1 <= width(nick) <= 20


@pytest.mark.parametrize(("asked", "name"), [("lobby", "lobby"), ("#dev", "dev"), ("Go_1", "go_1"),
                                             ("#c++", "c++"), ("##x", "#x"),
                                             ("x" * 32, "x" * 32)])
def test_a_room_is_kept_in_lower_case_without_its_hash(asked: str, name: str) -> None:
    assert check_room(asked) == name


@pytest.mark.parametrize("asked", ["", "#", "a b", "x" * 33, "caf\u00e9", "\u0430", "a\n",
                                   "../x", "[/]", "\u212a"])
def test_what_is_no_room_is_refused(asked: str) -> None:
    with pytest.raises(InvalidName, match="a-z"):
        check_room(asked)


@pytest.mark.parametrize(("text", "columns"), [
    ("abc", 3), ("日本", 4), ("e\u0301", 1), ("ｱ", 1), ("Ａ", 2), ("👍", 2), ("a\u200db", 2),
    ("a" + "\u0301" * 5000, 1),
])
def test_width_counts_the_columns_of_a_terminal(text: str, columns: int) -> None:
    assert width(text) == columns


@pytest.mark.parametrize("letter", ["\u1161", "\u0301", "\u0e31"])
def test_letters_without_a_width_make_no_endless_nick(letter: str) -> None:
    assert width(f"a{letter * 300}") <= 20
    with pytest.raises(InvalidName, match="128 bytes"):
        check_nick(f"a{letter * 300}", ascii_only=False)
