"""Bots of others in rooms where people come and go: `pytest -m soak`, five minutes of it.

One bot is written with `irc`, one with `pydle` (`pip install -e '.[bots]'`); a bot that is not
installed is left out, and the test says so.  Fifty people by either door join, part, quit, are
kicked and rename themselves, and every now and then whom the bots see has to be whom the console
sees, to the last nick.  SOAK_SECONDS says for how long, if not for five minutes.
"""

from __future__ import annotations

import importlib.util
import json
import os
import selectors
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random

import pytest

from tests.integration.client import Client
from tests.integration.harness import PYTHON, Served, environment
from tests.integration.irc_client import IrcClient
from tests.patience import PATIENCE, scaled

SECONDS = float(os.environ.get("SOAK_SECONDS", "300"))
ROOMS = ("lobby", "tea", "coffee", "cocoa")
PEOPLE = 50
STEPS = 150                    # between two looks
WARM = 0.2                     # of the time, until memory is looked at first
LEAK = 16 << 20                # bytes that it may hold more at the end than then


class Bot:
    """A process of another's making that says whom it sees."""

    def __init__(self, kind: str, port: int) -> None:
        self.kind = kind
        self.process = subprocess.Popen(
            [PYTHON, "-m", "tests.integration.irc_bots", kind, str(port), f"bot-{kind}",
             ",".join(f"#{room}" for room in ROOMS)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            cwd=Path(__file__).parents[2], env=environment())
        assert self._line() == "ready\n"

    def ask(self, fence: str) -> None:
        """Have it say whom it sees once it has heard this everywhere."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{fence}\n")
        self.process.stdin.flush()

    def sees(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = json.loads(self._line())
        return found

    def close(self) -> None:
        self.process.communicate(timeout=PATIENCE)     # ends its input

    def _line(self) -> str:
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            assert selector.select(scaled(60.0)), f"{self.kind} says nothing"
        while (line := self.process.stdout.readline()) == "ready\n":
            return line
        return line


class Crowd:
    """People who come and go, each step one thing that one of them does."""

    def __init__(self, lines: tuple[str, int], irc: tuple[str, int], random: Random) -> None:
        self._lines, self._irc = lines, irc
        self._random = random
        self._numbers = 0
        self._people: list[Client] = []
        self.done: Counter[str] = Counter()
        self.warden = IrcClient(irc, "warden")     # whoever makes a room is its operator
        self.warden.asked(*(f"JOIN #{room}" for room in ROOMS))

    def step(self) -> None:
        random = self._random
        if len(self._people) < PEOPLE:
            self._come()
            return
        person = random.choice(self._people)
        room = random.choice(ROOMS)
        if not isinstance(person, IrcClient):
            what = random.choice(("join", "rename", "talk", "quit"))
            lines = {"join": f"/join {room}", "rename": f"/nick {self._name()}",
                     "talk": "some words", "quit": "/quit"}
            person.say(lines[what])
            if what != "quit":
                person.heard()
        else:
            what = random.choice(("join", "join", "part", "rename", "talk", "quit", "kick", "mode",
                                  "away", "reset"))
            lines = {"join": f"JOIN #{room}", "part": f"PART #{room} :had enough",
                     "rename": f"NICK {self._name()}", "talk": f"PRIVMSG #{room} :some words",
                     "quit": "QUIT :bye", "away": "AWAY :for a while"}
            if what in ("kick", "mode"):
                word = f"KICK #{room} {person.nick} :out" if what == "kick" else \
                    f"MODE #{room} {random.choice('+-')}{random.choice('ov')} {person.nick}"
                self.warden.asked(word)
            elif what == "reset":
                person.reset()
            else:
                person.say(lines[what])
                if what == "rename":
                    person.nick = lines[what].split()[1]
                if what != "quit":
                    person.asked()
        self.done[what] += 1
        if what in ("quit", "reset"):
            person.close()
            self._people.remove(person)

    def _come(self) -> None:
        nick = self._name()
        if self._random.random() < 0.3:
            person = Client(self._lines)
            person.say(f"/nick {nick}", "here I am")       # or its room would not be told of it yet
            person.heard()
        else:
            person = IrcClient(self._irc, nick)
            person.nick = nick
            person.asked(f"JOIN #{self._random.choice(ROOMS)}")
        self._people.append(person)
        self.done["came"] += 1

    def _name(self) -> str:
        self._numbers += 1
        return f"p{self._numbers}"

    def fence(self, text: str) -> None:
        """Everybody has been heard, and then this is said everywhere."""
        self.warden.asked(*(f"PRIVMSG #{room} :{text}" for room in ROOMS))
        for person in self._people:        # so that nobody's queue fills
            person.asked() if isinstance(person, IrcClient) else person.heard()

    def close(self) -> None:
        for person in (*self._people, self.warden):
            person.close()


def seen_by_the_console(socket: Path) -> dict[str, list[str]]:
    done = subprocess.run([PYTHON, "-m", "chatops", "ctl", "--socket", str(socket), "clients",
                           "--json"], capture_output=True, check=True, env=environment(),
                          timeout=PATIENCE * 3)
    rooms: dict[str, list[str]] = {f"#{room}": [] for room in ROOMS}
    for row in json.loads(done.stdout):
        for room in row["rooms"]:
            rooms[f"#{room}"].append(row["nick"])
    return {room: sorted(nicks) for room, nicks in rooms.items()}


@contextmanager
def company(kinds: list[str], server: Served) -> Iterator[tuple[Crowd, list[Bot]]]:
    """The people and the bots, all of them gone at the end."""
    port = int(server.wait_for_line(r"IRC on (\d+)")[1])
    with ExitStack() as stack:
        crowd = Crowd(server.address, (server.address[0], port), Random(2026))
        stack.callback(crowd.close)
        bots = []
        for kind in kinds:
            bots.append(Bot(kind, port))
            stack.callback(bots[-1].close)
        yield crowd, bots


@pytest.mark.soak
def test_bots_of_others_see_whom_the_console_sees(
        served: Callable[..., Served], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    kinds = [kind for kind in ("irc", "pydle") if importlib.util.find_spec(kind)]
    if not kinds:
        pytest.skip("neither irc nor pydle is installed: pip install -e '.[bots]'")
    socket = tmp_path / "c"
    server = served("--irc-port", "0", "--rate-limit", "off", "--control", str(socket))
    alone = server.descriptors()
    looks, warm = 0, (0, 0)
    began = time.monotonic()
    with company(kinds, server) as (crowd, bots):
        while (spent := time.monotonic() - began) < SECONDS or not looks:
            for _ in range(STEPS):
                crowd.step()
            looks += 1
            crowd.fence(f"fence {looks}")
            for bot in bots:
                bot.ask(f"fence {looks}")
            expected = seen_by_the_console(socket)
            for bot in bots:
                assert bot.sees() == expected, f"{bot.kind} at look {looks}"
            if not warm[0] and spent > SECONDS * WARM:
                warm = server.memory(), server.descriptors()
        memory, descriptors = server.memory(), server.descriptors()
    with capsys.disabled():
        print(f"  {' and '.join(kinds)} agreed {looks} times in {spent:.0f} s;",
              ", ".join(f"{count} {what}" for what, count in crowd.done.most_common()),
              f"; memory {warm[0] >> 10} KiB, then {memory >> 10} KiB;"
              f" descriptors {alone} alone, {warm[1]}, then {descriptors};"
              f" server CPU {server.cpu():.1f} s")
    assert not warm[0] or memory - warm[0] < LEAK
    server.check()
    assert server.descriptors() == alone
