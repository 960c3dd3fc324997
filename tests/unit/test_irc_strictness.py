"""What an IRC client must not get: a line that is too long, somebody's nick, a secret room."""

from __future__ import annotations

import pytest

from chatops.api import events
from chatops.chat import abroad
from chatops.chat.effects import Tell
from chatops.chat.elsewhere import Person
from chatops.chat.groups import Sender
from chatops.chat.irc import listing
from chatops.chat.irc.message import BODY
from chatops.chat.limits import AWAY, TOPIC
from chatops.chat.masks import matches
from tests.unit.irc_chat import IrcChat
from tests.unit.irc_login import Later

LONG = "é" * 1900              # as long as a plain line may be


@pytest.fixture
def chat() -> IrcChat:
    return IrcChat()


def _far(chat: IrcChat, nick: str, id: int = 5, *, hidden: bool = False) -> None:  # noqa: A002
    there = chat.hub.elsewhere or abroad.begin(chat.hub, "a")
    abroad.count(chat.hub, there.put(Person(Sender(id, nick, node="b"), ("pub",), guest=False,
                                            hidden=hidden)))


@pytest.mark.parametrize("command", ["/me ", "/topic ", "/away ", "/quit ", ""])
def test_no_line_is_longer_than_irc_has_it_whatever_plain_clients_write(
        chat: IrcChat, command: str) -> None:
    ada, bob = chat.person("ada", "away-notify"), chat.line_user("bob")
    chat.send(bob, "/join r")          # its operator, who may set a topic
    chat.asked(ada, "JOIN #r")
    most = {"/topic ": TOPIC, "/away ": AWAY}.get(command, len(LONG))
    chat.send(bob, command + LONG[:most])
    heard = chat.heard(ada) + chat.asked(ada, "TOPIC #r", "PRIVMSG bob :are you there?")
    assert [line for line in heard if "é" in line]
    assert max(len(line.encode()) for line in heard) <= BODY


def test_a_long_action_is_split_between_characters_and_each_piece_is_one(chat: IrcChat) -> None:
    ada, bob = chat.person("ada"), chat.line_user("bob")
    chat.asked(ada, "JOIN #lobby")
    chat.send(bob, f"/me {LONG}")
    heard = [line.partition(" :")[2] for line in chat.heard(ada)]
    assert all(text.startswith("\x01ACTION ") and text.endswith("\x01") for text in heard)
    assert "".join([text[8:-1] for text in heard]) == LONG


def test_a_long_broadcast_and_a_long_reason_arrive_in_lines_of_irc(chat: IrcChat) -> None:
    ada = chat.person("ada")
    dialect = ada.dialect
    text = "word " * 400
    group = chat.hub.group(Sender(0, ""), "broadcast", text)
    told = dialect.private(ada.sender, group).decode().splitlines()
    rendered = dialect.render("lobby", [group]).chunk.decode().splitlines()
    for lines in (told, rendered):
        assert len(lines) > 3
        assert max(len(line.encode()) for line in lines) <= BODY
        assert sum(line.count("word") for line in lines) == 400
    farewell = dialect.farewell(ada.sender, text, by=Sender(0, "")).decode().splitlines()
    assert [line.split(" ")[0 if line[0] != ":" else 1] for line in farewell] == ["KILL", "ERROR"]
    assert max(len(line.encode()) for line in farewell) <= BODY
    assert farewell[1].endswith(")")


def test_many_long_masks_are_told_in_several_modes_none_of_them_cut(chat: IrcChat) -> None:
    ada = chat.person("ada")
    chat.asked(ada, "JOIN #r")
    masks = [f"{'m' * 60}{number}!*@*" for number in range(6)]
    heard = chat.asked(ada, f"MODE #r +bbbbbb {' '.join(masks)}")
    told = [word for line in heard for word in line.split(" ") if word.startswith("m")]
    assert len(heard) == 2
    assert told == masks


@pytest.mark.parametrize("count", ["--5", "-", "-x", "5-", "²"])
def test_a_count_that_is_none_is_no_count(chat: IrcChat, count: str) -> None:
    assert chat.codes(chat.person("ada"), f"WHOWAS x {count}") == ["406", "369"]


def test_tags_that_are_passed_on_hurt_no_terminal_and_end_no_line(chat: IrcChat) -> None:
    ada, bob = chat.person("ada", "message-tags"), chat.person("bob", "message-tags")
    chat.raw(ada, "@+a=1\x1b[31mx\x00\u202ey;+\x1bb=2;+e=\\n\U0001f469\u200d\U0001f4bb;+é=3;+ "
                  "TAGMSG bob\r\n@+typing=active;+x.y/z_1=\x9b PRIVMSG bob :hi\r\n".encode())
    tags = [line.split(" ")[0].split(";", 1)[1] for line in chat.heard(bob)]
    assert tags == ["+a=1xy;+e=\\n\U0001f469\u200d\U0001f4bb", "+typing=active;+x.y/z_1"]
    assert [event.kind for event in chat.events if isinstance(event, events.BadInput)] == [
        "malformed tag", "malformed tag"]


@pytest.mark.parametrize(("mode", "kept"), [
    ("+b bob!*@*", True), ("+b ~m:bob!*@*", True), ("+mb bob!*@*", True),
    ("+b *!~bob@*", False),            # which holds for another nick as well
    ("+be bob!*@* *!~bob@*", False), ("+bv bob!*@* bob", False), ("+m", False)])
def test_nobody_gets_around_a_ban_by_another_nick(chat: IrcChat, mode: str, kept: bool) -> None:
    ada, bob = chat.person("ada"), chat.person("bob")
    chat.send(ada, "JOIN #a")
    chat.send(bob, "JOIN #a")
    chat.send(ada, f"MODE #a {mode}")
    answer = chat.asked(bob, "NICK rob")[-1]
    assert answer.startswith(":irc.test 435 bob rob #a :") == kept
    assert bob.nick == ("bob" if kept else "rob")
    assert chat.codes(bob, "PART #a", "NICK rab")[-1] == "NICK"


def test_nor_does_a_plain_client(chat: IrcChat) -> None:
    ada, bob = chat.person("ada"), chat.line_user("bob")
    chat.send(ada, "JOIN #a")
    chat.send(bob, "/join a")
    chat.send(ada, "MODE #a +b bob!*@*")
    assert chat.asked(bob, "/nick rob")[-1] == (
        "*** error: you are banned in a: keep your nick there, or leave it first")
    assert chat.asked(bob, "/join lobby", "/nick rob")[-1] == "*** bob is now rob"


@pytest.mark.parametrize(("mode", "heard"), [
    ("+b bob!*@*", False), ("+b ~m:bob!*@*", False), ("+m", False),
    ("+mv bob", True), ("+be bob!*@* bob!*@*", True), ("+k key", True)])
@pytest.mark.parametrize("irc", [True, False])
def test_who_may_not_speak_in_a_channel_has_no_last_words_there(
        chat: IrcChat, mode: str, heard: bool, irc: bool) -> None:
    ada, bob = chat.person("ada"), chat.person("bob") if irc else chat.line_user("bob")
    chat.send(ada, "JOIN #a")
    chat.send(bob, "JOIN #a" if irc else "/join a")
    if irc:
        chat.send(bob, "JOIN #b")              # where it may speak: QUIT is heard once
    chat.asked(ada, f"MODE #a {mode}")
    chat.send(bob, "QUIT :buy tea" if irc else "/quit buy tea")
    (gone,) = chat.heard(ada)
    assert " QUIT" in gone
    assert ("buy tea" in gone) == heard


def test_a_mask_does_not_begin_the_last_parameter(chat: IrcChat) -> None:
    ada = chat.person("ada")
    chat.asked(ada, "JOIN #r")
    assert chat.asked(ada, "MODE #r +bb x ::evil")[0].endswith("MODE #r +bb x!*@* evil!*@*")


@pytest.mark.parametrize(("mask", "kept"), [
    ("~q:bob", False), ("~A:bob", False), ("~m:~q:bob", False), ("~bob", False),
    ("~a:bob", True), ("~m:bob", True), ("~m:~a:bob", True), ("*!~bob@*", True)])
def test_a_ban_that_could_never_fit_anybody_is_refused(
        chat: IrcChat, mask: str, kept: bool) -> None:
    ada = chat.person("ada")
    chat.asked(ada, "JOIN #r")
    (answer,) = chat.asked(ada, f"MODE #r +b {mask}")
    assert (answer.split(" ")[1] == "MODE") == kept
    if not kept:
        assert answer.startswith(f":irc.test 696 ada #r b {mask}")
        assert answer.endswith(" :of these there are ~a:ACCOUNT and ~m:MASK")


def test_what_somebody_wrote_is_one_parameter_when_it_is_repeated(chat: IrcChat) -> None:
    ada = chat.person("ada")
    for line in ("PART :#a b", "TOPIC :#a b", "MODE :#a b"):
        assert chat.asked(ada, line)[0].startswith(":irc.test 403 ada #a :")


@pytest.mark.parametrize(("channel", "why"), [
    ("#日本", "a room's name has 1 to 32 of a-z 0-9 _ - . + ~"),
    ("#" + "a" * 33, "a room's name has 1 to 32 of a-z 0-9 _ - . + ~"),
    ("tea", "its name begins with #"), ("&tea", "its name begins with #")])
def test_who_wants_into_a_channel_that_there_cannot_be_is_told_why(
        chat: IrcChat, channel: str, why: str) -> None:
    assert chat.asked(chat.person("ada"), f"JOIN {channel}") == [
        f":irc.test 403 ada {channel} :No such channel: {why}"]


@pytest.mark.parametrize("line", ["MODE #hush", "MODE #hush b", "TOPIC #hush", "TOPIC #hush :x",
                                  "PART #hush"])
def test_a_secret_room_is_none_for_who_is_outside(chat: IrcChat, line: str) -> None:
    ada, eve = chat.person("ada"), chat.person("eve")
    chat.asked(ada, "JOIN #hush", "MODE #hush +s", "MODE #hush +b x")
    assert chat.codes(eve, line) == ["403"]
    assert chat.codes(ada, line) != ["403"]


# -- others' nicks, and who is on another node

@pytest.mark.parametrize("nick", ["hello", "he1lo"])
def test_nobody_makes_an_account_of_what_somebody_else_is_called(nick: str) -> None:
    gate = Later()
    gate.registration = "before-connect"
    chat = gate.chat()
    victim = chat.line_user("hello")
    eve = chat.come()
    heard = chat.asked(eve, "CAP LS 302", f"NICK {nick}", f"USER {nick} 0 * :x",
                       "REGISTER * * password1")
    assert "FAIL REGISTER ACCOUNT_EXISTS" in heard[-1]
    assert (gate.waiting, victim.nick) == ([], "hello")


def test_nor_of_what_somebody_on_another_node_is_called() -> None:
    gate = Later()
    gate.registration = "before-connect"
    chat = gate.chat()
    _far(chat, "victim")
    eve = chat.come()
    heard = chat.asked(eve, "CAP LS 302", "NICK victim", "USER e 0 * :x",
                       "REGISTER * * password1")
    assert "FAIL REGISTER ACCOUNT_EXISTS" in heard[-1]
    assert not gate.waiting


def test_a_line_asks_once_however_many_times_it_names_nickserv() -> None:
    gate = Later()
    chat = gate.chat()
    ada = chat.person("ada")
    ada.secure = True
    ada.door.receive(ada, b"PRIVMSG NickServ,NickServ,NickServ :IDENTIFY sesame\r\nPING x\r\n")
    heard = chat.heard(ada)
    assert (len(gate.waiting), ada.parked) == (1, True)
    assert [line for line in heard if "one question at a time" in line]
    assert not [line for line in heard if "PONG" in line]
    gate.answer(chat)
    assert [line.split(" ")[1] for line in chat.heard(ada)][:2] == ["900", "MODE"]


def test_the_answer_of_a_login_bears_the_label_of_its_line() -> None:
    gate = Later()
    chat = gate.chat()
    ada = chat.person("ada", "labeled-response batch message-tags")
    ada.secure = True
    assert chat.asked(ada, "@label=L1 REGISTER * * sesame2") == []
    gate.answer(chat)
    heard = chat.heard(ada)
    assert heard[0].startswith("@label=L1 :irc.test ")
    assert "FAIL REGISTER ACCOUNT_EXISTS" in heard[0]
    assert chat.asked(ada, "@label=L2 NS IDENTIFY sesame") == []
    gate.answer(chat)
    heard = chat.heard(ada)
    assert heard[0].startswith("@label=L2 :irc.test BATCH +")
    assert [line.split(" ")[2] for line in heard[1:-1]] == ["900", "MODE", "NOTICE"]


def test_monitor_and_userhost_know_who_is_on_another_node(chat: IrcChat) -> None:
    ada = chat.person("ada")
    _far(chat, "zed")
    assert chat.asked(ada, "MONITOR + zed,yan")[0].split(" ")[1] == "730"
    assert "zed=+" in chat.asked(ada, "USERHOST zed")[0]
    there = chat.hub.elsewhere
    assert there is not None
    _far(chat, "yan")                  # is what zed is called from now on
    assert [line.split(" ")[1] for line in chat.heard(ada)] == ["731", "730"]
    _far(chat, "yan")                  # nothing new
    assert chat.heard(ada) == []
    abroad.count(chat.hub, there.take("b", 5))
    assert chat.heard(ada) == [":irc.test 731 ada yan"]


def test_who_is_invisible_on_another_node_is_so_here(chat: IrcChat) -> None:
    ada, eve = chat.person("ada"), chat.person("eve")
    _far(chat, "ghost", hidden=True)
    _far(chat, "zed", 6)
    chat.asked(ada, "JOIN #pub")
    for question in ("NAMES #pub", "WHO #pub"):
        assert [nick in " ".join(chat.asked(eve, question)) for nick in ("ghost", "zed")
                ] == [False, True]
        assert "ghost" in " ".join(chat.asked(ada, question))


def test_who_finds_people_on_another_node_by_nick_and_by_mask(chat: IrcChat) -> None:
    ada, eve = chat.person("ada"), chat.person("eve")
    _far(chat, "zed")
    _far(chat, "ghost", 6, hidden=True)
    assert chat.asked(eve, "WHO ZED") == [
        ":irc.test 352 eve * ~line irc.test b zed H :1 zed",
        ":irc.test 315 eve ZED :End of WHO list"]
    assert chat.asked(eve, "WHO z* %na")[0] == ":irc.test 354 eve zed 0"
    assert chat.codes(eve, "WHO gho*") == ["315"]
    assert chat.codes(eve, "WHO ghost") == ["352", "315"]      # who knows the nick may ask
    chat.asked(ada, "JOIN #pub")
    assert chat.asked(ada, "WHO gho*")[0].split(" ")[3:8] == ["#pub", "~line", "irc.test", "b",
                                                              "ghost"]
    assert chat.codes(eve, "WHO eve o") == ["315"]


@pytest.mark.parametrize(("command", "most", "refused"), [
    ("/topic", TOPIC, "*** error: a topic has 390 characters at most"),
    ("/away", AWAY, "*** error: why you are away has 200 characters at most"),
])
def test_plain_clients_have_the_same_limits(chat: IrcChat, command: str, most: int,
                                            refused: str) -> None:
    bob = chat.line_user("bob")
    chat.send(bob, "/join r")
    chat.heard(bob)
    chat.send(bob, f"{command} {'x' * (most + 1)}")
    assert chat.heard(bob) == [refused]
    chat.send(bob, f"{command} {'x' * most}")
    assert refused not in chat.heard(bob)


def test_a_broadcast_counts_the_lines_that_it_is_split_into(chat: IrcChat) -> None:
    chat.person("ada")
    before = len(chat.hub.effects)
    chat.hub.broadcast("long " * 200)
    tells = [effect for effect in chat.hub.effects[before:] if isinstance(effect, Tell)]
    assert [(effect.lines, effect.data.count(b"\n")) for effect in tells] == [(3, 3)]


def test_list_counts_who_is_on_another_node(chat: IrcChat) -> None:
    ada = chat.person("ada")
    _far(chat, "zed")
    assert chat.codes(ada, "LIST >0,#pub") == ["321", "322", "323"]


def test_a_mask_that_is_given_again_and_again_is_compared_once(
        chat: IrcChat, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = chat.person("ada")
    chat.send(ada, "JOIN #pub,#tea")
    compared: list[str] = []

    def fits(mask: str, text: str) -> bool:
        compared.append(text)
        return matches(mask, text)

    monkeypatch.setattr(listing, "matches", fits)
    line = f"LIST {','.join(['*z', '*Z'] * 80)}"
    assert chat.codes(ada, line) == ["321", "323"]
    assert sorted(compared) == ["#pub", "#tea"]


def test_a_broadcast_says_to_how_many_that_are_somebody(chat: IrcChat) -> None:
    chat.person("ada")
    chat.line_user("bob")
    chat.come()                        # has not said who it is
    assert chat.hub.broadcast("tea") == 2


def test_lines_behind_a_login_are_counted_once() -> None:
    gate = Later()
    chat = gate.chat()
    bob = chat.line_user("bob")
    bob.secure = True
    before, tokens = bob.lines_in, bob.tokens
    chat.plain.receive(bob, b"/login ada sesame\n" + b"hello\n" * 20)
    assert (bob.parked, bob.lines_in - before) == (True, 1)
    gate.answer(chat)
    chat.plain.resume(bob)
    assert (bob.lines_in - before, tokens - bob.tokens) == (21, 21)
