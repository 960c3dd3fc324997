"""Why nobody can listen at an address, and what to do about it."""

from __future__ import annotations

import errno
import ipaddress
import socket

from chatops.system.addresses import with_port


class ListenError(OSError):
    """The error of one address; `address` is which, as it is printed."""

    def __init__(self, error: OSError, address: str) -> None:
        super().__init__(error.errno, error.strerror or str(error))
        self.address = address


def explain(error: OSError | UnicodeError, host: str, port: int) -> str:
    """One line for an operator, with the flag that helps."""
    where = error.address if isinstance(error, ListenError) else with_port(host, port)
    if isinstance(error, UnicodeError):
        return f"'{host}' is not the name of a host; 127.0.0.1 or 0.0.0.0 is, with --host"
    if (zone := _zone_hint(host)) and error.errno not in (errno.EADDRINUSE, errno.EACCES):
        return f"cannot listen on {where}: {zone}"
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


def _zone_hint(host: str) -> str:
    """What is wrong with the zone of a link-local address (RFC 4007); "" where nothing is."""
    address, percent, zone = host.partition("%")
    try:
        local = ipaddress.IPv6Address(address).is_link_local
    except ValueError:
        return ""
    names = [name for _, name in socket.if_nameindex()]
    if percent and zone not in names and not zone.isdecimal():
        return f"there is no interface {zone}; there are {', '.join(names)}"
    if local and not percent:
        return (f"a link-local address is one of an interface, as in {address}%{names[-1]}; "
                f"there are {', '.join(names)}")
    return ""
