"""An engine that is spoken to over TLS: only one that is what it is called, by whom we trust."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chatops.bench.ports import HeldPort
from chatops.system.errors import StartError
from tests.integration.certificates import HOST, Authority
from tests.integration.engine import Engine, needs_engine
from tests.integration.fault_proxy import before
from tests.integration.nodes import Start, both, of, up
from tests.patience import scaled

pytestmark = [needs_engine, pytest.mark.timeout(scaled(60))]


@pytest.fixture
def secured(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The port at which the engine speaks TLS, with a certificate that is trusted."""
    authority = Authority()
    authority.write(tmp_path / "engine.pem")
    authority.write_trust(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    pem = str(tmp_path / "engine.pem")
    with HeldPort() as held:
        port = held.number
        answer = engine.ask(
            "CONFIG", "SET", "tls-cert-file", pem, "tls-key-file", pem, "tls-ca-cert-file",
            str(tmp_path / "ca.pem"), "tls-auth-clients", "no", "tls-port", port)
        if answer != b"OK":
            pytest.skip(f"this engine was built without TLS: {answer}")
        yield port


def test_nodes_hear_each_other_over_tls_and_large_frames_arrive_whole(
        node: Start, secured: int) -> None:
    _, _, ada, bob = both(node, url=f"rediss://{HOST}:{secured}/0")
    texts = [f"{n} {'x' * 3000}" for n in range(100)]
    bob.say(*texts)                            # many records in one frame
    heard = ada.read_until(f"bob: {texts[-1]}")
    assert [line for line in heard if line.startswith("bob: ")] == [
        f"bob: {text}" for text in texts]
    ada.say("hello")
    bob.expect("ada: hello")


def test_an_engine_that_nobody_we_trust_has_vouched_for_is_refused_in_a_line(
        node: Start, secured: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(StartError, match="SSL_CERT_FILE names a file"):
        node("a", knows=-1, url=f"rediss://{HOST}:{secured}/0")


def test_one_that_is_found_again_over_tls_costs_no_line(node: Start, secured: int) -> None:
    with before(secured) as proxy:
        _, b, ada, bob = both(node, url=f"rediss://{HOST}:{proxy.port}/0")
        proxy.mute = True
        b.until(lambda chat: not up(chat))
        bob.say("meanwhile")
        bob.expect("bob: meanwhile")
        proxy.mute = False
        ada.expect("bob: meanwhile")
        b.must_live = False
        b.thread.close()


def test_what_does_not_speak_tls_is_away_in_words(node: Start, engine: Engine, secured: int
                                                  ) -> None:
    del secured
    b = node("b", knows=-1, url=f"rediss://{HOST}:{engine.port}/0")
    b.until(lambda chat: of(chat).link.reason not in ("", "not connected yet"))
    reason = b.call(lambda: of(b.chat).link.reason)
    assert "TLS" in reason or "left in the middle" in reason or "no connection" in reason
