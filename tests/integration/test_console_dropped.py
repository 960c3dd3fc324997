"""An attached console that the server gives up hears of it, however little it read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from chatops.api import events
from chatops.control.frames import Bye, pack
from chatops.control.session import STALL, ControlSession
from chatops.links.remote import RemoteLink
from tests.integration.control import lost, seen
from tests.integration.harness import Clock, Server
from tests.integration.until import until

StartServer = Callable[..., Server]
Attach = Callable[[Path], RemoteLink]


def one_session(chat: Server) -> ControlSession:
    """The server's end of the console's connection; on the reactor's thread."""
    assert chat.thread.control is not None
    (session,) = chat.thread.control._sessions.values()
    return session


def test_a_console_that_the_server_drops_is_told_and_the_server_is_not_called_gone(
        server: StartServer, control_path: Path, attach: Attach) -> None:
    chat = server(control=str(control_path))
    link = attach(control_path)
    seen(link)
    chat.call(lambda: one_session(chat).drop("for a test"))
    lost(link)
    assert link.status.dropped
    assert not link.status.failed
    assert link.status.detail == "this console was dropped: for a test"


def test_a_console_that_was_suspended_too_long_says_why_it_was_dropped(
        server: StartServer, control_path: Path, attach: Attach) -> None:
    chat = server(control=str(control_path))
    link = attach(control_path)
    seen(link)

    def answer_more_than_the_kernel_holds() -> None:
        session = one_session(chat)
        session._send(Bye("x" * (8 << 20)))

    clock = Clock(chat)
    chat.call(answer_more_than_the_kernel_holds)
    clock.advance(STALL + 1)
    clock.advance(STALL + 1)
    chat.wait_for(events.Warned, lambda event: "did not read" in event.text)
    lost(link)
    assert link.status.dropped
    assert "this console was dropped: it did not read" in link.status.detail


def test_a_console_that_was_dropped_for_not_reading_connects_again_when_it_reads(
        server: StartServer, control_path: Path) -> None:
    chat = server(control=str(control_path))
    link = RemoteLink(control_path, reconnect=True)
    try:
        seen(link)
        chat.call(lambda: one_session(chat).drop("for a test"))
        lost(link)
        assert link.status.dropped
        assert link.status.retrying
        until(lambda: (link.poll(), link.status.alive)[1])
        told: list[events.Event] = []

        def told_why() -> bool:
            link.poll()
            told.extend(link.drain())
            return any(isinstance(event, events.Warned) and "dropped: for a test" in event.text
                       for event in told)

        until(told_why)
    finally:
        link.close()


def test_an_older_server_that_says_goodbye_is_understood() -> None:
    assert b"dropped" in pack(Bye("x"))       # new fields have defaults, and go last
    assert Bye("x") == Bye("x", False, False)
