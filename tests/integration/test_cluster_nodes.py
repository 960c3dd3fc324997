"""Nodes that die, freeze, are parted from the others or come again, and what people hear of it."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chatops.api.events import NickLost, NodeGone, NodeUp
from tests.integration.engine import Engine, needs_engine
from tests.integration.fault_proxy import before
from tests.integration.harness import Served, Server
from tests.integration.nodes import QUICK, Start, both, known, of, sees, up
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

Process = Callable[..., Served]


@pytest.fixture
def process(served: Callable[..., Served], engine: Engine, tmp_path: Path) -> Process:
    """Starts a node in a process of its own."""
    def begin(name: str) -> Served:
        started = served("--cluster", engine.url, "--node", name, "--announce-after", "off",
                         program=("-c", PROGRAM))
        started.must_live = False              # what becomes of it is the test's affair
        return started

    return begin


def beside(node: Start, process: Process) -> tuple[Server, Served, Any, list[Any]]:
    """Node a here, node b in a process, ada on a and three people on b."""
    a, b = node("a"), process("b")
    a.until(lambda chat: known(chat) == {"b"})
    ada = a.client()
    ada.rename("ada")
    there = [b.client() for _ in range(3)]
    for client in there:
        ada.expect(f"*** guest-b{client.id} joined")
    return a, b, ada, there


def test_the_death_of_a_node_is_one_notice_however_many_were_on_it(
        node: Start, process: Process) -> None:
    a, b, ada, _ = beside(node, process)
    b.signal(signal.SIGKILL)
    ada.expect("*** node b is gone, and 3 members of lobby with it")
    assert a.wait_for(NodeGone).people == 3
    ada.say("/who")
    assert ada.read_line() == "*** 1 in lobby: ada"


def test_a_node_that_crashed_comes_again_under_its_name_once_its_lease_is_over(
        node: Start, process: Process) -> None:
    a, b, ada, there = beside(node, process)
    there[0].say("/nick bob")
    ada.expect(f"*** {there[0].nick} is now bob")
    b.signal(signal.SIGKILL)
    again = process("b")                       # waits for the lease of the dead one, whose end
    ada.read_until(lambda line: line in (      # and whose successor come at the same time
        "*** node b is gone, and 3 members of lobby with it",
        "*** node b was started again, and 3 members of lobby with it"))
    a.until(lambda chat: known(chat) == {"b"})
    back = again.client()
    back.rename("bob")                         # which has fallen free
    ada.expect(f"*** {'guest-b'}{back.id} is now bob")
    back.say("hello")
    ada.expect("bob: hello")


def test_a_node_that_froze_is_gone_for_the_others_and_back_with_its_people_when_it_thaws(
        node: Start, process: Process) -> None:
    a, b, ada, there = beside(node, process)
    b.signal(signal.SIGSTOP)
    ada.expect("*** node b is gone, and 3 members of lobby with it")
    ada.say("while you slept")
    b.signal(signal.SIGCONT)
    ada.expect("*** node b is there, and 3 members of lobby with it")
    there[0].expect("ada: while you slept")
    there[0].say("good morning")
    ada.expect(f"{there[0].nick}: good morning")
    assert [event.people for event in a.events() if isinstance(event, NodeUp)][-1] == 3


def test_of_two_with_one_nick_after_a_split_the_second_to_confirm_is_renamed_and_told(
        node: Start, engine: Engine) -> None:
    with before(engine.port) as proxy:
        a, b, ada, bob = both(node, url=proxy.url)
        proxy.mute = True
        b.until(lambda chat: not up(chat))
        ada.rename("eve")
        a.until(lambda chat: not of(chat).claims and not of(chat).claiming)
        bob.say("/nick eve")
        bob.expect("*** bob is now eve")       # nobody is kept waiting for the engine
        proxy.mute = False
        bob.expect(f"*** your nick eve was taken on another node meanwhile (a); "
                   f"you are guest-b{bob.id}")
        ada.expect(f"*** eve is now guest-b{bob.id}")
        assert b.wait_for(NickLost).node == "a"
        a.until(lambda chat: sees(chat, f"guest-b{bob.id}") and not sees(chat, "eve"))
        bob.say("still here")
        ada.expect(f"guest-b{bob.id}: still here")
        assert a.row(ada).nick == "eve"
        b.thread.close()
        b.must_live = False


def test_a_node_that_is_parted_from_the_engine_is_gone_for_the_others_and_talks_on(
        node: Start, engine: Engine) -> None:
    with before(engine.port) as proxy:
        a, b, ada, bob = both(node, url=proxy.url)
        friend = b.client()
        ada.expect(f"*** {friend.nick} joined")
        proxy.mute = True
        ada.expect("*** node b is gone, and 2 members of lobby with it")
        bob.say("alone")
        friend.expect("bob: alone")
        proxy.mute = False
        ada.expect("bob: alone")
        a.until(lambda chat: sees(chat, "bob"))
        b.thread.close()
        b.must_live = False
