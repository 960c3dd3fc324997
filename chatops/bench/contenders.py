"""Who takes part: this server with and without its console, and what to compare it with."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass, replace

from chatops.bench.tongues import TONGUES, Spoken

PYTHON = sys.executable
# Nobody's joining is told late, in what is measured.
AT_ONCE = ("--rate-limit", "off", "--announce-after", "off")
USUAL = ("--host", "127.0.0.1", "--port", "{port}", *AT_ONCE)
SERVER = (*USUAL, "--control", "off")


@dataclass(frozen=True, slots=True)
class Contender:
    """A server to start: its command, with `{port}` where the port goes."""

    name: str
    title: str
    command: tuple[str, ...]
    screen: bool = False       # it draws: give it a terminal
    module: str = ""           # that must be installed
    spoken: Spoken = "line"    # on the port that it is told

    @property
    def installed(self) -> bool:
        return not self.module or importlib.util.find_spec(self.module) is not None

    def unfit(self, clients: int, size: int) -> str:
        """Why so many clients, or messages of `size` bytes, cannot be measured with it; "" if
        they can.
        """
        tongue = TONGUES[self.spoken]
        if size > tongue.longest:
            return f"messages of {size:,} bytes: it takes at most {tongue.longest}"
        return "1 client: nobody hears what it says" if clients == 1 and not tongue.echo else ""

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
IRC = Contender("irc", "chatops, IRC clients", (
    PYTHON, "-m", "chatops", "serve", "--host", "127.0.0.1", "--port", "0", "--irc-port", "{port}",
    *AT_ONCE, "--control", "off"), spoken="irc")
BARE = Contender("bare", "bare selectors loop", _relay("bare"))
ASYNCIO = Contender("asyncio", "asyncio streams", _relay("asyncio"))
UVLOOP = Contender("uvloop", "uvloop streams", _relay("uvloop"), module="uvloop")

CONTENDERS = (CHATOPS, CONSOLE, IRC, BARE, ASYNCIO, UVLOOP)
