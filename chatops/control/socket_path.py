"""Where the control socket lies, and that it is ours: nobody else's file is ever touched.

Whoever may connect is an admin.  So the socket has mode 0600 before it listens, in a
directory where no other user can put something in its place, and its file is taken from
nobody: a lock file tells a server that runs from one that was killed, for the kernel lets
go of a lock with its process.  The lock belongs to the inode, not to the name; whoever
gets one makes sure that the name still leads to it.
"""

from __future__ import annotations

import fcntl
import os
import socket
import stat
import struct
import tempfile
from pathlib import Path

from chatops.system.errors import ChatopsError

LONGEST = 107                  # bytes of a path: sun_path has 108 with its final NUL (unix(7))
BACKLOG = 16
SWEPT = 100                    # what others have left, at one start
FOLDER = "chatops"


class ControlError(ChatopsError):
    """The control socket cannot be had; one line that says why."""


def directory() -> Path:
    """Where this user's servers put their sockets unless told otherwise.  Raises `ControlError`."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    try:
        if runtime and os.stat(runtime).st_uid == os.geteuid():
            return Path(runtime, FOLDER)
    except OSError:
        pass                   # left over from another session
    try:
        return Path(tempfile.gettempdir(), f"{FOLDER}-{os.geteuid()}")
    except OSError as error:       # nothing here can be written, as in many a container
        raise ControlError(f"no directory for it: {error.strerror}") from None


def default_path(port: int) -> Path:
    """The socket of this user's server on `port`."""
    return directory() / f"{port}.sock"


class ControlSocket:
    """A socket that listens at a path which is ours for as long as this is open."""

    def __init__(self, path: Path, known_as: Path | None = None) -> None:
        """Take the path.  Raises `ControlError`, and then nothing has changed.

        `known_as` is where it is looked for by whoever does not know the path: a link there
        leads to it, if that place is free.
        """
        if len(os.fsencode(path)) > LONGEST:
            raise ControlError(f"the path {path} is {len(os.fsencode(path))} bytes long, and a "
                               f"Unix socket's has {LONGEST} at most")
        self.path = path
        _secure(path.parent)
        self._lock = _locked(path)
        try:
            _clear(path)
            self.sock = _listening(path)
        except BaseException:
            self._unlock()
            raise
        self._inode = os.lstat(path).st_ino
        if path.parent == directory():
            _sweep(path.parent)
        self._link = _link(known_as, path) if known_as is not None else None

    def __repr__(self) -> str:
        return f"<ControlSocket {self.path}>"

    @property
    def lock(self) -> int:
        """The descriptor of the lock file, for whoever takes the socket over."""
        return self._lock

    @property
    def is_there(self) -> bool:
        """Whether the path still leads to it, and the link if there has been one."""
        return self._is_at_path() and (self._link is None or self._is_linked())

    def renew(self) -> None:
        """Have again what somebody has taken away; where that is the path itself, a new `sock`
        listens there, and the old one is still open.  Raises `ControlError`, and then nothing
        has changed.
        """
        _secure(self.path.parent)
        lock = self._lock if self._has_lock() else _locked(self.path)
        try:
            if not self._is_at_path():
                _clear(self.path)
                self.sock = _listening(self.path)
                self._inode = os.lstat(self.path).st_ino
        except BaseException:
            if lock != self._lock:
                os.unlink(_lock_path(self.path))
                os.close(lock)
            raise
        if lock != self._lock:
            os.close(self._lock)
            self._lock = lock
        if self._link is not None and not self._is_linked():
            self._link = _link(self._link, self.path)

    def _is_at_path(self) -> bool:
        try:
            return os.lstat(self.path).st_ino == self._inode
        except OSError:
            return False

    def _is_linked(self) -> bool:
        try:
            return self._link is not None and os.readlink(self._link) == os.fspath(self.path)
        except OSError:
            return False

    def _has_lock(self) -> bool:
        """Whether the lock's name still leads to ours."""
        try:
            return os.path.samestat(os.fstat(self._lock), os.lstat(_lock_path(self.path)))
        except OSError:
            return False

    def close(self) -> None:
        """Listen no more and take the files away.  Idempotent."""
        if self._lock < 0:
            return
        self.sock.close()
        try:
            if self._link is not None and self._is_linked():
                os.unlink(self._link)
            if self._is_at_path():
                os.unlink(self.path)
        except OSError:
            pass               # somebody tidied up
        self._unlock()

    def _unlock(self) -> None:
        try:
            os.unlink(_lock_path(self.path))
        except OSError:
            pass
        os.close(self._lock)
        self._lock = -1


def peer(sock: socket.socket) -> int | None:
    """The user at the other end; None where the system does not tell."""
    if not hasattr(socket, "SO_PEERCRED"):
        return None
    credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[1])


def may_talk(sock: socket.socket) -> bool:
    """Whether the other end is this user or root."""
    return peer(sock) in (None, 0, os.geteuid())


def _lock_path(path: Path) -> str:
    return f"{path}.lock"


def _secure(folder: Path) -> None:
    """Make the directory, or see that nobody else can put anything in it."""
    usual = folder == directory()
    try:
        try:
            os.mkdir(folder, 0o700)
        except FileExistsError:
            pass
        # Ours is made by us and no link; another may be reached by one (/var/run).
        status = os.lstat(folder) if usual else os.stat(folder)
    except OSError as error:
        raise ControlError(f"cannot use the directory {folder}: {error.strerror}") from None
    if not stat.S_ISDIR(status.st_mode):
        raise ControlError(f"{folder} is not a directory")
    if status.st_uid not in (os.geteuid(), 0):
        raise ControlError(f"the directory {folder} belongs to another user")
    if usual and status.st_mode & 0o077:
        raise ControlError(f"the directory {folder} is open to others; its mode must be 0700")
    sticky = bool(status.st_mode & stat.S_ISVTX)
    if status.st_mode & 0o022 and not sticky:
        raise ControlError(f"other users may write to the directory {folder}")


def _locked(path: Path) -> int:
    """A descriptor with the lock on this path."""
    name = _lock_path(path)
    while True:
        try:
            fd = os.open(name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
        except OSError as error:
            raise ControlError(f"cannot open {name}: {error.strerror}") from None
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
                raise ControlError(f"{name} is in the way, and not a lock of this user")
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(status, os.lstat(name)):
                return fd
        except BlockingIOError:
            os.close(fd)
            raise ControlError(f"another chatops has the control socket {path}") from None
        except FileNotFoundError:
            pass                   # its owner took it away while we opened it: once more
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)


def _clear(path: Path) -> None:
    """Take away what a server that was killed has left: a socket, or a link to one in the usual
    place, where links are ours.  Nothing else.
    """
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return
    ours = stat.S_ISLNK(status.st_mode) and path.parent == directory()
    if not (stat.S_ISSOCK(status.st_mode) or ours):
        raise ControlError(f"{path} is in the way, and not a socket")
    if status.st_uid != os.geteuid():
        raise ControlError(f"{path} belongs to another user")
    if is_live(path):
        raise ControlError(f"another program listens on {path}")
    os.unlink(path)


def _sweep(folder: Path) -> None:
    """Take away what servers that were killed have left in the usual place, some at a time.  Who
    has a lock is alive, or about to be.
    """
    left = sorted(folder.glob("*.sock.lock"))[:SWEPT]
    for name in left:
        path = name.with_suffix("")
        try:
            lock = _locked(path)
        except ControlError:
            continue
        try:
            _clear(path)
            os.unlink(name)
        except (ControlError, OSError):
            pass               # a program listens there that has no lock
        os.close(lock)


def _link(name: Path, path: Path) -> Path | None:
    """Have this name lead to the socket; None where it is another server's, or cannot be had."""
    try:
        _secure(name.parent)
        _clear(name)
        os.symlink(path, name)
    except (ControlError, OSError):
        return None
    return name


def is_live(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            probe.connect(os.fspath(path))
        except BlockingIOError:
            return True            # its backlog is full
        except OSError:
            return False
    return True


def _listening(path: Path) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.bind(os.fspath(path))
        os.chmod(path, 0o600)      # in time: nobody can connect before `listen`
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise ControlError(f"cannot listen on {path}: {error.strerror}") from None
    return sock
