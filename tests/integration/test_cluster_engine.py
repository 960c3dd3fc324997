"""What the engine may do to several nodes: nobody there is kept waiting, and nothing is doubled."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from chatops.api.events import EngineBack, EngineLost, FramesLost, Warned
from chatops.cluster import start
from chatops.cluster.frames import VERSION
from chatops.system.errors import StartError
from tests.integration.engine import Engine, needs_engine
from tests.integration.fault_proxy import before
from tests.integration.harness import Client, Server
from tests.integration.nodes import QUICK, Start, both, of, sees, up
from tests.integration.until import until
from tests.patience import scaled

pytestmark = [needs_engine, pytest.mark.timeout(scaled(90))]


def away(node: Server) -> None:
    node.until(lambda chat: not up(chat) and of(chat).link.state != "joining")


def milliseconds(engine: Engine) -> int:
    """The engine's clock."""
    seconds, micros = engine.ask("TIME")
    return int(seconds) * 1000 + int(micros) // 1000


def missing(node: Server) -> int:
    """Frames of others that it never had."""
    return node.call(lambda: of(node.chat).numbers.missing)


def all_of(client: Client, last: str, *nicks: str) -> list[str]:
    """What these have said, up to this last line."""
    return [line for line in client.read_until(last) if line.startswith(
        tuple(f"{nick}: " for nick in nicks))]


def said_by(nick: str, count: int) -> list[str]:
    return [f"{nick}: {n}" for n in range(count)]


def test_nodes_begin_alone_where_no_engine_is_and_what_was_said_is_heard_when_it_comes(
        node: Start, engine: Engine) -> None:
    engine.kill()
    a, b = node("a", knows=-1), node("b", knows=-1)
    lost = a.wait_for(EngineLost)
    assert lost.engine == f"127.0.0.1:{engine.port}/0"
    ada, other, bob = a.client(), a.client(), b.client()
    ada.rename("ada")
    ada.say("is anybody there")
    other.expect("ada: is anybody there")      # own clients are not kept waiting
    engine.start()
    bob.expect("ada: is anybody there")
    bob.say("here I am")
    ada.expect(f"guest-b{bob.id}: here I am")
    assert a.wait_for(EngineBack).seconds > 0


def test_an_engine_that_was_killed_and_comes_back_empty_costs_no_line_and_doubles_none(
        node: Start, engine: Engine) -> None:
    a, b, ada, bob = both(node)
    ada.say(*map(str, range(5)))
    bob.expect("ada: 4")
    engine.kill()
    away(a)
    away(b)
    for n in range(5, 10):
        ada.say(str(n))
        ada.expect(f"ada: {n}")
    bob.say(*map(str, range(5)))
    bob.expect("bob: 4")
    engine.start()
    assert all_of(bob, "ada: 9", "ada") == said_by("ada", 10)[5:]
    assert all_of(ada, "bob: 4", "bob") == said_by("bob", 5)
    ada.say("last")
    assert all_of(bob, "ada: last", "ada") == ["ada: last"]
    # The engine has lost the nicks as well: it is told of them again.
    a.until(lambda chat: not of(chat).claims and not len(of(chat).queue))
    b.until(lambda chat: not of(chat).claims)
    assert engine.ask("HLEN", "{chatops}:nicks") == 2


def test_what_it_had_taken_and_lost_before_others_read_it_is_written_again(
        node: Start, engine: Engine) -> None:
    with before(engine.port) as proxy:
        a, b, ada, bob = both(node, url=proxy.url)
        proxy.mute = True
        ada.say("hello")
        a.until(lambda chat: not len(of(chat).queue))      # the engine has it
        engine.kill()
        away(b)
        engine.start()
        proxy.mute = False
        bob.expect("ada: hello")
        assert missing(b) == 0
        ada.say("last")
        assert all_of(bob, "ada: last", "ada") == ["ada: last"]
        b.thread.close()
        b.must_live = False


def test_members_are_told_once_that_the_others_cannot_be_reached_and_once_that_they_are(
        node: Start, engine: Engine) -> None:
    a, _, ada, _ = both(node)
    alone = a.client()
    alone.rename("cat")
    alone.join("attic")                        # nobody on the other node is in there
    engine.kill()
    ada.expect("*** the other nodes cannot be reached; they hear later what is said here")
    engine.start()
    heard = ada.read_until("*** the other nodes are reached again")
    assert not [line for line in heard if "cannot be reached" in line]
    alone.say("still here")
    assert not [line for line in alone.read_until("cat: still here") if "reached" in line]


def test_a_frozen_engine_is_given_up_and_after_its_thaw_everybody_has_all(
        node: Start, engine: Engine) -> None:
    a, b, ada, bob = both(node)
    engine.freeze()
    ada.say(*map(str, range(50)))
    ada.expect("ada: 49")
    away(a)
    assert "no answer for" in a.wait_for(EngineLost).reason
    away(b)
    bob.say(*map(str, range(50)))
    bob.expect("bob: 49")
    engine.thaw()
    assert all_of(bob, "ada: 49", "ada") == said_by("ada", 50)
    assert all_of(ada, "bob: 49", "bob") == said_by("bob", 50)
    ada.say("last")
    assert all_of(bob, "ada: last", "ada") == ["ada: last"]


def test_an_answer_that_is_swallowed_doubles_a_frame_in_the_log_and_no_line(
        node: Start, engine: Engine) -> None:
    with before(engine.port) as proxy:
        a, b, ada, bob = both(node, url=proxy.url)
        for n in range(3):
            proxy.swallow = b"NOMKSTREAM"
            bob.say(str(n))
            until(lambda: not proxy.swallow)
            ada.expect(f"bob: {n}")
        bob.say("last")
        assert all_of(ada, "bob: last", "bob") == ["bob: last"]
        assert proxy.swallowed == 3
        assert a.call(lambda: of(a.chat).numbers.doubled) == 3
        assert a.call(lambda: of(a.chat).numbers.missing) == 0
        b.thread.close()
        b.must_live = False


def test_a_log_that_was_trimmed_past_a_reader_says_so(node: Start, engine: Engine) -> None:
    with before(engine.port) as proxy:
        a, b, ada, bob = both(node, url=proxy.url)
        proxy.mute = True
        away(b)
        ada.say("not for b")
        a.until(lambda chat: len(of(chat).queue) == 0)
        engine.ask("XTRIM", "{chatops}:log", "MAXLEN", 0)
        ada.say("nor this, maybe")
        a.until(lambda chat: len(of(chat).queue) == 0)
        proxy.mute = False
        bob.expect("*** some lines of node a are missing")
        assert b.wait_for(FramesLost).node == "a"
        ada.say("and on")
        bob.expect("ada: and on")
        b.thread.close()
        b.must_live = False


def test_an_engine_that_forgets_everything_under_its_readers_is_no_news_to_clients(
        node: Start, engine: Engine) -> None:
    a, b, ada, bob = both(node)
    engine.ask("FLUSHALL")
    # An id has milliseconds, and in the same one the next would be given again: nobody reads what
    # is not after what it has read.  So nothing is written to a log that is another.
    ada.say("hello")
    assert all_of(bob, "ada: hello", "ada") == ["ada: hello"]
    a.until(lambda _: engine.ask("EXISTS", "{chatops}:node:a", "{chatops}:node:b") == 2)
    a.until(lambda _: engine.ask("HLEN", "{chatops}:nicks") == 2)
    assert b.call(lambda: sees(b.chat, "ada"))
    assert missing(a) == missing(b) == 0


def test_where_a_log_begins_it_says_so_to_those_who_have_read_another(
        node: Start, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "PACE", replace(QUICK, renew=600.0, lease=1200.0))
    a, b, ada, bob = both(node)
    was = b.call(lambda: of(b.chat).link.epoch)
    engine.ask("FLUSHALL")
    ada.say("hello")                           # and b, which says nothing, renews nothing
    b.until(lambda chat: up(chat) and of(chat).link.epoch != was)
    assert all_of(bob, "ada: hello", "ada") == ["ada: hello"]
    a.until(lambda chat: of(chat).link.epoch == b.call(lambda: of(b.chat).link.epoch))
    assert missing(a) == missing(b) == 0


@pytest.mark.parametrize("spoil", [("DEL", "{chatops}:log"), ("DEL", "{chatops}:epoch"),
                                   ("SET", "{chatops}:epoch", "another")])
def test_a_log_that_is_another_is_found_out_and_nothing_is_lost_or_doubled(
        node: Start, engine: Engine, spoil: tuple[str, ...]) -> None:
    a, b, ada, bob = both(node)
    ada.say("before")
    bob.expect("ada: before")
    was = a.call(lambda: of(a.chat).link.epoch)
    engine.ask(*spoil)
    for number in range(3):
        ada.say(f"ada {number}")
        bob.say(f"bob {number}")
    for each in (a, b):
        each.until(lambda chat: up(chat) and of(chat).link.epoch != was)
    assert a.call(lambda: of(a.chat).link.epoch) == b.call(lambda: of(b.chat).link.epoch)
    ada.say("last of ada")
    bob.say("last of bob")
    assert all_of(bob, "ada: last of ada", "ada") == [
        *[f"ada: ada {number}" for number in range(3)], "ada: last of ada"]
    assert all_of(ada, "bob: last of bob", "bob") == [
        *[f"bob: bob {number}" for number in range(3)], "bob: last of bob"]
    assert missing(a) == missing(b) == 0


def test_a_log_that_begins_anew_before_what_was_read_is_read_from_its_beginning(
        node: Start, engine: Engine) -> None:
    a, b, ada, bob = both(node)
    # As if the engine's clock had been set back, or within one millisecond: ids are given again.
    ahead = f"{milliseconds(engine) + 3_600_000}-0"
    engine.ask("XADD", "{chatops}:log", ahead, "f", b"no frame")
    for each in (a, b):
        each.until(lambda chat: of(chat).arrivals.bad == 1)
    engine.ask("FLUSHALL")
    ada.say("hello")
    assert all_of(bob, "ada: hello", "ada") == ["ada: hello"]
    bob.say("hello")
    assert all_of(ada, "bob: hello", "bob") == ["bob: hello"]
    ada.say("last")
    assert all_of(bob, "ada: last", "ada") == ["ada: last"]
    assert missing(a) == missing(b) == 0


def test_an_engine_that_is_still_loading_is_away_in_its_own_words_until_it_has(
        node: Start, engine: Engine) -> None:
    with before(engine.port) as proxy:
        proxy.answer = b"-LOADING Redis is loading the dataset in memory\r\n"
        a, b = node("a"), node("b", knows=-1, url=proxy.url)
        b.until(lambda chat: "LOADING" in of(chat).link.reason)
        bob = b.client()
        bob.say("hello")
        bob.expect(f"{bob.nick}: hello")
        ada = a.client()
        proxy.answer = b""
        ada.expect(f"{bob.nick}: hello")
        b.must_live = False
        b.thread.close()


@pytest.mark.parametrize(("spoil", "mend", "words"), [
    (("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0"), "OOM"),
    (("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE"), "READONLY"),
], ids=["out of memory", "a replica"])
def test_an_engine_that_takes_nothing_is_away_in_its_own_words_until_it_does(
        node: Start, engine: Engine, spoil: tuple[str, ...], mend: tuple[str, ...],
        words: str) -> None:
    a, _, ada, bob = both(node)
    engine.ask(*spoil)
    ada.say("hello")
    ada.expect("ada: hello")
    a.until(lambda chat: words in of(chat).link.reason)
    engine.ask(*mend)
    assert all_of(bob, "ada: hello", "ada") == ["ada: hello"]


def test_what_is_no_frame_of_ours_is_skipped_and_said(node: Start, engine: Engine) -> None:
    a, b, ada, bob = both(node)
    newer = msgspec.msgpack.encode([VERSION + 1, "z", {"quite": "different"}])
    for junk in (b"", b"\xff" * 100, b"x" * 10_000_000, newer):
        engine.write(junk)
    ada.say("hello")
    bob.expect("ada: hello")
    assert "was not read" in a.wait_for(Warned).text
    b.until(lambda chat: of(chat).arrivals.bad == 4)
    assert b.call(lambda: of(b.chat).reader.peers["z"].state) == "other version"


def test_a_wrong_password_is_told_in_a_line_and_a_right_one_is_used(
        node: Start, engine: Engine) -> None:
    engine.ask("CONFIG", "SET", "requirepass", "s3cret")
    with pytest.raises(StartError, match="NOAUTH"):
        node("a", knows=-1)
    with pytest.raises(StartError, match="WRONGPASS") as caught:
        node("a", knows=-1, url=engine.url.replace("://", "://:0ther@"))
    assert "0ther" not in str(caught.value)
    both(lambda name, **more: node(name, **{**more, "url": engine.url.replace(
        "://", "://:s3cret@")}))


def test_nicks_of_nodes_that_were_killed_are_forgotten_when_a_node_comes(
        node: Start, engine: Engine) -> None:
    a = node("a")
    ada = a.client()
    ada.rename("ada")
    until(lambda: engine.ask("HGET", "{chatops}:nicks", "ada") is not None)
    for n in range(2000):                      # more than a step of it
        engine.ask("HSET", "{chatops}:nicks", f"ghost{n}", f"dead/boot{n % 7}/{n}")
    node("b", knows=1)
    until(lambda: engine.ask("HLEN", "{chatops}:nicks") == 1)
    assert engine.ask("HKEYS", "{chatops}:nicks") == [b"ada"]


def test_an_entry_that_nobody_can_read_harms_no_node_however_busy_it_is(
        node: Start, engine: Engine) -> None:
    a, b, ada, bob = both(node)
    lines = said_by("ada", 200)
    for n, line in enumerate(lines):
        ada.say(line.removeprefix("ada: "), "/who")
        if n % 10 == 0:
            engine.ask("XADD", "{chatops}:log", "*", "log", b"\xff")
            engine.ask("XADD", "{chatops}:log", "*", b"\xfe", b"\xff")
    ada.say("over")
    assert [line for line in all_of(bob, "ada: over", "ada") if line != "ada: over"] == lines
    for server in (a, b):
        assert server.call(lambda server=server: up(server.chat))  # type: ignore[misc]


def test_a_log_that_has_an_odd_name_is_joined_all_the_same(node: Start, engine: Engine) -> None:
    a, b, ada, bob = both(node)
    engine.ask("SET", "{chatops}:epoch", b"\xff\xfe")
    engine.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no")
    for server in (a, b):
        server.wait_for(EngineBack)
    ada.say("still here")
    bob.expect("ada: still here")
