"""The sockets that a server listens on: made, or handed over by a supervisor."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from chatops.control.socket_path import ControlError, ControlSocket, default_path
from chatops.metrics.start import MetricsError, check_library, listening
from chatops.net.kernel import set_listener_options
from chatops.net.listen_error import ListenError, explain
from chatops.net.listener import listen
from chatops.server.irc import IrcSocket
from chatops.settings import Settings
from chatops.supervision.inherited import Inherited
from chatops.system import paths
from chatops.system.errors import StartError

if TYPE_CHECKING:
    from chatops.cluster.start import Joining


def open_chat(settings: Settings, inherited: Inherited, undo: ExitStack
              ) -> tuple[Sequence[socket.socket], Sequence[ListenError]]:
    """The port that clients connect to, at every address of the host, and at which of them
    nobody can listen on this machine.  Raises `StartError`.
    """
    lacking: Sequence[ListenError] = ()
    if inherited.chat is not None:
        socks: Sequence[socket.socket] = (inherited.chat,)
        set_listener_options(inherited.chat, sndbuf=settings.sndbuf)
    else:
        try:
            socks, lacking = listen(settings.host, settings.port, sndbuf=settings.sndbuf)
        except (OSError, UnicodeError) as error:
            raise StartError(explain(error, settings.host, settings.port)) from None
    for sock in socks:
        undo.callback(sock.close)
    return socks, lacking


def open_irc(settings: Settings, tls: ssl.SSLContext | None, undo: ExitStack
             ) -> list[IrcSocket]:
    """The ports that IRC clients come by, if any.  Raises `StartError`."""
    wanted: list[tuple[int | None, ssl.SSLContext | None, str]] = [
        (settings.irc_port, None, "--irc-port")]
    if settings.irc_tls_port is not None:
        wanted.append((settings.irc_tls_port, tls, "--irc-tls-port"))
    opened: list[IrcSocket] = []
    for port, context, flag in wanted:
        if port is None:
            continue
        try:
            socks, _ = listen(settings.host, port, sndbuf=settings.sndbuf)
        except (OSError, UnicodeError) as error:
            raise StartError(explain(error, settings.host, port).replace("--port", flag)) from None
        for sock in socks:
            undo.callback(sock.close)
            opened.append(IrcSocket(sock, context))
    return opened


def open_metrics(settings: Settings, inherited: Inherited, undo: ExitStack
                 ) -> Sequence[socket.socket]:
    """The port for collectors; none where nobody asked for one.  Raises `StartError`."""
    socks: Sequence[socket.socket] = ()
    try:
        if inherited.metrics is not None:
            check_library()
            socks = (inherited.metrics,)
        elif settings.metrics:
            socks = listening(settings.metrics, {
                settings.port: "--port", settings.irc_port: "--irc-port",
                settings.irc_tls_port: "--irc-tls-port"})
    except MetricsError as error:
        raise StartError(str(error)) from None
    for sock in socks:
        undo.callback(sock.close)
    return socks


def open_cluster(settings: Settings, undo: ExitStack) -> Joining | None:
    """A place among other nodes, where that is asked for.  Raises `StartError`."""
    if not settings.cluster:
        return None
    if find_spec("hiredis") is None:
        raise StartError("--cluster needs hiredis, which is not installed; "
                         "pip install 'chatops[cluster]' brings it")
    from chatops.cluster.engine import ClusterError  # its library is an extra
    from chatops.cluster.start import join

    try:
        joining = join(settings)
    except ClusterError as error:
        raise StartError(str(error)) from None
    undo.callback(joining.give_up)
    return joining


def _usual_path(port: int) -> Path | None:
    """Where the socket of the server on that port is looked for, if there is such a place."""
    try:
        return default_path(port)
    except ControlError:
        return None


def open_control(settings: Settings, port: int) -> tuple[ControlSocket | None, str]:
    """The control socket, or why there is none.  Raises `StartError` where the operator has
    named one; the usual one is a comfort, and the chat goes on without.
    """
    match settings.control:
        case "off":
            return None, ""
        case "auto":
            try:
                return ControlSocket(default_path(port)), ""
            except ControlError as error:
                return None, str(error)
        case path:
            try:
                return ControlSocket(paths.absolute(path), _usual_path(port)), ""
            except (ControlError, paths.PathError) as error:
                raise StartError(str(error)) from None
