"""Accounts of several nodes, each with a file of its own, are one namespace."""

from __future__ import annotations

import subprocess
from base64 import b64encode
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from chatops.accounts.store import Account, AccountStore
from chatops.api.events import Warned
from chatops.cluster.shared_accounts import PORTION
from tests.integration.client import Client
from tests.integration.engine import Engine, needs_engine
from tests.integration.harness import PYTHON, Server
from tests.integration.irc_client import IrcClient
from tests.integration.nodes import Start, known, of, sees, up
from tests.integration.until import until
from tests.patience import scaled

pytest.importorskip("argon2", reason="argon2-cffi is not installed")

pytestmark = [needs_engine, pytest.mark.timeout(scaled(120))]

HASH = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA"


class Files:
    """One for each node."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def of(self, node: str) -> str:
        return str(self._directory / f"{node}.db")

    def all(self, node: str) -> list[Account]:
        with closing(AccountStore(self.of(node))) as store:
            return store.all()

    def find(self, node: str, name: str) -> Account | None:
        with closing(AccountStore(self.of(node))) as store:
            return store.find(name)

    def add(self, node: str, *names: str) -> None:
        with closing(AccountStore(self.of(node))) as store:
            for name in names:
                store.add(name, HASH)

    def cli(self, node: str, *words: str, password: str = "") -> None:
        """`chatops account …`, by a process of its own."""
        subprocess.run([PYTHON, "-m", "chatops", "account", *words, "--accounts", self.of(node)],
                       input=f"{password}\n".encode(), check=True, capture_output=True)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def begin(node: Start, files: Files, name: str, knows: int = 0) -> Server:
    return node(name, knows=knows, accounts=files.of(name), registration="on", irc_port=0)


def irc_port(server: Server) -> int:
    return server.call(lambda: server.chat.intake.irc_port)


def two(node: Start, files: Files) -> tuple[Server, Server]:
    a, b = begin(node, files, "a"), begin(node, files, "b", 1)
    a.until(lambda chat: known(chat) == {"b"})
    return a, b


def end(node: Server) -> None:
    node.must_live = False
    node.thread.close()


def logs_in(client: Client, name: str, password: str) -> bool:
    client.say(f"/login {name} {password}")
    answers = (f"*** you are logged in as {name}",
               "*** error: the name or the password is wrong")
    return client.read_until(lambda line: line in answers)[-1] == answers[0]


def registers(client: Client, name: str, password: str) -> None:
    client.say(f"/register {name} {password}")
    client.read_until(f"*** you are logged in as {name}")


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


# -- whose nick it is


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
