"""Who takes part: this server with and without its console, and what to compare it with."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass, replace

PYTHON = sys.executable
# Nobody's joining is told late, in what is measured.
USUAL = ("--host", "127.0.0.1", "--port", "{port}", "--rate-limit", "off",
         "--announce-after", "off")
SERVER = (*USUAL, "--control", "off")


@dataclass(frozen=True, slots=True)
class Contender:
    """A server to start: its command, with `{port}` where the port goes."""

    name: str
    title: str
    command: tuple[str, ...]
    screen: bool = False       # it draws: give it a terminal
    module: str = ""           # that must be installed

    @property
    def installed(self) -> bool:
        return not self.module or importlib.util.find_spec(self.module) is not None

    def on(self, port: int) -> list[str]:
        """The command of the server on this port."""
        return [word.format(port=port) for word in self.command]

    def with_metrics(self, port: int) -> Contender:
        """The same, with its metrics on that port."""
        return replace(self, command=(*self.command, "--metrics", f"127.0.0.1:{port}"))


def _relay(kind: str) -> tuple[str, ...]:
    return (PYTHON, "-m", "chatops.bench.relay", kind, "{port}")


CHATOPS = Contender("chatops", "chatops", (PYTHON, "-m", "chatops", "serve", *SERVER))
CONSOLE = Contender("console", "chatops, console open", (PYTHON, "-m", "chatops", *SERVER),
                    screen=True, module="tui")
LOOKED_AT = Contender("attached", "chatops, attached", (PYTHON, "-m", "chatops", "serve", *USUAL))
BARE = Contender("bare", "bare selectors loop", _relay("bare"))
ASYNCIO = Contender("asyncio", "asyncio streams", _relay("asyncio"))
UVLOOP = Contender("uvloop", "uvloop streams", _relay("uvloop"), module="uvloop")

CONTENDERS = (CHATOPS, CONSOLE, BARE, ASYNCIO, UVLOOP)
