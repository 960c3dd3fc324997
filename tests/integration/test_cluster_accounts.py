"""Accounts of several nodes, each with a file of its own, are one namespace."""

from __future__ import annotations

from contextlib import closing

import pytest

from chatops.accounts.store import AccountStore
from chatops.api.events import Warned
from chatops.cluster.shared_accounts import PORTION
from tests.integration.account_files import Files, begin, end, logs_in, registers, two
from tests.integration.engine import Engine, needs_engine
from tests.integration.nodes import Start, known, of, up
from tests.integration.until import until
from tests.patience import scaled

pytest.importorskip("argon2", reason="argon2-cffi is not installed")

pytestmark = [needs_engine, pytest.mark.timeout(scaled(120))]


def test_who_has_registered_on_one_node_logs_in_on_another(node: Start, files: Files) -> None:
    a, b = two(node, files)
    registers(a.client(), "ada", "secret")
    until(lambda: files.find("b", "ada") is not None)
    assert logs_in(b.client(), "ada", "secret")
    late = b.client()
    late.say("/register Ada another")
    late.read_until("*** error: there is an account Ada already")


def test_what_the_command_line_changes_in_one_file_holds_on_all(node: Start, files: Files
                                                                ) -> None:
    files.cli("a", "add", "ada", password="old")       # before they start
    a, b = two(node, files)
    until(lambda: files.find("b", "ada") is not None)
    before = files.find("a", "ada")
    assert before is not None
    files.cli("b", "passwd", "ada", password="new")    # and while they run
    until(lambda: (files.find("a", "ada") or before).hash != before.hash)
    client = a.client()
    assert not logs_in(client, "ada", "old")
    assert logs_in(client, "ada", "new")
    files.cli("a", "fingerprint", "add", "ada", "ab" * 32)
    with closing(AccountStore(files.of("b"))) as store:
        until(lambda: store.certificates() == [("ab" * 32, "ada")])
    files.cli("b", "remove", "ada")
    until(lambda: files.find("a", "ada") is None)
    assert not logs_in(b.client(), "ada", "new")


def test_whose_account_is_removed_is_logged_out_on_every_node(node: Start, files: Files) -> None:
    a, b = two(node, files)
    here = a.client()
    here.rename("kim")
    registers(here, "kim", "secret")
    until(lambda: files.find("b", "kim") is not None)
    there = b.client()
    assert logs_in(there, "kim", "secret")
    files.cli("b", "remove", "kim")
    for client in (here, there):
        client.read_until("*** the account kim was removed: you are not logged in any more")
    here.read_until(f"*** kim is now guest-a{here.id}")


def test_one_that_was_removed_while_a_node_was_away_is_gone_there_when_it_is_back(
        node: Start, files: Files) -> None:
    files.add("a", "ada", "bob")
    a, b = two(node, files)
    until(lambda: len(files.all("b")) == 2)
    end(b)
    a.until(lambda chat: not known(chat))
    files.cli("a", "remove", "ada")
    until(lambda: files.find("a", "ada") is None)
    end(a)                             # the engine remembers it, whoever has ended
    begin(node, files, "a")
    begin(node, files, "b", 1)
    until(lambda: files.find("b", "ada") is None)
    assert files.find("b", "bob") is not None
    assert files.find("a", "ada") is None


def test_a_node_with_an_empty_file_gets_all_of_them(node: Start, files: Files) -> None:
    names = [f"user{number}" for number in range(2 * PORTION + 20)]
    files.add("a", *names)
    files.add("b", "bob")
    two(node, files)
    begin(node, files, "c", 2)
    until(lambda: [len(files.all(name)) for name in ("a", "b", "c")] == [len(names) + 1] * 3)


def test_an_engine_that_has_lost_them_is_told_again(node: Start, engine: Engine, files: Files
                                                    ) -> None:
    a, b = two(node, files)
    registers(a.client(), "ada", "secret")
    until(lambda: engine.ask("HLEN", "{chatops}:accounts") == 1)
    engine.kill()
    for server in (a, b):
        server.until(lambda chat: not up(chat))
    registers(b.client(), "bob", "secret")     # it cannot be told now
    engine.start()
    until(lambda: engine.ask("HLEN", "{chatops}:accounts") == 2)
    until(lambda: files.find("a", "bob") is not None)


def test_nodes_that_share_a_file_tell_a_third(node: Start, engine: Engine, files: Files) -> None:
    a, b = begin(node, files, "a"), node("b", knows=1, accounts=files.of("a"), registration="on")
    begin(node, files, "c", 2)
    registers(a.client(), "ada", "secret")
    registers(b.client(), "bob", "secret")
    files.cli("a", "add", "eve", password="secret")
    until(lambda: [account.name for account in files.all("c")] == ["ada", "bob", "eve"])
    files.cli("c", "remove", "ada")
    until(lambda: [account.name for account in files.all("a")] == ["bob", "eve"])
    until(lambda: engine.ask("HLEN", "{chatops}:accounts") == 3)


def test_of_two_that_were_made_while_nodes_were_apart_the_older_holds(
        node: Start, engine: Engine, files: Files) -> None:
    a, b = two(node, files)
    engine.kill()
    for server in (a, b):
        server.until(lambda chat: not up(chat))
    ada = a.client()
    registers(ada, "ada", "hers")
    other = b.client()
    registers(other, "ada", "another's")
    engine.start()
    other.read_until("*** the account ada was somebody else's before, on another node: you are "
                     "not logged in any more")
    assert "another's before" in b.wait_for(Warned).text
    assert not logs_in(other, "ada", "another's")
    assert logs_in(other, "ada", "hers")
    assert a.call(lambda: [session.sender.account for session in a.chat.hub.sessions.values()]
                  ) == ["ada"]


def test_who_has_the_nick_of_an_account_that_is_made_elsewhere_is_asked_to_log_in(
        node: Start, files: Files) -> None:
    _, b = two(node, files)
    stranger = b.client()
    stranger.rename("ada")
    files.cli("a", "add", "ada", password="secret")
    stranger.read_until("*** ada belongs to an account: log in within 30s, or you will be a guest")


def test_what_somebody_has_written_there_is_said_and_does_nothing(
        node: Start, engine: Engine, files: Files) -> None:
    engine.ask("HSET", "{chatops}:accounts", "ada", "junk", "x\xff", "9" * 10_000)
    a = begin(node, files, "a")
    assert "not read or told" in a.wait_for(Warned).text
    assert files.all("a") == []
    registers(a.client(), "ada", "secret")
    until(lambda: engine.ask("HGET", "{chatops}:accounts", "ada") != b"junk")


def test_a_node_without_accounts_does_not_mind(node: Start, files: Files) -> None:
    a, b = begin(node, files, "a"), node("b", knows=1)
    registers(a.client(), "ada", "secret")
    a.until(lambda chat: known(chat) == {"b"})
    other = b.client()
    other.say("/login ada secret")
    other.read_until("*** error: there are no accounts here")
    assert b.call(lambda: of(b.chat).arrivals.bad) == 0
