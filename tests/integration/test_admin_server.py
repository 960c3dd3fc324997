"""What an admin can do to the server, as its clients see it, and what of that is put on record."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chatops.api.commands import (
    Bans,
    Broadcast,
    Command,
    Kick,
    Limit,
    Quit,
    Spawn,
)
from chatops.api.events import AdminDid, Disconnected, ServerStopped
from tests.integration.client import Client
from tests.integration.harness import Clock, Server
from tests.integration.talk import alice_and_bob
from tests.patience import scaled

StartServer = Callable[..., Server]
DRAIN = 600.0                  # seconds that nobody would sit through


@pytest.fixture
def chat(server: StartServer) -> Server:
    return server()


# -- limits


def test_limits_hold_at_once_for_everybody_who_is_there(chat: Server) -> None:
    alice, _ = alice_and_bob(chat)
    assert chat.do(Limit("line", "64")).text == "line 64"
    assert chat.do(Limit("nick_width", "5")).text == "nick-width 5"
    alice.say("x" * 65, "/nick abcdef", "short")
    assert alice.heard() == ["*** error: a line of more than 64 bytes was dropped",
                             "*** error: a nick is at most 5 columns wide", "alice: short"]
    chat.do(Limit("max-clients", "2"))
    newcomer = chat.client(greeted=False)
    assert newcomer.to_the_end() == [
        "*** error: the server is full (2 clients); try again later"]
    chat.do(Limit("max-clients", "off"))


def test_an_idle_timeout_that_is_set_later_holds_for_those_who_are_there(chat: Server) -> None:
    clock = Clock(chat)
    lurker, talker = chat.clients(2)
    chat.do(Limit("idle-timeout", "10m"))
    clock.advance(400)
    talker.say("hello")
    talker.heard()
    clock.advance(300)
    assert lurker.to_the_end()[-1] == "*** error: you said nothing for 10m"
    talker.heard()


def test_a_client_that_is_held_goes_on_when_the_rate_limit_is_lifted(
        server: StartServer) -> None:
    chat = server(rate_limit=1.0, rate_burst=1)
    talker = chat.client()
    talker.say(*(f"line {n}" for n in range(50)))
    talker.read_until(lambda line: "more slowly" in line)
    chat.do(Limit("rate-limit", "off"))
    talker.expect("guest-1: line 49")


@pytest.mark.parametrize(("command", "wanted"), [
    (Limit("outbx", "1"), "no limit 'outbx'; did you mean 'outbox'?; `limit` alone lists them"),
    (Limit("outbx"), "no limit 'outbx'; did you mean 'outbox'?; `limit` alone lists them"),
    (Limit("port", "1"), "port cannot be changed while the server runs"),
    (Limit("line", "1"), "line: 1 is not between 64 and 1.0M"),
    (Limit("stall", "soon"), "stall: 'soon' is not a duration; write 30s, 10m or 2h30m"),
    (Broadcast(" \x1b[2J "), "there is nothing to say"),
    (Spawn("slow", 1), "'spawn' is not for the server"),
])
def test_what_cannot_be_done_is_said_and_changes_nothing(chat: Server, command: Limit,
                                                         wanted: str) -> None:
    before = chat.chat.state.settings
    result = chat.submit(command)
    assert (result.ok, result.text) == (False, wanted)
    assert chat.chat.state.settings == before


def test_what_an_admin_types_cannot_command_the_terminals_of_other_admins(chat: Server) -> None:
    chat.submit(Kick(("no\x1b]52;c;AAAA\x07body",), "be\x9b2Jgone\u202e"))
    did = chat.wait_for(AdminDid)
    assert did.line == "kick nobody begone"
    assert did.outcome == "nobody is not here (any more)"


def test_every_command_is_told_to_whoever_watches(chat: Server) -> None:
    chat.do(Limit("line", "1K"))
    chat.submit(Kick(("nobody",), "a reason"))
    did = chat.wait_for(AdminDid)
    assert (did.line, did.outcome, did.ok) == ("limit line 1K", "line 1.0K", True)
    failed = chat.wait_for(AdminDid, lambda event: not event.ok)
    assert failed.line == "kick nobody a reason"


# -- quit


def test_a_drain_delivers_what_is_queued_and_then_says_goodbye(server: StartServer) -> None:
    chat = server(sndbuf=4096, drain=DRAIN)
    chat.must_live = False
    slow, talker = chat.client(rcvbuf=4096), chat.client()
    talker.say(*(f"{n:04} {'x' * 2000}" for n in range(100)))
    talker.heard()
    assert chat.row(slow).queued > 0
    assert chat.do(Quit("drain")).text == "draining for at most 10m"
    lines = slow.to_the_end()
    assert [line[9:13] for line in lines if line.startswith("guest-2: ")] == [
        f"{n:04}" for n in range(100)]
    assert lines[-1] == "*** the server is shutting down; bye"
    assert chat.thread.wait(scaled(2.0))
    assert chat.wait_for(ServerStopped).reason == "stopped"


def test_a_drain_does_not_wait_for_clients_that_have_everything(server: StartServer) -> None:
    chat = server(drain=DRAIN)
    chat.must_live = False
    clients = chat.clients(3)
    chat.do(Quit("drain"))
    assert chat.thread.wait(scaled(2.0))               # though none of them has closed its side
    for client in clients:
        assert client.to_the_end()[-1] == "*** the server is shutting down; bye"


def one_that_is_stuck(server: StartServer, drain: float) -> tuple[Server, Client]:
    """A server that will be drained, and a client that reads nothing of all that waits for it."""
    chat = server(sndbuf=4096, drain=drain, rate_limit=0.0)
    chat.must_live = False
    stuck, talker = chat.client(rcvbuf=4096), chat.client()
    talker.say(*("x" * 4000 for _ in range(100)))
    talker.heard()
    return chat, stuck


def test_a_drain_is_over_at_its_deadline(server: StartServer) -> None:
    chat, stuck = one_that_is_stuck(server, drain=0.3)
    chat.do(Quit("drain"))
    assert chat.thread.wait(scaled(3.0))
    lost = chat.wait_for(Disconnected, lambda event: event.id == stuck.id)
    assert lost.lines_lost > 0


def test_a_second_quit_while_draining_stops_at_once(server: StartServer) -> None:
    chat, _ = one_that_is_stuck(server, drain=60.0)
    chat.do(Quit("drain"))
    assert chat.do(Quit("drain")).text == "stopped"
    assert chat.thread.wait(scaled(2.0))


@pytest.mark.parametrize("look", [Bans(), Limit(), Limit("rate-limit")])
def test_what_only_looks_is_not_in_the_audit_log(chat: Server, look: Command) -> None:
    assert chat.submit(look).ok
    assert chat.submit(Limit("rate-limit", "20/s")).ok
    did = chat.wait_for(AdminDid)
    assert did.line == "limit rate-limit 20/s"
