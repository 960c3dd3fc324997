"""Who is in several channels hears of everybody in the order in which it happened, whatever the
channels: clients keep a list of who is where, and do not ask again.
"""

from __future__ import annotations

from random import Random
from types import SimpleNamespace

import pytest

from chatops.chat import abroad
from chatops.chat.effects import Deliver
from chatops.chat.groups import Group, Sender
from chatops.chat.session import Session
from tests.unit.irc_chat import IrcChat
from tests.unit.irc_login import Later
from tests.unit.irc_view import View

PLACES = ("#a", "#b", "#lobby")


@pytest.fixture
def chat(gate: Later) -> IrcChat:
    return gate.chat()


def everywhere(chat: IrcChat, nick: str) -> Session:
    """Somebody who is in all of them, and has heard of it."""
    session = chat.person(nick, "multi-prefix")
    session.secure = True
    chat.asked(session, "JOIN #a,#b")
    return session


def told(chat: IrcChat, session: Session) -> list[str]:
    return [" ".join(line.split(" ")[1:4]) for line in chat.heard(session)]


def test_who_leaves_a_channel_and_has_another_nick_then_is_heard_to_in_this_order(
        chat: IrcChat) -> None:
    ada, bob = everywhere(chat, "ada"), everywhere(chat, "bob")
    chat.heard(ada)
    chat.send(bob, "PART #b", "NICK rob", "PART #a")
    chat.send(ada, "PING x")           # which sends off what is gathered for her
    assert told(chat, ada) == ["PART #b", "NICK rob", "PART #a", "PONG irc.test x"]


def test_who_is_kicked_under_a_new_nick_has_been_heard_to_take_it(chat: IrcChat) -> None:
    ada, bob = everywhere(chat, "ada"), everywhere(chat, "bob")
    chat.asked(everywhere(chat, "eve"), "PART #a")     # so #b is the larger: NICK is told there
    chat.heard(ada)
    chat.send(bob, "NICK rob")
    chat.send(ada, "KICK #a rob :out", "MODE #b +v rob")
    chat.send(bob, "NICK bob")
    assert told(chat, ada) == ["NICK rob", "KICK #a rob", "MODE #b +v", "NICK bob"]


def test_an_old_connection_is_heard_to_go_before_another_has_its_nick(
        chat: IrcChat, gate: Later) -> None:
    ada, old, new = everywhere(chat, "eve"), everywhere(chat, "ada"), everywhere(chat, "ada_")
    for session in (old, new):
        chat.send(session, "NS IDENTIFY ada sesame")
        gate.answer(chat)
    chat.send(old, "PART #a")
    chat.heard(ada)
    chat.send(new, "NICK ada")
    chat.send(ada, "PING x")
    assert told(chat, ada)[:2] == ["QUIT :replaced by", "NICK ada"]


@pytest.mark.parametrize("line", ["NICK rob", "QUIT", "gone"])
@pytest.mark.parametrize("places", [("#a", "#b"), ("#b", "#a")])
def test_what_somebody_says_in_any_channel_is_heard_before_a_new_nick_or_the_end(
        chat: IrcChat, line: str, places: tuple[str, str]) -> None:
    small, large = places
    ada, bob = everywhere(chat, "ada"), everywhere(chat, "bob")
    chat.asked(everywhere(chat, "eve"), f"PART {small}")     # so it is told in the other one
    chat.heard(ada)
    chat.send(chat.person("kim"), f"JOIN {large}")
    chat.send(bob, f"PRIVMSG {small} :hello")
    if line == "gone":
        chat.hub.disconnect(bob, "peer reset")
    else:
        chat.send(bob, line)
    heard = [each.split(" ")[:2] for each in chat.heard(ada) if each.startswith(":bob!")]
    assert [command for _, command in heard] == ["PRIVMSG", "NICK" if "NICK" in line else "QUIT"]


def test_many_connections_that_are_lost_at_once_are_told_of_in_a_few_pieces(
        chat: IrcChat) -> None:
    ada = everywhere(chat, "ada")
    lost = [everywhere(chat, f"p{number}x") for number in range(200)]
    chat.heard(ada)
    for session in lost:
        chat.hub.disconnect(session, "peer reset")
    chat.hub.flush()
    assert sum(isinstance(effect, Deliver) for effect in chat.hub.effects) <= 2 * 200 // 64 + 2
    assert sum(" QUIT " in line for line in chat.heard(ada)) == 200


@pytest.mark.parametrize("places", [("#a", "#b"), ("#b", "#a")])
def test_who_has_a_new_nick_is_heard_to_take_it_before_saying_something_anywhere(
        chat: IrcChat, places: tuple[str, str]) -> None:
    small, large = places
    ada, bob, eve = everywhere(chat, "ada"), everywhere(chat, "bob"), everywhere(chat, "eve")
    kim = chat.person("kim")
    chat.asked(kim, f"JOIN {large}")   # the larger one: NICK is told there
    chat.heard(ada)
    for place in places:
        chat.send(eve, f"PRIVMSG {place} :hello")
    chat.send(bob, "NICK rob", f"PRIVMSG {small} :it is me")
    heard = [each.split(" ")[:2] for each in chat.heard(ada) if not each.startswith(":eve!")]
    assert [command for _, command in heard] == ["NICK", "PRIVMSG"]
    (gone,) = [each for each in chat.heard(kim) if " NICK " in each]
    assert gone.startswith(":bob!")


def test_so_is_somebody_of_another_node(chat: IrcChat) -> None:
    abroad.begin(chat.hub, "a")
    ada = everywhere(chat, "ada")
    bob, rob = Sender(5, "bob", node="b"), Sender(5, "rob", node="b")
    chat.heard(ada)
    for rooms, group in (("b", Group(bob, "part")), ("a", Group(bob, "nick", b"rob")),
                         ("b", Group(rob, "join")), ("ab", Group(rob, "quit", b"bye"))):
        abroad.changed(chat.hub, rooms, group)
    chat.send(ada, "PING x")
    assert told(chat, ada) == ["PART #b", "NICK rob", "JOIN #b", "QUIT :bye", "PONG irc.test x"]


def test_a_join_with_a_label_is_heard_before_what_it_makes_of_one(
        chat: IrcChat, gate: Later) -> None:
    everywhere(chat, "eve")
    chat.hub.rooms.open("a").rules.op_accounts["ada"] = chat.hub.at
    ada = chat.person("ada", "labeled-response batch")
    ada.secure = True
    chat.send(ada, "NS IDENTIFY sesame")
    gate.answer(chat)
    heard = chat.asked(ada, "@label=x JOIN #a")
    commands = [line.split(" ")[2] for line in heard[1:-1]]
    assert commands == ["JOIN", "MODE", "353", "366"]


@pytest.mark.parametrize("line", ["PART #a,#b", "JOIN 0", "KICK #a ada :out"])
def test_who_leaves_with_a_label_hears_once_of_each_channel(chat: IrcChat, line: str) -> None:
    ada = chat.person("ada", "labeled-response batch")
    chat.asked(ada, "JOIN #a,#b")
    everywhere(chat, "bob")
    chat.heard(ada)
    heard = [each.split(" ") for each in chat.asked(ada, f"@label=x {line}")]
    left = sorted([words[3] for words in heard if words[2] in ("PART", "KICK")])
    assert left == (["#a"] if line.startswith("KICK") else ["#a", "#b"])


def test_what_was_said_there_before_comes_after_the_answer_with_its_label(chat: IrcChat) -> None:
    chat.history = SimpleNamespace(recent=lambda _room: ["12:34 bob: hello"])
    ada = chat.person("ada", "labeled-response batch")
    heard = chat.asked(ada, "@label=x JOIN #a")
    assert heard[-1] == ":irc.test NOTICE #a :12:34 bob: hello"
    assert heard[-2].startswith(":irc.test BATCH -")


class Crowd:
    """Five IRC clients and two plain ones, who do whatever comes to their minds."""

    def __init__(self, chat: IrcChat, gate: Later, seed: int) -> None:
        self.chat, self.gate = chat, gate
        self.random = Random(seed)
        self.names = 0
        self.views: dict[int, View] = {}
        gate.accounts = {"acc1": "pw", "acc2": "pw"}

    def step(self) -> None:
        chat, random = self.chat, self.random
        while len(self.views) < 5:
            session = chat.person(self.name(), "multi-prefix" + random.choice(
                ("", " extended-join server-time", " labeled-response batch echo-message")))
            session.secure = True
            self.views[session.id] = View(session.nick)
        people = list(chat.hub.sessions.values())
        if len(people) < 7:
            people.append(chat.line_user(self.name()))
        who = random.choice(people)
        if who.id not in self.views:
            chat.send(who, random.choice(("/join a", "/join b", "/join lobby", "hello", "/quit",
                                          f"/nick {self.name()}")))
            return
        place, other = random.choice(PLACES), random.choice(people).nick
        label = random.choice(("", "@label=x ")) if "batch" in who.capabilities else ""
        chat.send(who, label + random.choice((
            f"JOIN {place}", "JOIN #a,#b", f"PART {place}", "PART #a,#b", "JOIN 0", "QUIT",
            f"NICK {self.name()}", f"NICK {who.nick.swapcase()}", f"KICK {place} {other} :out",
            f"MODE {place} +o-v+v {other} {other} {other}", f"MODE {place} -o {other}",
            f"MODE {place} +bl {other} 4", f"MODE {place} -b+m {other}", f"TOPIC {place} :tea",
            f"PRIVMSG {place} :hello", f"NAMES {place}", "NS IDENTIFY acc1 pw", "NICK acc1",
            "NS REGAIN acc1", "NS GHOST acc2", "NS IDENTIFY acc2 pw")))
        if random.random() < 0.05:
            chat.hub.disconnect(who, "peer reset")

    def name(self) -> str:
        self.names += 1
        return f"p{self.names}"

    def compare(self) -> None:
        """What each has heard leaves it with what is so."""
        self.gate.answer(self.chat)
        for number, view in list(self.views.items()):
            session = self.chat.hub.sessions.get(number)
            if session is None:
                del self.views[number]
                continue
            view.hear(self.chat.heard(session))
            assert view.nick == session.nick
            assert view.channels == {f"#{name}": {
                member.nick: room.rules.prefixes(member.id) for member in room.members.values()}
                for name, room in session.rooms.items()}


@pytest.mark.parametrize("seed", range(8))
def test_what_is_heard_is_what_is_so_whatever_a_crowd_does_in_a_turn(
        chat: IrcChat, gate: Later, seed: int) -> None:
    crowd = Crowd(chat, gate, seed)
    for _ in range(100):
        for _ in range(crowd.random.randint(1, 5)):
            crowd.step()
        crowd.compare()
