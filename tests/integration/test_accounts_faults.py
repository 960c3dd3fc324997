"""A file of accounts that is gone: who asks is told so, and the console as long as it is so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from chatops.api.events import BadInput, LoggedIn
from chatops.lints import find
from tests.integration.harness import Server
from tui.text.event_lines import words_of

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


def test_the_admin_sees_who_makes_an_account_and_who_guesses_at_one(
        server: Callable[..., Server], tmp_path: Path) -> None:
    chat = server(accounts=str(tmp_path / "accounts.db"), registration="on")
    ada, bob = chat.client(), chat.client()
    ada.rename("ada")
    ada.say("/register ada correct-horse")
    ada.read_until("*** you are logged in as ada")
    made = chat.wait_for(LoggedIn)
    assert (made.account, made.made) == ("ada", True)
    for _ in range(2):
        bob.say("/login ada battery-staple")
        bob.read_until("*** error: the name or the password is wrong")
    bob.say("/login ada correct-horse")
    bob.read_until("*** you are logged in as ada")
    guess = chat.wait_for(BadInput, lambda event: event.count == 2)
    assert guess.kind == "a wrong password"
    assert not chat.wait_for(LoggedIn, lambda event: event.id == guess.id).made
    assert "made the account ada" in words_of(made)
