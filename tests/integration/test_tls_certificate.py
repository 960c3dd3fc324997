"""tests/FAULTS.md, TLS (T06): which certificate is shown, and what is refused as one."""

from __future__ import annotations

import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
import trustme
from click.testing import CliRunner
from cryptography.hazmat.primitives import serialization

from chatops.api.commands import Reload
from chatops.api.events import AdminDid
from chatops.cli import main
from chatops.net.tls import CertificateError, load
from chatops.server import certificates as certificate_module
from tests.integration.certificates import Authority, Hand
from tests.integration.client import Client
from tests.integration.harness import Served, Server, environment
from tests.patience import PATIENCE, scaled

StartServer = Callable[..., Server]
StartServed = Callable[..., Served]

STAYS = "; the old certificate stays"


def shown_to(client: Client) -> bytes:
    """The certificate that the server has shown to this one."""
    assert isinstance(client.sock, ssl.SSLSocket)
    shown = client.sock.getpeercert(binary_form=True)
    assert shown is not None
    return shown


def talks(client: Client, text: str) -> None:
    client.say(text)
    client.expect(f"{client.nick}: {text}")


def refused(*flags: str, cwd: Path) -> str:
    """The one line with which `chatops serve` ends."""
    done = subprocess.run([sys.executable, "-m", "chatops", "serve", "--port", "0", *flags],
                          cwd=cwd, env=environment(), stdin=subprocess.DEVNULL, text=True,
                          capture_output=True, timeout=scaled(20.0), check=False)
    assert (done.returncode, done.stdout) == (1, "")
    line, _, rest = done.stderr.partition("\n")
    assert rest == ""
    return line.removeprefix("chatops: ")


# -- at the start


def test_the_key_may_be_in_a_file_of_its_own(served: StartServed, authority: Authority,
                                             tmp_path: Path) -> None:
    certificate, key = tmp_path / "server.crt", tmp_path / "server.key"
    authority.write(certificate, key)
    chat = served("--tls-cert", str(certificate), "--tls-key", str(key))
    chat.trust = authority.trust
    chat.wait_for_line(r"listening on .* \(\w+, TLS\)")
    talks(chat.client(), "hello")


def test_a_key_without_a_certificate_is_refused(tmp_path: Path) -> None:
    assert refused("--tls-key", "k.pem", cwd=tmp_path) == (
        "--tls-key is a key without a certificate; name one with --tls-cert")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert refused("--tls-cert", "c.pem", cwd=tmp_path) == "c.pem: No such file or directory"


def test_the_key_of_another_certificate_is_refused(authority: Authority, tmp_path: Path) -> None:
    authority.write(tmp_path / "a.crt", tmp_path / "a.key")
    authority.write(tmp_path / "b.crt", tmp_path / "b.key")
    assert refused("--tls-cert", "a.crt", "--tls-key", "b.key", cwd=tmp_path) == (
        "b.key: the key is not that of the certificate")


def test_a_key_of_another_kind_than_the_certificate_is_refused_as_such(tmp_path: Path) -> None:
    authority = trustme.CA()
    for name, kind in (("rsa", trustme.KeyType.RSA), ("ec", trustme.KeyType.ECDSA)):
        issued = authority.issue_cert("localhost", key_type=kind)
        issued.cert_chain_pems[0].write_to_path(tmp_path / f"{name}.crt")
        issued.private_key_pem.write_to_path(tmp_path / f"{name}.key")
    for certificate, key in (("rsa", "ec"), ("ec", "rsa")):
        with pytest.raises(CertificateError, match=r"key: the key is not that of the certificate"):
            load(str(tmp_path / f"{certificate}.crt"), str(tmp_path / f"{key}.key"))


def test_what_is_no_certificate_is_refused_with_the_reason(authority: Authority, tmp_path: Path
                                                           ) -> None:
    certificate, key = tmp_path / "server.crt", tmp_path / "server.key"
    authority.write(certificate, key)
    with pytest.raises(CertificateError) as alone:
        load(str(certificate))
    assert str(alone.value) == f"{certificate}: there is no private key in it, in PEM"
    with pytest.raises(CertificateError) as swapped:
        load(str(key), str(certificate))
    assert str(swapped.value) == f"{key}: there is no certificate in it, in PEM"
    with pytest.raises(CertificateError) as folder:
        load(str(tmp_path))
    assert str(folder.value) == f"{tmp_path}: Is a directory"
    text = certificate.read_text("ascii")
    for cut in (len(text) // 2, len("-----BEGIN CERTIFICATE-----")):
        certificate.write_text(text[:cut], "ascii")
        with pytest.raises(CertificateError) as half:
            load(str(certificate), str(key))
        assert str(half.value) == f"{certificate}: it is damaged, and cannot be read as PEM"
    certificate.write_text(text.replace(text[100:140], "A" * 40), "ascii")
    with pytest.raises(CertificateError) as broken:
        load(str(certificate), str(key))
    assert str(broken.value).startswith(f"{certificate}: ")
    assert "\n" not in str(broken.value)


def test_an_encrypted_key_is_refused_and_nobody_is_asked_for_its_password(tmp_path: Path) -> None:
    made = trustme.CA().issue_cert("127.0.0.1")
    key = serialization.load_pem_private_key(made.private_key_pem.bytes(), None)
    locked = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                               serialization.BestAvailableEncryption(b"secret"))
    path = tmp_path / "server.pem"
    path.write_bytes(locked + made.cert_chain_pems[0].bytes())
    assert refused("--tls-cert", str(path), cwd=tmp_path).startswith(
        "the private key is encrypted; ")


# -- while it runs


def test_t06_a_new_certificate_is_for_new_clients_and_the_others_stay(
        secure: StartServer, authority: Authority, pem: Path) -> None:
    chat = secure()
    before = chat.client()
    authority.write(pem)
    assert shown_to(chat.client()) == shown_to(before)     # not before it is asked for
    result = chat.do(Reload())
    assert result.text == f"new connections get what {pem} holds now"
    after = chat.client()
    assert shown_to(after) != shown_to(before)
    talks(before, "still here")
    after.expect(f"{before.nick}: still here")


@pytest.mark.parametrize(("content", "why"), [
    ("", "there is no certificate in it, in PEM"),
    (None, "No such file or directory"),
])
def test_t06_a_bad_one_is_refused_and_the_old_one_kept(
        secure: StartServer, authority: Authority, pem: Path, content: str | None,
        why: str) -> None:
    chat = secure()
    before = chat.client()
    if content is None:
        pem.unlink()
    else:
        pem.write_text(content, "ascii")
    result = chat.submit(Reload())
    assert (result.ok, result.text) == (False, f"{pem}: {why}{STAYS}")
    did = chat.wait_for(AdminDid)
    assert (did.line, did.ok, did.outcome) == ("reload", False, result.text)
    assert shown_to(chat.client()) == shown_to(before)


def test_t06_a_handshake_under_way_goes_on_with_the_old_one(
        secure: StartServer, authority: Authority, pem: Path) -> None:
    chat = secure()
    before = chat.client()
    hand = Hand(authority.trust)
    hello = hand.shake()
    with socket.create_connection(chat.address, PATIENCE) as sock:
        sock.sendall(hello[:100])
        chat.until(lambda chat: chat.acceptor.handshakes)
        authority.write(pem)
        chat.do(Reload())
        sock.sendall(hello[100:])
        hand.shake(sock.recv(1 << 16))
        assert hand.tls.getpeercert(binary_form=True) == shown_to(before)


def test_t06_sighup_reads_it_again(served: StartServed, authority: Authority, pem: Path) -> None:
    chat = served("--tls-cert", str(pem))
    chat.trust = authority.trust
    before = chat.client()
    authority.write(pem)
    chat.signal(signal.SIGHUP)
    chat.wait_for_line(r'AdminDid line="reload" outcome="new connections get .*" ok=True')
    after = chat.client()
    assert shown_to(after) != shown_to(before)
    pem.write_bytes(b"rubbish")
    chat.signal(signal.SIGHUP)
    chat.wait_for_line(rf'AdminDid line="reload" outcome=".*{STAYS}" ok=False')
    assert shown_to(chat.client()) == shown_to(after)
    talks(before, "still here")


def test_many_who_ask_share_a_reading_and_a_slow_disk_keeps_nobody_else_waiting(
        secure: StartServer, pem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chat = secure()
    reading, go_on = Event(), Event()
    readings = 0

    def slow(path: str, key: str) -> ssl.SSLContext:
        nonlocal readings
        readings += 1
        reading.set()
        go_on.wait(PATIENCE)
        return load(path, key)

    monkeypatch.setattr(certificate_module, "load", slow)
    first = chat.thread.submit(Reload())
    assert reading.wait(PATIENCE)
    others = [chat.thread.submit(Reload()) for _ in range(100)]
    chat.turn()
    talks(chat.client(), "meanwhile")
    assert not first.done()
    go_on.set()
    assert all(future.result(PATIENCE).ok for future in [first, *others])
    assert readings == 2           # theirs began after they had asked


def test_ctl_reload_waits_for_the_outcome(secure: StartServer, pem: Path, control_path: Path
                                          ) -> None:
    secure(control=str(control_path))
    ctl = ["ctl", "--socket", str(control_path), "reload"]
    done = CliRunner().invoke(main, ctl)
    assert (done.exit_code, done.stdout) == (0, f"new connections get what {pem} holds now\n")
    pem.unlink()
    done = CliRunner().invoke(main, ctl)
    assert (done.exit_code, done.stderr) == (1, f"{pem}: No such file or directory{STAYS}\n")


def test_without_tls_there_is_nothing_to_read_again(server: StartServer) -> None:
    result = server().submit(Reload())
    assert (result.ok, result.text) == (
        False, "there is nothing to read again: neither --config nor --tls-cert nor --ban-file "
        "was given")


def test_the_demo_and_tls_exclude_each_other() -> None:
    done = CliRunner().invoke(main, ["--demo", "--tls-cert", "c.pem"])
    assert done.exit_code == 2
    assert done.stderr == ("chatops: --demo brings clients that do not speak TLS; leave "
                           "--tls-cert away\n")
