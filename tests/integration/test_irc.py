"""IRC over real sockets: both doors of one server, its deadlines, TLS, accounts, and irssi."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chatops.accounts.store import AccountStore
from chatops.api.commands import Broadcast, Kick
from chatops.api.events import ServerStarted
from chatops.server.keepalive import GRAIN, PONG, QUIET, REGISTER
from chatops.server.reservations import GRACE
from chatops.system.errors import StartError
from tests.integration.certificates import Authority
from tests.integration.harness import Clock, Served, Server
from tests.integration.irc_client import IrcClient, newcomers
from tests.integration.terminal import Terminal
from tests.patience import PATIENCE


@pytest.fixture
def chat(server: Callable[..., Server]) -> Server:
    return server(irc_port=0, rate_limit=0.0)


@pytest.fixture
def come(chat: Server) -> Iterator[Callable[..., IrcClient]]:
    """A client by the IRC door."""
    with newcomers(chat) as come:
        yield come


def test_both_doors_lead_into_one_room(chat: Server, come: Callable[..., IrcClient]) -> None:
    nc = chat.client()
    ada = come("ada")
    assert "JOIN #lobby" in " ".join(ada.asked("JOIN #lobby"))
    nc.expect("*** ada joined")
    nc.say("hello")
    assert ada.until("PRIVMSG")[-1].rstrip("\r").endswith("PRIVMSG #lobby :hello")
    ada.say("PRIVMSG #lobby :hi there")
    nc.expect("ada: hi there")


def test_a_kick_and_a_broadcast_are_told_in_its_tongue(chat: Server,
                                                       come: Callable[..., IrcClient]) -> None:
    ada = come("ada")
    chat.thread.submit(Broadcast("tea is ready")).result(PATIENCE)
    assert ada.until("NOTICE")[-1].rstrip("\r").endswith("NOTICE ada :tea is ready")
    chat.thread.submit(Kick(("ada",), "too loud")).result(PATIENCE)
    lines = [line.rstrip("\r") for line in ada.to_the_end()]
    assert lines[0].startswith(":admin!admin@chatops.local KILL ada :")
    assert lines[-1] == "ERROR :Closing Link: localhost (you were kicked: too loud)"


def test_when_the_server_ends_everybody_hears_that_and_of_nobody_else_who_goes(
        chat: Server, come: Callable[..., IrcClient]) -> None:
    people = [come(f"p{number}x") for number in range(5)]
    for person in people:
        person.asked("JOIN #lobby,#tea")
    for person in people:
        person.asked()
    chat.must_live = False
    chat.call(lambda: chat.chat.drain(PATIENCE, lambda: None))
    for person in people:
        assert [line.rstrip() for line in person.to_the_end()] == [
            "ERROR :Closing Link: localhost (the server is shutting down; bye)"]


def test_who_is_silent_is_asked_and_who_does_not_answer_is_gone(
        chat: Server, come: Callable[..., IrcClient]) -> None:
    clock = Clock(chat)
    ada, eve = come("ada"), come("eve")
    clock.advance(QUIET + GRAIN)
    assert ada.until("PING")
    ada.say("PONG :chatops.local")
    ada.asked()
    clock.advance(PONG + GRAIN)
    assert "Ping timeout" in eve.to_the_end()[-1]
    assert ada.asked() == []


def test_who_never_says_its_name_is_let_go(chat: Server, come: Callable[..., IrcClient]) -> None:
    clock = Clock(chat)
    nobody = come()
    nobody.say("CAP LS 302")
    nobody.until("CAP")
    clock.advance(REGISTER + GRAIN)
    assert "Registration timed out" in nobody.to_the_end()[-1]


def test_an_irc_client_at_the_port_for_lines_is_told_where_to_go(chat: Server) -> None:
    port = chat.call(lambda: chat.chat.intake.irc_port)
    stray = chat.client()
    stray.send(b"CAP LS 302\r\nNICK ada\r\n")
    assert stray.to_the_end()[0].rstrip("\r").endswith(f"IRC is on port {port}")


def test_one_that_says_who_it_is_in_two_sends_is_told_so_too(chat: Server) -> None:
    port = chat.call(lambda: chat.chat.intake.irc_port)
    stray = chat.client()
    stray.send(b"NICK ada\r\n")
    stray.read_until(lambda line: line.endswith(": NICK ada"))     # for all we know it is talk
    stray.send(b"USER ada 0 * :Ada\r\n")
    assert stray.to_the_end()[0].rstrip("\r").endswith(f"IRC is on port {port}")


def test_who_speaks_of_nicks_is_no_irc_client(chat: Server) -> None:
    nc = chat.client()
    nc.rename("ada")
    for line in ("NICK is a nice name", "NICK bob", "USER a b c d"):
        nc.say(line)
        nc.expect(f"ada: {line}")


def test_a_console_shows_who_came_by_which_door(chat: Server, come: Callable[..., IrcClient]
                                                ) -> None:
    chat.client()
    ada = come()
    ada.say("CAP REQ :batch server-time", "CAP END", "NICK ada", "USER ada 0 * :Ada")
    ada.until("376")
    rows = chat.call(lambda: chat.thread.survey.build().clients)
    assert [(row.protocol, row.capabilities) for row in rows] == [
        ("line", ()), ("irc", ("batch", "server-time"))]


def test_a_slow_reader_is_evicted_with_an_error_and_others_lose_nothing(
        server: Callable[..., Server]) -> None:
    chat = server(irc_port=0, rate_limit=0.0, outbox=1 << 16, sndbuf=4096)
    port = chat.call(lambda: chat.chat.intake.irc_port)
    deaf = IrcClient((chat.address[0], port), "deaf", rcvbuf=4096)
    ada = IrcClient((chat.address[0], port), "ada")
    bob = IrcClient((chat.address[0], port), "bob")
    try:
        for one in (deaf, ada, bob):
            one.asked("JOIN #tea")
        ada.asked()
        for begin in range(0, 1500, 50):
            ada.asked(*[f"PRIVMSG #tea :{n} {'x' * 300}" for n in range(begin, begin + 50)])
            said = [line for line in bob.asked() if "PRIVMSG" in line]
            assert [int(line.split(":")[2].split(" ")[0]) for line in said] == [
                *range(begin, begin + 50)]
        assert "queue full" in deaf.to_the_end()[-1]
    finally:
        for one in (deaf, ada, bob):
            one.close()


def test_every_line_of_a_whisper_counts(chat: Server, come: Callable[..., IrcClient]) -> None:
    ada = come("ada")
    writer = chat.client()

    def told() -> int:
        return next(row.lines_out for row in chat.snapshot().clients if row.nick == "ada")

    before = told()
    for _ in range(3):
        writer.say("/msg ada " + "y" * 3900)
    writer.say("/msg ada last")
    heard = ada.read_until(lambda line: line.rstrip("\r").endswith(" :last"))
    assert len(heard) > 20
    assert told() - before == len(heard)


def test_irc_over_tls(server: Callable[..., Server], authority: Authority, pem: Path) -> None:
    chat = server(irc_tls_port=0, tls_cert=str(pem))
    chat.trust = authority.trust
    port = chat.call(lambda: chat.chat.intake.irc_port)
    started = chat.wait_for(ServerStarted)
    assert (started.irc, started.irc_tls) == (0, port)
    with IrcClient((chat.address[0], port), "ada", trust=authority.trust) as ada:
        assert ada.asked("PRIVMSG ada :to myself")[0].endswith("PRIVMSG ada :to myself")


def test_the_selectors_map_tells_what_is_spoken_at_each_port(
        server: Callable[..., Server], authority: Authority, pem: Path) -> None:
    chat = server(irc_port=0, irc_tls_port=0, tls_cert=str(pem))
    chat.trust = authority.trust
    ports = {tls: port for port, tls in chat.call(lambda: chat.chat.irc_ports)}
    data = {key.data for key in chat.snapshot().keys if key.type == "listener"}
    assert data == {f"{chat.address[1]} lines-TLS", f"{ports[False]} IRC", f"{ports[True]} IRC-TLS"}


def test_who_comes_without_tls_is_told_where_there_is(
        server: Callable[..., Server], authority: Authority, pem: Path) -> None:
    chat = server(irc_port=0, irc_tls_port=0, tls_cert=str(pem), irc_sts=60.0)
    chat.trust = authority.trust
    plain, tls = chat.call(lambda: [listener.sock.getsockname()[1] for listener
                                   in chat.chat.irc_listeners])
    started = chat.wait_for(ServerStarted)
    assert (started.irc, started.irc_tls, started.tls) == (plain, tls, True)
    with IrcClient((chat.address[0], plain)) as ada:
        assert f"sts=port={tls}" in ada.asked("CAP LS 302")[0].split()
    with IrcClient((chat.address[0], tls), trust=authority.trust) as ada:
        assert "sts=duration=60" in ada.asked("CAP LS 302")[0].split()


def test_a_policy_of_tls_without_a_port_for_it_is_refused(server: Callable[..., Server]) -> None:
    with pytest.raises(StartError, match="--irc-sts needs --irc-tls-port"):
        server(irc_port=0, irc_sts=60.0)


def test_an_account_made_on_the_command_line_logs_in_by_either_door(
        served: Callable[..., Served], tmp_path: Path) -> None:
    pytest.importorskip("argon2")
    file = tmp_path / "accounts"
    for name, password in (("ada", "sésame x"), ("bob", "other")):
        subprocess.run([sys.executable, "-m", "chatops", "account", "add", "--accounts",
                        file, name],
                       input=f"{password}\n".encode(), check=True, capture_output=True)
    chat = served("--irc-port", "0", "--accounts", str(file))
    line = chat.wait_for_line(r"IRC on (\d+)")
    with IrcClient((chat.address[0], int(line[1]))) as ada:
        secret = b64encode("\0ada\0sésame x".encode()).decode()
        ada.say("CAP REQ sasl", "NICK ada", "USER ada 0 * :Ada", "AUTHENTICATE PLAIN",
                f"AUTHENTICATE {secret}", "CAP END")
        codes = [line.split(" ")[1] for line in ada.until("376")]
        assert codes.index("900") < codes.index("903") < codes.index("001")
    nc = chat.client()
    nc.say("/login bob wrong", "/login bob other", "after")
    lines = nc.read_until(f"{nc.nick}: after")
    assert lines[-4:-1] == ["*** error: the name or the password is wrong",
                            "*** you are logged in as bob",
                            f"*** you are called {nc.nick} still: /nick bob takes the nick"]
    assert not [line for line in chat.lines if "other" in line or "sésame" in line]


def test_the_nick_of_an_account_is_lent_to_others_for_a_while_only(
        server: Callable[..., Server], tmp_path: Path) -> None:
    argon2 = pytest.importorskip("argon2")
    file = str(tmp_path / "accounts")
    with closing(AccountStore(file)) as store:
        store.add("Ada", argon2.PasswordHasher(1, 8, 1).hash("sesame"))
    chat = server(irc_port=0, accounts=file, rate_limit=0.0)
    port = chat.call(lambda: chat.chat.intake.irc_port)
    nc = chat.client()
    clock = Clock(chat)
    with (IrcClient((chat.address[0], port), "ada") as stranger,
          IrcClient((chat.address[0], port), "bob") as bob):
        assert "belongs to an account" in stranger.until("NOTICE")[-1]
        bob.asked("JOIN #lobby")
        clock.advance(GRACE)
        assert "NICK guest-" in stranger.until("NICK")[-1]
        said = stranger.until("NOTICE")[-1].rstrip()
        assert said.endswith(f":you have not logged in as ada: you are {said.split(' ')[2]} now")
        nc.say("/nick ada")
        nc.read_until(lambda line: "belongs to an account" in line)
        nc.say("/login ada sesame")
        nc.expect("*** you are logged in as Ada")
        assert chat.row(nc).account == "Ada"
        clock.advance(GRACE)
        nc.say("still here")
        nc.expect("ada: still here")
        assert chat.row(nc).nick == "ada"


def test_who_is_silent_from_its_login_on_is_asked_like_anybody(
        server: Callable[..., Server], tmp_path: Path) -> None:
    argon2 = pytest.importorskip("argon2")
    file = str(tmp_path / "accounts")
    with closing(AccountStore(file)) as store:
        store.add("ada", argon2.PasswordHasher(1, 8, 1).hash("sesame"))
    chat = server(irc_port=0, accounts=file)
    clock = Clock(chat)
    with IrcClient((chat.address[0], chat.call(lambda: chat.chat.intake.irc_port))) as ada:
        secret = b64encode(b"\0ada\0sesame").decode()
        ada.say("CAP REQ sasl", "NICK ada", "USER ada 0 * :Ada", "AUTHENTICATE PLAIN",
                f"AUTHENTICATE {secret}", "CAP END")       # at once: what follows is held
        ada.until("376")
        for seconds in (REGISTER, QUIET):
            clock.advance(seconds + GRAIN)
        assert ada.until("PING")
        clock.advance(PONG + GRAIN)
        assert "Ping timeout" in ada.to_the_end()[-1]


def test_what_was_said_is_there_after_a_restart(served: Callable[..., Served], tmp_path: Path
                                                ) -> None:
    file = tmp_path / "history.db"
    for number in (1, 2):
        chat = served("--irc-port", "0", "--history", str(file))
        port = int(chat.wait_for_line(r"IRC on (\d+)")[1])
        with IrcClient((chat.address[0], port)) as ada:
            ada.say("CAP REQ :batch server-time message-tags draft/chathistory echo-message",
                    "CAP END", "NICK ada", "USER ada 0 * :Ada")
            ada.until("376")
            ada.say("JOIN #tea", f"PRIVMSG #tea :said by {number}",
                    "CHATHISTORY LATEST #tea * 10", "PING :fence")
            heard = [line.rstrip("\r") for line in ada.until("PONG")]
        begin = next(n for n, line in enumerate(heard) if "BATCH +" in line)
        said = [line.rpartition(":")[2] for line in heard[begin:] if "PRIVMSG" in line]
        assert said == [f"said by {n}" for n in range(1, number + 1)]
        chat.must_live = False
        chat.signal(signal.SIGTERM)
        assert chat.status() == 0


@pytest.mark.skipif(shutil.which("irssi") is None, reason="irssi is not installed")
def test_irssi_and_nc_talk(chat: Server, tmp_path: Path) -> None:
    port = chat.call(lambda: chat.chat.intake.irc_port)
    nc = chat.client()
    arguments = ["irssi", f"--home={tmp_path}/irssi", "-c", chat.address[0], "-p", str(port),
                 "-n", "ada"]
    terminal = Terminal("-c", f"import os; os.execvp('irssi', {arguments!r})", cwd=tmp_path)
    try:
        terminal.until(lambda: "End of MOTD" in terminal.text or "two tongues" in terminal.text)
        terminal.type("/join #lobby\r")
        nc.expect("*** ada joined")
        nc.say("hello from nc")
        terminal.until(lambda: "hello from nc" in terminal.text)
        terminal.type("hello from irssi\r")
        nc.expect("ada: hello from irssi")
        terminal.type("/quit\r")
        terminal.process.wait(PATIENCE)
    finally:
        terminal.close()
