"""Logging in to IRC with a certificate (SASL EXTERNAL), over real TLS."""

from __future__ import annotations

import ssl
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from chatops.accounts.store import AccountStore
from chatops.api import events
from chatops.api.commands import Reload
from chatops.system.errors import StartError
from tests.integration.certificates import Authority
from tests.integration.harness import Server
from tests.integration.irc_client import IrcClient
from tests.patience import PATIENCE

pytest.importorskip("argon2")


class Rig:
    """A server that asks for certificates of `authority`, and accounts for ada and bob."""

    def __init__(self, server: Callable[..., Server], authority: Authority, pem: Path,
                 tmp_path: Path) -> None:
        self.file = tmp_path / "accounts"
        self.trusted = tmp_path / "clients.pem"
        authority.write_trust(self.trusted)
        with closing(AccountStore(str(self.file))) as store:
            for name in ("Ada", "bob"):
                store.add(name, "no hash")
        self.chat = server(irc_tls_port=0, tls_cert=str(pem), accounts=str(self.file),
                           irc_client_ca=str(self.trusted))
        self.chat.trust = authority.trust
        self.port = self.chat.call(lambda: self.chat.chat.intake.irc_port)

    def come(self, context: ssl.SSLContext) -> IrcClient:
        return IrcClient((self.chat.address[0], self.port), trust=context)

    def fingerprint(self, *words: str) -> str:
        """`chatops account fingerprint`"""
        done = subprocess.run(
            [sys.executable, "-m", "chatops", "account", "fingerprint", words[0], "--accounts",
             str(self.file), *words[1:]], capture_output=True, text=True, check=False,
            timeout=PATIENCE)
        return done.stdout + done.stderr


@pytest.fixture
def rig(server: Callable[..., Server], authority: Authority, pem: Path, tmp_path: Path) -> Rig:
    return Rig(server, authority, pem, tmp_path)


HELLO = ("CAP LS 302", "CAP REQ sasl", "NICK ada", "USER ada 0 * :Ada")


def log_in(ada: IrcClient, response: str = "+") -> list[str]:
    """The codes of what it hears after its attempt."""
    ada.say(*HELLO, "AUTHENTICATE EXTERNAL", f"AUTHENTICATE {response}", "CAP END")
    return [line.split(" ")[1] for line in ada.until("376") if line.startswith(":")]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("name", ["", "ADA"])
def test_a_certificate_logs_in_to_its_account(
        rig: Rig, authority: Authority, name: str, version: ssl.TLSVersion) -> None:
    context, fingerprint = authority.client()
    context.maximum_version = version
    assert "logs in to ada now" in rig.fingerprint("add", "ada", fingerprint.upper())
    assert rig.fingerprint("list") == f"{fingerprint} Ada\n"
    with rig.come(context) as ada:
        codes = log_in(ada, b64encode(name.encode()).decode() or "+")
        assert codes.index("900") < codes.index("903") < codes.index("001")
        assert "330 ada ada Ada" in " ".join(ada.asked("WHOIS ada"))
        assert fingerprint in " ".join(ada.asked("WHOIS ada"))
    rig.fingerprint("remove", fingerprint)
    with rig.come(context) as ada:
        assert "904" in log_in(ada)


@pytest.mark.parametrize(("bound", "response", "why"), [
    ("", "+", "no account has this certificate"),
    ("ada", b64encode(b"bob").decode(), "this certificate is of another account")])
def test_a_certificate_that_is_nobodys_or_anothers_is_refused_and_the_client_stays(
        rig: Rig, authority: Authority, bound: str, response: str, why: str) -> None:
    context, fingerprint = authority.client()
    if bound:
        rig.fingerprint("add", bound, fingerprint)
    with rig.come(context) as ada:
        ada.say(*HELLO, "AUTHENTICATE EXTERNAL", f"AUTHENTICATE {response}", "CAP END")
        heard = ada.until("376")
        assert [line.rstrip("\r").endswith(f"failed: {why}") for line in heard
                if " 904 " in line] == [True]
        assert not ada.asked("WHOIS ada")[0].count("330")


def test_who_has_no_certificate_comes_in_and_is_not_offered_it(rig: Rig, authority: Authority
                                                              ) -> None:
    context, _ = authority.client()
    with rig.come(authority.trust) as bob, rig.come(context) as ada:
        for client, offered in ((bob, "sasl=PLAIN"), (ada, "sasl=PLAIN,EXTERNAL")):
            assert offered in client.asked("CAP LS 302")[0].split()
        bob.say(*HELLO, "AUTHENTICATE EXTERNAL", "CAP END")
        assert {"908", "904", "001"} <= {line.split(" ")[1] for line in bob.until("376")}


def test_a_certificate_that_nobody_vouches_for_ends_the_handshake(rig: Rig, authority: Authority
                                                                  ) -> None:
    stranger, _ = Authority().client()
    authority.write_trust(rig.trusted)
    stranger.load_verify_locations(rig.trusted)
    with pytest.raises((ssl.SSLError, ConnectionError)), rig.come(stranger) as eve:
        eve.sock.recv(1)
    failed = rig.chat.wait_for(events.HandshakeFailed)
    assert failed.reason == "nobody here vouches for its certificate"
    with rig.come(authority.trust) as ada:
        assert ada.asked("CAP LS 302")


def test_a_reload_reads_the_file_of_those_who_vouch_again(rig: Rig, authority: Authority) -> None:
    other = Authority()
    context, fingerprint = other.client()
    context.load_verify_locations(rig.trusted)
    other.write_trust(rig.trusted)
    assert rig.chat.submit(Reload()).ok
    rig.fingerprint("add", "bob", fingerprint)
    with rig.come(context) as bob:
        assert "903" in log_in(bob)
    rig.trusted.write_text("nothing")
    refused = rig.chat.submit(Reload())
    assert not refused.ok
    assert "no certificate in it" in refused.text
    with rig.come(context) as bob:
        assert "903" in log_in(bob)


def test_what_it_needs_is_named_at_the_start(server: Callable[..., Server], pem: Path,
                                             tmp_path: Path) -> None:
    for settings, lacking in (({}, "--irc-tls-port"), ({"irc_tls_port": 0}, "--tls-cert"),
                              ({"irc_tls_port": 0, "tls_cert": str(pem)}, "--accounts")):
        with pytest.raises(StartError, match=f"--irc-client-ca needs {lacking}"):
            server(irc_client_ca=str(pem), **settings)
    empty = tmp_path / "empty"
    empty.write_text("")
    with pytest.raises(StartError, match="no certificate in it"):
        server(irc_client_ca=str(empty), irc_tls_port=0, tls_cert=str(pem),
               accounts=str(tmp_path / "accounts"))
