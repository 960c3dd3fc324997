"""What is heard long after it was said goes to the history, or is shown with its time."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from chatops.api.events import Warned
from chatops.cluster import start
from chatops.cluster.engine import moment
from chatops.storage.history_file import entries, reading
from tests.integration.engine import Engine, needs_engine
from tests.integration.fault_proxy import FaultProxy, before
from tests.integration.harness import Client, Clock, Server
from tests.integration.irc_client import IrcClient
from tests.integration.nodes import Start, both, of, up
from tests.integration.until import until
from tests.patience import scaled

pytestmark = [needs_engine, pytest.mark.timeout(scaled(60))]

LATE = scaled(0.7)             # seconds; what is said now must be heard sooner
AWAY = 100.0                   # seconds that a node is cut off: less than its frames are kept
DATED = re.compile(r"ada: \[\d\d:\d\d\] (.*)")


@pytest.fixture
def proxy(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    """Before one of the nodes."""
    monkeypatch.setattr(start, "PACE", replace(start.PACE, late=LATE))
    with before(engine.port) as proxy:
        yield proxy


def cut_off(node: Server, proxy: FaultProxy) -> None:
    proxy.mute = True
    node.until(lambda chat: not up(chat))


def grown_old(engine: Engine) -> None:
    """All that is in the log has been there for so long that it is late."""
    [[newest, _]] = engine.ask("XREVRANGE", "{chatops}:log", "+", "-", "COUNT", 1)

    def old() -> bool:
        seconds, micros = map(int, engine.ask("TIME"))
        return seconds + micros / 1e6 > moment(newest.decode())[0] / 1e3 + LATE

    until(old, LATE * 10)


def say(client: Client, *lines: str) -> None:
    for line in lines:
        client.say(line)
        client.expect(f"ada: {line}")


def missed(a: Server, ada: Client, engine: Engine, *lines: str) -> None:
    """These are said where the other node cannot hear them in time."""
    say(ada, *lines)
    a.until(lambda chat: not len(of(chat).queue))
    grown_old(engine)


def kept(path: Path) -> list[str]:
    with reading(str(path)) as database:
        return [entry.line for entry in entries(database, room="lobby")]


def ended(node: Server) -> None:
    node.must_live = False
    node.thread.close()


def test_what_a_node_missed_while_it_was_cut_off_is_in_its_history_once_and_not_shown(
        node: Start, engine: Engine, proxy: FaultProxy, tmp_path: Path) -> None:
    path = tmp_path / "b.db"

    def begin(name: str, *, url: str = "", knows: int = 0) -> Server:
        return node(name, url=url, knows=knows, history=str(path) if name == "b" else "")

    a, b, ada, bob = both(begin, url=proxy.url)
    say(ada, "0")
    bob.expect("ada: 0")
    cut_off(b, proxy)
    missed(a, ada, engine, "1", "2", "3")
    proxy.mute = False
    heard = bob.read_until(lambda line: line.endswith("came only now; /history shows them"))
    assert re.fullmatch(r"\*\*\* 3 lines of lobby, said elsewhere up to \d+[smh] ago, came only "
                        "now; /history shows them", heard[-1])
    say(ada, "4")
    heard += bob.read_until("ada: 4")
    assert not [line for line in heard if re.search("ada: .*[123]$", line)]
    warned = b.wait_for(Warned, lambda event: "came only now" in event.text).text
    assert warned.startswith("3 lines of lobby")
    assert warned.endswith("; the history has them")
    ended(b)
    # Neither is it there a second time when the node has caught up by its log.
    again = begin("b", knows=1)
    again.until(lambda chat: of(chat).link.caught_up)
    ended(again)
    assert kept(path) == [f"ada: {n}" for n in range(5)]


def test_where_no_history_is_kept_it_is_shown_with_the_time_at_which_it_was_said(
        node: Start, engine: Engine, proxy: FaultProxy) -> None:
    a, b, ada, bob = both(lambda name, **more: node(
        name, **more, **({"irc_port": 0} if name == "b" else {})), url=proxy.url)
    where = b.address[0], b.call(lambda: b.chat.intake.irc_port)
    with closing(IrcClient(where, "eve")) as eve, closing(IrcClient(where, "pat")) as pat:
        eve.asked("CAP REQ server-time", "JOIN #lobby")
        pat.asked("JOIN #lobby")
        ada.read_until("*** pat joined")
        cut_off(b, proxy)
        ada.say("/msg bob private")
        ada.expect("[you -> bob] private")
        missed(a, ada, engine, "1", "2")
        proxy.mute = False
        heard = bob.read_until(lambda line: line.endswith(" 2"))
        assert [match[1] for match in map(DATED.fullmatch, heard) if match] == ["1", "2"]
        assert [line for line in heard
                if re.fullmatch(r"\[ada -> you\] \[\d\d:\d\d\] private", line)]
        say(ada, "3")
        assert bob.read_until("ada: 3")
        talk = [line.rstrip("\r") for line in eve.read_until(lambda line: "#lobby :3" in line)
                if "PRIVMSG" in line]
        assert [line.rpartition(":")[2] for line in talk] == ["1", "2", "3"]
        assert all(line.startswith("@time=") for line in talk)
        talk = [line.rstrip("\r").partition("#lobby :")[2]
                for line in pat.read_until(lambda line: "#lobby :3" in line) if "PRIVMSG" in line]
        assert [re.sub(r"^\[\d\d:\d\d\] ", "[] ", line) for line in talk] == ["[] 1", "[] 2", "3"]
    ended(b)


def test_what_another_node_could_not_deliver_for_a_while_is_late_and_what_it_says_now_is_not(
        node: Start, engine: Engine, proxy: FaultProxy, tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "PACE", replace(start.PACE, late=AWAY / 2))
    path = tmp_path / "a.db"
    a, b, ada, bob = both(lambda name, **more: node(
        name, **more, **({"history": str(path)} if name == "a" else {})), url=proxy.url)
    cut_off(b, proxy)
    for n in (1, 2):
        bob.say(str(n))
        bob.expect(f"bob: {n}")
    b.call(lambda: setattr(b.chat.state, "wall", lambda: time.time() + AWAY))
    Clock(b).advance(AWAY)
    bob.say("3")
    bob.expect("bob: 3")
    proxy.mute = False
    heard = ada.read_until("bob: 3")
    heard += ada.read_until(lambda line: line.endswith("came only now; /history shows them"))
    assert not {"bob: 1", "bob: 2"} & {*heard}
    assert "*** 2 lines of lobby, said elsewhere up to 1m ago" in heard[-1]
    ended(b)
    ended(a)
    assert sorted(kept(path)) == ["bob: 1", "bob: 2", "bob: 3"]
