"""A group-chat server that you can see inside, and a console for any program's event loop.

     clients                        a console, a script, your program
        │ TCP, TLS                             │
        ▼                                      ▼
    ┌──────────── reactor thread ───────────┐  links/    every way a console reaches a server
    │ net/     sockets, queues, fan-out     │  control/  the Unix socket of `attach` and `ctl`
    │ chat/    what is said, sans-I/O       │  service/  the thread, from start to end
    │ server/  state, clients, effects      │  storage/  what waits for a disk
    │ loop/    reactor, observed selector   │  replay/   the past, in memory and in files
    └───────────────────────────────────────┘  api/      what crosses between all of them

What is named in `__all__`, and the structs of `chatops.api`, is for programs of others; all
else is private by convention.  Nothing is imported before it is asked for.

    with chatops.Server(chatops.Settings(port=0)) as server:
        print(server.address, len(server.snapshot().clients))

    loop = asyncio.SelectorEventLoop(chatops.ObservedSelector())
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from chatops.system.version import __version__

if TYPE_CHECKING:                      # for type checkers alone: see `__getattr__`
    from chatops.api.commands import Command, CommandResult
    from chatops.api.events import Event
    from chatops.api.link import ConsoleLink
    from chatops.api.snapshot import Snapshot
    from chatops.loop.observed import ObservedSelector
    from chatops.service.embedded import Server, ServerError
    from chatops.settings import Settings
    from chatops.system.errors import ChatopsError, StartError
    from chatops.watch import new_event_loop as observed_loop
    from chatops.watch import start as watch

__all__ = [
    "ChatopsError", "Command", "CommandResult", "ConsoleLink", "Event", "ObservedSelector",
    "Server", "ServerError", "Settings", "Snapshot", "StartError", "__version__",
    "observed_loop", "watch",
]

_WHERE = {
    "ChatopsError": "system.errors", "Command": "api.commands", "CommandResult": "api.commands",
    "ConsoleLink": "api.link", "Event": "api.events", "ObservedSelector": "loop.observed",
    "Server": "service.embedded", "ServerError": "service.embedded", "Settings": "settings",
    "Snapshot": "api.snapshot", "StartError": "system.errors",
}


def __getattr__(name: str) -> Any:
    """PEP 562: the server has no need of all of it, nor has an observed program."""
    if name in _WHERE:
        return getattr(import_module(f"chatops.{_WHERE[name]}"), name)
    if name == "watch":
        return import_module("chatops.watch")      # a module that can be called
    if name == "observed_loop":
        return import_module("chatops.watch").new_event_loop
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
