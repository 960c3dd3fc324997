"""What was said before: for who enters, for who asks the file, and how long it is kept."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from chatops.api import commands, events
from chatops.cli import main
from chatops.settings import Settings, SettingsError
from chatops.storage.chat_history import TRIMMED, ChatHistory, Chunk, Keep
from tests.given import load
from tests.integration.harness import Server
from tests.integration.irc_client import IrcClient
from tests.integration.until import until

StartServer = Callable[..., Server]
STAMPED = re.compile(r"\*\*\* \d\d:\d\d (.*)")


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "history.db")


def stored(path: str) -> list[str]:
    database = sqlite3.connect(path)
    try:
        return [line for (line,) in database.execute("SELECT line FROM said ORDER BY id")]
    except sqlite3.OperationalError:
        return []                  # the server has not made it yet
    finally:
        database.close()


def replayed(lines: list[str]) -> list[str]:
    return [match[1] for line in lines if (match := STAMPED.fullmatch(line))]


# -- who enters


def test_who_enters_is_shown_the_last_lines_of_the_room_before_anything_new(
        server: StartServer, path: str) -> None:
    chat = server(history=path, replay=3)
    ada = chat.client()
    ada.rename("ada")
    ada.say("one", "two", "three", "four")
    ada.expect("ada: four")
    ada.say("/me waves")
    ada.expect("* ada waves")
    bob = chat.client()
    ada.say("new")
    heard = bob.read_until("ada: new")
    assert replayed(heard) == ["ada: three", "ada: four", "* ada waves"]
    assert heard.index("ada: new") == len(heard) - 1


def test_it_is_shown_them_once_whenever_it_is_announced(server: StartServer, path: str) -> None:
    chat = server(history=path, replay=3, announce_after=60.0)
    ada = chat.client()
    ada.rename("ada")
    ada.say("one")
    ada.expect("ada: one")
    bob = chat.client()
    bob.say("hello")
    ada.expect(f"*** guest-{bob.id} joined")
    ada.say("last")
    assert replayed(bob.read_until("ada: last")) == ["ada: one"]


def test_an_irc_client_hears_them_as_notices_once_it_knows_that_it_is_there(
        server: StartServer, path: str) -> None:
    chat = server(history=path, replay=2, irc_port=0)
    port = chat.call(lambda: chat.chat.intake.irc_port)
    ada = chat.client()
    ada.rename("ada")
    ada.say("one", "two", "three")
    ada.expect("ada: three")
    with IrcClient((chat.address[0], port), "bob") as bob:
        heard = bob.asked("JOIN #lobby")
    where = next(n for n, line in enumerate(heard) if " 366 " in line)
    assert ":bob!~bob@localhost JOIN #lobby" in heard[:where]
    shown = [re.fullmatch(r":chatops\.local NOTICE #lobby :\d\d:\d\d (.*)", line)
             for line in heard[where + 1:]]
    assert [match and match[1] for match in shown] == ["ada: two", "ada: three"]


@pytest.mark.parametrize(("caps", "before"), [
    ("batch draft/chathistory server-time message-tags", []), ("server-time", ["MODE bob +B"])],
    ids=["who-can-ask", "bots"])
def test_who_asks_by_itself_or_is_a_bot_is_not_shown_them(
        server: StartServer, path: str, caps: str, before: list[str]) -> None:
    chat = server(history=path, replay=2, irc_port=0)
    port = chat.call(lambda: chat.chat.intake.irc_port)
    ada = chat.client()
    ada.rename("ada")
    ada.say("one")
    ada.expect("ada: one")
    with IrcClient((chat.address[0], port), "bob", caps) as bob:
        heard = bob.asked(*before, "JOIN #lobby")
    assert any(" 366 " in line for line in heard)
    assert not [line for line in heard if "one" in line]


def test_each_room_has_lines_of_its_own(server: StartServer, path: str) -> None:
    chat = server(history=path, replay=3)
    ada, bob = chat.client(), chat.client()
    ada.rename("ada")
    ada.join("kitchen")
    ada.say("soup")
    ada.expect("ada: soup")
    bob.say("/join kitchen")
    assert replayed(bob.heard()) == ["ada: soup"]
    bob.say("/join cellar")
    assert replayed(bob.heard()) == []


def test_lines_from_before_a_restart_are_among_them(server: StartServer, path: str) -> None:
    first = server(history=path, replay=3)
    first.must_live = False
    ada = first.client()
    ada.rename("ada")
    ada.say("old")
    ada.expect("ada: old")
    first.close()
    second = server(history=path, replay=3)
    assert replayed(second.client(greeted=False).heard()) == ["ada: old"]


def test_without_being_asked_nobody_is_shown_anything(server: StartServer, path: str) -> None:
    chat = server(history=path)
    ada = chat.client()
    ada.say("one")
    ada.expect(f"{ada.nick}: one")
    assert replayed(chat.client(greeted=False).heard()) == []


# -- who reads the file


def printed(*arguments: str) -> list[str]:
    done = CliRunner().invoke(main, ["history", *arguments])
    assert done.exit_code == 0, done.output
    return done.output.splitlines()


def test_the_file_is_read_while_the_server_runs(
        server: StartServer, path: str, control_path: Path) -> None:
    chat = server(history=path, control=str(control_path))
    ada = chat.client()
    ada.rename("ada")
    ada.say("lunch at one?", "100% sure")
    ada.join("kitchen")
    ada.say("Lunch is ready")
    until(lambda: Path(path).exists() and len(stored(path)) == 3)
    there = "--socket", str(control_path)
    assert [line.split(" ", 2)[2] for line in printed(*there)] == [
        "lobby ada: lunch at one?", "lobby ada: 100% sure", "kitchen ada: Lunch is ready"]
    assert len(printed(*there, "--room", "kitchen")) == 1
    assert len(printed(*there, "--grep", "lunch")) == 2
    assert len(printed(path, "--grep", "%")) == 1
    told = [json.loads(line) for line in printed(path, "--json")]
    assert [line["room"] for line in told] == ["lobby", "lobby", "kitchen"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d", told[0]["time"])


def test_only_what_is_young_enough_is_printed(path: str) -> None:
    archive, now = ChatHistory(path), time.time()
    archive.append([Chunk(now - 7200, "lobby", b"ada: old\n"),
                    Chunk(now - 60, "lobby", b"ada: young\n")])
    archive.close()
    assert [line.split(": ")[1] for line in printed(path, "--since", "1h")] == ["young"]
    assert len(printed(path, "--since", "3h")) == 2


def test_what_is_no_history_is_refused_in_a_line(
        server: StartServer, tmp_path: Path, control_path: Path) -> None:
    text = tmp_path / "x"
    text.write_text("hello " * 1000)
    other = tmp_path / "other.db"
    sqlite3.connect(other).close()
    server(control=str(control_path))
    for arguments, why in (([str(tmp_path / "none")], "there is no such file"),
                           ([str(text)], "file is not a database"),
                           ([str(other)], "not a history of chatops"),
                           (["--socket", str(control_path)], "this server keeps no history")):
        done = CliRunner().invoke(main, ["history", *arguments])
        assert done.exit_code == 1
        assert why in done.stderr
        assert done.stderr.count("\n") == 1


# -- how long it is kept


def kept(archive: ChatHistory, keep: Keep, now: float, path: str) -> tuple[int, list[str]]:
    """Steps that it took, and what is left."""
    steps = 1
    while archive.trim(keep, now):
        steps += 1
    return steps, stored(path)


def test_lines_that_are_too_old_go_in_small_steps(path: str) -> None:
    archive = ChatHistory(path)
    archive.append([Chunk(float(n), "lobby", f"ada: {n}\n".encode()) for n in range(1700)])
    steps, left = kept(archive, Keep(seconds=100.0), 1700.0, path)
    assert left == [f"ada: {n}" for n in range(1600, 1700)]
    assert steps == 1600 // TRIMMED + 1
    archive.close()


def test_a_file_that_is_too_large_loses_its_oldest_and_gives_the_disk_back(path: str) -> None:
    archive = ChatHistory(path)
    archive.append([Chunk(float(n), "lobby", f"ada: {n} {'x' * 1000}\n".encode())
                    for n in range(4000)])
    limit = 1 << 20
    _, left = kept(archive, Keep(bytes=limit), 0.0, path)
    assert left[-1].startswith("ada: 3999 ")
    assert 0 < len(left) < 1100
    archive.close()                # and what was written ahead is in the file
    assert Path(path).stat().st_size < 2 * limit


def test_a_running_server_deletes_what_is_too_old(server: StartServer, path: str) -> None:
    archive = ChatHistory(path)
    archive.append([Chunk(time.time() - 7200, "lobby", b"ada: old\n"),
                    Chunk(time.time() - 60, "lobby", b"ada: young\n")])
    archive.close()
    server(history=path, history_keep="1h")
    until(lambda: stored(path) == ["ada: young"])


@pytest.mark.parametrize("text", ["x", "5", "1s", "1K", "-1d", "1G2d"])
def test_what_is_kept_is_a_duration_or_a_size(text: str) -> None:
    assert load({"history_keep": "30d"}) == Settings(history_keep="30d")
    assert load({"history_keep": "1G"}) == Settings(history_keep="1G")
    with pytest.raises(SettingsError, match="history-keep"):
        load({"history_keep": text})


# -- what admins did


def test_a_history_that_cannot_be_written_says_what_it_lacks_and_the_command_is_done(
        server: StartServer, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    database = sqlite3.connect(other)
    database.execute("CREATE TABLE theirs (x)")
    database.close()
    chat = server(history=str(other), history_keep="1h")
    assert chat.do(commands.Ban("10.0.0.0/8")).ok
    chat.wait_for(events.Warned, lambda event: event.text.startswith(
        "the history lacks what an admin did: the file is another program's"))
    assert not [event for event in chat.events() if isinstance(event, events.CallbackFailed)]

def test_what_an_admin_did_is_kept_with_the_user_who_asked(
        server: StartServer, path: str, control_path: Path) -> None:
    server(history=path, control=str(control_path))
    there = ["--socket", str(control_path)]
    assert CliRunner().invoke(main, ["ctl", *there, "ban", "10.0.0.0/8"]).exit_code == 0
    assert CliRunner().invoke(main, ["ctl", *there, "kick", "99"]).exit_code == 1
    until(lambda: CliRunner().invoke(main, ["history", path, "--admin"]).output.count("uid=") == 2)
    ban, kick = (json.loads(line) for line in printed(path, "--admin", "--json"))
    assert (ban["line"], ban["ok"], ban["uid"]) == ("ban 10.0.0.0/8", True, os.getuid())
    assert (kick["line"], kick["ok"], kick["uid"]) == ("kick 99", False, os.getuid())
    assert len(printed(path, "--admin", "--grep", "ban")) == 1
