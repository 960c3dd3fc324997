"""What a registered descriptor is: asked of what is registered, and where that is only a number,
of the kernel.
"""

from __future__ import annotations

import os
import select
import socket
from typing import Any

from chatops.chat.sanitize import clean_text
from chatops.loop import private
from chatops.loop.naming import callback_name, descriptor_of
from chatops.loop.records import Registration
from chatops.loop.rows import at_eof as is_at_eof
from chatops.loop.rows import fileobj_text, is_listening

_KINDS = {"pipe:": "pipe", "socket": "socket", "anon_inode:[eventfd]": "eventfd",
          "anon_inode:[timerfd]": "timerfd", "anon_inode:[pidfd]": "child",
          "anon_inode:inotify": "inotify", "anon_inode:[signalfd]": "signalfd",
          "anon_inode:[eventpoll]": "epoll", "/dev/": "device"}


def calls(data: Any) -> str:
    """The callback of a loop that somebody wrote: the data is it, or has it first."""
    first = data[0] if isinstance(data, tuple) and data else data
    return private.function_name(first) if callable(first) else callback_name(data)


def kind(r: Registration, connected: bool) -> str:
    """What it is: `listener`, `self-pipe`, `child`, `pipe`; `connected` is one with a transport."""
    found = private.what_for(r.data)
    if found:
        return found
    if connected:
        return "connection"
    in_kernel = _kernel_kind(r.fd)
    if in_kernel != "socket":
        return in_kernel
    with _duplicate(r.fd) as sock:
        return ("listener" if is_listening(sock) else
                "connection" if peer(sock) or sock.family != socket.AF_UNIX else "socket")


def _kernel_kind(fd: int) -> str:
    """What the kernel says a descriptor is (proc(5)); `fd` where it does not tell."""
    try:
        target = os.readlink(f"/proc/self/fd/{fd}")
    except OSError:
        return "fd"
    return next((kind for start, kind in _KINDS.items() if target.startswith(start)), "file")


def watched_object(r: Registration) -> str:
    """What is watched: of a socket both its addresses."""
    sock = _real_socket(r)
    try:
        with _duplicate(r.fd) as same:
            ours, theirs = _address(same.getsockname()), peer(same)
    except OSError:                    # no socket
        return fileobj_text(r.fileobj) if not isinstance(r.fileobj, int) else f"fd {r.fd}"
    if not ours and not theirs:
        return fileobj_text(sock) if not isinstance(sock, int) else "socket unix"
    return f"{ours} ← {theirs}" if theirs else ours


def _duplicate(fd: int) -> socket.socket:
    """The socket that has this number, whoever keeps the object.  Raises OSError for others."""
    copy = os.dup(fd)
    try:
        return socket.socket(fileno=copy)
    except OSError:
        os.close(copy)
        raise


def _real_socket(r: Registration) -> Any:
    """The socket that is registered, also where only its number is: asyncio does that."""
    if not isinstance(r.fileobj, int):
        return r.fileobj
    for handle in private.handles(r.data):
        owner = getattr(private.callback_of(handle), "__self__", None)
        sock = private.socket_of(owner)
        if isinstance(sock, socket.socket):
            return sock
        for argument in private.arguments_of(handle):
            if isinstance(argument, socket.socket):
                return argument
    return r.fileobj


def stale(r: Registration) -> bool:
    """It was closed while registered; a number alone must be asked of the kernel."""
    if not isinstance(r.fileobj, int):
        return descriptor_of(r.fileobj) != r.fd
    sock = _real_socket(r)
    if isinstance(sock, socket.socket):
        return sock.fileno() != r.fd
    try:
        os.fstat(r.fd)
    except OSError:
        return True
    return False


def at_eof(r: Registration) -> bool:
    """Whether nothing is left to read but the end; also where only a number is registered."""
    sock = _real_socket(r)
    if isinstance(sock, socket.socket):
        return is_at_eof(sock)
    try:
        with _duplicate(r.fd) as same:
            return is_at_eof(same)
    except OSError:                    # a pipe: hung up, with nothing left in it (poll(2))
        news = select.poll()
        news.register(r.fd, select.POLLIN)
        return [mask & (select.POLLHUP | select.POLLIN) for _, mask in news.poll(0)] == [
            select.POLLHUP]


def _address(address: Any) -> str:
    if isinstance(address, tuple) and len(address) >= 2:
        host = f"[{address[0]}]" if ":" in str(address[0]) else address[0]
        return f"{host}:{address[1]}"
    return clean_text(os.fsdecode(address)) if address else ""


def peer(sock: Any) -> str:
    try:
        return _address(sock.getpeername())
    except OSError:
        return ""
