"""Any bytes, cut anywhere, over real sockets: the same lines as in one piece (B01-B20)."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.client import Client, Ended
from tests.integration.harness import Server

LINE = 64
# Telnet is answered once per read, so where the reads end shows in the answers alone.
_ANSWERS = re.compile(rb"\xff[\xfb-\xfe].", re.DOTALL)

hostile = st.lists(st.sampled_from([
    b"a", b"word ", b"\n", b"\n", b"\r\n", b"\r", b"\0", b"/me x\n", b"/who\n", b"/", b"quit", b" ",
    b"x" * 40, b"\xe2\x82\xac", b"\xe2", b"\xf0\x9f\x98\x80", b"\xff", b"\xff\xfd\x01",
    b"\xff\xfa\x18", b"\xff\xf0", b"\x1b[2J", b"\x1b]52;c;", b"\x07", b"\xc2\x9b", b"e\xcc\x81"]),
    max_size=40).map(b"".join)


def hears(chat: Server, data: bytes, cuts: list[int]) -> bytes:
    """All that somebody alone in a room is sent after sending this, each piece read alone."""
    edges = [0, *sorted(min(at, len(data)) for at in cuts), len(data)]
    with Client(chat.address) as client:
        client.join("alone")
        read = chat.row(client).bytes_in
        for a, b in pairwise(edges):
            client.send(data[a:b])
            read += b - a
            chat.until(lambda server, so_far=read:  # type: ignore[misc]  # bound on purpose
                       client.id not in server.state.connections
                       or server.state.connections[client.id].bytes_in == so_far
                       or client.id not in server.hub.sessions)
        client.half_close()
        heard = b""
        try:
            while True:
                heard += client.read_bytes(1)
        except Ended:
            pass
    return _ANSWERS.sub(b"", heard).replace(client.nick.encode(), b"guest")


def test_any_bytes_in_any_pieces_are_answered_and_said_as_in_one_piece(
        server: Callable[..., Server]) -> None:
    chat = server(rate_limit=0.0, line=LINE)

    @settings(max_examples=100, deadline=None, database=None,
              suppress_health_check=list(HealthCheck))
    @given(hostile | st.binary(max_size=150), st.lists(st.integers(0, 200), max_size=6))
    def check(data: bytes, cuts: list[int]) -> None:
        assert hears(chat, data, cuts) == hears(chat, data, [])

    check()
