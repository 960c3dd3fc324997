"""Starting a program so that it is observed: its command line, environment and control socket.

All that needs care is done here, in the parent: the socket is made and handed over like
systemd's (sd_listen_fds(3)), so a console can connect before the program's first line.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec

import chatops
from chatops.control.socket_path import ControlError, ControlSocket, directory
from chatops.system.errors import ChatopsError
from chatops.watch import begin, safe_name

BOOT = Path(__file__).parent / "boot"
HIGH = 200                     # handed descriptors lie above what the program counts on


class LaunchError(ChatopsError):
    """The program cannot be started; one line that says why."""


@dataclass(frozen=True, slots=True)
class Launch:
    """Everything that exec(3) needs, and what the console needs afterwards."""

    argv: tuple[str, ...]
    environment: dict[str, str]
    place: ControlSocket
    handed: tuple[int, int]    # descriptors that the program inherits

    def abandon(self) -> None:
        """Close what was to be handed over; the child has its own copies."""
        for fd in self.handed:
            os.close(fd)


def command_line(words: tuple[str, ...], module: str = "") -> tuple[str, ...]:
    """What is meant: a module, a script, or a command.  Raises `LaunchError`."""
    if module:
        return (python(), "-m", module, *words)
    if not words:
        raise LaunchError("say what to watch: a script, -m MODULE, or a command")
    first, rest = words[0], words[1:]
    path = Path(first)
    if path.suffix in (".py", ".pyw", ".pyz") or path.is_dir():
        if not path.exists():
            raise LaunchError(f"there is no {first}")
        return (python(), first, *rest)
    # Also one that is installed beside the interpreter, in an environment that is not active.
    found = shutil.which(first) or shutil.which(first, path=os.path.dirname(python()))
    if found is not None:
        return (found, *rest)
    if path.is_file():
        return (python(), first, *rest)
    raise LaunchError(f"there is no command or script '{first}'")


def python() -> str:
    """The interpreter for scripts and modules: that of the virtual environment which is
    active, else our own.
    """
    active = os.environ.get("VIRTUAL_ENV", "")
    found = os.path.join(active, "bin", "python")
    return found if active and os.access(found, os.X_OK) else sys.executable


def prepared(argv: tuple[str, ...], name: str, *, children: bool = False,
             force_asyncio: bool = False, lines: bool = False, path: str = "") -> Launch:
    """Make the control socket and all that hands it over.  Raises `LaunchError`."""
    where = (Path(path).expanduser().absolute() if path else
             directory() / f"{safe_name(name)}-{os.getpid()}.sock")
    try:
        place = ControlSocket(where)
    except ControlError as error:
        raise LaunchError(str(error)) from None
    handed = _high(place.sock.fileno()), _high(place.lock)
    if where.parent == directory():
        _tidy(where.parent)
    words = [word for word, on in (("children", children), ("force-asyncio", force_asyncio),
                                   ("lines", lines)) if on]
    folders = [str(Path(module.__file__ or "").parent.parent) for module in (chatops, msgspec)]
    environment = os.environ | {
        begin.SOCKET: str(where), begin.HANDED: ",".join(map(str, handed)),
        begin.NAME: name, begin.IMPORTS: os.pathsep.join(folders), begin.OPTIONS: ",".join(words),
        begin.SEARCH: os.pathsep.join(filter(None, [str(BOOT), os.environ.get(begin.SEARCH, "")])),
    }
    return Launch(argv, environment, place, handed)


def _tidy(folder: Path) -> None:
    """Take away the sockets of programs that were killed: nobody has their lock any more.
    Only in the folder that is ours alone.
    """
    for lock in folder.glob("*-*.sock.lock"):
        try:
            with open(lock, "rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.path.samestat(os.fstat(file.fileno()), os.lstat(lock)):
                    lock.with_suffix("").unlink(missing_ok=True)
                    lock.unlink()
        except OSError:
            pass                   # it lives, or somebody else has tidied up


def _high(fd: int) -> int:
    """A copy that is inherited, with a number out of the program's way."""
    try:
        copy = fcntl.fcntl(fd, fcntl.F_DUPFD, HIGH)
    except OSError:
        copy = os.dup(fd)
    os.set_inheritable(copy, True)
    return copy
