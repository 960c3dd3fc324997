"""The history of a node that was away has what was said meanwhile, once and in order."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from chatops.api.events import Warned
from chatops.storage.history_file import HistoryEntry, HistoryFileError, entries, reading
from tests.integration.engine import Engine, needs_engine
from tests.integration.harness import Client, Served, Server
from tests.integration.nodes import QUICK, Start, known, of, sees
from tests.integration.until import until
from tests.patience import scaled

pytestmark = [needs_engine, pytest.mark.timeout(scaled(90))]

# `chatops serve`, in a process that can be killed, with the tests' pace.
PROGRAM = f"""
from chatops.cluster import start
from chatops.cluster.pace import Pace
start.PACE = {QUICK!r}
from chatops.cli import main
main(prog_name="chatops")
"""


def history(client: Client, text: str = "ada: ") -> list[str]:
    """What a client finds in its room that begins so, without the time."""
    client.say("that was all", "/history 50")
    found = client.read_until(lambda line: line.startswith("*** ")
                              and line.endswith(": that was all"))
    return [line[10:] for line in found if line.startswith("*** ") and line[10:].startswith(text)]


def talk(client: Client, *lines: str) -> None:
    for line in lines:
        client.say(line)
        client.expect(f"ada: {line}")


def written(node: Server) -> None:
    """All that was said there is in the log."""
    node.until(lambda chat: not len(of(chat).queue))


def caught_up(node: Server) -> None:
    node.until(lambda chat: of(chat).link.caught_up)


def pair(node: Start, path: Path) -> tuple[Server, Server, Client, Client]:
    """Nodes a and b, of which b keeps a history, ada on a and somebody on b."""
    a = node("a")
    b = node("b", knows=1, history=str(path))
    a.until(lambda chat: known(chat) == {"b"})
    ada = a.client()
    ada.rename("ada")
    b.until(lambda chat: sees(chat, "ada"))
    bob = b.client()
    ada.expect(f"*** guest-b{bob.id} joined")
    return a, b, ada, bob


def told(node: Server, text: str) -> None:
    """It is in its log."""
    node.wait_for(Warned, lambda event: event.text == text)


def said(first: int, last: int) -> list[str]:
    return [f"ada: {n}" for n in range(first, last)]


def test_what_was_said_while_a_node_was_down_is_in_its_history_once_and_not_shown(
        node: Start, engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "b.db"
    a, b, ada, bob = pair(node, path)
    talk(ada, *map(str, range(5)))
    bob.expect("ada: 4")
    b.thread.close()
    b.must_live = False
    ada.expect("*** node b was shut down, and 1 member of lobby with it")
    talk(ada, *map(str, range(5, 10)))
    ada.say("/me waves")
    ada.expect("* ada waves")
    written(a)
    again = node("b", knows=1, history=str(path))
    caught_up(again)
    told(again, "6 lines of lobby were said while this node was away; the history has them")
    bob = again.client()
    ada.expect(f"*** guest-b{bob.id} joined")
    talk(ada, "10")
    heard = bob.read_until("ada: 10")
    assert not [line for line in heard if line in said(0, 10)]
    assert history(bob) == said(0, 11)
    assert history(bob, "* ada") == ["* ada waves"]


def test_what_a_node_had_heard_when_it_was_killed_comes_no_second_time(
        node: Start, engine: Engine, tmp_path: Path, served: Callable[..., Served]) -> None:
    path = tmp_path / "b.db"

    def begin() -> Served:
        started = served("--cluster", engine.url, "--node", "b", "--announce-after", "off",
                         "--history", str(path), program=("-c", PROGRAM))
        started.must_live = False
        return started

    a, b = node("a"), begin()
    a.until(lambda chat: known(chat) == {"b"})
    ada, bob = a.client(), b.client()
    ada.expect(f"*** guest-b{bob.id} joined")
    ada.rename("ada")
    bob.expect(f"*** guest-a{ada.id} is now ada")
    talk(ada, *map(str, range(10)))
    bob.expect("ada: 9")
    kept(path, "lobby", 10)
    for n in range(10, 20):                    # of these some are in the file yet, or none
        talk(ada, str(n))
        bob.expect(f"ada: {n}")
    b.signal(signal.SIGKILL)
    talk(ada, *map(str, range(20, 25)))
    written(a)
    again = begin()
    a.until(lambda chat: known(chat) == {"b"} and of(chat).reader.peers["b"].state == "up")
    bob = again.client()
    a.until(lambda chat: sees(chat, bob.nick))
    talk(ada, "25")
    bob.expect("ada: 25")
    assert history(bob) == said(0, 26)


def test_what_the_log_has_not_kept_is_said(node: Start, engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "b.db"
    a, b, ada, bob = pair(node, path)
    talk(ada, "0")
    bob.expect("ada: 0")
    b.thread.close()
    b.must_live = False
    ada.expect("*** node b was shut down, and 1 member of lobby with it")
    for n in (1, 2, 3):
        talk(ada, str(n))
        written(a)
    engine.ask("XTRIM", "{chatops}:log", "MAXLEN", 1)
    again = node("b", knows=1, history=str(path))
    told(again, "of what was said while this node was away the log has not kept all: the "
                "history lacks it")
    bob = again.client()
    assert history(bob) in (said(0, 1) + said(3, 4), said(0, 1))


def test_neither_private_words_nor_those_of_a_closed_room_are_for_who_comes_later(
        node: Start, engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "b.db"
    a = node("a")
    b = node("b", knows=1, history=str(path))
    a.until(lambda chat: known(chat) == {"b"})
    ada = a.client()
    ada.rename("ada")
    ada.join("den")
    c = node("c", knows=2)
    cat = c.client()
    cat.rename("cat")
    a.until(lambda chat: sees(chat, "cat"))
    b.thread.close()
    b.must_live = False

    def close_room() -> None:
        room = a.chat.hub.rooms.open("den")
        room.rules.flags.add("i")
        room.apply_rules()

    talk(ada, "open")
    a.call(close_room)
    talk(ada, "closed")
    ada.say("/msg cat private")
    cat.expect("[ada -> you] private")
    written(a)
    again = node("b", knows=1, history=str(path))
    caught_up(again)
    a.call(lambda: a.chat.hub.rooms.open("den").rules.flags.clear())
    assert [entry.line for entry in kept(path, "den", 2)] == ["ada: open", "ada: closed"]
    with reading(str(path)) as database:
        rooms = {entry.line: entry.room for entry in entries(database)}
    assert rooms.pop("ada: open") == "den"
    assert rooms.pop("ada: closed").startswith("den ")
    assert not rooms


def kept(path: Path, room: str, count: int) -> list[HistoryEntry]:
    """What the file has of a room, those lines included that its members alone may read."""
    def found() -> list[HistoryEntry]:
        try:
            with reading(str(path)) as database:
                return list(entries(database, room=room))
        except HistoryFileError:               # it has not been made yet
            return []

    until(lambda: len(found()) >= count)
    return found()
