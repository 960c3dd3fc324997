"""Whose nick it is, where nodes share their accounts."""

from __future__ import annotations

from base64 import b64encode
from contextlib import ExitStack, closing

import pytest

from tests.integration.account_files import Files, irc_port, logs_in, registers, two
from tests.integration.client import Client
from tests.integration.engine import Engine, needs_engine
from tests.integration.harness import Server
from tests.integration.irc_client import IrcClient
from tests.integration.nodes import Start, sees
from tests.integration.until import until
from tests.patience import scaled

pytest.importorskip("argon2", reason="argon2-cffi is not installed")

pytestmark = [needs_engine, pytest.mark.timeout(scaled(120))]


def is_ada(client: Client, other: Server, engine: Engine) -> None:
    """It takes this nick on node a, and the other node and the engine know."""
    client.rename("ada")
    other.until(lambda chat: sees(chat, "ada"))
    until(lambda: (engine.ask("HGET", "{chatops}:nicks", "ada") or b"").startswith(b"a/"))


def owned_by_ada(node: Start, files: Files) -> tuple[Server, Server]:
    """Two nodes, on both of which there is an account ada."""
    a, b = two(node, files)
    registers(a.client(), "ada", "secret")
    until(lambda: files.find("b", "ada") is not None)
    return a, b


def test_who_logs_in_takes_the_nick_from_its_older_connection_on_another_node(
        node: Start, engine: Engine, files: Files) -> None:
    a, b = owned_by_ada(node, files)
    old = a.client()
    assert logs_in(old, "ada", "secret")
    is_ada(old, b, engine)
    new = b.client()
    new.say("/nick ada")
    new.read_until("*** error: 'ada' is taken, or looks like 'ada', on node a")
    assert logs_in(new, "ada", "secret")
    new.rename("ada")
    assert "replaced by a new connection" in old.to_the_end()[-1]
    a.until(lambda chat: sees(chat, "ada"))
    until(lambda: (engine.ask("HGET", "{chatops}:nicks", "ada") or b"").startswith(b"b/"))
    new.say("still me")
    new.expect("ada: still me")
    assert b.row(new).nick == "ada"


def test_a_stranger_on_another_node_gives_the_nick_to_its_owner(
        node: Start, engine: Engine, files: Files) -> None:
    a, b = owned_by_ada(node, files)
    stranger = a.client()
    is_ada(stranger, b, engine)
    owner = b.client()
    assert logs_in(owner, "ada", "secret")
    owner.rename("ada")
    stranger.read_until("*** ada belongs to the account ada, whose owner is here now")
    a.until(lambda chat: sees(chat, "ada"))
    assert a.row(stranger).nick == f"guest-a{stranger.id}"
    b.until(lambda chat: sees(chat, f"guest-a{stranger.id}"))
    assert b.row(owner).nick == "ada"


def free(server: Server, engine: Engine) -> None:
    """Wait until nobody is called ada, as far as this node and the engine know."""
    server.until(lambda chat: not sees(chat, "ada"))
    until(lambda: engine.ask("HGET", "{chatops}:nicks", "ada") is None)


def test_an_irc_client_comes_in_by_its_nick_and_sends_others_away_from_it(
        node: Start, engine: Engine, files: Files) -> None:
    a, b = owned_by_ada(node, files)
    port = irc_port(b)
    old = a.client()
    assert logs_in(old, "ada", "secret")
    is_ada(old, b, engine)
    secret = b64encode(b"\0ada\0secret").decode()
    with closing(IrcClient((b.address[0], port))) as new:
        new.say("CAP REQ sasl", "NICK ada", "USER ada 0 * :Ada", "AUTHENTICATE PLAIN",
                f"AUTHENTICATE {secret}", "CAP END")
        codes = [line.split(" ")[1:3] for line in new.until("376")]
        assert ["001", "ada"] in codes
        assert "replaced by a new connection" in old.to_the_end()[-1]
        new.say("NICK eve")
        new.until("NICK")
        free(a, engine)
        stranger = a.client()
        is_ada(stranger, b, engine)
        new.say("NS GHOST bob", "NS GHOST ada")
        new.read_until(lambda line: "nobody is called bob" in line)
        new.read_until(lambda line: "ada has been sent away" in line)
        assert "replaced by a new connection" in stranger.to_the_end()[-1]
        free(a, engine)
        another = a.client()
        is_ada(another, b, engine)
        new.say("NS REGAIN ada")
        new.read_until(lambda line: "ada has been sent away" in line)
        assert "replaced by a new connection" in another.to_the_end()[-1]
        a.until(lambda chat: sees(chat, "ada"))


def test_who_is_not_logged_in_sends_nobody_away(node: Start, engine: Engine, files: Files
                                                ) -> None:
    a, b = owned_by_ada(node, files)
    ada = a.client()
    is_ada(ada, b, engine)
    with closing(IrcClient((b.address[0], irc_port(b)), "eve")) as eve:
        eve.say("NS GHOST ada")
        eve.read_until(lambda line: "ada is not yours: log in to its account first" in line)
    assert a.row(ada).nick == "ada"


def test_an_account_is_an_operator_again_where_it_comes_back_on_another_node(
        node: Start, files: Files) -> None:
    a, b = two(node, files)
    with ExitStack() as stack:
        def irc(server: Server, nick: str) -> IrcClient:
            return stack.enter_context(closing(IrcClient((server.address[0], irc_port(server)),
                                                         nick)))

        ada = irc(a, "ada")
        ada.say("NS REGISTER secret")
        ada.until("900")
        ada.asked("JOIN #dev")
        b.until(lambda chat: sees(chat, "ada") and "dev" in chat.hub.rooms)
        eve = irc(b, "eve")
        eve.asked("JOIN #dev")
        until(lambda: files.find("b", "ada") is not None)
        ada.say("QUIT")
        eve.until("QUIT")
        again = irc(b, "other")
        again.say("NS IDENTIFY ada secret")
        again.until("900")
        again.say("JOIN #dev")
        assert [line.rstrip() for line in again.until("MODE")][-1] == (
            ":chatops.local MODE #dev +o other")
        assert eve.until("MODE")[-1].rstrip().endswith("MODE #dev +o other")
