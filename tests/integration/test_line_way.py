"""The way of one line: from the read of its bytes to the send to the other clients.

Counted are moves between files of the product, calls and returns alike, on the reactor's thread.
What a reader must open to follow the way is what it costs to understand, and each move is a
call that the interpreter makes for every line.  The loop itself, which calls the one end and
then the other, is left out.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from types import FrameType

import chatops
from chatops.net.connection import Connection
from chatops.net.fanout import FanOut
from tests.integration.harness import Server
from tests.patience import scaled

StartServer = Callable[..., Server]
PRODUCT = Path(chatops.__file__).parent
FIRST, LAST = Connection._read.__code__, FanOut.send.__code__
LOOP = {"reactor", "observed", "records", "backends", "waker"}
MOST = 16


class Way:
    """Where a thread is, at each call and return between the first function and the last."""

    def __init__(self) -> None:
        self.files: list[str] = []
        self.calls = 0
        self.done = threading.Event()
        self._on = False

    def profile(self, frame: FrameType, event: str, _argument: object) -> None:
        """For `sys.setprofile`."""
        if event == "call" and frame.f_code is FIRST and not self.done.is_set():
            self._on = True
        if not self._on or event not in ("call", "return"):
            return
        # After a return it is the caller that goes on.
        at = frame if event == "call" else frame.f_back
        if at is None:
            return
        path = Path(at.f_code.co_filename)
        if PRODUCT in path.parents and path.stem not in LOOP:
            self.files.append(path.stem)
            self.calls += event == "call"
        if event == "call" and frame.f_code is LAST:
            self._on = False
            self.done.set()

    @property
    def moves(self) -> list[str]:
        """The files in the order in which they were entered, by a call or a return."""
        return [name for name, _ in groupby(self.files)]


def test_a_line_is_on_its_way_through_few_files(server: StartServer) -> None:
    chat = server()
    speaker, listener = chat.clients(2)
    speaker.say("warms up")
    assert listener.read_line() == f"{speaker.nick}: warms up"
    way = Way()
    chat.call(lambda: sys.setprofile(way.profile))
    try:
        speaker.say("hello")
        assert listener.read_line() == f"{speaker.nick}: hello"
        assert way.done.wait(scaled(10.0))
    finally:
        chat.call(lambda: sys.setprofile(None))
    assert (way.moves[0], way.moves[-1]) == ("connection", "fanout")
    assert len(way.moves) - 1 <= MOST, " > ".join(way.moves)
