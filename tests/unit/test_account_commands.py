"""`chatops account`: what cannot be done is said at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from chatops.accounts.store import AccountStore
from chatops.cli import main


@pytest.mark.parametrize("words", [["passwd", "bob"], ["fingerprint", "list", "bob"]])
def test_an_account_that_is_not_there_is_named_before_anything_is_asked(
        tmp_path: Path, words: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "accounts.db")
    store = AccountStore(path)
    store.add("ada", "h")
    store.close()
    done = CliRunner().invoke(main, ["account", *words, "--accounts", path], input="")
    assert done.exit_code == 1
    assert done.output + capfd.readouterr().err == "chatops: there is no account bob\n"
