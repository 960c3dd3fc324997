"""Where metrics are served: what can go wrong is said before anything runs."""

from __future__ import annotations

import errno
import importlib.util
import socket
from collections.abc import Mapping, Sequence

from chatops.net.listener import listen
from chatops.settings.kinds import endpoint
from chatops.system.errors import ChatopsError

MISSING = ("--metrics needs prometheus-client, which is not installed; "
           "pip install 'chatops[metrics]' brings it")


class MetricsError(ChatopsError):
    """No metrics can be served; one line that says what to do."""


def check_library() -> None:
    """That what makes the text is installed.  Raises `MetricsError`."""
    if importlib.util.find_spec("prometheus_client") is None:
        raise MetricsError(MISSING)


def listening(text: str, ours: Mapping[int | None, str]) -> Sequence[socket.socket]:
    """Sockets that listen where HOST:PORT says; `ours` are the flags of the ports that we have
    ourselves.  Raises `MetricsError`.
    """
    check_library()
    host, port = endpoint(text)
    try:
        return listen(host, port)[0]
    except OSError as error:
        why = error.strerror or str(error)
        if error.errno == errno.EADDRINUSE:
            why = (f"{ours[port]} has this port" if port in ours
                   else "it is in use by another program")
    except UnicodeError:
        why = "that is not the name of a host"
    raise MetricsError(f"--metrics {text}: {why}; choose another HOST:PORT")
