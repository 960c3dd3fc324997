"""What an admin can do to clients, as the clients see it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from chatops.api.commands import (
    Ban,
    Bans,
    Kick,
    Mute,
    Unban,
    Unmute,
)
from chatops.api.events import Disconnected, Refused
from chatops.chat.session import Session
from chatops.service import StartError
from tests.integration.harness import PATIENCE, Client, Clock, Server
from tests.integration.talk import alice_and_bob

StartServer = Callable[..., Server]


@pytest.fixture
def chat(server: StartServer) -> Server:
    return server()


@pytest.fixture
def pair(chat: Server) -> tuple[Client, Client]:
    return alice_and_bob(chat)


def turned_away(chat: Server, source: str) -> str:
    """The line with which a newcomer is refused, and then the end."""
    newcomer = chat.client(source=source, greeted=False)
    (line,) = newcomer.to_the_end()
    return line


# -- kick


def test_a_kicked_client_reads_why_and_then_the_end(chat: Server,
                                                    pair: tuple[Client, Client]) -> None:
    alice, bob = pair
    assert chat.do(Kick(("bob",), "slow reader")).text == "kicked #2 bob"
    assert bob.to_the_end() == ["*** you were kicked: slow reader"]
    assert alice.heard() == ["*** bob left (kicked: slow reader)"]
    bob.close()
    gone = chat.wait_for(Disconnected)
    assert (gone.id, gone.nick, gone.reason) == (2, "bob", "kicked: slow reader")


def test_a_kick_without_a_reason_says_so(chat: Server, pair: tuple[Client, Client]) -> None:
    chat.do(Kick(("#1", "2")))
    for client in pair:
        assert client.to_the_end()[-1] == "*** you were kicked: no reason given"


def test_a_reason_cannot_command_the_terminals_it_reaches(chat: Server,
                                                          pair: tuple[Client, Client]) -> None:
    alice, bob = pair
    chat.do(Kick(("bob",), "be\x1b[2J\ngone\u202e"))
    assert bob.to_the_end() == ["*** you were kicked: begone"]
    assert alice.heard() == ["*** bob left (kicked: begone)"]


def test_s12_the_reason_arrives_though_the_server_has_not_read_all_its_input(
        server: StartServer) -> None:
    chat = server(rate_limit=1.0, rate_burst=1)
    victim = chat.client()
    victim.say(*(f"line {n} {'x' * 1000}" for n in range(100)))
    victim.read_until(lambda line: "more slowly" in line)     # from here on it is not read
    victim.say("unread", "unread")
    chat.do(Kick((victim.nick,), "enough"))
    assert victim.to_the_end()[-1] == "*** you were kicked: enough"


def test_s12_the_reason_comes_after_all_that_was_queued_before_it(server: StartServer) -> None:
    chat = server(sndbuf=4096)
    victim, talker = chat.client(rcvbuf=4096), chat.client()
    talker.say(*(f"{n:04} {'x' * 2000}" for n in range(100)))
    talker.heard()
    assert chat.row(victim).queued > 0
    chat.do(Kick((victim.nick,), "too slow"))
    lines = victim.to_the_end()
    said = [line for line in lines if line.startswith("guest-2: ")]
    assert [line[9:13] for line in said] == [f"{n:04}" for n in range(100)]
    assert lines[-1] == "*** you were kicked: too slow"


def test_one_that_goes_on_talking_after_its_kick_is_closed_at_the_deadline(chat: Server) -> None:
    clock = Clock(chat)
    victim = chat.client()
    chat.do(Kick((victim.nick,), "stop"))
    assert victim.to_the_end() == ["*** you were kicked: stop"]
    victim.say("but I am not done")
    assert chat.row(victim).state == "lingering"
    clock.advance(6)
    assert chat.snapshot().clients == ()
    assert chat.wait_for(Disconnected).reason == "kicked: stop"


def test_s13_kicking_twice_or_one_that_is_gone_is_answered_and_harms_nobody(
        chat: Server, pair: tuple[Client, Client]) -> None:
    alice, bob = pair
    chat.do(Kick(("bob",)))
    again = chat.submit(Kick(("bob",)))
    assert (again.ok, again.text) == (False, "bob is not here (any more)")
    assert chat.submit(Kick(("#2", "nobody"))).text == "#2, nobody are not here (any more)"
    both = chat.do(Kick(("#2", "alice", "alice")))
    assert both.text == "kicked #1 alice; #2 is not here (any more)"
    many = chat.submit(Kick(tuple(f"nobody{n}" for n in range(9))))
    assert many.text == ("nobody0, nobody1, nobody2, nobody3, nobody4 and 4 more are not here "
                         "(any more)")
    alice.to_the_end()
    assert bob.to_the_end() == ["*** you were kicked: no reason given"]


def test_s13_one_can_be_kicked_while_it_floods(server: StartServer) -> None:
    chat = server(rate_limit=0.0)
    flooder, listener = chat.clients(2)
    flooder.say(*(f"line {n}" for n in range(5000)))
    futures = [chat.thread.submit(Kick((flooder.nick,), "flood")) for _ in range(5)]
    assert sum(future.result(PATIENCE).ok for future in futures) == 1
    assert flooder.to_the_end()[-1] == "*** you were kicked: flood"
    lines = listener.read_until("*** guest-1 left (kicked: flood)")
    said = [line for line in lines if line.startswith("guest-1: ")]
    assert said == [f"guest-1: line {n}" for n in range(len(said))]


# -- ban


def test_a_banned_address_is_disconnected_kept_out_and_let_in_again(chat: Server) -> None:
    victim, other = chat.client(source="127.0.0.2"), chat.client()
    did = chat.do(Ban(victim.nick, 3600, "spam"))
    assert did.text == "banned 127.0.0.2/32 for 1h; #1 guest-1 disconnected"
    assert victim.to_the_end()[-1] == "*** you were banned: spam"
    line = turned_away(chat, "127.0.0.2")
    assert line.startswith("*** error: you are banned for another ")
    assert line.endswith(": spam")
    assert chat.wait_for(Refused).peer.startswith("127.0.0.2:")
    assert other.heard() == ["*** guest-1 left (banned: spam)"]
    assert chat.do(Bans()).rows[0].startswith("127.0.0.2/32  ")
    assert chat.do(Unban("127.0.0.2")).text == "127.0.0.2/32 may come in again"
    chat.client(source="127.0.0.2").heard()
    assert chat.submit(Unban("127.0.0.2")).text.startswith("127.0.0.2/32 is not banned")


def test_a_banned_network_loses_everybody_in_it(chat: Server) -> None:
    inside = [chat.client(source=f"127.9.0.{n}") for n in (1, 2)]
    outside = chat.client()
    chat.do(Ban("127.9.0.0/16"))
    for client in inside:
        assert client.to_the_end()[-1] == "*** you were banned: no reason given"
    assert turned_away(chat, "127.9.1.1") == "*** error: you are banned"
    outside.heard()


def test_an_ipv4_client_is_the_same_through_an_ipv6_socket(server: StartServer) -> None:
    try:
        chat = server(host="::", per_address=1, trusted="127.0.0.1")
        chat.open_to_all = False
        victim, other = (Client(("127.0.0.1", chat.address[1]), source=source)
                         for source in ("127.0.0.2", "127.0.0.1"))
    except (StartError, OSError):
        pytest.skip("this machine has no IPv6, or its IPv6 sockets take no IPv4")
    with victim, other, Client(("127.0.0.1", chat.address[1])):      # trusted: more than one
        assert chat.row(victim).peer.startswith("127.0.0.2:")
        assert chat.do(Ban("#1")).text == "banned 127.0.0.2/32 for good; #1 guest-1 disconnected"
        assert victim.to_the_end()[-1] == "*** you were banned: no reason given"
        chat.do(Unban("127.0.0.2"))


def test_a_ban_of_nothing_known_is_refused(chat: Server) -> None:
    result = chat.submit(Ban("nobody"))
    assert result.text == "'nobody' is not a client here, nor an address or network"
    assert chat.do(Bans()).text == "nobody is banned"


def test_bans_survive_a_restart_and_unbans_too(server: StartServer, tmp_path: Path) -> None:
    file = str(tmp_path / "bans.json")
    first = server(ban_file=file)
    first.must_live = False
    for address, count in (("127.0.0.2", "1 ban"), ("127.0.0.3", "2 bans")):
        first.do(Ban(address, 0, "[/] \"quoted\" é"))
        assert first.do(Bans()).text == count
    first.do(Unban("127.0.0.3"))
    first.thread.close()
    second = server(ban_file=file)
    assert turned_away(second, "127.0.0.2") == '*** error: you are banned: [/] "quoted" é'
    second.client(source="127.0.0.3")


def test_a_file_of_bans_that_cannot_be_written_costs_a_warning_only(server: StartServer,
                                                                   tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    chat = server(ban_file=str(folder / "bans.json"))
    folder.rmdir()
    warning = "cannot write the ban file: No such file or directory"
    result = chat.submit(Ban("127.0.0.2"))
    assert (result.ok, result.text) == (
        False, f"banned 127.0.0.2/32 for good, but only until the server stops: {warning}")
    chat.until(lambda inside: any(warning in str(event) for event in chat.events()))
    assert turned_away(chat, "127.0.0.2") == "*** error: you are banned"


# -- mute


def test_for_how_long_is_said_to_both(chat: Server, pair: tuple[Client, Client]) -> None:
    alice, _ = pair
    assert chat.do(Mute(("alice",), 90.0)).text == f"muted #{alice.id} alice for 1m30s"
    alice.expect("*** you were muted for 1m30s: you can listen, but not speak")


def test_a_muted_client_listens_but_is_not_heard(chat: Server,
                                                 pair: tuple[Client, Client]) -> None:
    alice, bob = pair
    chat.do(Mute(("alice",)))
    alice.expect("*** you were muted: you can listen, but not speak")
    alice.say("one", "two", "/me acts", "/msg bob hello")
    assert alice.heard()[0] == "*** error: you are muted; nobody heard that"
    assert bob.heard() == []
    bob.say("can you hear me?")
    assert alice.heard() == ["bob: can you hear me?"]
    assert chat.row(alice).muted
    chat.do(Unmute(("alice",)))
    alice.expect("*** you can speak again")
    alice.say("at last")
    assert bob.heard()[-1] == "alice: at last"


def test_a_muted_client_cannot_speak_by_leaving(chat: Server,
                                                pair: tuple[Client, Client]) -> None:
    alice, bob = pair
    chat.do(Mute(("alice",)))
    alice.say("/quit and another thing")
    assert alice.to_the_end()[-1] == "*** bye"
    assert bob.heard() == ["*** alice left"]


def test_a_mute_for_a_time_ends_by_itself(chat: Server, pair: tuple[Client, Client]) -> None:
    alice, bob = pair
    clock = Clock(chat)
    chat.do(Mute(("alice",), 60))
    alice.say("not heard")
    alice.heard()
    clock.advance(61)
    alice.say("heard")
    alice.heard()
    assert bob.heard() == ["alice: heard"]


def test_who_is_not_muted_is_not_said_to_be_unmuted(chat: Server, pair: tuple[Client, Client]
                                                    ) -> None:
    alice, bob = pair
    result = chat.do(Unmute(("bob",)))
    assert (result.ok, result.text) == (True, f"#{bob.id} bob was not muted")
    chat.do(Mute(("alice",)))
    assert chat.do(Unmute(("alice", "bob", "nobody"))).text == (
        f"unmuted #{alice.id} alice; #{bob.id} bob was not muted; nobody is not here (any more)")
    assert chat.do(Unmute(("alice", "bob"))).text == (
        f"#{alice.id} alice, #{bob.id} bob were not muted")
    assert "*** you can speak again" not in bob.heard()
def test_muting_many_does_not_compare_each_with_all_others(
        chat: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = tuple([str(chat.client().id) for _ in range(20)])
    compared = 0

    def same(one: Session, other: object) -> bool:
        nonlocal compared
        compared += 1
        return one is other

    monkeypatch.setattr(Session, "__eq__", same)
    for command, said in ((Mute(ids), "muted #1 "), (Mute(ids), "were muted already"),
                          (Unmute(ids), "unmuted #1 "), (Unmute(ids), "were not muted")):
        assert said in chat.do(command).text
    assert compared <= len(ids)


