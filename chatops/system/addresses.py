"""Addresses and networks as people write them, and as they are printed."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")    # IPv4 through an IPv6 socket, RFC 4291


@lru_cache(maxsize=4096)       # of one thing it is asked several times
def network_of(text: str) -> Network | None:
    """An address or network, in brackets or not; without its zone (`%eth0`), which is not
    known of newcomers.  None where it is neither.
    """
    plain = text.strip().strip("[]")
    if ":" in plain:
        plain = re.sub(r"%[^/]+", "", plain)
    try:
        network = ipaddress.ip_network(plain, strict=False)
    except ValueError:
        return None
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(MAPPED):
        return ipaddress.IPv4Network((int(network.network_address) & 0xFFFFFFFF,
                                      network.prefixlen - MAPPED.prefixlen))
    return network


def bare(host: str) -> str:
    """A host without the brackets that an IPv6 address has in front of a port (RFC 3986)."""
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


def with_port(host: str, port: int) -> str:
    """`127.0.0.1:9999`, `[::1]:9999`, `[fe80::1%eth0]:9999`."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
