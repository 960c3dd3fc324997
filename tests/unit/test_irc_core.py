"""IRC as RFC 1459 and Modern IRC have it: who registers, joins, talks, and is told what."""

from __future__ import annotations

import pytest

from chatops.api import events
from chatops.chat import moderation
from chatops.chat.irc.door import COMMANDS
from tests.unit.irc_chat import NETWORK, IrcChat


@pytest.fixture
def chat() -> IrcChat:
    return IrcChat()


def test_who_has_said_nick_and_user_is_welcomed(chat: IrcChat) -> None:
    ada = chat.come()
    assert chat.codes(ada, "NICK ada") == []
    codes = chat.codes(ada, "USER ada 0 * :Ada L.")
    assert codes[:4] == ["001", "002", "003", "004"]
    assert codes[-1] == "422"
    assert "005" in codes


def test_nobody_is_welcomed_before_cap_end(chat: IrcChat) -> None:
    ada = chat.come()
    assert chat.codes(ada, "CAP LS 302", "NICK ada", "USER ada 0 * :Ada") == ["CAP"]
    assert chat.codes(ada, "CAP END")[0] == "001"


def test_of_two_who_ask_for_one_nick_one_gets_it(chat: IrcChat) -> None:
    one, two = chat.come(), chat.come()
    chat.send(one, "NICK ada")
    chat.send(two, "NICK ada", "USER b 0 * :B")
    chat.send(one, "USER a 0 * :A")
    assert (one.registered, two.registered) == (False, True)
    assert [line.split(" ")[1] for line in chat.heard(one)] == ["433"]
    assert chat.codes(one, "NICK eve")[0] == "001"


@pytest.mark.parametrize(("nick", "code"), [
    ("", "431"), ("1abc", "432"), ("a b", "001"), ("ADA", "433"), ("adа", "432"), ("admin", "432"),
    ("_ada_", "001"), ("ada|away", "001"), ("guest-9", "432"), ("#ada", "432"), ("x" * 21, "432"),
])
def test_a_nick_is_taken_or_refused_with_its_numeric(chat: IrcChat, nick: str, code: str) -> None:
    chat.person("ada")
    eve = chat.come()
    assert chat.codes(eve, f"NICK {nick}", "USER e 0 * :E")[0] == code


def test_a_wrong_password_closes_the_door() -> None:
    chat = IrcChat(NETWORK.__class__(password="sesame"))
    eve = chat.come()
    lines = chat.asked(eve, "PASS wrong", "NICK eve", "USER e 0 * :E")
    assert [line.split(" ")[1] for line in lines] == ["464", ":Closing"]
    ada = chat.come()
    assert chat.codes(ada, "PASS sesame", "NICK ada", "USER a 0 * :A")[0] == "001"


def test_what_is_not_known_too_short_or_too_early_says_so(chat: IrcChat) -> None:
    ada = chat.come()
    assert chat.codes(ada, "JOIN #x")[0] == "451"
    assert chat.codes(ada, "FROB") == ["421"]
    bob = chat.person("bob")
    assert chat.codes(bob, "JOIN") == ["461"]
    assert chat.codes(bob, "USER a 0 * :again") == ["462"]


def test_two_people_talk_in_a_channel_and_nobody_hears_itself(chat: IrcChat) -> None:
    ada, bob = chat.person("ada"), chat.person("bob")
    chat.send(ada, "JOIN #tea")
    assert chat.codes(bob, "JOIN #tea") == ["JOIN", "353", "366"]
    chat.heard(ada)
    assert chat.asked(ada, "PRIVMSG #tea :hello", "PRIVMSG #tea :again") == []
    host = ada.sender.host
    assert chat.heard(bob) == [f":ada!~ada@{host} PRIVMSG #tea :hello",
                               f":ada!~ada@{host} PRIVMSG #tea :again"]


def test_nobody_sees_an_address(chat: IrcChat) -> None:
    ada, bob = chat.person("ada"), chat.person("bob", peer="192.0.2.8:4000")
    chat.send(ada, "JOIN #tea")
    seen = " ".join(chat.asked(bob, "JOIN #tea", "WHO #tea", "WHOIS ada", "USERHOST ada",
                               "WHO #tea %ih", "PART #tea", "WHOWAS ada"))
    assert "192.0.2.7" not in seen
    assert ada.sender.host in seen
    assert ada.sender.host != bob.sender.host


def test_a_plain_client_and_irc_ones_are_in_one_room(chat: IrcChat) -> None:
    ada, nc = chat.person("ada"), chat.line_user("zoe")
    chat.send(ada, "JOIN #lobby")
    assert chat.heard(nc) == ["*** ada joined"]
    chat.heard(ada)
    chat.send(ada, "PRIVMSG #lobby :\x02hello\x02 \x0304,01you",
              "PRIVMSG #lobby :\x01ACTION waves\x01",
              "NOTICE #lobby :psst", "PRIVMSG #lobby :\x01VERSION\x01")
    assert chat.heard(nc) == ["ada: hello you", "* ada waves", "-ada- psst"]
    chat.send(nc, "hi ada", "/me bows", "/msg ada secret")
    host = nc.sender.host
    assert chat.heard(ada) == [f":zoe!~line@{host} PRIVMSG #lobby :hi ada",
                               f":zoe!~line@{host} PRIVMSG #lobby :\x01ACTION bows\x01",
                               f":zoe!~line@{host} PRIVMSG ada :secret"]
    assert chat.asked(ada, "PRIVMSG zoe :too") == []
    assert chat.heard(nc)[-1] == "[ada -> you] too"


def test_a_long_line_of_a_plain_client_reaches_irc_whole_in_pieces(chat: IrcChat) -> None:
    ada, nc = chat.person("ada"), chat.line_user("zoe")
    chat.asked(ada, "JOIN #lobby")
    text = "日本 " * 300
    chat.send(nc, text.strip())
    lines = chat.heard(ada)
    assert len(lines) > 1
    assert all(len(line.encode()) <= 510 for line in lines)
    assert " ".join(line.partition(" :")[2] for line in lines).split() == text.split()


def test_an_op_puts_somebody_out_and_a_plain_one_lands_in_the_lobby(chat: IrcChat) -> None:
    ada, nc = chat.person("ada"), chat.line_user("zoe")
    chat.send(ada, "JOIN #den")
    chat.send(nc, "/join den")
    chat.heard(nc)
    chat.send(ada, "KICK #den zoe :too loud")
    heard = chat.heard(nc)
    assert "*** zoe was kicked by ada: too loud" in heard
    assert nc.where == "lobby"
    assert chat.heard(ada)[-1].endswith("KICK #den zoe :too loud")


def test_only_an_op_may_kick_or_change_a_topic(chat: IrcChat) -> None:
    ada, bob = chat.person("ada"), chat.person("bob")
    chat.send(ada, "JOIN #den")
    chat.asked(bob, "JOIN #den")
    assert chat.codes(bob, "KICK #den ada", "TOPIC #den :mine", "MODE #den +m") == [
        "482", "482", "482"]
    assert chat.codes(ada, "TOPIC #den :tea", "MODE #den +o bob") == ["TOPIC", "MODE"]
    assert chat.codes(bob, "TOPIC #den :coffee")[-1] == "TOPIC"


@pytest.mark.parametrize(("mode", "code"), [
    ("+i", "473"), ("+k sesame", "475"), ("+l 1", "471"), ("+b bob!*@*", "474"),
])
def test_a_closed_channel_says_why_to_irc_and_to_plain_clients(chat: IrcChat, mode: str,
                                                                code: str) -> None:
    ada, bob = chat.person("ada"), chat.person("bob")
    nc = chat.line_user("zoe")
    chat.send(ada, "JOIN #den", f"MODE #den {mode}", "MODE #den +b zoe!*@*")
    assert chat.codes(bob, "JOIN #den") == [code]
    assert chat.asked(nc, "/join den")[0].startswith("*** error: ")
    assert nc.where == "lobby"
    chat.send(ada, "INVITE bob #den")
    if code != "475":
        assert chat.codes(bob, "JOIN #den")[0] == "JOIN"


def test_of_those_who_were_invited_and_never_came_no_more_than_so_many_are_remembered(
        chat: IrcChat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moderation, "INVITED", 3)
    ada, bob = chat.person("ada"), chat.person("bob")
    chat.send(ada, "JOIN #den", "MODE #den +i", "INVITE bob #den")
    for nick in "abcdef":
        guest = chat.person(nick * 3)
        chat.send(ada, f"INVITE {guest.nick} #den", "INVITE bob #den")
        chat.send(guest, "QUIT")
    assert len(chat.hub.rooms.open("den").rules.invited) == 3
    assert chat.codes(bob, "JOIN #den")[0] == "JOIN"       # whom it has invited again


def test_the_moderated_are_silent_by_either_door(chat: IrcChat) -> None:
    ada, bob, nc = chat.person("ada"), chat.person("bob"), chat.line_user("zoe")
    chat.send(ada, "JOIN #den")
    chat.send(bob, "JOIN #den")
    chat.send(nc, "/join den")
    chat.asked(ada, "MODE #den +m")
    assert chat.codes(bob, "PRIVMSG #den :hi") [-1] == "404"
    assert "moderated" in chat.asked(nc, "hi")[-1]
    assert chat.heard(ada) == []
    chat.send(ada, "MODE #den +v bob")
    assert chat.codes(bob, "PRIVMSG #den :hi") == []
    assert chat.heard(ada)[-1].endswith("PRIVMSG #den :hi")


def test_a_quit_is_told_once_to_a_peer_of_three_channels(chat: IrcChat) -> None:
    ada, bob, eve = chat.person("ada"), chat.person("bob"), chat.person("eve")
    chat.send(ada, "JOIN #a,#b,#c")
    chat.send(bob, "JOIN #a,#b,#c")
    chat.send(eve, "JOIN #c")
    for one in (ada, bob, eve):
        chat.heard(one)
    chat.send(ada, "QUIT :off")
    for one in (bob, eve):
        assert [line.partition(" ")[2] for line in chat.heard(one)] == ["QUIT :Quit: off"]
    assert chat.codes(bob, "WHOWAS ada") == ["314", "312", "369"]


def test_a_nick_is_told_to_all_with_the_old_one_as_its_source(chat: IrcChat) -> None:
    ada, bob = chat.person("ada"), chat.person("bob")
    chat.send(ada, "JOIN #a")
    chat.send(bob, "JOIN #a")
    chat.heard(ada), chat.heard(bob)
    chat.send(ada, "NICK ida")
    for one in (ada, bob):
        assert [line.partition("@")[0] for line in chat.heard(one)] == [":ada!~ada"]
    eve = chat.person("eve")
    assert [line.split(" ")[1:] for line in chat.asked(eve, "NICK Eve")] == [["NICK", "Eve"]]


@pytest.mark.parametrize("line", [
    "", "   ", ":src", "@a=b", ":", "@", "@a=b ", ":x ", ": :", "@ :x", "\r", "NOTICE ada :x",
    "NOTICE nobody :x", "NOTICE #nowhere :x", "NOTICE", "NOTICE #nowhere",
])
def test_these_are_answered_with_nothing(chat: IrcChat, line: str) -> None:
    eve = chat.person("eve")
    assert chat.asked(eve, line) == []
    assert chat.codes(eve, "PING x") == ["PONG"]


@pytest.mark.parametrize(("raw", "code"), [
    (b"PRIVMSG eve :" + b"x" * 600, "417"), (b"@+x=" + b"y" * 5000 + b" PING a", "417"),
    (b"z" * 20_000, "417"), (b"PRIVMSG eve :\xff\xfe", "FAIL"), (b"\x00\x01\x02", "421"),
    (b"PRIVMSG a,b,c,d,e :x", "401"), (b"JOIN " + b",".join(b"#%d" % i for i in range(90)), "JOIN"),
    (b"MODE #x +" + b"o" * 100, "403"), (b"PRIVMSG", "411"), (b"PRIVMSG eve", "412"),
    (b"CAP FROB", "410"), (b"WHOIS", "431"), (b"KILL a :b", "481"), (b"JOIN x", "403"),
    (b"LIST >" + b"9" * 40, "321"), (b"WHO *******************************a", "315"),
])
def test_bad_input_is_answered_and_the_client_stays(chat: IrcChat, raw: bytes, code: str) -> None:
    eve = chat.person("eve")
    chat.raw(eve, raw + b"\r\n")
    codes = [line.split(" ")[1] for line in chat.heard(eve)]
    assert code in codes
    assert chat.codes(eve, "PING x")[-1] == "PONG"


def test_control_characters_reach_nobody_but_formatting_does(chat: IrcChat) -> None:
    ada, bob = chat.person("ada"), chat.person("bob")
    chat.raw(ada, b"PRIVMSG bob :a\x1b[2Jb\x02c\x00d\xe2\x80\xaee\r\n")
    assert chat.heard(bob)[0].partition(" :")[2] == "ab\x02cde"
    assert any(isinstance(event, events.BadInput) for event in chat.events)


@pytest.mark.parametrize("first", [b"\x16\x03\x01\x02\x00\x01\x00",
                                   b"GET / HTTP/1.1\r\nHost: x\r\n", b"POST / HTTP/1.1\r\n"])
def test_who_speaks_another_protocol_is_let_go_and_named(chat: IrcChat, first: bytes) -> None:
    eve = chat.come()
    chat.raw(eve, first)
    assert eve.id not in chat.hub.sessions
    chat.heard(eve)
    assert any(isinstance(event, events.BadInput) for event in chat.events)


def test_a_list_shows_no_empty_lobby_and_hides_secrets(chat: IrcChat) -> None:
    ada, bob = chat.person("ada"), chat.person("bob")
    assert chat.codes(ada, "LIST") == ["321", "323"]
    chat.send(ada, "JOIN #a,#b", "MODE #b +s")
    assert [line.split(" ")[3] for line in chat.asked(bob, "LIST")][1:-1] == ["#a"]
    assert chat.codes(ada, "LIST #b")[1:-1] == ["322"]
    assert chat.codes(bob, "LIST >1") == ["321", "323"]


SILENT = {"AUTHENTICATE", "HELPOP", "NS", "PASS", "PONG", "USER", "VERIFY"}     # nobody types them


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - SILENT))
def test_there_is_help_on_every_command_that_people_type(chat: IrcChat, command: str) -> None:
    ada = chat.person("ada")
    heard = chat.asked(ada, f"HELP {command}")
    assert [line.split(" ")[1] for line in heard][::len(heard) - 1] == ["704", "706"]
    assert all(len(line.partition(" :")[2]) <= 80 for line in heard)


def test_an_operator_kills_and_the_victim_is_told_by_whom(chat: IrcChat) -> None:
    ada, bob = chat.person("ada"), chat.person("bob")
    assert chat.codes(ada, "OPER root wrong") == ["464"]
    assert chat.codes(ada, "OPER root secret") == ["381", "MODE"]
    chat.send(ada, "KILL bob :spam")
    heard = chat.heard(bob)
    assert heard[0].startswith(":ada!~ada@")
    assert heard[0].endswith("(spam))")
    assert heard[1].startswith("ERROR :Closing Link: ")
    assert bob.id not in chat.hub.sessions


def test_a_muted_client_says_nothing_by_any_command(chat: IrcChat) -> None:
    ada, bob = chat.person("ada"), chat.person("bob")
    chat.send(ada, "JOIN #a")
    chat.asked(bob, "JOIN #a")
    chat.heard(ada)
    chat.hub.mute(bob, 0)
    chat.heard(bob)
    assert chat.codes(bob, "PRIVMSG #a :x", "PRIVMSG ada :x", "NOTICE #a :x") == ["404", "404"]
    chat.send(bob, "PART #a :heard?")
    assert [line.partition(" ")[2] for line in chat.heard(ada)] == ["PART #a"]


def test_a_muted_client_writes_nothing_that_others_read(chat: IrcChat) -> None:
    ada, bob = chat.person("ada", "away-notify setname"), chat.person("bob")
    chat.send(bob, "JOIN #a", "MODE #a -t")
    chat.asked(ada, "JOIN #a")
    chat.hub.mute(bob, 0)
    heard = chat.asked(bob, "TOPIC #a :heard?", "AWAY :heard?", "SETNAME :heard?")
    assert heard == [":irc.test 404 bob #a :You are muted; nobody heard that",
                     ":irc.test NOTICE bob :You are muted; nobody heard that",
                     ":irc.test NOTICE bob :SETNAME: You are muted; nobody heard that"]
    assert chat.codes(bob, "AWAY") == ["305"]
    chat.send(bob, "KICK #a ada :heard?")
    assert [line.partition(" ")[2] for line in chat.heard(ada)] == ["KICK #a ada :bob"]


@pytest.mark.parametrize("rule", ["+m", "+b bob!*@*", "+b ~m:bob!*@*"])
def test_who_may_not_speak_in_a_room_sets_no_topic_and_leaves_without_a_word(
        chat: IrcChat, rule: str) -> None:
    ada, bob, eve = chat.person("ada"), chat.person("bob"), chat.line_user("eve")
    chat.send(ada, "JOIN #a", "MODE #a -t")
    chat.asked(bob, "JOIN #a")
    chat.send(eve, "/join a")
    chat.heard(eve)
    chat.send(ada, f"MODE #a {rule}", "MODE #a +b *!~line@*")
    chat.heard(bob)
    assert chat.codes(bob, "TOPIC #a :heard?") == ["404"]
    assert chat.asked(eve, "/topic heard?")[-1] == "*** error: you may not speak in a"
    chat.heard(ada)
    chat.send(bob, "PART #a :heard?")
    assert [line.partition(" ")[2] for line in chat.heard(ada)] == ["PART #a"]
