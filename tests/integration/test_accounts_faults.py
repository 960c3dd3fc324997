"""A file of accounts that is gone: who asks is told so, and the console as long as it is so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from chatops.lints import find
from tests.integration.harness import Server

pytest.importorskip("argon2")


def faults(chat: Server) -> list[str]:
    return [lint.summary for lint in find(chat.snapshot()) if lint.code == "accounts-lost"]


def test_a_file_that_is_moved_away_is_a_lint_until_it_is_back(
        server: Callable[..., Server], tmp_path: Path) -> None:
    path = tmp_path / "accounts.db"
    chat = server(accounts=str(path), registration="on")
    ada, bob = chat.client(), chat.client()
    ada.rename("ada")
    ada.say("/register ada correct-horse")
    ada.read_until("*** you are logged in as ada")
    assert faults(chat) == []
    away = path.rename(tmp_path / "away.db")
    bob.say("/login ada correct-horse")
    bob.read_until(lambda line: "try again later" in line)
    assert faults(chat) == [f"the accounts in {path} cannot be used: "
                            "the file was moved away or deleted"]
    away.rename(path)
    bob.say("/login ada correct-horse")
    bob.read_until("*** you are logged in as ada")
    assert faults(chat) == []
