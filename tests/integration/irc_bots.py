"""Bots written with libraries of others, as processes: they stay, and say whom they see.

    python -m tests.integration.irc_bots irc|pydle PORT NICK ROOM,ROOM...

A bot prints `ready` when it is in its rooms.  For each line on standard input it waits until it
has heard that line in every room, and prints as JSON whom it sees in each; it ends with its input.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import queue
import sys
import threading
from collections.abc import Iterable
from typing import Any


class Fences:
    """What is waited for, and in which rooms it has been heard."""

    def __init__(self, rooms: Iterable[str]) -> None:
        self._rooms = frozenset(rooms)
        self._heard: dict[str, set[str]] = {}

    def heard(self, room: str, text: str) -> None:
        if text.startswith("fence "):
            self._heard.setdefault(text, set()).add(room)

    def passed(self, text: str) -> bool:
        """Whether it has been heard everywhere."""
        return self._heard.get(text, set()) >= self._rooms


def asked() -> queue.Queue[str | None]:
    """The lines of standard input as they come, and None at its end."""
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        for line in sys.stdin:
            lines.put(line.strip())
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    return lines


def tell(found: dict[str, list[str]]) -> None:
    print(json.dumps(found), flush=True)


def with_irc(port: int, nick: str, rooms: list[str]) -> None:
    """jaraco's `irc`."""
    library: Any = importlib.import_module("irc.bot")
    fences, lines = Fences(rooms), asked()

    class Bot(library.SingleServerIRCBot):     # type: ignore[misc]  # of a library found just now
        def on_welcome(self, connection: Any, _event: Any) -> None:
            for room in rooms:
                connection.join(room)

        def on_endofnames(self, _connection: Any, _event: Any) -> None:
            if len(self.channels) == len(rooms):
                print("ready", flush=True)

        def on_pubmsg(self, _connection: Any, event: Any) -> None:
            fences.heard(event.target, event.arguments[0])

    bot = Bot([("127.0.0.1", port)], nick, nick)
    bot._connect()
    waiting: str | None = ""
    while waiting is not None:
        bot.reactor.process_once(0.05)
        if waiting and fences.passed(waiting):
            tell({room: sorted(bot.channels[room].users()) for room in rooms})
            waiting = ""
        if not waiting and not lines.empty():
            waiting = lines.get()


def with_pydle(port: int, nick: str, rooms: list[str]) -> None:
    """pydle, with all of its features."""
    library: Any = importlib.import_module("pydle")
    fences, lines = Fences(rooms), asked()

    class Bot(library.Client):                 # type: ignore[misc]  # of a library found just now
        async def on_connect(self) -> None:
            await super().on_connect()
            for room in rooms:
                await self.join(room)

        async def on_raw_366(self, message: Any) -> None:
            await super().on_raw_366(message)
            if len(self.channels) == len(rooms):
                print("ready", flush=True)

        async def on_channel_message(self, target: str, _by: str, message: str) -> None:
            fences.heard(target, message)
            news.set()

    news = asyncio.Event()

    async def live() -> None:
        bot = Bot(nick, realname=nick)
        await bot.connect("127.0.0.1", port)
        while (wanted := await asyncio.to_thread(lines.get)) is not None:
            while not fences.passed(wanted):
                news.clear()
                await news.wait()
            tell({room: sorted(bot.channels[room]["users"]) for room in rooms})

    asyncio.run(live())


if __name__ == "__main__":
    kind, where, name, channels = sys.argv[1:]
    {"irc": with_irc, "pydle": with_pydle}[kind](int(where), name, channels.split(","))
