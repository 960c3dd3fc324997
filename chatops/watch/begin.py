"""The beginning of the observation, in the program's process, from what the environment says.

What the parent has put into the environment is taken out again, so that neither the program
nor what it starts finds it, unless its children are to be observed too.
"""

from __future__ import annotations

import os
import socket
import sys

# The thread that imports it first is the main one for it, until Python 3.12 at least: that must be
# the program's, and not the observer's, which comes to need it.
import threading  # noqa: F401

from chatops.watch import patch, registry, replacing
from chatops.watch.observer import InheritedEndpoint, Observer

SOCKET = "CHATOPS_WATCH"               # path of the control socket
HANDED = "CHATOPS_WATCH_FDS"           # descriptors: the listening socket, and its lock
IMPORTS = "CHATOPS_WATCH_IMPORTS"      # folders that chatops and what it needs are in
NAME = "CHATOPS_WATCH_NAME"            # what the program is called
OPTIONS = "CHATOPS_WATCH_OPTIONS"      # words: children, force-asyncio, lines
SEARCH = "PYTHONPATH"

_observer: Observer | None = None


def begin(boot: str) -> None:
    """Observe this process; `boot` is the folder that is in front of PYTHONPATH for it."""
    path, handed = os.environ[SOCKET], os.environ.pop(HANDED, "")
    options = os.environ.get(OPTIONS, "").split(",")
    name = os.environ.get(NAME, "")
    children = "children" in options
    told = {each: os.environ[each] for each in (SOCKET, IMPORTS, OPTIONS, NAME)
            if each in os.environ}
    if not children:
        for each in (SOCKET, IMPORTS, OPTIONS, NAME):
            os.environ.pop(each, None)
        _restore_search_path(boot)
    listening = _handed(path, handed) if handed else None
    if listening is None and not children:
        return                             # it was for somebody else
    if "force-asyncio" in options:
        sys.modules["uvloop"] = None  # type: ignore[assignment]  # so that importing it fails
    if "lines" in options and sys.stdout is not None:
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # as on a terminal
    registry.children = children
    patch.install()
    if listening is not None:
        observe(listening, path, name, children=children)
        replacing.follow(listening, HANDED, told, boot)
    else:
        registry.when_first(lambda: observe(_own(path), path, name, children=True))


def observe(listening: InheritedEndpoint, path: str, name: str, *, children: bool) -> None:
    """Start the observer of this process."""
    global _observer

    def in_child() -> None:
        global _observer
        _observer = None
        if children:
            registry.when_first(lambda: observe(_own(path), path, name, children=True))

    _observer = Observer(listening, name, in_child=in_child)


def observer() -> Observer | None:
    """That of this process, None when it is not observed."""
    return _observer


def _handed(path: str, handed: str) -> InheritedEndpoint | None:
    """The socket that the parent has made; whoever comes first has it."""
    fd, _, lock = handed.partition(",")
    try:
        os.set_inheritable(int(fd), False)
        sock = socket.socket(fileno=int(fd))
        if int(lock) >= 0:
            os.set_inheritable(int(lock), False)
    except (OSError, ValueError):
        return None                        # a shell in between has closed them
    return InheritedEndpoint(path, sock, int(lock))


def _own(path: str) -> InheritedEndpoint:
    """A socket for this process beside that of the first."""
    from pathlib import Path

    from chatops.control.socket_path import ControlSocket

    stem = path.removesuffix(".sock").split("+")[0]
    place = ControlSocket(Path(f"{stem}+{os.getpid()}.sock"))
    return InheritedEndpoint(str(place.path), place.sock, place.lock)


def _restore_search_path(boot: str) -> None:
    left = [folder for folder in os.environ.get(SEARCH, "").split(os.pathsep) if folder != boot]
    if left and any(left):
        os.environ[SEARCH] = os.pathsep.join(left)
    else:
        os.environ.pop(SEARCH, None)
