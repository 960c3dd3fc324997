"""Who takes part: this server with and without its console, and what to compare it with."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass

PYTHON = sys.executable
# Nobody's joining is told late, in what is measured.
USUAL = ("--host", "127.0.0.1", "--port", "{port}", "--rate-limit", "off",
         "--announce-after", "off")
SERVER = (*USUAL, "--control", "off")


@dataclass(frozen=True, slots=True)
class Contender:
    """A server to start: its command, with `{port}` where the port goes, and `{metrics}` where
    that of its metrics does.
    """

    name: str
    title: str
    command: tuple[str, ...]
    screen: bool = False       # it draws: give it a terminal
    module: str = ""           # that must be installed
    beside: tuple[str, ...] = ()   # what runs as long as the server does, and looks at it

    @property
    def installed(self) -> bool:
        return not self.module or importlib.util.find_spec(self.module) is not None

    def on(self, port: int, metrics: int = 0) -> tuple[list[str], list[str]]:
        """The commands of the server on this port, and of what runs beside it."""
        server, beside = ([word.format(port=port, metrics=metrics) for word in words]
                          for words in (self.command, self.beside))
        return server, beside


def _relay(kind: str) -> tuple[str, ...]:
    return (PYTHON, "-m", "chatops.bench.relay", kind, "{port}")


CHATOPS = Contender("chatops", "chatops", (PYTHON, "-m", "chatops", "serve", *SERVER))
CONSOLE = Contender("console", "chatops, console open", (PYTHON, "-m", "chatops", *SERVER),
                    screen=True, module="tui")
ATTACHED = Contender(
    "attached", "chatops, attached",
    (PYTHON, "-m", "chatops", "serve", *USUAL, "--metrics", "127.0.0.1:{metrics}"),
    module="prometheus_client",
    beside=(PYTHON, "-m", "chatops.bench.onlooker", "{port}", "{metrics}"))
BARE = Contender("bare", "bare selectors loop", _relay("bare"))
ASYNCIO = Contender("asyncio", "asyncio streams", _relay("asyncio"))
UVLOOP = Contender("uvloop", "uvloop streams", _relay("uvloop"), module="uvloop")

CONTENDERS = (CHATOPS, CONSOLE, ATTACHED, BARE, ASYNCIO, UVLOOP)
