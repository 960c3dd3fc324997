"""Look into any asyncio or selectors program, as into our own server.

From outside `chatops watch PROGRAM`; from inside, at any moment:

    import chatops
    chatops.watch()                                    # the loops that run are adopted
    asyncio.Runner(loop_factory=chatops.observed_loop)
    uvicorn.run(app, loop="chatops.watch:new_event_loop")

This module can be called because both are wanted of the name: a call, and a place to import a
loop factory from.
"""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio


def start(path: str = "") -> str:
    """Observe this process from now on; returns the path of its control socket.

    `path` is where that is to be, by default at the usual place.  `chatops attach` opens a
    console on it.  Raises `chatops.control.socket_path.ControlError` when it cannot be had.
    Idempotent; from any thread.
    """
    from pathlib import Path

    from chatops.control.socket_path import ControlSocket, directory
    from chatops.watch import begin, patch

    observer = begin.observer()
    if observer is None:
        name = os.path.basename(sys.argv[0] if sys.argv else "") or "python"
        place = ControlSocket(Path(path).absolute() if path else
                              directory() / f"{safe_name(name)}-{os.getpid()}.sock")
        patch.install()
        from chatops.watch.observer import InheritedEndpoint

        begin.observe(InheritedEndpoint(str(place.path), place.sock, place.lock), str(place.path),
                      name, children=False)
        observer = begin.observer()
        assert observer is not None
    patch.adopt_running()
    return observer.listening.path


def new_event_loop() -> asyncio.AbstractEventLoop:
    """An asyncio loop that is observed, for whatever takes a loop factory."""
    import asyncio

    start()
    return asyncio.SelectorEventLoop()


def safe_name(text: str) -> str:
    """What a program is called, as the name of a file."""
    kept = "".join(each if each.isascii() and (each.isalnum() or each in "._") else "_"
                   for each in text)
    return kept[:24] or "python"


class _CallableModule(ModuleType):
    """`chatops.watch()` is `chatops.watch.start()`."""

    def __call__(self, path: str = "") -> str:
        return start(path)


sys.modules[__name__].__class__ = _CallableModule
