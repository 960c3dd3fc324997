"""The sockets that a server listens on: made, or handed over by a supervisor."""

from __future__ import annotations

import errno
import socket
from contextlib import ExitStack

from chatops.control.socket_path import ControlError, Place, default_path
from chatops.metrics.start import MetricsError, check_library, listening
from chatops.net.kernel import prepare
from chatops.net.listener import listen
from chatops.settings import Settings
from chatops.supervision.inherited import Inherited
from chatops.system import paths


class StartError(Exception):
    """The server cannot start; one line that says what to do."""


def open_chat(settings: Settings, inherited: Inherited, undo: ExitStack) -> socket.socket:
    """The port that clients connect to.  Raises `StartError`."""
    if inherited.chat is not None:
        sock = inherited.chat
        prepare(sock, sndbuf=settings.sndbuf)
    else:
        try:
            sock = listen(settings.host, settings.port, sndbuf=settings.sndbuf)
        except (OSError, UnicodeError) as error:
            raise StartError(explain(error, settings.host, settings.port)) from None
    undo.callback(sock.close)
    return sock


def open_metrics(settings: Settings, inherited: Inherited, undo: ExitStack
                 ) -> socket.socket | None:
    """The port for collectors, None where nobody asked for one.  Raises `StartError`."""
    sock = inherited.metrics
    try:
        if sock is not None:
            check_library()
        elif settings.metrics:
            sock = listening(settings.metrics)
    except MetricsError as error:
        raise StartError(str(error)) from None
    if sock is not None:
        undo.callback(sock.close)
    return sock


def open_control(settings: Settings, port: int) -> tuple[Place | None, str]:
    """The control socket, or why there is none.  Raises `StartError` where the operator has
    named one; the usual one is a comfort, and the chat goes on without.
    """
    match settings.control:
        case "off":
            return None, ""
        case "auto":
            try:
                return Place(default_path(port)), ""
            except ControlError as error:
                return None, str(error)
        case path:
            try:
                return Place(paths.absolute(path)), ""
            except (ControlError, paths.PathError) as error:
                raise StartError(str(error)) from None


def explain(error: OSError | UnicodeError, host: str, port: int) -> str:
    """Why it cannot listen, and what to do about it."""
    where = f"{host}:{port}"
    if isinstance(error, UnicodeError):
        return f"'{host}' is not the name of a host; 127.0.0.1 or 0.0.0.0 is, with --host"
    match error.errno:
        case errno.EADDRINUSE:
            return (f"{where} is in use by another program; choose another port with --port, "
                    "or --port 0 for any")
        case errno.EACCES:
            return f"{where} needs privileges (ports below 1024 do); choose one above with --port"
        case errno.EADDRNOTAVAIL:
            return f"{host} is not an address of this machine; 127.0.0.1 or 0.0.0.0 is, with --host"
        case _:
            return f"cannot listen on {where}: {error.strerror or error}"
