"""What is written where a setting is given, and how its value is shown: one reader for each kind.

A reader raises `SettingsError`, or `chatops.units.UnitError` where a unit is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from chatops.system import paths
from chatops.system.addresses import bare
from chatops.system.errors import ChatopsError
from chatops.units import (
    UnitError,
    format_duration,
    format_size,
    parse_duration,
    parse_size,
    parse_whole,
)


class SettingsError(ChatopsError, ValueError):
    """A setting is unknown or has a value that it cannot have; one line, for the operator."""


def whole(low: int, high: int) -> Callable[[str], int]:
    """A whole number from `low` to `high`."""
    def read(text: str) -> int:
        number = parse_whole(text)
        if not low <= number <= high:
            raise SettingsError(f"{number} is not between {low} and {high}")
        return number
    return read


def size(low: int, high: int = 1 << 40) -> Callable[[str], int]:
    """Bytes, from `low` to `high`: 4096, 64K, 1G."""
    def read(text: str) -> int:
        number = parse_size(text)
        if not low <= number <= high:
            raise SettingsError(f"{text} is not between {format_size(low)} and "
                                f"{format_size(high)}")
        return number
    return read


def one_of(*choices: str) -> Callable[[str], str]:
    """One of these words."""
    def read(text: str) -> str:
        if text not in choices:
            raise SettingsError(f"'{text}' is not one of {', '.join(choices)}")
        return text
    return read


def off_or(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """As `read` has it, or `off`, which is 0."""
    return lambda text: read("0") if text.strip().lower() == "off" else read(text)


def host(text: str) -> str:
    """A name or an address to listen on."""
    # getaddrinfo takes "" for every address: an empty variable must not open the server.
    if not bare(text.strip()).strip():
        raise SettingsError("empty; 0.0.0.0 is every address of this machine")
    return bare(text.strip())


def endpoint(text: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT`; an IPv6 address stands in brackets.  Raises `SettingsError`."""
    host, _, port = text.strip().rpartition(":")
    host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not host or not port.isdecimal() or int(port) > 65535 or (":" in host) != ("[" in text):
        raise SettingsError(f"'{text}' is not HOST:PORT, as in 127.0.0.1:9187 or [::1]:9187")
    return host, int(port)


def endpoint_or_off(text: str) -> str:
    """As `endpoint`, still together; "" for `off`."""
    if text == "off":
        return ""
    endpoint(text)
    return text


def port_or_off(text: str) -> int | None:
    """A port, None for `off`."""
    return None if text.strip().lower() == "off" else whole(0, 65535)(text)


def port_text(port: int | None) -> str:
    """As it is shown."""
    return "off" if port is None else str(port)


def server_name(text: str) -> str:
    """As IRC clients expect one."""
    if not text.isascii() or not text.isprintable() or "." not in text \
            or set(text) & set(" !@:*?,#"):
        raise SettingsError(f"'{text}' is no server name; chatops.example.org is one")
    return text


def oper(text: str) -> str:
    """A name and a password, which is not repeated where it is wrong; "" for nobody."""
    name, _, password = text.partition(":")
    if text and not (name and password):
        raise SettingsError("not NAME:PASSWORD")
    return text


ENGINES = ("redis", "rediss", "redis+sentinel", "valkey", "valkeys", "valkey+sentinel", "unix")


def engine(text: str) -> str:
    """Where an engine is, as far as that can be seen; "" for `off`."""
    # Not repeated: there may be a password in it.
    if text in ("", "off"):
        return ""
    if text.partition("://")[0] not in ENGINES or "://" not in text:
        raise SettingsError("not redis://HOST:PORT/DB, rediss://…, unix:///PATH nor "
                            "redis+sentinel://HOST:PORT,HOST:PORT/NAME")
    return text


def node(text: str) -> str:
    """What a node is called; "" for `off`."""
    if text in ("", "off"):
        return ""
    if not NODE.fullmatch(text):
        raise SettingsError(f"'{text}' is no name of a node: 1 to 16 of a-z 0-9 and -, and a "
                            "letter first")
    return text


NODE = re.compile(r"[a-z][a-z0-9-]{0,15}")


def path(text: str) -> str:
    """A file, `~` being a home directory; "" for none."""
    return str(paths.expand(text)) if text else ""


def keep_of(text: str) -> tuple[float, int]:
    """Of `30d` or `1G`: seconds and bytes that are kept, 0 for no such limit."""
    if not text:
        return 0.0, 0
    try:
        return parse_duration(text), 0
    except UnitError:
        return 0.0, parse_size(text)


def keep(text: str) -> str:
    """As `keep_of`, still together; "" for `off`."""
    if text == "off":
        return ""
    try:
        seconds, size = keep_of(text)
    except UnitError:
        raise SettingsError(f"'{text}' is neither a duration nor a size; write 30d or 1G"
                            ) from None
    if text.isdecimal() or (seconds < 60 and size < 1 << 20):
        raise SettingsError(f"'{text}' is too little, or has no unit; 1m and 1M are the least")
    return text


def rate_text(rate: float) -> str:
    """As it is shown."""
    return f"{rate:g}/s" if rate else "off"


def seconds_text(seconds: float) -> str:
    """As it is shown."""
    return format_duration(seconds) if seconds else "off"


def sts(text: str) -> float | None:
    """Seconds, None for `off`."""
    return None if text == "off" else parse_duration(text)


def sts_text(seconds: float | None) -> str:
    """As it is shown."""
    return "off" if seconds is None else format_duration(seconds)


def count_text(count: int) -> str:
    """As it is shown."""
    return str(count) if count else "off"


COUNT = off_or(whole(0, 1 << 20))
SECONDS = off_or(parse_duration)
