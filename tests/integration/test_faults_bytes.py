"""Bad bytes and bad lines (B01 to B20): each ends well, and costs nobody else a line."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chatops.api.events import BadInput
from tests.integration.harness import Client, Served, Server

StartServer = Callable[..., Server]
StartProcess = Callable[..., Served]

REPLACED = "\ufffd"


@pytest.fixture
def chat(server: StartServer) -> Server:
    return server()


@pytest.fixture
def pair(chat: Server) -> tuple[Client, Client]:
    """One to speak and one to listen, both up to date."""
    speaker, listener = chat.clients(2)
    speaker.heard()
    return speaker, listener


def in_segments(chat: Server, client: Client, *segments: bytes) -> None:
    """Send these so that the server reads each of them alone."""
    read = chat.row(client).bytes_in
    for segment in segments:
        client.send(segment)
        read += len(segment)
        chat.until(lambda server, so_far=read:  # type: ignore[misc]  # bound on purpose
                   server.state.connections[client.id].bytes_in == so_far)


def said(pair: tuple[Client, Client], data: bytes) -> list[str]:
    """What the listener hears of the speaker when it has sent these bytes."""
    speaker, listener = pair
    speaker.send(data)
    lines = speaker.heard()
    assert listener.heard() == [line for line in lines if not line.startswith("***")]
    prefix = f"{speaker.nick}: "
    return [line.removeprefix(prefix) for line in lines if line.startswith(prefix)]


# -- lines and segments


def test_b01_a_line_sent_byte_by_byte_is_one_message(chat: Server,
                                                     pair: tuple[Client, Client]) -> None:
    speaker, listener = pair
    in_segments(chat, speaker, *(bytes([byte]) for byte in b"one at a time\n"))
    assert listener.heard() == ["guest-1: one at a time"]


def test_b02_two_lines_in_one_segment_are_two_messages(pair: tuple[Client, Client]) -> None:
    assert said(pair, b"a\nb\n") == ["a", "b"]


def test_b03_a_character_split_over_segments_arrives_whole(chat: Server,
                                                           pair: tuple[Client, Client]) -> None:
    speaker, listener = pair
    in_segments(chat, speaker, b"\xe2\x82", b"\xac and \xf0\x9f", b"\x98", b"\x80\n")
    assert listener.heard() == ["guest-1: € and 😀"]


def test_b09_blank_lines_are_not_said(pair: tuple[Client, Client]) -> None:
    assert said(pair, b"\n\n  \n\t\r\n\xc2\xa0\nnot blank\n") == ["not blank"]


def test_b19_a_corpus_cut_in_two_anywhere_gives_the_same_lines(
        chat: Server, pair: tuple[Client, Client]) -> None:
    corpus = b"caf\xc3\xa9\n\xff\xf1ok\r\n\xf0\x9f\x98\x80\n/me x\n\x1b[2Jq\n"
    speaker, listener = pair
    speaker.send(corpus)
    speaker.heard()
    whole = listener.heard()
    assert whole == ["guest-1: café", "guest-1: ok", "guest-1: 😀", "* guest-1 x", "guest-1: q"]
    for cut in range(1, len(corpus)):
        in_segments(chat, speaker, corpus[:cut], corpus[cut:])
        assert listener.heard() == whole, corpus[:cut]


# -- bytes that are not text


@pytest.mark.parametrize(("data", "text"), [
    pytest.param(b"\xff\xfe", REPLACED * 2, id="b04-no-utf-8"),
    pytest.param(b"\xed\xa0\x80", REPLACED * 3, id="b06-surrogate"),
    pytest.param(b"\xc0\xaf", REPLACED * 2, id="b06-overlong-form"),
    pytest.param(b"cut \xe2\x82", f"cut {REPLACED}", id="b06-character-cut-by-the-newline"),
    pytest.param(b"a\0b", "ab", id="b08-nul"),
    pytest.param(b"hi\r\0", "hi", id="b20-cr-nul"),
    pytest.param(b"hi\rthere", "hithere", id="b20-bare-cr-is-no-line-end"),
    pytest.param(b"hi\x0b\x0c\x1c\x1e\xc2\x85\xe2\x80\xa8there", "hithere",
                 id="line-ends-of-unicode-are-none-here"),
    pytest.param(b"\xff\xff", REPLACED, id="b18-iac-iac"),
    pytest.param(b"\xff\xfa\x18\x00xterm\xff\xf0ok", "ok", id="b18-subnegotiation"),
])
def test_bytes_that_are_no_text_leave_the_rest_of_the_line(
        pair: tuple[Client, Client], data: bytes, text: str) -> None:
    assert said(pair, data + b"\nnext\n") == [text, "next"]


def test_b07_no_carriage_return_reaches_anybody(pair: tuple[Client, Client]) -> None:
    assert said(pair, b"a\r\nb\nc\r\r\n") == ["a", "b", "c"]


def test_b14_telnet_is_answered_after_ctrl_c_so_that_it_shows_output_again(
        pair: tuple[Client, Client]) -> None:
    speaker, listener = pair
    speaker.send(b"\xff\xf4\xff\xfd\x06after ctrl-c\n")
    assert speaker.read_bytes(3) == b"\xff\xfb\x06"      # IAC WILL TIMING-MARK
    speaker.expect("guest-1: after ctrl-c")
    assert listener.heard() == ["guest-1: after ctrl-c"]


@pytest.mark.parametrize(("first", "answer"), [
    (b"GET / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n",
     ["*** error: this port is for plain lines, not for HTTP"]),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) * 2 + b"\n", []),
    (b"CAP LS 302\r\n", ["ERROR :this port is for plain lines; there is no IRC here\r",
                         "*** error: this port is for plain lines, not for IRC"]),
    (b"NICK ada\r\nUSER ada 0 * :Ada\r\n",
     ["ERROR :this port is for plain lines; there is no IRC here\r",
      "*** error: this port is for plain lines, not for IRC"]),
])
def test_b16_another_protocol_is_named_and_closed_and_hurts_nobody(
        chat: Server, first: bytes, answer: list[str]) -> None:
    listener = chat.client()
    stray = chat.client()
    stray.send(first)
    assert stray.to_the_end() == answer
    assert not [line for line in listener.heard() if ": " in line]
    other = chat.client()
    other.heard()
    other.send(b"NICK is a word\nGET lost\n")
    assert [line.partition(": ")[2] for line in listener.heard()
            if ": " in line] == ["NICK is a word", "GET lost"]


def test_b18_a_subnegotiation_that_never_ends_is_cut_off(pair: tuple[Client, Client]) -> None:
    speaker, _ = pair
    speaker.send(b"\xff\xfa" + b"x" * 100_000)
    assert said(pair, b"\nafter\n") == ["after"]


def test_b18_telnet_commands_cut_anywhere_are_still_taken_out(
        chat: Server, pair: tuple[Client, Client]) -> None:
    speaker, listener = pair
    stream = b"a\xff\xfd\x01b\xff\xfa\x1f\x00\x50\xff\xf0c\xff\xf1d\n"
    in_segments(chat, speaker, *(bytes([byte]) for byte in stream))
    assert listener.heard() == ["guest-1: abcd"]


def test_what_was_cleaned_is_reported_once_and_then_at_each_doubling(
        chat: Server, pair: tuple[Client, Client]) -> None:
    said(pair, b"\x07\n" * 9)
    chat.wait_for(BadInput, lambda event: event.count == 8)
    counts = [event.count for event in chat.events() if isinstance(event, BadInput)]
    assert counts == [1, 2, 4, 8]


# -- long lines


def test_a_line_as_long_as_allowed_is_said_and_one_byte_more_is_not(server: StartServer) -> None:
    chat = server(line=64)
    speaker, listener = chat.clients(2)
    speaker.heard()
    speaker.say("x" * 64, "y" * 65, "short")
    wanted = ["guest-1: " + "x" * 64, "guest-1: short"]
    assert [line for line in speaker.heard() if line.startswith("guest")] == wanted
    assert listener.heard() == wanted


def test_b10_a_long_line_is_told_once_dropped_to_its_newline_and_the_client_stays(
        pair: tuple[Client, Client]) -> None:
    speaker, listener = pair
    error = "*** error: a line of more than 4096 bytes was dropped"
    speaker.send(b"x" * 65_536)
    assert speaker.read_line() == error
    speaker.send(b"its end\nthe next\n")
    assert speaker.heard() == ["guest-1: the next"]
    assert listener.heard() == ["guest-1: the next"]


def test_b11_thirty_two_megabytes_without_a_newline_take_no_memory(served: StartProcess) -> None:
    chat = served()
    speaker, listener = chat.client(), chat.client()
    speaker.say("warm up")
    listener.expect("guest-1: warm up")
    before = chat.memory()
    for _ in range(32):
        speaker.send(b"x" * (1 << 20))
    speaker.say("", "after")
    listener.expect("guest-1: after")
    assert chat.memory() - before < 8 << 20


# -- the end in the middle


def test_b12_a_line_that_the_end_of_file_ends_is_said(pair: tuple[Client, Client]) -> None:
    speaker, listener = pair
    speaker.send(b"unfinished")
    speaker.half_close()
    assert speaker.to_the_end() == ["guest-1: unfinished"]
    assert listener.read_until("*** guest-1 left") == ["guest-1: unfinished", "*** guest-1 left"]


def test_b12_a_character_that_the_end_of_file_cuts_is_replaced(
        pair: tuple[Client, Client]) -> None:
    speaker, listener = pair
    speaker.send(b"half \xe2\x82")
    speaker.close()
    assert listener.read_line() == f"guest-1: half {REPLACED}"


def test_b13_whoever_says_no_more_still_gets_every_answer(pair: tuple[Client, Client]) -> None:
    speaker, listener = pair
    speaker.send(b"one\n/who\ntwo")
    speaker.half_close()
    assert speaker.to_the_end() == [
        "guest-1: one", "*** 2 in lobby: guest-1, guest-2", "guest-1: two"]
    listener.expect("*** guest-1 left")
