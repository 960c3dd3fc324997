"""How fast things go by the IRC door: long answers, pasting, and floods."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from chatops.api.events import Throttled
from tests.integration.harness import Server
from tests.integration.irc_client import IrcClient

SAID = 400


def port_of(chat: Server) -> tuple[str, int]:
    return chat.address[0], chat.call(lambda: chat.chat.intake.irc_port)


@pytest.mark.parametrize("caps", ["", "batch server-time message-tags labeled-response"])
def test_who_asks_for_much_and_reads_slowly_gets_it_all_and_stays(
        server: Callable[..., Server], tmp_path: Path, caps: str) -> None:
    chat = server(irc_port=0, rate_limit=0.0, outbox=1 << 16, sndbuf=4096,
                  history=str(tmp_path / "history.db"))
    with (IrcClient(port_of(chat), "ada") as ada,
          IrcClient(port_of(chat), "slow", rcvbuf=4096, caps=caps) as slow):
        ada.asked("JOIN #tea")
        slow.asked("JOIN #tea")
        ada.asked()
        for begin in range(0, SAID, 50):
            ada.asked(*[f"PRIVMSG #tea :{n} {'x' * 400}" for n in range(begin, begin + 50)])
            slow.asked()
        label = "@label=a " if caps else ""
        slow.say(*[f"{label}CHATHISTORY LATEST #tea * 1000"] * 4, "PING :fence")
        chat.until(lambda _: chat.chat.state.context.queued)
        ada.asked("PRIVMSG #tea :meanwhile")       # by the way, and not behind all of that
        heard = [line for line in slow.until("PONG") if "PRIVMSG" in line]
        said = [line.partition(" #tea :")[2].split(" ")[0].rstrip("\r") for line in heard]
        assert said.count("meanwhile") >= 1
        assert [one for one in said if one != "meanwhile"] == [str(n) for n in range(SAID)] * 4
        assert slow.asked() == []


def test_pasting_is_no_flood(server: Callable[..., Server]) -> None:
    chat = server(irc_port=0)
    with IrcClient(port_of(chat), "ada") as ada, IrcClient(port_of(chat), "bob") as bob:
        ada.asked("JOIN #tea")
        bob.asked("JOIN #tea")
        ada.asked(*[f"PRIVMSG #tea :line {n}" for n in range(20)])
        assert len([line for line in bob.asked() if "PRIVMSG" in line]) == 20
        assert not [event for event in chat.events() if isinstance(event, Throttled)]


def test_a_flood_is_read_more_slowly_and_loses_nothing(server: Callable[..., Server]) -> None:
    chat = server(irc_port=0, rate_limit=200.0, rate_burst=100)
    with IrcClient(port_of(chat), "ada") as ada, IrcClient(port_of(chat), "bob") as bob:
        ada.asked("JOIN #tea")
        bob.asked("JOIN #tea")
        ada.say(*[f"PRIVMSG #tea :line {n}" for n in range(300)])
        chat.wait_for(Throttled)
        heard = bob.asked()                        # who floods nobody is served as ever
        heard += bob.read_until(lambda line: line.rstrip("\r").endswith(":line 299"))
        said = [line.rstrip("\r").rpartition(" ")[2] for line in heard if "PRIVMSG" in line]
        assert said == [str(n) for n in range(300)]
        told = [line for line in ada.asked() if "NOTICE" in line]
        assert len(told) == 1
        assert "read more slowly" in told[0]


def test_answers_cost_their_asker_as_much_as_what_it_says(server: Callable[..., Server]) -> None:
    chat = server(irc_port=0, rate_limit=50.0, rate_burst=50)
    with IrcClient(port_of(chat), "ada") as ada:
        ada.asked("JOIN " + ",".join([f"#room-{n}-{'x' * 20}" for n in range(12)]))
        ada.asked(*[f"TOPIC #room-{n}-{'x' * 20} :{'y' * 390}" for n in range(12)])
        ada.say(*["LIST"] * 45, "PING :end")       # of lines alone it could have fifty
        chat.wait_for(Throttled)
        assert len([line for line in ada.until("PONG") if " 323 " in line]) == 45


def test_long_answers_that_nobody_reads_count_among_what_all_may_hold(
        server: Callable[..., Server], tmp_path: Path) -> None:
    limit = 1 << 20
    chat = server(irc_port=0, rate_limit=0.0, total_outbox=limit, sndbuf=4096,
                  history=str(tmp_path / "history.db"))
    with ExitStack() as stack:
        ada, *mute = [stack.enter_context(IrcClient(port_of(chat), nick, rcvbuf=4096))
                      for nick in ("ada", *[f"mute{n}" for n in range(8)])]
        ada.asked("JOIN #tea")
        for begin in range(0, SAID, 50):
            ada.asked(*[f"PRIVMSG #tea :{n} {'x' * 440}" for n in range(begin, begin + 50)])
        for one in mute:
            one.asked("JOIN #tea")
            one.say("CHATHISTORY LATEST #tea * 1000")
        chat.until(lambda server: server.state.evicted)
        evicted, held = chat.call(lambda: (
            chat.chat.state.evicted,
            chat.chat.state.context.queued + sum(chat.chat.state.poured.values())))
        assert held <= limit
        assert evicted < len(mute)
        chat.until(lambda server: len(server.state.poured) == len(mute) - server.state.evicted)
        gone = chat.call(lambda: chat.chat.state.evicted)
        ends = [one.read_until(lambda line: line.startswith("ERROR") or f" :{SAID - 1} " in line)
                for one in mute]
        assert sum(lines[-1].startswith("ERROR") for lines in ends) == gone
        chat.until(lambda server: not server.state.poured)
