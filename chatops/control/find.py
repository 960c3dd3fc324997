"""Which control socket is meant: wherever a server of this user has put it.

A server decides by its environment where its socket goes, and whoever asks has another one:
a login has XDG_RUNTIME_DIR, a system unit, cron, `su` and `sudo` have none, and TMPDIR is
set here and not there.  So all places are looked at, the asker's own first, and on Linux the
kernel's list of listening sockets besides (/proc/net/unix, proc(5)), which knows those in
directories that only the server's environment named.  No place counts that another user
could have made: who listens is checked when it is connected to.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from chatops.control.socket_path import FOLDER, ControlError, directory, is_live
from chatops.system import paths

# Where the standard library looks for a temporary directory when no variable names one.
TEMPORARY = ("/tmp", "/var/tmp", "/usr/tmp")
SESSIONS = "/run/user"         # of which systemd makes one for each user who is logged in
KERNEL_LIST = "/proc/net/unix"
_ACCEPTS = b"00010000"         # __SO_ACCEPTCON, the one flag shown there: it listens
# A server's is called by its port, a program's that is watched by its name and process.
_NAME = re.compile(r"(?:[1-9][0-9]{0,4}|[^/]+-[1-9][0-9]*)\.sock")


def find(path: str, port: int | None, *, by_path: str = "--socket",
         by_port: str = "--port") -> Path:
    """The socket that is meant: this one, by its path or its name, that of this port, or the
    only one there is.

    `by_path` and `by_port` are what the asker calls the two on its command line.  Raises
    `ControlError`, which says where it was looked for, and how another one is named.
    """
    if path:
        if os.sep not in path:
            for named in running():
                if named.stem == path:
                    return named
        if not (path.isascii() and path.isdecimal()) or os.path.lexists(path):
            try:
                return paths.absolute(path)
            except paths.PathError as error:
                raise ControlError(str(error)) from None
        port = int(path)               # of a server, and none runs there
    places = directories()
    present = [found for place in places for found in sockets(place)
               if port is None or found.stem == str(port)]
    live = _once(found for found in present if is_live(found))
    # One that the asker's own environment leads to is meant before those elsewhere.
    meant = [found for found in live if found.parent == places[0]] or live
    if len(meant) == 1:
        return meant[0]
    if not meant:
        raise ControlError(_nowhere(port, places, present, by_path))
    if port is not None or len({found.stem for found in meant}) < len(meant):
        raise ControlError(f"several servers are meant; say which one with {by_path}: "
                           + ", ".join(map(str, meant)))
    names = sorted((found.stem for found in meant), key=lambda name: (len(name), name))
    if all(name.isdecimal() for name in names):
        raise ControlError(f"servers run on the ports {', '.join(names)}; "
                           f"say which one with {by_port}")
    or_name = "" if by_port == by_path else ", or its name"
    raise ControlError(f"several run: {', '.join(names)}; say which one with {by_port}{or_name}")


def running() -> list[Path]:
    """The sockets of this user on which somebody listens, wherever they are."""
    return _once(found for place in directories() for found in sockets(place)
                 if is_live(found))


def _once(live: Iterable[Path]) -> list[Path]:
    """Each socket under its first name: one at a path of its own has a link beside the others."""
    first: dict[str, Path] = {}
    for found in live:
        first.setdefault(os.path.realpath(found), found)
    return list(first.values())


def directories() -> list[Path]:
    """Where sockets of this user may lie, the asker's own place first."""
    uid = os.geteuid()
    places = [directory(), Path(SESSIONS, str(uid), FOLDER)]
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime:
        places.append(Path(runtime, FOLDER))
    places += [Path(folder, f"{FOLDER}-{uid}") for folder in (tempfile.gettempdir(), *TEMPORARY)]
    places += _listening()
    return list(dict.fromkeys(places))


def sockets(place: Path) -> list[Path]:
    """The control sockets in a directory, if it is this user's alone."""
    try:
        status = os.lstat(place)
        if (not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid()
                or status.st_mode & 0o077):
            return []
        return sorted(Path(place, name) for name in os.listdir(place) if _NAME.fullmatch(name))
    except OSError:
        return []


def _listening() -> Iterator[Path]:
    """Directories named as ours in which somebody listens, as the kernel has them."""
    try:
        with open(KERNEL_LIST, "rb") as listed:
            lines = listed.read().splitlines()[1:]
    except OSError:
        return
    for line in lines:
        fields = line.split(None, 7)   # Num RefCount Protocol Flags Type St Inode Path
        if len(fields) == 8 and fields[3] == _ACCEPTS and fields[7].startswith(b"/"):
            path = Path(os.fsdecode(fields[7]))
            if (_NAME.fullmatch(path.name)
                    and path.parent.name in (FOLDER, f"{FOLDER}-{os.geteuid()}")):
                yield path.parent


def _nowhere(port: int | None, places: list[Path], present: list[Path],
             by_path: str) -> str:
    on = f" on port {port}" if port is not None else ""
    if port is not None and present:
        return f"nobody listens at {present[0]} any more, nor elsewhere"
    return (f"no server of this user{on} has a control socket in "
            f"{', '.join(map(str, places))}; {by_path} names one elsewhere")
