"""CHATHISTORY over a real archive, whose answers come later."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from chatops.chat.dialect import Rendered
from chatops.chat.effects import Recall
from chatops.chat.groups import Group
from chatops.chat.irc.tongue import time_of
from chatops.chat.past import Found, Selection
from chatops.chat.session import Session
from chatops.storage.chat_history import ChatHistory, Chunk
from chatops.storage.history_file import entries, reading
from tests.unit.irc_chat import IrcChat

CAPS = "batch server-time message-tags account-tag draft/chathistory"


class Kept:
    """What rooms hear is archived at once, and looked up when `answer` is called."""

    fault = ""

    def __init__(self, path: str, chat: IrcChat) -> None:
        self.archive = ChatHistory(path)
        self.broken = False
        self._chat = chat
        self._asked: list[Callable[[], None]] = []

    def keep(self, room: str, rendered: Rendered, groups: Sequence[Group]) -> None:
        self.archive.append([Chunk(self._chat.hub.at, room, rendered.chunk, groups,
                                   rendered.parts, "m")])

    def recent(self, room: str) -> list[str]:
        return [line.line for line in self.archive.last(room, 5)]

    def recall(self, question: Recall) -> None:
        lines = [line.line for line in self.archive.last(question.room, question.limit)]
        self._asked.append(lambda: self._chat.hub.notice(
            self._chat.hub.sessions[question.id], *lines))

    def select(self, selection: Selection, answer: Callable[[Found], None]) -> None:
        self._asked.append(lambda: answer(None if self.broken
                                          else self.archive.select(selection)))

    def newest(self, rooms: Sequence[str],
               answer: Callable[[Mapping[str, float] | None], None]) -> None:
        self._asked.append(lambda: answer(None if self.broken else self.archive.newest(rooms)))

    def answer(self) -> None:
        asked, self._asked = self._asked, []
        for answer in asked:
            answer()


@pytest.fixture
def chat(tmp_path: Path) -> Iterator[IrcChat]:
    chat = IrcChat()
    kept = Kept(str(tmp_path / "history.db"), chat)
    chat.history = kept
    chat.irc.irc.keeps_history = True
    yield chat
    kept.archive.close()


def ask(chat: IrcChat, session: Session, *lines: str) -> list[str]:
    """What it hears once the archive has answered."""
    chat.send(session, *lines)
    heard = chat.heard(session)
    chat.history.answer()
    return heard + chat.heard(session)


def texts(lines: list[str]) -> list[str]:
    return [line.rpartition(" :")[2] for line in lines if " PRIVMSG " in line]


def tagged(line: str, key: str) -> str:
    found = re.search(rf"[@;]{key}=([^; ]*)", line)
    return found[1] if found else ""


def tags(line: str) -> set[str]:
    return set(line.split(" ")[0].removeprefix("@").split(";"))


@pytest.fixture
def told(chat: IrcChat) -> tuple[Session, list[str]]:
    """One who has heard ten lines in #tea, a second apart, as she heard them."""
    ada = chat.person("ada", CAPS)
    bob = chat.person("bob", CAPS)
    chat.send(ada, "JOIN #tea")
    chat.send(bob, "JOIN #tea")
    chat.heard(ada)
    lines = []
    for number in range(10):
        chat.hub.at = 1000.5 + number
        chat.send(bob, f"PRIVMSG #tea :line {number}")
        lines += chat.heard(ada)
    chat.heard(bob)
    return ada, lines


@pytest.mark.parametrize(("how", "expected"), [
    ("LATEST #tea * 3", [7, 8, 9]),
    ("LATEST #tea {4} 100", [5, 6, 7, 8, 9]),
    ("LATEST #tea {4} 2", [8, 9]),
    ("BEFORE #tea {4} 2", [2, 3]),
    ("AFTER #tea {4} 2", [5, 6]),
    ("AFTER #tea {9} 2", []),
    ("AROUND #tea {4} 4", [2, 3, 4, 5]),
    ("AROUND #tea {0} 4", [0, 1, 2, 3]),
    ("AROUND #tea {9} 4", [6, 7, 8, 9]),
    ("AROUND #tea {4} 1", [4]),
    ("BETWEEN #tea {2} {6} 100", [3, 4, 5]),
    ("BETWEEN #tea {2} {6} 2", [3, 4]),
    ("BETWEEN #tea {6} {2} 2", [4, 5]),
    ("BETWEEN #tea {2} {2} 2", []),
])
@pytest.mark.parametrize("kind", ["msgid", "timestamp"])
def test_a_selection_is_what_it_says(chat: IrcChat, told: tuple[Session, list[str]], how: str,
                                     expected: list[int], kind: str) -> None:
    ada, lines = told
    tag = "msgid" if kind == "msgid" else "time"
    references = [f"{kind}={tagged(line, tag)}" for line in lines]
    heard = ask(chat, ada, f"CHATHISTORY {how.format(*references)}")
    opened, *inner, closed = heard
    name = opened.split(" ")[2].removeprefix("+")
    assert opened == f":irc.test BATCH +{name} chathistory #tea"
    assert closed == f":irc.test BATCH -{name}"
    batch = f"batch={name};"
    assert all(line.startswith(f"@{batch}") for line in inner)
    # To the last byte what she heard, but for the batch and the order of the tags.
    assert [line.replace(batch, "") for line in inner] == [lines[number] for number in expected]


def test_what_was_said_keeps_its_form_its_account_and_its_tags(chat: IrcChat) -> None:
    ada, bob = chat.person("ada", CAPS), chat.person("bob", CAPS)
    chat.send(ada, "JOIN #tea")
    chat.send(bob, "JOIN #tea")
    chat.hub.log_in(bob, "robert")
    chat.heard(ada)
    chat.send(bob, "PRIVMSG #tea :\x02bold\x02 and plain", "PRIVMSG #tea :\x01ACTION waves\x01",
              "NOTICE #tea :mind: the step", "@+draft/reply=m1 PRIVMSG #tea :yes",
              "@+typing=active TAGMSG #tea", "PRIVMSG #tea :\x01VERSION\x01", "TOPIC #tea :new")
    heard = [line for line in chat.heard(ada)
             if "TAGMSG" not in line and "VERSION" not in line and "TOPIC" not in line]
    _, *inner, _ = ask(chat, ada, "CHATHISTORY LATEST #tea * 10")
    assert [line.split(" ", 1)[1] for line in inner] == [line.split(" ", 1)[1] for line in heard]
    assert [tags(line) - {f"batch={tagged(line, 'batch')}"} for line in inner] \
        == [tags(line) for line in heard]


def test_lines_by_the_other_door_are_history_too(chat: IrcChat) -> None:
    nc = chat.line_user("nell")
    chat.hub.move(nc, "tea")
    ada = chat.person("ada", CAPS)
    chat.send(ada, "JOIN #tea")
    chat.send(nc, "one", "/me waves", "x" * 1000)
    chat.heard(ada)
    _, one, waves, *long, _ = ask(chat, ada, "CHATHISTORY LATEST #tea * 10")
    assert one.endswith(":nell!~line@" + one.split("@")[2].split(" ")[0] + " PRIVMSG #tea :one")
    assert waves.endswith("PRIVMSG #tea :\x01ACTION waves\x01")
    assert "".join(texts(long)) == "x" * 1000
    ids = [tagged(line, "msgid") for line in long]
    assert ids == [ids[0], *[f"{ids[0]}-{n}" for n in range(1, len(ids))]]
    assert texts(ask(chat, ada, f"CHATHISTORY BEFORE #tea msgid={ids[1]} 1")) \
        == ["\x01ACTION waves\x01"]


@pytest.mark.parametrize(("asked", "answer"), [
    ("", "INVALID_PARAMS * :Unknown command"),
    ("EVERYTHING #tea * 1", "INVALID_PARAMS EVERYTHING :Unknown command"),
    ("LATEST #tea *", "INVALID_PARAMS LATEST :Insufficient parameters"),
    ("latest #tea * 1 1", "INVALID_PARAMS LATEST :Too many parameters"),
    ("LATEST #tea * many", "INVALID_PARAMS LATEST many :Invalid limit"),
    ("LATEST #tea * 0", "INVALID_PARAMS LATEST 0 :Invalid limit"),
    ("BEFORE #tea * 1", "INVALID_PARAMS BEFORE * :Invalid reference"),
    ("BEFORE #tea timestamp=noon 1", "INVALID_PARAMS BEFORE timestamp=noon :Invalid timestamp"),
    ("BEFORE #tea line=7 1", "INVALID_MSGREFTYPE BEFORE #tea line=7 "
                             ":There are references by msgid and by timestamp"),
    ("LATEST #attic * 1", "INVALID_TARGET LATEST #attic :Messages could not be retrieved"),
    ("LATEST bob * 1", "INVALID_TARGET LATEST bob :Messages could not be retrieved"),
    ("LATEST #lobby * 1", "INVALID_TARGET LATEST #lobby :Messages could not be retrieved"),
    ("TARGETS msgid=m1 msgid=m2 1", "INVALID_PARAMS TARGETS msgid=m1 :Invalid timestamp"),
    ("BEFORE #tea msgid=nosuch 1",
     "MESSAGE_ERROR BEFORE #tea :Messages could not be retrieved"),
])
def test_what_cannot_be_told_is_refused_by_name(
        chat: IrcChat, told: tuple[Session, list[str]], asked: str, answer: str) -> None:
    ada, _ = told
    chat.line_user("nell")             # in the lobby, where ada is not
    assert ask(chat, ada, f"CHATHISTORY {asked}") == [f":irc.test FAIL CHATHISTORY {answer}"]
    assert chat.asked(ada, "PING 1") == [":irc.test PONG irc.test 1"]


def test_an_archive_that_does_not_answer_is_an_error_and_no_silence(
        chat: IrcChat, told: tuple[Session, list[str]]) -> None:
    ada, _ = told
    chat.history.broken = True
    first, second = ask(chat, ada, "CHATHISTORY LATEST #tea * 1"), ask(
        chat, ada, "CHATHISTORY TARGETS timestamp=1970-01-01T00:00:00.000Z "
                   "timestamp=2100-01-01T00:00:00.000Z 10")
    assert ["MESSAGE_ERROR" in line for line in first + second] == [True, True]


def test_what_follows_the_question_is_answered_after_it(
        chat: IrcChat, told: tuple[Session, list[str]]) -> None:
    ada, _ = told
    ada.door.receive(ada, b"CHATHISTORY LATEST #tea * 1\r\nPING 1\r\n")
    assert chat.heard(ada) == []
    assert ada.parked
    chat.history.answer()
    ada.door.resume(ada)
    assert [line.split(" ")[1] for line in chat.heard(ada) if not line.startswith("@")] \
        == ["BATCH", "BATCH", "PONG"]


def test_a_label_stands_on_the_batch_alone(chat: IrcChat, told: tuple[Session, list[str]]) -> None:
    del told
    eve = chat.person("eve", f"{CAPS} labeled-response")
    chat.send(eve, "JOIN #tea")
    chat.heard(eve)
    opened, *rest = ask(chat, eve, "@label=x1 CHATHISTORY LATEST #tea * 2")
    assert opened.startswith("@label=x1 :irc.test BATCH +")
    assert len(rest) == 3
    assert not [line for line in rest if "label=" in line]
    assert ask(chat, eve, "@label=x2 CHATHISTORY LATEST #tea * no") == [
        "@label=x2 :irc.test FAIL CHATHISTORY INVALID_PARAMS LATEST no :Invalid limit"]
    assert ask(chat, eve, "@label=x3 CHATHISTORY LATEST #tea msgid=no 1") == [
        "@label=x3 :irc.test FAIL CHATHISTORY MESSAGE_ERROR LATEST #tea "
        ":Messages could not be retrieved"]


def test_targets_are_the_channels_that_heard_something_then(
        chat: IrcChat, told: tuple[Session, list[str]]) -> None:
    ada, _ = told
    chat.send(ada, "JOIN #coffee,#empty")
    chat.hub.at = 2000.25
    chat.send(ada, "PRIVMSG #coffee :black")
    chat.heard(ada)

    def targets(since: float, until: float, limit: int = 10) -> list[str]:
        _, *inner, _ = ask(chat, ada, f"CHATHISTORY TARGETS timestamp={time_of(since)} "
                                      f"timestamp={time_of(until)} {limit}")
        return [line.split(" TARGETS ")[1] for line in inner]

    tea, coffee = f"#tea {time_of(1009.5)}", f"#coffee {time_of(2000.25)}"
    assert targets(0, 3000) == [tea, coffee]
    assert targets(0, 3000, 1) == [tea]
    assert targets(3000, 0, 1) == [coffee]
    assert targets(1000, 1009) == []


def test_who_has_asked_for_no_capability_gets_the_lines_alone(
        chat: IrcChat, told: tuple[Session, list[str]]) -> None:
    del told
    eve = chat.person("eve")
    chat.send(eve, "JOIN #tea")
    chat.heard(eve)
    heard = ask(chat, eve, "CHATHISTORY LATEST #tea * 2")
    assert [line.split(" ", 1)[1] for line in heard] == [
        "PRIVMSG #tea :line 8", "PRIVMSG #tea :line 9"]


def test_it_is_offered_where_a_history_is_kept_and_nowhere_else(chat: IrcChat) -> None:
    for there in (True, False):
        if not there:
            chat.irc.irc.keeps_history = False
        client = chat.come()
        offered = " ".join(chat.asked(client, "CAP LS 302"))
        assert ("draft/chathistory" in offered) == there
        welcome = " ".join(chat.asked(client, "CAP END", f"NICK eve{there:d}", "USER e 0 * :Eve"))
        tokens = ("CHATHISTORY=1000", "MSGREFTYPES=msgid,timestamp")
        assert [token in welcome for token in tokens] == [there, there]


@pytest.mark.parametrize("closing", ["+i", "+k sesame", "+ik-i sesame"])
@pytest.mark.parametrize("last", [[], ["MODE #tea -ik *"]])
def test_what_was_said_in_a_closed_room_is_not_for_who_makes_it_anew(
        chat: IrcChat, tmp_path: Path, closing: str, last: list[str]) -> None:
    ada = chat.person("ada", CAPS)
    chat.send(ada, "JOIN #tea", "PRIVMSG #tea :for all", f"MODE #tea {closing}")
    # She has gone before what she said is delivered: the room is no more, then.
    chat.send(ada, "PRIVMSG #tea :the secret", *last, "PART #tea")
    chat.heard(ada)
    eve, plain = chat.person("eve", CAPS), chat.line_user("mallory")
    chat.send(eve, "JOIN #tea")
    assert texts(ask(chat, eve, "CHATHISTORY LATEST #tea * 9")) == ["for all"]
    chat.plain.receive(plain, b"/join tea\n/history\n")
    told = chat.heard(plain)           # as somebody who comes in
    chat.history.answer()
    told += chat.heard(plain)          # and as somebody who asks
    assert len([line for line in told if "for all" in line]) == 2, told
    assert not any("the secret" in line for line in told), told
    with reading(str(tmp_path / "history.db")) as database:       # the admin finds it all
        found = [entry.line for entry in entries(database, room="tea")]
    assert found == ["ada: for all", "ada: the secret"]


def test_members_of_a_closed_room_read_what_was_said_there(chat: IrcChat) -> None:
    ada = chat.person("ada", CAPS)
    chat.send(ada, "JOIN #tea", "MODE #tea +i", "PRIVMSG #tea :the secret")
    assert texts(ask(chat, ada, "CHATHISTORY LATEST #tea * 9")) == ["the secret"]
    found = ask(chat, ada, "CHATHISTORY TARGETS timestamp=2000-01-01T00:00:00.000Z "
                "timestamp=1969-01-01T00:00:00.000Z 9")
    assert [line.split(" ")[4] for line in found if " TARGETS " in line] == ["#tea"]
    chat.send(ada, "MODE #tea -i", "PRIVMSG #tea :and now all")
    assert texts(ask(chat, ada, "CHATHISTORY LATEST #tea * 9")) == ["the secret", "and now all"]
