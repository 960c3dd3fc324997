"""Bad bytes, bad lines and bad manners by the IRC door: each is answered as IRC has it, and costs
nobody else a line.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatops.server.keepalive import GRAIN, REGISTER
from tests.integration.bystanders import talking_on
from tests.integration.client import Ended
from tests.integration.harness import Clock, Server
from tests.integration.irc_client import IrcClient, newcomers

MASK = "*a" * 25 + "*"
PLAIN = "PRIVMSG #lobby :plain words"

# What is sent, the codes that its sender hears, and what the room does.
ANSWERED: list[tuple[str, bytes, list[str], list[str]]] = [
    ("8 KiB in one line", b"PRIVMSG #lobby :" + b"x" * 8192 + b"\r\n", ["417"], []),
    ("64 KiB in one line", b"x" * 65536 + b"\r\n", ["417"], []),
    ("511 bytes", b"PRIVMSG #lobby :" + b"x" * 495 + b"\r\n", ["417"], []),
    ("too long with its source", b"PRIVMSG #lobby :" + b"x" * 494 + b"\r\n", ["417"], []),
    ("10 KB of tags", b"@+a=" + b"x" * 10_000 + b" PRIVMSG #lobby :hi\r\n", ["417"], []),
    ("4,095 bytes of tags", b"@+a=" + b"x" * 4092 + b" PRIVMSG #lobby :hi\r\n", ["417"], []),
    ("4,094 bytes of tags", b"@+a=" + b"x" * 4091 + b" PRIVMSG #lobby :hi\r\n", [], ["hi"]),
    ("NUL", b"PRIVMSG #lobby :a\0b\r\n", [], ["ab"]),
    ("CR inside", b"PRIVMSG #lobby :a\rQUIT :b\r\n", [], ["aQUIT :b"]),
    ("CR alone at the ends", b"PRIVMSG #lobby :a\rPRIVMSG #lobby :b\r\n", [],
     ["aPRIVMSG #lobby :b"]),
    ("LF alone at the ends", b"PRIVMSG #lobby :a\nPRIVMSG #lobby :b\n", [], ["a", "b"]),
    ("not UTF-8", b"PRIVMSG #lobby :\xff\xfe\r\n", ["FAIL"], []),
    ("a surrogate", b"PRIVMSG #lobby :\xed\xa0\x80\r\n", ["FAIL"], []),
    ("a NOTICE not in UTF-8", b"NOTICE #lobby :\xff\r\n", [], []),
    ("an unknown command not in UTF-8", b"\xff\xff\r\n", ["FAIL"], []),
    ("escapes", b"PRIVMSG #lobby :a\x1b[2Jb\x1b]52;c;x\x07c\r\n", [], ["abc"]),
    ("C1 and bidi", "PRIVMSG #lobby :a\x9b2Jb\u202ec\r\n".encode(), [], ["abc"]),
    ("nothing", b"\r\n\n   \r\n\r\r\n:src\r\n@a=b\r\n:\r\n@\r\n: :\r\n", [], []),
    ("an unknown command", b"FROB x\r\n", ["421"], []),
    ("too few parameters", b"JOIN\r\nKICK #lobby\r\nMODE\r\n", ["461", "461", "461"], []),
    ("no recipient", b"PRIVMSG\r\nPRIVMSG #lobby\r\nPRIVMSG #lobby :\r\n",
     ["411", "412", "412"], []),
    ("a hundred parameters", b"PRIVMSG #lobby " + b"x " * 100 + b"\r\n", [], ["x"]),
    ("somebody else's source", b":eve!e@x PRIVMSG #lobby :it was me\r\n", [], ["it was me"]),
    ("five targets", b"PRIVMSG a,b,c,d,e :x\r\n", ["407", *["401"] * 4], []),
    ("170 channels", b"JOIN " + b",".join([b"#x%d" % n for n in range(100)]) + b"\r\n",
     ["JOIN", "353", "366"] * 99 + ["405"], []),
    ("a mask of stars", b"WHO %s\r\n" % MASK.encode(), ["315"], []),
    ("10,000 to monitor", b"".join([b"MONITOR + " + b",".join(
        [b"n%d-%d" % (line, n) for n in range(50)]) + b"\r\n" for line in range(4)]),
     ["731", "731", "734", "734"], []),
    ("nicks that are none", b"NICK :\r\nNICK :a b\r\nNICK #x\r\nNICK *\r\nNICK admin\r\n",
     ["431", "432", "432", "432", "432"], []),
    ("channels that are none", b"JOIN lobby\r\nJOIN #\r\nJOIN #a@b\r\nJOIN :#a b\r\n",
     ["403"] * 4, []),
]


@pytest.fixture
def chat(server: Callable[..., Server]) -> Server:
    return server(irc_port=0, rate_limit=0.0)


@pytest.fixture
def come(chat: Server) -> Iterator[Callable[..., IrcClient]]:
    """A client by the IRC door."""
    with newcomers(chat) as come:
        yield come


@pytest.mark.parametrize(("data", "codes", "said"), [row[1:] for row in ANSWERED],
                         ids=[row[0].replace(" ", "-") for row in ANSWERED])
def test_it_is_answered_and_its_sender_stays(
        chat: Server, come: Callable[..., IrcClient], data: bytes, codes: list[str],
        said: list[str]) -> None:
    ada, bob = come("ada", caps="message-tags"), come("bob")
    ada.asked("JOIN #lobby")
    bob.asked("JOIN #lobby")
    nc = chat.client()
    ada.asked()
    with talking_on(chat.address):
        ada.send(data)
        heard = [line for line in ada.asked(PLAIN) if "PRIVMSG #lobby" not in line
                 and not line.endswith(("joined", "left"))]
        heard = [line for line in heard if line.split(" ")[0 if line.startswith("FAIL") else 1]
                 not in ("QUIT",) and "guest-" not in line]
        assert [line.split(" ")[1] for line in heard] == codes
        by_irc = [line.split(" :", 1)[1] for line in bob.asked() if line.startswith(":ada!")]
        assert by_irc == [*said, "plain words"]
        by_line = [line.removeprefix("ada: ") for line in nc.heard() if line.startswith("ada: ")]
        assert by_line == [*said, "plain words"]


@pytest.mark.parametrize(("first", "last"), [
    (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "this is IRC, not HTTP"),
    (b"POST / HTTP/1.1\r\n\r\nNICK ada\r\nUSER a 0 * :a\r\n", "this is IRC, not HTTP"),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) * 2, ""),
    (b"PING x\r\n" * 1100, "Registration timed out"),
])
def test_who_is_no_irc_client_is_told_so_and_let_go(
        chat: Server, come: Callable[..., IrcClient], first: bytes, last: str) -> None:
    with talking_on(chat.address):
        stray = come()
        with suppress(OSError):        # it may be closed before all is sent
            stray.send(first)
        lines = stray.to_the_end()
    assert (last in lines[-1]) if last else not lines


def test_a_line_that_never_ends_is_let_go_whatever_comes_of_it(
        chat: Server, come: Callable[..., IrcClient]) -> None:
    clock = Clock(chat)
    deadline = chat.call(lambda: chat.chat.state.settings.line_deadline)
    slow = come("slow")
    with talking_on(chat.address):
        for _ in range(3):
            read = chat.call(lambda: chat.chat.state.context.bytes_in)
            slow.send(b"x")
            chat.until(lambda server, so_far=read:  # type: ignore[misc]  # bound on purpose
                       server.state.context.bytes_in > so_far)
            clock.advance(deadline / 2)
        assert slow.to_the_end()[-1].startswith("ERROR :Closing Link: localhost (")


def test_saying_a_little_does_not_keep_who_never_says_its_name(
        chat: Server, come: Callable[..., IrcClient]) -> None:
    clock = Clock(chat)
    nobody = come()
    for n in range(3):
        nobody.say(f"PING {n}")
        assert nobody.until("PONG")
        clock.advance(REGISTER / 3)
    clock.advance(GRAIN)
    assert "Registration timed out" in nobody.to_the_end()[-1]


def test_who_has_shut_its_side_gets_its_answers_first(
        chat: Server, come: Callable[..., IrcClient]) -> None:
    ada, bob = come("ada"), come("bob")
    bob.asked("JOIN #tea")
    ada.asked("JOIN #tea")
    bob.asked()
    ada.send(b"PRIVMSG #tea :one\r\nPING x\r\nPRIVMSG #tea :the last, without an end")
    ada.half_close()
    lines = [line.rstrip("\r") for line in ada.to_the_end()]
    assert lines[0].endswith("PONG chatops.local x")
    assert lines[1:] == []
    heard = bob.until("QUIT")
    assert [line.rstrip("\r").split(" :", 1)[1] for line in heard[:-1]] \
        == ["one", "the last, without an end"]


def test_a_reset_is_that_clients_alone(chat: Server, come: Callable[..., IrcClient]) -> None:
    bob = come("bob")
    bob.asked("JOIN #tea")
    with talking_on(chat.address):
        for n in range(20):
            ada = come(f"ada{n}")
            ada.asked("JOIN #tea")
            ada.say("PRIVMSG #tea :bye")
            ada.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            ada.close()
            assert "QUIT" in bob.until("QUIT")[-1]
    assert bob.asked() == []


hostile = st.lists(st.sampled_from([
    b"PRIVMSG #t :a", b"NICK z", b"JOIN #t,#u", b"WHO *", b":x ", b"@a=b;c ", b"CAP LS 302", b":",
    b" ", b"\r\n", b"\n", b"\r", b"\0", b"x" * 300, b"\xe2\x82\xac", b"\xe2", b"\xff", b"\x1b[2J",
    b"\x01ACTION ", b"\x01", b"\x02", b"MODE #t +b ", b"*", b"PART #t\r\n", b"PING x\r\n",
    b"TAGMSG #t\r\n", b"@label=1 PING y\r\n", b"AUTHENTICATE PLAIN\r\n"]), max_size=25
    ).map(b"".join)


def test_any_bytes_in_any_pieces_are_answered_as_in_one_piece(
        chat: Server, come: Callable[..., IrcClient]) -> None:
    def hears(data: bytes, cuts: list[int]) -> list[bytes]:
        edges = [0, *sorted(min(at, len(data)) for at in cuts), len(data)]
        with come("ann", caps="labeled-response batch message-tags") as ann:
            ann.asked("JOIN #t")
            read = chat.call(lambda: chat.chat.state.context.bytes_in)
            for begin, end in pairwise(edges):
                with suppress(OSError):
                    ann.send(data[begin:end])
                read += end - begin
                chat.until(lambda server, so_far=read:  # type: ignore[misc]  # bound on purpose
                           server.state.context.bytes_in >= so_far
                           or not server.hub.sessions)
            with suppress(OSError):
                ann.half_close()
            heard = b""
            with suppress(Ended):
                while True:
                    heard += ann.read_bytes(1)
            chat.until(lambda server: not server.hub.sessions)
        return heard.splitlines()

    @settings(max_examples=40, deadline=None, database=None,
              suppress_health_check=list(HealthCheck))
    @given(hostile | st.binary(max_size=150), st.lists(st.integers(0, 300), max_size=5))
    def check(data: bytes, cuts: list[int]) -> None:
        assert _timeless(hears(data, cuts)) == _timeless(hears(data, []))

    check()


def _timeless(lines: list[bytes]) -> list[bytes]:
    """Without what is another one each time: message ids, batch names, seconds."""
    kept = []
    for line in lines:
        words = line.split(b" ")
        if words[0].startswith(b"@"):
            tags = [tag for tag in words[0][1:].split(b";")
                    if not tag.startswith((b"msgid=", b"batch="))]
            words[0] = b";".join(tags)
        if b"BATCH" in words or (len(words) > 1 and words[1] in (b"329", b"333", b"317")):
            words = words[:2]
        kept.append(b" ".join(words))
    return kept
