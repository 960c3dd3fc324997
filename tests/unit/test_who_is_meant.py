"""Who is meant by an id or a nick: one rule, for the server and for the console."""

from __future__ import annotations

from unicodedata import normalize

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatops.chat import names
from chatops.chat.hub import Hub
from chatops.chat.intake import Intake
from chatops.chat.limits import ChatLimits
from chatops.chat.session import Session
from chatops.system.addresses import network_of
from tests.tui.feed import Feed
from tui.model.find import find_row

PRESENT = ("alice", "zo\u00eb", "Bob", "\u5c71\u7530", "b[a]r", "\u00e5b", "stra\u00dfe")


def short(value: object) -> str:
    """For a test's name: not all of a number's 5,000 digits."""
    return str(value)[:20]


def hub() -> Hub:
    """Those people, and one guest."""
    made = Hub()
    door = Intake(made)
    made.limits = ChatLimits(ascii_nicks=False)
    for ident, nick in enumerate(PRESENT, 1):
        session = door.connect(ident, 10 + ident, "127.0.0.1:1")
        made.nicks.claim(session, nick, max_width=20, ascii_only=False)
    door.connect(len(PRESENT) + 1, 30, "127.0.0.1:2")
    return made


HUB = hub()
ROWS = msgspec.structs.replace(Feed(0).snapshot(), clients=tuple(
    msgspec.structs.replace(Feed(1).snapshot().clients[0], id=session.id, nick=session.nick)
    for session in HUB.sessions.values()))


def by_server(word: str) -> int | None:
    found: Session | None = names.find(word, HUB.sessions.get, HUB.nicks.find, HUB.nicks.alike)
    return found.id if found is not None else None


def by_console(word: str) -> int | None:
    found = find_row(word, ROWS)
    return found.id if found is not None else None


@pytest.mark.parametrize(("word", "ident"), [
    ("1", 1), ("#1", 1), ("007", 7), ("8", 8), ("9", None), ("0", None),
    ("alice", 1), ("ALICE", 1), ("#alice", 1), ("aIice", 1),
    ("zo\u00eb", 2), ("ZO\u00cb", 2), ("zoe\u0308", 2), ("ZOE\u0308", 2), ("zoe", 2),
    ("bob", 3), ("BOB", 3), ("b0b", 3), ("\u0412\u043e\u0432", 3),
    ("\u5c71\u7530", 4), ("B[A]R", 5), ("\u00c5B", 6), ("A\u030aB", 6), ("STRASSE", 7),
    ("guest-8", 8), ("GUEST-8", 8), ("guest-B", None), ("guest-9", None),
    ("", None), ("#", None), ("nobody", None), ("[::1]", None), ("127.0.0.1", None),
    ("9" * 5000, None), ("#" + "9" * 5000, None), ("1" * 19, None),
    ("\u0661", None), ("\uff11", None), ("\u00b9", None), ("-1", None), ("1.0", None),
], ids=short)
def test_an_operator_finds_who_is_meant_and_nobody_else(word: str, ident: int | None) -> None:
    assert by_server(word) == ident
    assert by_console(word) == ident


@given(st.text(max_size=12)
       | st.sampled_from(PRESENT).map(lambda nick: normalize("NFD", nick).swapcase())
       | st.text("aliceBobzo\u00eb\u03080#1[]guest-8", max_size=9))
@example("\u0130")
@example("guest-\u0131")
def test_server_and_console_find_the_same_one_by_any_word(word: str) -> None:
    assert by_server(word) == by_console(word)


@given(st.text(max_size=12))
def test_a_folded_nick_stays_as_it_is_however_it_was_typed(nick: str) -> None:
    assert names.fold(names.fold(nick)) == names.fold(nick)
    assert names.fold(normalize("NFD", nick)) == names.fold(nick)


@pytest.mark.parametrize(("text", "network"), [
    ("[::1]", "::1/128"), ("::1", "::1/128"), ("[fe80::1%eth0]", "fe80::1/128"),
    ("fe80::1%eth0", "fe80::1/128"), ("fe80::%eth0/64", "fe80::/64"),
    ("::ffff:10.0.0.1", "10.0.0.1/32"), (" 10.1.2.3/8 ", "10.0.0.0/8"),
])
def test_an_address_is_read_in_brackets_and_with_its_zone(text: str, network: str) -> None:
    assert str(network_of(text)) == network


@pytest.mark.parametrize("text", ["", "[]", "bob", "1", "10.0.0.256", "10.0.0.0/33", "[::1]:80",
                                  "9" * 5000, "10.0.0.0/" + "9" * 5000, "\u0661.0.0.1",
                                  "::1/\u0661"], ids=short)
def test_what_is_no_address_is_none(text: str) -> None:
    assert network_of(text) is None
