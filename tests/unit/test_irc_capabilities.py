"""What a client has not asked for it does not get, and what it has asked for it does."""

from __future__ import annotations

import re
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatops.chat.irc.capabilities import FORMS, OFFERED
from chatops.chat.irc.network import Network
from tests.unit.irc_chat import IrcChat

# What marks a message as one that this capability brings.
SIGNS = {
    "server-time": r"@(\S*;)?time=", "message-tags": r"@(\S*;)?(msgid=|\+)|(@\S+ )?\S+ TAGMSG ",
    "account-tag": r"@(\S*;)?account=", "labeled-response": r"@(\S*;)?label=|\S+ ACK",
    "batch": r"(@\S+ )?\S+ BATCH ", "away-notify": r"(@\S+ )?:bob!\S+ AWAY",
    "setname": r"(@\S+ )?:bob!\S+ SETNAME", "account-notify": r"(@\S+ )?\S+ ACCOUNT ",
    "chghost": r"(@\S+ )?\S+ CHGHOST ", "invite-notify": r"(@\S+ )?:bob!\S+ INVITE eve ",
    "extended-join": r"(@\S+ )?:bob!\S+ JOIN #tea \S+ :",
    "echo-message": r"(@\S+ )?:ada!\S+ PRIVMSG",
    "multi-prefix": r".*@\+", "userhost-in-names": r".* 353 .*!", "standard-replies": r".* FAIL ",
}


def everything(chat: IrcChat, caps: tuple[str, ...]) -> list[str]:
    """All that ada, with these, hears while bob does all there is to do beside her."""
    ada = chat.person("ada", " ".join(caps))
    bob = chat.person("bob", "message-tags labeled-response")
    chat.person("eve")
    heard = chat.asked(ada, "JOIN #tea", "MODE #tea +v ada")
    chat.send(bob, "AWAY :tea", "JOIN #tea", "@+x=y;label=1 PRIVMSG #tea :one\x02two",
              "@+typing=active TAGMSG #tea", "PRIVMSG ada :psst", "@+x=z TAGMSG ada",
              "INVITE eve #tea", "SETNAME :Robert", "AWAY", "NOTICE #tea :n",
              "NICK rob", "NICK bob")
    chat.hub.log_in(bob, "robert")
    chat.send(bob, "PRIVMSG #tea :mine")
    chat.hub.tell_peers(bob, "host", "~bob@elsewhere")
    heard += chat.heard(ada)
    heard += chat.asked(ada, "@label=7 PING x", "@label=8 WHO #tea", "@label=9 PONG",
                        "PRIVMSG #tea :mine", "NAMES #tea", "SETNAME :", "@label=3 JOIN #den")
    return heard


@settings(max_examples=120, deadline=None)
@given(st.sets(st.sampled_from(OFFERED)))
def test_what_a_client_has_not_asked_for_it_does_not_get(caps: set[str]) -> None:
    heard = everything(IrcChat(), tuple(sorted(caps)))
    for name, sign in SIGNS.items():
        if name in caps or (name == "batch" and "labeled-response" in caps):
            continue
        strangers = [line for line in heard if re.match(sign, line)]
        assert strangers == [], f"{name} without asking"


@pytest.mark.parametrize("name", sorted(SIGNS))
def test_what_it_has_asked_for_it_gets(name: str) -> None:
    caps = {name, "labeled-response"} if name == "batch" else {name}
    heard = everything(IrcChat(), tuple(sorted(caps)))
    assert any(re.match(SIGNS[name], line) for line in heard)


@given(st.sets(st.sampled_from(sorted(FORMS))))
def test_the_same_capabilities_are_the_same_dialect(caps: set[str]) -> None:
    chat = IrcChat()
    one, two = (chat.person(nick, " ".join(caps)) for nick in ("ada", "bob"))
    assert one.dialect is two.dialect


def test_a_request_is_granted_whole_or_not_at_all() -> None:
    chat = IrcChat()
    ada = chat.come()
    answer = chat.asked(ada, "CAP REQ :server-time flying-pigs")
    assert answer == [":irc.test CAP * NAK :server-time flying-pigs"]
    assert ada.capabilities == set()
    assert chat.asked(ada, "CAP REQ :server-time batch") == [
        ":irc.test CAP * ACK :server-time batch"]
    assert chat.asked(ada, "CAP REQ -batch") == [":irc.test CAP * ACK -batch"]
    assert ada.capabilities == {"server-time"}


def test_an_answer_with_a_label_is_one_message_a_batch_or_an_ack() -> None:
    chat = IrcChat()
    ada = chat.person("ada", "labeled-response batch")
    assert chat.asked(ada, "@label=x PING 1") == ["@label=x :irc.test PONG irc.test 1"]
    assert chat.asked(ada, "@label=x PONG") == ["@label=x :irc.test ACK"]
    lines = chat.asked(ada, "@label=x JOIN #tea")
    assert lines[0].startswith("@label=x :irc.test BATCH +")
    name = lines[0].split("+")[1].split(" ")[0]
    assert all(line.startswith(f"@batch={name} ") for line in lines[1:-1])
    assert lines[-1] == f":irc.test BATCH -{name}"


@pytest.mark.parametrize("line", ["PRIVMSG #tea :hi", "NICK ida", "MODE #tea +m", "TOPIC #tea :x"])
def test_its_own_line_in_a_room_comes_back_once_and_with_the_label(line: str) -> None:
    chat = IrcChat()
    ada = chat.person("ada", "labeled-response batch echo-message")
    bob = chat.person("bob")
    chat.send(ada, "JOIN #tea")
    chat.send(bob, "JOIN #tea")
    chat.heard(bob)
    chat.heard(ada)
    own = chat.asked(ada, f"@label=x {line}")
    assert len(own) == 1
    assert own[0].startswith("@label=x :ada!")
    assert [f"@label=x {heard}" for heard in chat.heard(bob)] == own
    chat.send(bob, "PRIVMSG #tea :after") if "MODE" not in line else chat.send(bob, "PART #tea")
    assert len(chat.heard(ada)) == 1


@pytest.mark.parametrize("rooms", [rooms for count in (0, 1, 2, 3)
                                   for rooms in combinations("abc", count)])
def test_a_change_is_told_once_to_each_peer_whatever_they_share(rooms: tuple[str, ...]) -> None:
    chat = IrcChat()
    ada = chat.person("ada", "setname away-notify")
    bob = chat.person("bob", "setname away-notify")
    eve = chat.person("eve", "setname away-notify")
    chat.send(ada, "JOIN #a,#b,#c")
    chat.send(eve, "JOIN #b")
    for room in rooms:
        chat.send(bob, f"JOIN #{room}")
    for one in (ada, bob, eve):
        chat.heard(one)
    chat.send(ada, "SETNAME :Countess")
    expected = ["SETNAME :Countess"] if rooms else []
    assert [line.split(" ", 1)[1] for line in chat.heard(bob)] == expected
    assert [line.split(" ", 1)[1] for line in chat.heard(eve)] == ["SETNAME :Countess"]
    assert [line.split(" ", 1)[1] for line in chat.heard(ada)] == ["SETNAME :Countess"]


def test_a_label_does_not_reach_others_nor_does_a_tag_without_a_plus() -> None:
    chat = IrcChat()
    ada, bob = chat.person("ada", "message-tags labeled-response"), chat.person(
        "bob", "message-tags")
    chat.send(ada, "@label=1;evil=2;+draft/react=x;msgid=forged PRIVMSG bob :hi")
    (line,) = chat.heard(bob)
    tags = line.split(" ")[0]
    assert "+draft/react=x" in tags
    assert "label" not in tags
    assert "evil" not in tags
    assert "forged" not in tags


def test_who_watches_a_nick_is_told_when_it_comes_and_goes() -> None:
    chat = IrcChat()
    ada = chat.person("ada")
    assert chat.codes(ada, "MONITOR + bob,eve") == ["731"]
    bob = chat.person("bob")
    assert [line.split(" ")[1] for line in chat.heard(ada)] == ["730"]
    chat.send(bob, "NICK eve")
    assert [line.split(" ")[1] for line in chat.heard(ada)] == ["731", "730"]
    chat.hub.leave(bob, "kicked", "out")
    assert chat.heard(ada) == [":irc.test 731 ada eve"]
    nc = chat.line_user("eve")
    assert [line.split(" ")[1] for line in chat.heard(ada)] == ["730"]
    assert nc.nick == "eve"
    chat.send(ada, "QUIT")
    assert chat.irc.irc.watchers == {}


def test_monitor_is_full_at_its_limit() -> None:
    chat = IrcChat()
    ada = chat.person("ada")
    for start in range(0, 100, 20):
        chat.send(ada, "MONITOR + " + ",".join(f"n{i}" for i in range(start, start + 20)))
    assert "734" in chat.codes(ada, "MONITOR + one,two")
    assert chat.codes(ada, "MONITOR C", "MONITOR L") == ["733"]


def test_who_answers_the_fields_that_are_asked_for_in_their_order() -> None:
    chat = IrcChat()
    ada = chat.person("ada")
    chat.send(ada, "JOIN #tea")
    assert chat.asked(ada, "WHO #tea %nct,42")[0] == ":irc.test 354 ada 42 #tea ada"
    assert chat.asked(ada, "WHO #tea %cuhsnfdar")[0].startswith(
        f":irc.test 354 ada #tea ~ada {ada.sender.host} irc.test ada H@ 0 0 ")


@pytest.mark.parametrize(("sts", "tls", "version", "told"), [
    (2592000, False, " 302", ["sts=port=6697"]), (2592000, True, " 302", ["sts=duration=2592000"]),
    (2592000, False, "", []), (2592000, True, "", []),
    (0, False, " 302", []), (0, True, " 302", ["sts=duration=0"]),
    (None, False, " 302", []), (None, True, " 302", [])])
def test_a_policy_of_tls_is_told_by_either_port_and_granted_by_none(
        sts: int | None, tls: bool, version: str, told: list[str]) -> None:
    chat = IrcChat(Network(server="irc.test", sts=sts, tls_port=6697))
    ada = chat.come()
    ada.tls = tls
    listed = " ".join(line.rpartition(" :")[2] for line in chat.asked(ada, f"CAP LS{version}"))
    assert [word for word in listed.split() if word.startswith("sts")] == told
    assert chat.asked(ada, "CAP REQ sts") == [":irc.test CAP * NAK sts"]
    assert "sts" not in " ".join(chat.asked(ada, "CAP LIST"))
