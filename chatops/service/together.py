"""What settings ask of one another: what would do nothing by itself is refused, not passed over."""

from __future__ import annotations

from chatops.settings import USUAL, Settings
from chatops.system.errors import StartError

# Each of these is for one of those.
_NEEDED = (
    ("replay", ("history",)),
    ("history_keep", ("history",)),
    ("registration", ("accounts",)),
    ("irc_client_ca", ("irc_tls_port",)),
    ("irc_client_ca", ("tls_cert",)),
    ("irc_client_ca", ("accounts",)),
    ("irc_tls_port", ("tls_cert",)),
    ("irc_sts", ("irc_tls_port",)),
    ("irc_password", ("irc_port", "irc_tls_port")),
    ("oper", ("irc_port", "irc_tls_port")),
    ("node", ("cluster",)),
    ("cluster_secret", ("cluster",)),
)
_PORTS = ("port", "irc_port", "irc_tls_port")      # on one host


def check(settings: Settings) -> None:
    """Raises `StartError`, which names the flags."""
    for field, needed in _NEEDED:
        if _is_set(settings, field) and not any(_is_set(settings, each) for each in needed):
            raise StartError(f"{_flag(field)} needs {' or '.join(map(_flag, needed))}")
    taken: dict[int, str] = {}
    for field in _PORTS:
        port: int | None = getattr(settings, field)
        if port and port in taken:
            raise StartError(f"{_flag(field)} is {port}, and so is {_flag(taken[port])}; "
                             "each protocol has a port of its own")
        if port:
            taken[port] = field


def _is_set(settings: Settings, field: str) -> bool:
    return bool(getattr(settings, field) != getattr(USUAL, field))


def _flag(field: str) -> str:
    return f"--{field.replace('_', '-')}"
