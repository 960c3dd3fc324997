"""What a server opens besides its clients' connections, so that these leave it that much.

Without it strangers at the doors could take the last descriptor, and the operator's ban, for
which a console has to connect and a file to be written, would wait for them to go.
"""

from __future__ import annotations

from chatops.metrics.door import PLACES
from chatops.settings import Settings

LISTENER = 2                   # descriptors: a host may have addresses of both families
METRICS = 3 + LISTENER         # the exporter's own loop
DATABASE = 4                   # SQLite's file, its log and its index, and the file being read
ENGINE = 4                     # connections to the cluster's


def metrics_places(descriptors: int) -> int:
    """How many collectors may be in at once: fewer where there are few descriptors."""
    return max(1, min(PLACES, descriptors // 16))


def left(settings: Settings, descriptors: int, *, measured: bool) -> int:
    """How many there are for clients, and for what `chatops.server.admission.SPARE` keeps.

    `measured` is whether there is a door for collectors, of our own or handed over.
    """
    doors = [settings.irc_port, settings.irc_tls_port]
    return (descriptors
            - LISTENER * sum(port is not None for port in doors)
            - (METRICS + metrics_places(descriptors) if measured else 0)
            - DATABASE * (bool(settings.history) + bool(settings.accounts))
            - (ENGINE if settings.cluster else 0))
