"""An IRC client for tests, over a real socket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

from tests.integration.client import Client
from tests.integration.harness import Server


class IrcClient(Client):
    """Lines end in CR LF, and nobody speaks before it does."""

    def __init__(self, address: tuple[str, int], nick: str = "", caps: str = "",
                 **options: Any) -> None:
        super().__init__(address, greeted=False, **options)
        if caps:
            self.say(f"CAP REQ :{caps}", "CAP END")
        if nick:
            self.say(f"NICK {nick}", f"USER {nick} 0 * :{nick}")
            self.until("376")

    def __enter__(self) -> IrcClient:
        return self

    def until(self, code: str) -> list[str]:
        """All lines up to the one with this command or numeric."""
        return self.read_until(lambda line: code in line.split(" ")[:3])

    def asked(self, *lines: str) -> list[str]:
        """What it hears after these, up to the answer to a PING."""
        self.say(*lines, "PING :fence")
        return [line.rstrip("\r") for line in self.read_until(
            lambda line: line.rstrip("\r").endswith("PONG chatops.local fence"))[:-1]]


@contextmanager
def newcomers(server: Server) -> Iterator[Callable[..., IrcClient]]:
    """Brings clients in by its IRC door, `come("ada", caps="batch")`; closed in the end."""
    address = (server.address[0], server.call(lambda: server.chat.intake.irc_port))
    with ExitStack() as stack:

        def come(nick: str = "", **options: Any) -> IrcClient:
            return stack.enter_context(closing(IrcClient(address, nick, **options)))

        yield come
