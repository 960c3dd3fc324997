"""Accounts: what the file keeps, which password is right, and who has to wait."""

from __future__ import annotations

import sqlite3
import ssl
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest
import trustme
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from chatops.accounts.cli import account
from chatops.accounts.fingerprints import read_fingerprint
from chatops.accounts.store import Account, AccountError, AccountStore
from chatops.chat.throttle import Throttle


@pytest.fixture
def store(tmp_path: Path) -> Iterator[AccountStore]:
    accounts = AccountStore(str(tmp_path / "accounts.db"), wall=lambda: 1000.0)
    yield accounts
    accounts.close()


def test_an_account_is_found_in_any_case_and_keeps_the_one_it_was_made_in(
        store: AccountStore) -> None:
    store.add("Ada", "HASH", admin=True)
    found = store.find("aDA")
    assert found == ("Ada", "HASH", True, 1000.0, 0.0)
    assert store.find("bob") is None


def test_a_name_is_taken_once(store: AccountStore) -> None:
    store.add("ada", "one")
    with pytest.raises(AccountError, match="an account ADA already"):
        store.add("ADA", "two")
    assert [account.hash for account in store.all()] == ["one"]


@pytest.mark.parametrize("name", ["", "a b", "1ada", "-a", "a" * 33, "ä", "a\n", "#room", "*"])
def test_what_is_no_name_is_refused(store: AccountStore, name: str) -> None:
    with pytest.raises(AccountError, match="no name for an account"):
        store.add(name, "x")


def test_what_is_not_there_cannot_be_changed(store: AccountStore) -> None:
    changes: list[Callable[[], None]] = [
        lambda: store.set_hash("x", "h"), lambda: store.set_admin("x", True),
        lambda: store.remove("x"), lambda: store.add_certificate("x", "ff")]
    for change in changes:
        with pytest.raises(AccountError, match="no account x"):
            change()


def test_with_an_account_go_its_certificates(store: AccountStore) -> None:
    store.add("ada", "h")
    store.add_certificate("ada", "AB01")
    assert store.find_certificate("ab01") == store.find("ada")
    store.remove("ADA")
    assert store.find_certificate("ab01") is None


def test_a_certificate_is_of_one_account_and_can_be_taken_from_it(store: AccountStore) -> None:
    store.add("Ada", "h")
    store.add("bob", "h")
    for fingerprint, name in (("aa", "ada"), ("BB", "Bob"), ("cc", "ADA"), ("aa", "ada")):
        store.add_certificate(name, fingerprint)
    assert store.certificates() == [("aa", "Ada"), ("cc", "Ada"), ("bb", "bob")]
    assert store.certificates("BOB") == [("bb", "bob")]
    with pytest.raises(AccountError, match="of the account Ada"):
        store.add_certificate("bob", "AA")
    store.remove_certificate("AA")
    assert store.certificates("ada") == [("cc", "Ada")]
    with pytest.raises(AccountError, match="no account has"):
        store.remove_certificate("aa")


def test_certificates_are_named_by_digits_or_by_file(tmp_path: Path) -> None:
    pem = tmp_path / "ada.pem"
    trustme.CA().cert_pem.write_to_path(pem)
    (tmp_path / "empty.pem").write_text("-----BEGIN CERTIFICATE-----\n!\n"
                                        "-----END CERTIFICATE-----")
    expected = sha256(ssl.PEM_cert_to_DER_cert(pem.read_text())).hexdigest()
    colons = ":".join(expected[n:n + 2].upper() for n in range(0, 64, 2))
    for text in (str(pem), expected, expected.upper(), colons):
        assert read_fingerprint(text) == expected
    for text, why in (("ab" * 31, "neither"), (str(tmp_path), "neither"),
                      (str(tmp_path / "empty.pem"), "no certificate in it")):
        with pytest.raises(AccountError, match=why):
            read_fingerprint(text)


def test_two_processes_see_each_others_accounts(store: AccountStore, tmp_path: Path) -> None:
    other = AccountStore(str(tmp_path / "accounts.db"))
    store.add("ada", "h")
    other.set_hash("ada", "new")
    found = store.find("ada")
    assert found is not None
    assert found.hash == "new"
    other.close()


def test_another_programs_file_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE t (x)")
    database.close()
    before = path.read_bytes()
    store = AccountStore(str(path))
    with pytest.raises(AccountError, match="another program's database"):
        store.add("ada", "h")
    assert path.read_bytes() == before


def test_a_file_of_garbage_is_named(tmp_path: Path) -> None:
    path = tmp_path / "garbage"
    path.write_bytes(b"not a database at all, but long enough to look like one" * 40)
    with pytest.raises(AccountError, match="garbage cannot be used"):
        AccountStore(str(path)).find("ada")


def test_a_wrong_password_waits_after_the_third_and_a_right_one_forgives() -> None:
    throttle = Throttle(tries=3, window=60.0)
    for second in range(3):
        assert throttle.wait(float(second), "10.0.0.1", "ada") == 0
        throttle.failed(float(second), "10.0.0.1", "ada")
    assert throttle.wait(2.0, "10.0.0.1") == 60.0
    assert throttle.wait(2.0, "10.9.9.9", "ada") == 60.0       # from wherever it is tried
    assert throttle.wait(2.0, "10.9.9.9", "bob") == 0
    assert throttle.wait(62.0, "ada") == 0
    throttle.succeeded("10.0.0.1")
    assert throttle.wait(3.0, "10.0.0.1") == 0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.floats(0, 30)), max_size=60))
def test_a_wait_never_exceeds_the_window(steps: list[tuple[str, bool, float]]) -> None:
    throttle, now = Throttle(tries=2, window=10.0), 0.0
    for key, right, pause in steps:
        now += pause
        throttle.succeeded(key) if right else throttle.failed(now, key)
        assert 0 <= throttle.wait(now, key) <= 10.0 + 1e-6      # what adding floats costs
        assert not right or throttle.wait(now, key) == 0


def test_without_the_library_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from chatops.accounts.passwords import Passwords

    monkeypatch.setitem(sys.modules, "argon2", None)
    with pytest.raises(AccountError, match=r"chatops\[accounts\]"):
        Passwords()


class TestWithTheLibrary:
    @pytest.fixture(autouse=True)
    def _needs_argon2(self) -> None:
        pytest.importorskip("argon2", reason="argon2-cffi is not installed")

    def test_a_password_is_right_or_wrong_and_a_name_unknown(self) -> None:
        from chatops.accounts.passwords import LONGEST, Passwords

        passwords = Passwords()
        stored = passwords.hash("größe" * 50)
        assert "größe" not in stored
        for _ in range(2):                     # the second time from memory
            assert passwords.verify(stored, "größe" * 50)
            assert not passwords.verify(stored, "grosse")
        assert not passwords.verify(None, "größe" * 50)
        assert not passwords.verify("not a hash", "x")
        assert not passwords.verify(stored, "\udcff")
        assert not passwords.verify(stored, "x" * (LONGEST + 1))

    @pytest.mark.parametrize("password", ["", "x" * 1025])
    def test_a_password_that_is_none_is_refused(self, password: str) -> None:
        from chatops.accounts.passwords import Passwords

        with pytest.raises(AccountError, match="1 to 1024 bytes"):
            Passwords().hash(password)


def test_a_new_file_may_be_opened_by_several_at_once(tmp_path: Path) -> None:
    def use(number: int) -> list[Account]:
        with closing(AccountStore(str(tmp_path / f"{number // 4}.db"))) as store:
            return store.all()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(use, range(400))) == [[]] * 400


@pytest.mark.parametrize("line", ["list", "remove ada", "passwd ada", "admin ada on",
                                  "fingerprint list", "fingerprint remove " + "ab" * 32])
def test_a_file_that_is_not_there_is_said_and_not_made(tmp_path: Path, line: str) -> None:
    path = tmp_path / "mistyped.db"
    done = CliRunner().invoke(account, [*line.split(), "--accounts", str(path)], input="pw\n")
    assert done.exit_code == 1
    assert f"there is no file {path}" in done.stderr
    assert not path.exists()


@pytest.mark.parametrize("line", ["add bob", "list", "remove ada", "fingerprint list",
                                  "admin nobody on"])
def test_the_command_line_closes_the_file(store: AccountStore, tmp_path: Path, line: str,
                                          monkeypatch: pytest.MonkeyPatch) -> None:
    """Python 3.13 warns of one that is left open, whenever the collector comes by."""
    store.add("ada", "h")
    closed: list[AccountStore] = []
    monkeypatch.setattr(AccountStore, "close", lambda store: closed.append(store))
    CliRunner().invoke(account, [*line.split(), "--accounts", str(tmp_path / "accounts.db")],
                       input="pw\n")
    monkeypatch.undo()
    (opened,) = closed
    opened.close()


def test_an_account_becomes_an_operator_and_no_longer_from_the_command_line(
        tmp_path: Path) -> None:
    path = str(tmp_path / "accounts.db")

    def run(line: str) -> str:
        done = CliRunner().invoke(account, [*line.split(), "--accounts", path], input="pw\n")
        return done.output.strip()

    run("add ada")
    assert run("admin ADA on") == "chatops: ADA is an operator"
    assert run("list") == "ada *"
    assert run("admin ada off") == "chatops: ada is no operator any more"
    assert run("list") == "ada"
    assert run("admin bob on") == "chatops: there is no account bob"


def test_the_help_names_what_stands_for_the_file() -> None:
    assert "CHATOPS_ACCOUNTS" in CliRunner().invoke(account, ["--help"]).output
    assert "CHATOPS_ACCOUNTS" in CliRunner().invoke(account, ["remove", "--help"]).output
