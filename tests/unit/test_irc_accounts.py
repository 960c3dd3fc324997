"""Logging in by SASL, NickServ, REGISTER and /login, with an answer that comes later."""

from __future__ import annotations

from base64 import b64encode

import pytest

from chatops.chat.irc.client import Client
from tests.unit.irc_chat import IrcChat
from tests.unit.irc_login import CERTIFICATE, Later, codes, newcomer, plain, say


@pytest.fixture
def chat(gate: Later) -> IrcChat:
    return gate.chat()


def test_all_in_one_burst_is_answered_in_order(chat: IrcChat, gate: Later) -> None:
    ada = newcomer(chat)
    say(chat, ada, "CAP LS 302", "NICK ada", "USER ada 0 * :Ada", "CAP REQ sasl",
        "AUTHENTICATE PLAIN", f"AUTHENTICATE {plain('ada', 'sesame')}", "CAP END", "JOIN #tea")
    assert codes(chat, ada) == ["CAP", "CAP", "AUTHENTICATE"]
    assert ada.parked
    gate.answer(chat)
    heard = codes(chat, ada)
    assert heard[:3] == ["900", "903", "001"]
    assert heard[-3:] == ["JOIN", "353", "366"]
    assert (ada.sender.account, ada.is_oper) == ("ada", True)


@pytest.mark.parametrize(("lines", "code"), [
    (["PLAIN", plain("ada", "wrong")], "904"), (["PLAIN", "!!!"], "904"), (["PLAIN", "*"], "906"),
    (["PLAIN", "x" * 401], "905"), (["PLAIN", *["x" * 400] * 21], "904"), (["FROB"], "904"),
    (["PLAIN", b64encode(b"bob\0ada\0sesame").decode()], "904"), (["PLAIN", "+"], "904"),
])
def test_what_is_wrong_with_sasl_is_said_and_the_client_stays(
        chat: IrcChat, gate: Later, lines: list[str], code: str) -> None:
    ada = newcomer(chat)
    say(chat, ada, "NICK ada", "USER ada 0 * :Ada")
    chat.heard(ada)
    say(chat, ada, *[f"AUTHENTICATE {line}" for line in lines])
    gate.answer(chat)
    assert codes(chat, ada)[-1] == code
    assert ada.sender.account == ""
    say(chat, ada, "PING x")
    assert codes(chat, ada) == ["PONG"]


def shown(chat: IrcChat, certificate: str = CERTIFICATE) -> Client:
    """Somebody who has shown a certificate, and is about to say who it is."""
    client = newcomer(chat)
    client.certificate = certificate
    say(chat, client, "CAP LS 302", "NICK ada_", "USER ada 0 * :Ada", "CAP REQ sasl")
    chat.heard(client)
    return client


@pytest.mark.parametrize("response", ["+", b64encode(b"ada").decode()], ids=["", "authzid"])
def test_a_certificate_logs_in_without_a_word_or_as_who_it_says(
        chat: IrcChat, gate: Later, response: str) -> None:
    ada = shown(chat)
    say(chat, ada, "AUTHENTICATE EXTERNAL", f"AUTHENTICATE {response}", "CAP END")
    assert chat.heard(ada) == ["AUTHENTICATE +"]
    assert ada.parked
    gate.answer(chat)
    assert codes(chat, ada)[:3] == ["900", "903", "001"]
    assert ada.sender.account == "ada"


@pytest.mark.parametrize(("certificate", "response"), [
    ("cd" * 32, "+"), (CERTIFICATE, b64encode(b"bob").decode()), (CERTIFICATE, "!!!"),
    (CERTIFICATE, b64encode(b"\0ada").decode()), (CERTIFICATE, b64encode(b"\xff").decode())],
    ids=["unknown", "of-another", "no-base64", "as-plain", "no-utf-8"])
def test_a_certificate_that_logs_in_to_nothing_is_refused_and_a_password_may_follow(
        chat: IrcChat, gate: Later, certificate: str, response: str) -> None:
    ada = shown(chat, certificate)
    say(chat, ada, "AUTHENTICATE EXTERNAL", f"AUTHENTICATE {response}")
    gate.answer(chat)
    assert codes(chat, ada) == ["AUTHENTICATE", "904"]
    assert ada.sender.account == ""
    say(chat, ada, "AUTHENTICATE PLAIN", f"AUTHENTICATE {plain('ada', 'sesame')}")
    gate.answer(chat)
    assert codes(chat, ada) == ["AUTHENTICATE", "900", "903"]


def test_who_shows_no_certificate_is_not_offered_to_log_in_with_it(chat: IrcChat) -> None:
    bob, ada = newcomer(chat), newcomer(chat)
    ada.certificate = CERTIFICATE
    for client, offered in ((bob, "sasl=PLAIN"), (ada, "sasl=PLAIN,EXTERNAL")):
        say(chat, client, "CAP LS 302")
        assert offered in chat.heard(client)[0].split()
    say(chat, bob, "CAP REQ sasl", "AUTHENTICATE EXTERNAL", "AUTHENTICATE +", "PING x")
    heard = chat.heard(bob)
    assert [line.split(" ")[1] for line in heard] == ["CAP", "908", "904", "908", "904", "PONG"]
    assert heard[1].split(" ")[3] == "PLAIN"
    assert "no certificate" in heard[2]


def test_whois_shows_a_certificate_to_its_owner_and_tls_to_all(chat: IrcChat) -> None:
    ada, bob = chat.person("ada"), chat.person("bob")
    ada.tls, ada.certificate = True, CERTIFICATE
    own, other = chat.asked(ada, "WHOIS ada"), chat.asked(bob, "WHOIS ada")
    assert next(line for line in own if CERTIFICATE in line).split(" ")[1] == "276"
    assert [line.split(" ")[1] for line in other if "secure" in line] == ["671"]
    assert not any(CERTIFICATE in line for line in other)


def test_who_logs_in_as_an_operator_is_told_so_and_counted_once_it_has_come_in(
        chat: IrcChat, gate: Later) -> None:
    gone, ada, bob = newcomer(chat), newcomer(chat), chat.person("bob")
    for client in (gone, ada):
        say(chat, client, "CAP REQ sasl", "AUTHENTICATE PLAIN",
            f"AUTHENTICATE {plain('ada', 'sesame')}")
        gate.answer(chat)
        logged_in = next(line for line in chat.heard(client) if " 900 " in line)
        assert logged_in.split(" ")[3].startswith("*!*@")          # it has not said who it is
    chat.hub.disconnect(gone, "peer reset")
    assert " 252 bob 0 " in " ".join(chat.asked(bob, "LUSERS"))
    say(chat, ada, "NICK ada", "USER ada 0 * :Ada", "CAP END")
    assert chat.heard(ada)[-1].endswith(" MODE ada +o")
    assert " 252 bob 1 " in " ".join(chat.asked(bob, "LUSERS"))
    chat.hub.disconnect(ada, "peer reset")
    assert " 252 bob 0 " in " ".join(chat.asked(bob, "LUSERS"))


def test_a_guest_is_told_how_to_say_whose_password_it_gives(chat: IrcChat, gate: Later) -> None:
    eve = chat.person("eve")
    eve.secure = True
    chat.hub.rename(eve)
    chat.heard(eve)
    say(chat, eve, "NS IDENTIFY sesame")
    gate.answer(chat)
    assert [line.split(" ", 3)[3].removeprefix(":") for line in chat.heard(eve)] == [
        f"you are called {eve.nick} here: IDENTIFY ACCOUNT PASSWORD", "wrong"]


def test_nobody_is_asked_for_a_password_that_others_could_read(chat: IrcChat, gate: Later) -> None:
    eve = newcomer(chat, secure=False)
    say(chat, eve, "CAP LS 302", "NICK eve", "USER e 0 * :E", "CAP END")
    assert "sasl" not in chat.heard(eve)[0]
    say(chat, eve, "AUTHENTICATE PLAIN", "PRIVMSG NickServ :IDENTIFY ada sesame")
    assert codes(chat, eve) == ["904", "NOTICE"]
    nc = chat.line_user("zoe")
    chat.send(nc, "/login ada sesame")
    assert "TLS" in chat.heard(nc)[-1]
    assert gate.waiting == []


def test_a_guest_who_logs_in_is_told_how_to_get_the_nick(chat: IrcChat, gate: Later) -> None:
    nc = chat.line_user()
    nc.secure = True
    chat.send(nc, "/login ada sesame")
    gate.answer(chat)
    assert chat.heard(nc) == ["*** you are logged in as ada",
                              f"*** you are called guest-{nc.id} still: /nick ada takes the nick"]
    assert chat.asked(nc, "/nick ada", "/login ada sesame")[0].endswith("is now ada")
    gate.answer(chat)
    assert chat.heard(nc) == ["*** you are logged in as ada"]


def test_a_plain_client_logs_in_and_what_it_says_next_comes_after(chat: IrcChat, gate: Later
                                                                   ) -> None:
    nc, other = chat.line_user("zoe"), chat.line_user("bob")
    nc.secure = True
    chat.heard(other), chat.heard(nc)
    nc.door.receive(nc, b"/login ada sesame\nhello\n/who\n")
    assert chat.heard(nc) == []
    gate.answer(chat)
    heard = chat.heard(nc)
    assert heard[0] == "*** you are logged in as ada"
    assert heard[1] == "zoe: hello"
    assert chat.heard(other) == ["zoe: hello"]
    assert not nc.parked


def test_nickserv_says_that_a_password_is_changed_and_takes_one_word_for_it(
        chat: IrcChat, gate: Later) -> None:
    ada = chat.person("ada")
    ada.secure = True
    chat.send(ada, "NS IDENTIFY sesame")
    gate.answer(chat)
    assert "PASSWD" in chat.asked(ada, "NS PASSWD sesame open")[0]
    assert gate.accounts["ada"] == "sesame"
    chat.send(ada, "NS PASSWD open")
    gate.answer(chat)
    assert chat.heard(ada)[-1].endswith(":the password of ada is changed")
    assert gate.accounts["ada"] == "open"


def test_nickserv_makes_no_account_of_half_a_line(chat: IrcChat, gate: Later) -> None:
    bob = chat.person("bob")
    bob.secure = True
    (answer,) = chat.asked(bob, "NS REGISTER two words")
    assert answer.endswith(":usage: REGISTER PASSWORD")
    (answer,) = chat.asked(bob, "NS IDENTIFY bob two words")
    assert answer.endswith(":usage: IDENTIFY [ACCOUNT] PASSWORD")
    for command, usage in (("PASSWD", "PASSWD NEW"), ("GHOST", "GHOST NICK"),
                           ("IDENTIFY", "IDENTIFY [ACCOUNT] PASSWORD")):
        (answer,) = chat.asked(bob, f"NS {command}")
        assert answer.endswith(f":usage: {usage}")


def test_who_has_made_an_account_is_told_so(chat: IrcChat, gate: Later) -> None:
    bob, nc = newcomer(chat), chat.line_user("eve")
    nc.secure = True
    chat.asked(bob, "NICK bob", "USER bob 0 * :Bob")
    say(chat, bob, "NS REGISTER secret", "NS IDENTIFY secret")
    gate.answer(chat)
    assert [line.partition(" :")[2] for line in chat.heard(bob) if " NOTICE " in line] == [
        "the account bob is yours now", "you are logged in as bob"]
    nc.door.receive(nc, b"/register eve secret\n")
    gate.answer(chat)
    assert chat.heard(nc) == ["*** the account eve is yours now", "*** you are logged in as eve"]


def test_help_has_only_what_there_is(chat: IrcChat, gate: Later) -> None:
    """Of both doors: nobody is asked for what would be refused, whatever is typed."""
    bob, nc = chat.person("bob"), chat.line_user("eve")

    def listed(word: str) -> bool:
        return any(f" /{word} " in line for line in chat.asked(nc, "/help"))

    def of_nickserv() -> list[str]:
        return [line.partition(" :")[2].split()[0] for line in chat.asked(bob, "NS HELP")]

    assert (listed("history"), listed("login"), listed("register")) == (False, True, True)
    assert "REGISTER" in of_nickserv()
    chat.plain.keeps_history, gate.registration = True, "off"
    assert (listed("history"), listed("login"), listed("register")) == (True, True, False)
    assert "IDENTIFY" in of_nickserv()
    assert "REGISTER" not in of_nickserv()
    chat.plain.gate = None
    assert (listed("login"), listed("register"), listed("who")) == (False, False, True)


def test_who_regains_the_nick_that_it_has_is_told_so_and_nobody_hears_of_it(
        chat: IrcChat, gate: Later) -> None:
    ada = chat.person("ada")
    ada.secure = True
    chat.send(ada, "NS IDENTIFY sesame")
    gate.answer(chat)
    (answer,) = chat.asked(ada, "NS REGAIN ada")
    assert answer.endswith(":that is you")
    assert not gate.waiting


def test_nickserv_is_heard_by_nobody_else_and_logs_in(chat: IrcChat, gate: Later) -> None:
    ada, bob = newcomer(chat), chat.person("bob", "account-notify extended-join")
    say(chat, ada, "NICK ada", "USER ada 0 * :Ada", "JOIN #tea")
    chat.send(bob, "JOIN #tea")
    chat.heard(bob), chat.heard(ada)
    say(chat, ada, "PRIVMSG NickServ :IDENTIFY sesame")
    gate.answer(chat)
    assert codes(chat, ada) == ["900", "MODE", "NOTICE"]
    assert [line.split(" ", 1)[1] for line in chat.heard(bob)] == ["ACCOUNT ada"]
    assert not [event for event in chat.events if "sesame" in repr(event)]
    assert chat.codes(bob, "WHOIS ada").count("330") == 1


def test_an_account_is_made_by_its_nick_and_only_once(chat: IrcChat, gate: Later) -> None:
    bob = newcomer(chat)
    say(chat, bob, "NICK bob", "USER bob 0 * :Bob")
    chat.heard(bob)
    say(chat, bob, "REGISTER eve * secret")
    assert "ACCOUNT_NAME_MUST_BE_NICK" in chat.heard(bob)[-1]
    say(chat, bob, "REGISTER * * secret")
    gate.answer(chat)
    assert codes(chat, bob) == ["REGISTER", "900"]
    say(chat, bob, "REGISTER * * secret")
    assert "ALREADY_AUTHENTICATED" in chat.heard(bob)[-1]
    assert gate.accounts["bob"] == "secret"


def test_who_has_gone_before_the_answer_is_not_logged_in(chat: IrcChat, gate: Later) -> None:
    ada = newcomer(chat)
    say(chat, ada, "NICK ada", "USER ada 0 * :Ada", "PRIVMSG NickServ :IDENTIFY ada sesame")
    chat.hub.disconnect(ada, "peer reset")
    gate.answer(chat)
    assert ada.sender.account == ""


def test_a_ban_of_an_account_holds_wherever_it_comes_from(chat: IrcChat, gate: Later) -> None:
    bob, ada = chat.person("bob"), newcomer(chat)
    chat.send(bob, "JOIN #tea", "MODE #tea +b ~a:ada")
    say(chat, ada, "NICK ada", "USER ada 0 * :Ada", "JOIN #tea", "PART #tea",
        "PRIVMSG NickServ :IDENTIFY sesame")
    gate.answer(chat)
    chat.heard(ada)
    say(chat, ada, "JOIN #tea")
    assert codes(chat, ada) == ["474"]


LOGIN = ("AUTHENTICATE PLAIN", f"AUTHENTICATE {plain('ada', 'sesame')}", "CAP END")
NAMES = ("NICK ada", "USER ada 0 * :Ada")


@pytest.mark.parametrize("lines", [("CAP LS 302", *NAMES, "CAP REQ sasl", *LOGIN),
                                   ("CAP LS 302", "CAP REQ sasl", *LOGIN, *NAMES)],
                         ids=["all-at-once", "as-irssi-does"])
def test_the_owner_of_a_nick_takes_it_from_its_older_connection(
        chat: IrcChat, gate: Later, lines: tuple[str, ...]) -> None:
    bob = chat.person("bob")
    first = owner(chat, gate)
    say(chat, first, "JOIN #tea")
    chat.send(bob, "JOIN #tea")
    chat.heard(bob), chat.heard(first)
    second = newcomer(chat)
    say(chat, second, *lines)
    gate.answer(chat)
    assert "001" in codes(chat, second)
    assert second.nick == "ada"
    assert chat.heard(first)[-1] == (f"ERROR :Closing Link: {first.sender.host} "
                                     "(replaced by a new connection)")
    assert [line.split(" ")[1] for line in chat.heard(bob)] == ["QUIT"]


def test_who_logs_in_as_nobody_in_particular_is_refused_a_nick_in_use_at_the_end(
        chat: IrcChat, gate: Later) -> None:
    owner(chat, gate)
    eve = newcomer(chat)
    say(chat, eve, "CAP LS 302", "NICK ada", "USER e 0 * :E")
    assert codes(chat, eve) == ["CAP"]
    say(chat, eve, "CAP END")
    assert codes(chat, eve) == ["433"]
    say(chat, eve, "NICK ada_")
    assert "001" in codes(chat, eve)


def test_the_owner_takes_a_nick_from_a_stranger_who_goes_on_as_a_guest(
        chat: IrcChat, gate: Later) -> None:
    eve, nc = chat.person("ada"), chat.line_user("zoe")
    chat.send(eve, "JOIN #lobby")
    chat.heard(nc), chat.heard(eve)
    nc.secure = True
    nc.door.receive(nc, b"/login ada sesame\n/nick ada\n")
    gate.answer(chat)
    told = chat.heard(nc)
    assert (nc.nick, eve.nick) == ("ada", f"guest-{eve.id}")
    heard = chat.heard(eve)
    assert "belongs to the account ada" in heard[0]
    assert heard[1].split(" ")[1:] == ["NICK", f"guest-{eve.id}"]
    assert told[-2:] == [f"*** ada is now guest-{eve.id}", "*** zoe is now ada"]


@pytest.mark.parametrize(("command", "nick"), [("GHOST", "ada_"), ("REGAIN", "ada")])
def test_nickserv_sends_away_who_has_ones_nick(chat: IrcChat, gate: Later, command: str, nick: str
                                               ) -> None:
    eve, ada, bob = chat.person("ada"), newcomer(chat), chat.person("bob")
    say(chat, ada, "NICK ada_", "USER ada 0 * :Ada")
    chat.heard(ada)
    say(chat, ada, f"NS {command} ada")
    assert "not yours" in chat.heard(ada)[-1]
    say(chat, ada, "NS IDENTIFY ada sesame")
    gate.answer(chat)
    chat.heard(ada)
    say(chat, ada, f"NS {command} bob", f"NS {command} nobody", f"NS {command} ada")
    said = [line.rpartition(" :")[2] for line in chat.heard(ada) if "NOTICE" in line]
    assert said == ["bob is not yours: log in to its account first", "nobody is called nobody",
                    "ada has been sent away"]
    assert "replaced" in chat.heard(eve)[-1]
    assert (ada.nick, bob.nick) == (nick, "bob")


def owner(chat: IrcChat, gate: Later) -> Client:
    """ada, who has logged in."""
    ada = newcomer(chat)
    say(chat, ada, "NICK ada", "USER ada 0 * :Ada", "NS IDENTIFY ada sesame")
    gate.answer(chat)
    chat.heard(ada)
    assert ada.sender.account == "ada"
    return ada
