"""What an admin of one node has done on all, and how each of them answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatops.api.commands import Ban, Bans, Broadcast, Kick, Mute, Unban, Unmute
from chatops.api.events import AdminDid
from chatops.chat.session import Session
from tests.integration.engine import Engine, needs_engine
from tests.integration.fault_proxy import before
from tests.integration.harness import Server
from tests.integration.nodes import Start, both, known, up
from tests.patience import scaled

pytestmark = [needs_engine, pytest.mark.timeout(scaled(60))]


def banned(server: Server) -> list[str]:
    return [row.split()[0] for row in server.do(Bans()).rows]


def muted(server: Server, id: int) -> bool:  # noqa: A002
    def look() -> bool:
        session: Session = server.chat.hub.sessions[id]
        return bool(session.muted_until)

    return server.call(look)


@pytest.mark.parametrize("word", ["bob", "BOB", "b#{id}"])
def test_who_is_on_another_node_is_kicked_by_nick_and_by_id(node: Start, word: str) -> None:
    a, b, ada, bob = both(node)
    result = a.do(Kick((word.format(id=bob.id),), "spam"))
    assert result.text == f"node b: kicked #{bob.id} bob"
    assert "*** you were kicked: spam" in bob.to_the_end()
    ada.expect("*** bob left (kicked: spam)")
    assert b.call(lambda: len(b.chat.hub.sessions)) == 0


def test_one_command_for_people_of_several_nodes_says_what_each_did(node: Start) -> None:
    a, b, ada, bob = both(node)
    result = a.do(Kick((f"a#{ada.id}", "bob", "nobody", "b#99")))
    assert result.text == (f"kicked #{ada.id} ada; nobody, b#99 are not here (any more); "
                           f"node b: kicked #{bob.id} bob")
    ada.to_the_end()
    bob.to_the_end()
    assert b.call(lambda: len(b.chat.hub.sessions)) == 0


def test_who_is_muted_from_another_node_listens_only_until_it_is_unmuted_there(
        node: Start) -> None:
    a, b, ada, bob = both(node)
    assert a.do(Mute(("bob",))).text == f"node b: muted #{bob.id} bob"
    bob.expect("*** you were muted: you can listen, but not speak")
    assert muted(b, bob.id)
    a.until(lambda chat: chat.state.others and chat.state.others.people_rows()[0].muted)
    assert a.do(Mute(("bob",))).text == f"node b: #{bob.id} bob was muted already"
    assert a.do(Unmute(("bob",))).text == f"node b: unmuted #{bob.id} bob"
    bob.expect("*** you can speak again")
    a.until(lambda chat: chat.state.others and not chat.state.others.people_rows()[0].muted)
    assert a.do(Unmute(("bob",))).text == f"node b: #{bob.id} bob was not muted"
    bob.say("thanks")
    ada.expect("bob: thanks")


def test_a_broadcast_names_how_many_each_node_told(node: Start) -> None:
    a, _, ada, bob = both(node)
    assert a.do(Broadcast("tea")).text == "said to 1 client; node b: said to 1 client"
    ada.expect("*** [admin] tea")
    bob.expect("*** [admin] tea")


def test_a_ban_by_a_nick_of_another_node_holds_on_all_of_them_until_it_is_lifted_on_any(
        node: Start) -> None:
    a, b, ada, bob = both(node)
    result = a.do(Ban("bob", 0.0, "spam"))
    assert result.text == (f"banned 127.0.0.1/32 for good; #{ada.id} ada disconnected; "
                           f"node b: #{bob.id} bob disconnected")
    assert "*** you were banned: spam" in bob.to_the_end()
    ada.to_the_end()
    assert banned(a) == banned(b) == ["127.0.0.1/32"]
    there = b.wait_for(AdminDid)
    assert (there.line, there.outcome) == (
        "ban 127.0.0.1/32 forever spam", f"for node a: #{bob.id} bob disconnected")
    assert b.do(Unban("127.0.0.1")).text == ("127.0.0.1/32 may come in again; node a: it holds "
                                             "there too")
    assert banned(a) == banned(b) == []
    here = a.wait_for(AdminDid, lambda event: event.line.startswith("unban"))
    assert (here.line, here.outcome) == (
        "unban 127.0.0.1/32", "for node b: it holds here too")
    assert a.row(a.client()).nick.startswith("guest-a")


def test_a_node_that_does_not_answer_is_named_and_does_it_when_it_is_back(
        node: Start, engine: Engine) -> None:
    with before(engine.port) as proxy:
        a, b, _, _ = both(node, url=proxy.url)
        proxy.mute = True
        result = a.submit(Ban("192.0.2.0/24"))
        assert result.text in (
            "banned 192.0.2.0/24 for good; node b did not answer; it will be done when it is back",
            "banned 192.0.2.0/24 for good; node b is gone")
        assert result.ok
        assert b.call(lambda: len(b.chat.state.admission.bans)) == 0
        proxy.mute = False
        b.until(lambda chat: len(chat.state.admission.bans) == 1)
        b.thread.close()
        b.must_live = False


def test_a_node_that_was_not_there_learns_what_was_banned_and_what_was_lifted(
        node: Start, tmp_path: Path) -> None:
    file = str(tmp_path / "bans.json")
    a, b = node("a"), node("b", knows=1, ban_file=file)
    a.until(lambda chat: known(chat) == {"b"})
    a.do(Ban("192.0.2.1"))
    a.do(Ban("192.0.2.2"))
    assert banned(b) == ["192.0.2.1/32", "192.0.2.2/32"]
    b.must_live = False
    b.thread.close()
    a.until(lambda chat: not known(chat))
    a.do(Unban("192.0.2.1"))
    a.do(Ban("192.0.2.3", 3600.0))
    again = node("b", knows=1, ban_file=file)          # its file has one that was lifted
    again.until(lambda chat: len(chat.state.admission.bans) == 2)
    assert banned(again) == ["192.0.2.2/32", "192.0.2.3/32"]
    assert banned(a) == ["192.0.2.2/32", "192.0.2.3/32"]


def test_bans_outlive_the_engines_memory(node: Start, engine: Engine) -> None:
    a, b, _, _ = both(node)
    a.do(Ban("192.0.2.1"))
    engine.kill()
    engine.start()
    a.until(up)
    b.until(up)
    c = node("c", knows=2)
    c.until(lambda chat: len(chat.state.admission.bans) == 1)
