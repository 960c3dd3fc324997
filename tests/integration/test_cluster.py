"""Several nodes on a real engine: what is said on one is heard on the others."""

from __future__ import annotations

import select
import threading
from pathlib import Path
from typing import NamedTuple

import pytest

from chatops import lints
from chatops.api.commands import Broadcast
from chatops.api.events import Warned
from chatops.cluster import member
from chatops.cluster.frames import NodeFrame
from chatops.cluster.numbers import Seen
from chatops.system.errors import StartError
from tests.integration.client import Client
from tests.integration.engine import Engine, needs_engine
from tests.integration.harness import Clock, Server
from tests.integration.nodes import Start, both, known, of
from tests.patience import PATIENCE, scaled

pytestmark = [needs_engine, pytest.mark.timeout(scaled(60))]


def test_what_is_said_on_one_node_is_heard_on_the_other_once_and_in_order(node: Start) -> None:
    _, _, ada, bob = both(node)
    ada.say("hello", "/me waves", "bye")
    assert bob.read_until("ada: bye")[-3:] == ["ada: hello", "* ada waves", "ada: bye"]
    bob.say("hi")
    assert ada.read_until("bob: hi") == ["ada: hello", "* ada waves", "ada: bye", "bob: hi"]


def test_own_clients_have_a_line_before_the_engine_is_told_and_its_echo_is_not_opened(
        node: Start) -> None:
    a, _, ada, bob = both(node)
    own = a.client()
    bob.expect(f"*** {own.nick} joined")
    a.until(lambda chat: not len(of(chat).queue))
    before = a.row(own).lines_out
    had: list[int] = []
    opened: list[str] = []

    def watch() -> None:
        node = of(a.chat)
        write, open_ = node.link.write, node.reader.take

        def spy(frame: bytes) -> None:
            had.append(a.chat.state.connections[own.id].lines_out)
            write(frame)

        def note(frame: NodeFrame, seen: Seen, lag: float = 0.0) -> None:
            opened.append(frame.node)
            open_(frame, seen, lag)

        node.link.write = spy          # type: ignore[method-assign]
        node.reader.take = note        # type: ignore[method-assign]
        node.arrivals.trip = 0.0

    a.call(watch)
    ada.say("hello")
    bob.expect("ada: hello")
    a.until(lambda chat: of(chat).arrivals.trip > 0)
    assert had == [before + 1]
    assert "a" not in opened


@pytest.fixture
def busy(node: Start, monkeypatch: pytest.MonkeyPatch) -> tuple[Server, Server, Client, Client]:
    """As `both`, on nodes whose turns are always taken for long ones."""
    monkeypatch.setattr(member, "LONG", -1.0)
    return both(node)


def test_where_turns_are_long_the_engine_is_told_before_the_fan_out(
        busy: tuple[Server, Server, Client, Client]) -> None:
    a, _, ada, bob = busy
    own = a.client()
    bob.expect(f"*** {own.nick} joined")
    a.until(lambda chat: not len(of(chat).queue))
    before = a.row(own).lines_out
    written: list[int] = []

    def watch() -> None:
        link = of(a.chat).link
        write = link.write

        def spy(frame: bytes) -> None:
            written.append(a.chat.state.connections[own.id].lines_out)
            write(frame)

        link.write = spy               # type: ignore[method-assign]

    a.call(watch)
    ada.say("hello")
    bob.expect("ada: hello")
    own.expect("ada: hello")
    assert written == [before]


class Look(NamedTuple):
    """When a frame was read."""

    turn: int
    asked: int                         # questions for more, so far


def looks_at(node: Server) -> list[Look]:
    """From now on: when it reads frames of others."""
    looks: list[Look] = []

    def watch() -> None:
        reader = of(node.chat).reader
        take = reader.take

        def spy(frame: NodeFrame, seen: Seen, lag: float = 0.0) -> None:
            looks.append(look(node))
            take(frame, seen, lag)

        reader.take = spy              # type: ignore[method-assign]

    node.call(watch)
    return looks


def look(node: Server) -> Look:
    """Now, in its own thread."""
    _, into = of(node.chat).link.pipes
    return Look(node.chat.reactor.selector.turns, into.asked)


def answered(node: Server) -> None:
    """Wait until the engine has answered, which that node does not read meanwhile."""
    _, into = of(node.chat).link.pipes
    assert select.select([into.fd], [], [], PATIENCE)[0]


def test_where_turns_are_long_what_was_written_until_one_begins_is_heard_in_it(
        busy: tuple[Server, Server, Client, Client], monkeypatch: pytest.MonkeyPatch) -> None:
    a, b, ada, bob = busy
    a.until(lambda chat: not len(of(chat).queue))
    b.turn()
    looks = looks_at(b)
    more = ["second"]
    thread = b.call(threading.get_ident)

    def others_have_the_cpu() -> None:
        if more and threading.get_ident() == thread and of(b.chat).taking == "more":
            ada.say(more.pop())
            answered(b)

    monkeypatch.setattr(member, "_yield_cpu", others_have_the_cpu)
    while more:                        # what comes at the end of a turn waits for the next
        looks.clear()
        ada.say("first")
        bob.expect("ada: first")
    bob.expect("ada: second")
    first, second, *_ = looks
    assert first.turn == second.turn


def test_time_in_which_others_have_the_cpu_makes_no_turn_a_long_one(
        busy: tuple[Server, Server, Client, Client], monkeypatch: pytest.MonkeyPatch) -> None:
    _, b, ada, bob = busy
    clock = Clock(b)
    thread = b.call(threading.get_ident)
    busy_after: list[bool] = []

    def others_have_the_cpu() -> None:
        if not clock.ahead and threading.get_ident() == thread and of(b.chat).taking == "more":
            monkeypatch.setattr(member, "LONG", 0.1)
            clock.ahead = 0.2
            b.chat.reactor.hooks.append(lambda: busy_after.append(of(b.chat).busy))

    monkeypatch.setattr(member, "_yield_cpu", others_have_the_cpu)
    while not clock.ahead:
        ada.say("hello")
        bob.expect("ada: hello")
    b.turn()
    assert not busy_after[0]


def test_at_the_end_of_a_long_turn_more_is_asked_for_though_there_is_an_answer(
        busy: tuple[Server, Server, Client, Client]) -> None:
    a, b, ada, bob = busy
    a.until(lambda chat: not len(of(chat).queue))
    b.turn()
    looks = looks_at(b)
    ends: list[Look] = []

    def meanwhile() -> None:
        if not ends:
            ends.append(look(b))
            ada.say("hello")
            answered(b)

    b.call(lambda: b.chat.reactor.hooks.insert(1, meanwhile))  # before what nodes do there
    bob.expect("ada: hello")
    [end], [read, *_] = ends, looks
    assert (read.turn, read.asked) == (end.turn + 1, end.asked + 1)


def test_what_nobody_elsewhere_would_hear_does_not_travel_unless_a_node_is_away(
        node: Start) -> None:
    a, _, ada, bob = both(node)
    ada.join("attic")
    a.until(lambda chat: not len(of(chat).queue))
    frames = a.call(lambda: of(a.chat).queue.written)
    ada.say("talking to myself")
    ada.expect("ada: talking to myself")
    a.turn()
    assert a.call(lambda: of(a.chat).queue.written) == frames
    ada.say("last words", "/join lobby")       # the room is gone when they are delivered
    bob.expect("*** ada joined")
    assert a.call(lambda: "attic" not in a.chat.hub.rooms)
    ada.join("attic")
    bob.join("attic")
    ada.expect("*** bob joined")
    ada.say("here you are")
    bob.expect("ada: here you are")
    bob.join("lobby")
    ada.expect("*** bob went to lobby")
    a.call(lambda: of(a.chat).reader.absent.add("c"))      # somebody of which may be in there
    frames = a.call(lambda: of(a.chat).queue.written)
    ada.say("and now")
    a.until(lambda chat: of(chat).queue.written == frames + 1)


def test_who_comes_leaves_and_goes_elsewhere_is_told_on_the_other_node(node: Start) -> None:
    _, b, ada, bob = both(node)
    cat = b.client()
    ada.expect(f"*** guest-b{cat.id} joined")
    cat.rename("cat")
    ada.expect(f"*** guest-b{cat.id} is now cat")
    cat.say("/join dev")
    ada.expect("*** cat went to dev")
    cat.say("/join lobby")
    ada.expect("*** cat joined")
    cat.say("/quit tea")
    ada.expect("*** cat left (tea)")
    assert "*** cat left (tea)" in bob.read_until("*** cat left (tea)")


def test_who_rooms_and_msg_reach_the_other_node(node: Start) -> None:
    a, b, ada, bob = both(node)
    bob.join("dev")
    a.until(lambda chat: "dev" in chat.hub.rooms)
    ada.say("/rooms")
    ada.expect("*** dev: 1")
    ada.say("/msg BOB psst")
    assert bob.expect("[ada -> you] psst")
    ada.expect("[you -> bob] psst")
    bob.join("lobby")
    a.until(lambda chat: chat.hub.lobby.elsewhere == 1)
    ada.say("/who")
    ada.expect("*** 2 in lobby: ada, bob")
    b.until(lambda chat: chat.hub.lobby.elsewhere == 1)
    bob.say("/who")
    bob.expect("*** 2 in lobby: bob, ada")


def test_a_nick_that_somebody_has_on_another_node_is_refused(node: Start) -> None:
    _, b, _, bob = both(node)
    bob.say("/nick ADA")
    bob.expect("*** error: 'ADA' is taken, or looks like 'ada', on node a")
    assert b.row(bob).nick == "bob"


def test_a_room_that_is_empty_everywhere_is_forgotten_everywhere(node: Start) -> None:
    a, _, _, bob = both(node)
    bob.join("dev")
    a.until(lambda chat: "dev" in chat.hub.rooms)
    bob.join("lobby")
    a.until(lambda chat: "dev" not in chat.hub.rooms)


def test_a_broadcast_is_heard_once_by_everybody(node: Start) -> None:
    a, _, ada, bob = both(node)
    a.do(Broadcast("tea"))
    ada.say("after")
    for client in (ada, bob):
        heard = client.read_until("ada: after")
        assert heard.count("*** [admin] tea") == 1


@pytest.mark.parametrize("url", ["redis://localhost:{port}", "valkey://127.0.0.1:{port}/0",
                                 "unix://{path}", "unix://{path}?db=0"])
def test_the_engine_is_found_by_name_and_at_a_unix_socket(node: Start, engine: Engine, url: str
                                                          ) -> None:
    _, _, ada, bob = both(node, url=url.format(port=engine.port, path=engine.path))
    bob.say("hello")
    ada.expect("bob: hello")


def test_nodes_in_another_database_are_another_chat(node: Start, engine: Engine) -> None:
    node("a")
    other = node("a", url=f"redis://127.0.0.1:{engine.port}/3")    # no second one of its name
    both_there = node("b", url=f"redis://127.0.0.1:{engine.port}/3", knows=1)
    assert both_there.call(lambda: known(both_there.chat)) == {"a"}
    other.until(lambda chat: known(chat) == {"b"})


def test_a_second_node_of_a_name_is_refused_while_the_first_lives(node: Start, server: Start,
                                                                  engine: Engine) -> None:
    node("a")
    with pytest.raises(StartError, match="another node called a lives"):
        server(cluster=engine.url, node="a")


def test_a_node_that_ends_in_good_order_gives_its_name_back_at_once(node: Start) -> None:
    a, b, ada, _ = both(node)
    b.must_live = False
    b.thread.close()
    ada.expect("*** node b was shut down, and 1 member of lobby with it")
    a.until(lambda chat: chat.hub.lobby.elsewhere == 0)
    again = node("b", knows=1)
    carl = again.client()
    carl.rename("bob")
    ada.expect(f"*** guest-b{carl.id} is now bob")


@pytest.mark.parametrize(("overrides", "wrong"), [
    ({"node": ""}, "--cluster needs --node"),
    ({"cluster": "http://x/", "node": "a"}, "not redis://HOST:PORT/DB"),
    ({"cluster": "redis://:secret@192.0.2.1/0", "node": "a"}, "--cluster-secret FILE is needed"),
    ({"cluster": "", "node": "a"}, "--node needs --cluster"),
])
def test_what_cannot_be_is_said_in_a_line_before_anything_runs(
        server: Start, engine: Engine, overrides: dict[str, str], wrong: str) -> None:
    with pytest.raises(StartError, match=wrong) as caught:
        server(**{"cluster": engine.url, **overrides})
    assert ":secret" not in str(caught.value)


def test_nodes_with_other_secrets_do_not_hear_each_other_and_say_so(
        node: Start, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).write_text(f"a secret of {name}, long enough\n")
    a = node("a", cluster_secret=str(tmp_path / "one"))
    b = node("b", cluster_secret=str(tmp_path / "two"))
    c = node("c", knows=1, cluster_secret=str(tmp_path / "one"))
    a.wait_for(Warned, lambda event: "not signed with the secret" in event.text)
    assert "frames-unread" in [lint.code for lint in lints.find(a.snapshot())]
    assert c.call(lambda: known(c.chat)) == {"a"}
    assert b.call(lambda: known(b.chat)) == set()
