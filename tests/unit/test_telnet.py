"""Telnet negotiation is taken out and answered, however it is cut (FAULTS.md B14, B18)."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatops.chat.framing import Framer
from chatops.chat.telnet import (
    ANSWER_LIMIT,
    IAC,
    STEP_LIMIT,
    SUBNEGOTIATION_LIMIT,
    TelnetFilter,
)

CTRL_C = b"\xff\xf4\xff\xfd\x06"


def filtered(*chunks: bytes) -> tuple[bytes, bytes]:
    """Everything through one filter."""
    telnet = TelnetFilter()
    fed = [telnet.feed(chunk) for chunk in chunks]
    return b"".join(data for data, _ in fed), b"".join(reply for _, reply in fed)


def received(*chunks: bytes) -> bytes:
    """Lines as a session gets them: a filter only while one is needed, then the framer."""
    framer = Framer(4096)
    telnet: TelnetFilter | None = None
    lines = []
    for chunk in chunks:
        data = chunk
        if telnet is None and IAC in data:
            telnet = TelnetFilter()
        if telnet is not None:
            data, _ = telnet.feed(data)
            if telnet.idle:
                telnet = None
        lines.append(framer.feed(data))
    return b"".join([*lines, framer.end()])


@pytest.mark.parametrize(("sent", "data", "reply"), [
    (b"plain\n", b"plain\n", b""),
    (CTRL_C, b"", b"\xff\xfb\x06"),                        # DO TM → WILL TM
    (b"a\xff\xfd\x01b", b"ab", b"\xff\xfc\x01"),           # DO ECHO → WONT
    (b"\xff\xfb\x1f", b"", b"\xff\xfe\x1f"),               # WILL NAWS → DONT
    (b"\xff\xfb\x06", b"", b"\xff\xfe\x06"),               # WILL TM is no question
    (b"\xff\xfc\x01\xff\xfe\x01", b"", b""),               # answers are not answered
    (b"x\xff\xffy", b"x\xffy", b""),                       # escaped
    (b"\xff\xf1\xff\xf3\xff\xf6\xff\xf9ok", b"ok", b""),   # NOP, BRK, AYT, GA
    (b"\xff\xfa\x1f\x00\x50\x00\x18\xff\xf0ok", b"ok", b""),   # 80 by 24
    (b"\xff\xfa\x1f\x00\x0a\x00\x0a\xff\xf0ok", b"ok", b""),   # 10 by 10: no newline
    (b"\xff\xfa\x1f\xff\xff\x00\xff\xf0ok", b"ok", b""),   # 255 within
    (b"\xff\xfa\x18\x01\xff\xfd\x06ok", b"ok", b"\xff\xfb\x06"),   # SB broken off
])
def test_commands_are_taken_out_and_requests_answered(sent: bytes, data: bytes,
                                                      reply: bytes) -> None:
    assert filtered(sent) == (data, reply)
    for at in range(len(sent) + 1):
        assert filtered(sent[:at], sent[at:]) == (data, reply)
    assert filtered(*(bytes([byte]) for byte in sent)) == (data, reply)


def test_ctrl_c_in_telnet_costs_nothing_of_the_conversation() -> None:
    assert received(b"before\r\n", CTRL_C, b"\xff\xf2", b"after\r\n") == b"before\r\nafter\r\n"


@pytest.mark.parametrize("sent", [b"\xff\xfe\n", b"\xff\n", b"hi \xff\xfd\n", b"\xffhi\n",
                                  b"\xfe\xff\x00h\x00i\x00\n"])
def test_bytes_that_are_no_telnet_stay_and_keep_their_newline(sent: bytes) -> None:
    assert received(sent, b"next\n") == sent + b"next\n"


def test_a_subnegotiation_without_an_end_swallows_so_much_and_no_more() -> None:
    data, reply = filtered(b"\xff\xfa" + b"x" * 100_000)
    assert data == b"x" * (100_000 - SUBNEGOTIATION_LIMIT)
    assert reply == b""


@pytest.mark.parametrize("piece", [1, 7, 1023, 1024, 1025])
def test_the_limit_of_a_subnegotiation_does_not_depend_on_the_cuts(piece: int) -> None:
    sent = b"\xff\xfa" + b"\xff\xff" * 100 + b"x" * 3000
    pieces = [sent[at:at + piece] for at in range(0, len(sent), piece)]
    assert filtered(*pieces) == filtered(sent)


def test_it_says_when_nothing_is_half_read() -> None:
    telnet = TelnetFilter()
    idle = [telnet.idle]
    for byte in b"\xff\xfa\x18\xff\xf0":
        telnet.feed(bytes([byte]))
        idle.append(telnet.idle)
    assert idle == [True, False, False, False, False, True]
    assert repr(telnet) == "<TelnetFilter ground>"


def test_a_flood_of_requests_gets_a_bounded_answer() -> None:
    requests = b"".join(b"\xff\xfd" + bytes([option]) for option in range(256) if option != 10)
    _, reply = filtered(requests * 100)
    assert len(reply) == 3 * ANSWER_LIMIT


@pytest.mark.parametrize("command", [b"\xff\xf1", b"\xff\xfd\x01", b"\xff\xff",
                                     b"\xff\xfa" + b"\xff\xff" * 1024, b"\xff\xfa\xff"])
def test_a_flood_of_commands_is_followed_so_far_and_no_farther(command: bytes) -> None:
    telnet = TelnetFilter()
    sent = command * (65_536 // len(command)) + b"\nlater\n"
    data, _ = telnet.feed(sent)
    assert telnet.idle
    assert data.endswith(sent[4 * STEP_LIMIT:])


def test_the_same_request_twice_in_one_read_is_answered_once() -> None:
    assert filtered(CTRL_C * 50) == (b"", b"\xff\xfb\x06")


def test_two_filters_talking_to_each_other_fall_silent() -> None:
    _, answer = TelnetFilter().feed(b"\xff\xfd\x01\xff\xfb\x03\xff\xfd\x06")
    rounds = 0
    while answer:
        rounds += 1
        _, answer = TelnetFilter().feed(answer)
    assert rounds <= 2


telnet_rich = st.lists(st.sampled_from(
    [b"\xff", b"\xfa", b"\xf0", b"\xfd", b"\xfb", b"\xf4", b"\x06", b"\n", b"a", b"\xc3\xa9"]),
    max_size=80).map(b"".join)


@given(telnet_rich | st.binary(max_size=120), st.lists(st.integers(0, 120), max_size=10))
def test_any_bytes_in_any_pieces_give_the_same_data(sent: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(at, len(sent)) for at in cuts), len(sent)]
    pieces = [sent[a:b] for a, b in pairwise(edges)]
    assert filtered(*pieces)[0] == filtered(sent)[0]
    assert received(*pieces) == received(sent)


@given(st.binary(max_size=300))
def test_what_comes_out_never_is_more_than_what_went_in(sent: bytes) -> None:
    data, reply = filtered(sent)
    assert len(data) + len(reply) <= len(sent)


@given(st.binary(max_size=300).filter(lambda data: IAC not in data))
def test_data_without_0xff_passes_unchanged(sent: bytes) -> None:
    assert filtered(sent) == (sent, b"")


@given(st.binary(max_size=300))
def test_data_that_was_escaped_passes_unchanged(sent: bytes) -> None:
    assert filtered(sent.replace(IAC, IAC + IAC)) == (sent, b"")
