"""What the kernel knows of a TCP socket, and what we ask of it."""

from __future__ import annotations

import array
import fcntl
import os
import resource
import socket
import struct
import sys
import termios
from contextlib import suppress

from chatops.system.addresses import with_port

# tcp(7): half-open peers are probed after a minute of silence and given up about half a
# minute later; unacknowledged data gives up after the same time.
KEEPALIVE_IDLE = 60            # seconds
KEEPALIVE_INTERVAL = 10        # seconds
KEEPALIVE_PROBES = 4
USER_TIMEOUT = 100             # seconds, unless a slow reader is to be waited for longer

TCP_INFO: int | None = getattr(socket, "TCP_INFO", None) if sys.platform == "linux" else None
UNKNOWN_PATH = (-1.0, -1)
_TOLD = struct.Struct("=68xI28xI")     # tcpi_rtt and tcpi_total_retrans

_queued = array.array("i", [0])


def kernel_queued(sock: socket.socket) -> int:
    """Bytes sent but not yet acknowledged by the peer's kernel (SIOCOUTQ, tcp(7)).

    0 where the system does not tell.  Belongs to the reactor's thread: the buffer is shared.
    """
    try:
        fcntl.ioctl(sock, termios.TIOCOUTQ, _queued, True)
    except OSError:
        return 0
    return _queued[0]


def send_buffer(sock: socket.socket) -> int:
    """SO_SNDBUF as the kernel has it now: it doubles what it was asked for, and grows it."""
    try:
        return sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    except OSError:
        return 0


def path_of(sock: socket.socket) -> tuple[float, int]:
    """The smoothed round trip in seconds, and how many segments were sent again (TCP_INFO).

    (-1, -1) where the system does not tell.  The structure is Linux's (linux/tcp.h); others
    have one of their own by the same name.  It costs what SIOCOUTQ does, a third of a
    microsecond.
    """
    if TCP_INFO is None:
        return UNKNOWN_PATH
    try:
        told = sock.getsockopt(socket.IPPROTO_TCP, TCP_INFO, _TOLD.size)
    except OSError:
        return UNKNOWN_PATH
    if len(told) < _TOLD.size:
        return UNKNOWN_PATH
    microseconds, retransmits = _TOLD.unpack(told)
    return microseconds / 1e6, retransmits


def pending_error(sock: socket.socket) -> OSError | None:
    """What has happened to a socket that nobody has looked at, such as a reset."""
    number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    return OSError(number, os.strerror(number)) if number else None


def set_listener_options(sock: socket.socket, *, sndbuf: int = 0) -> None:
    """Options for a listener.  Linux hands them on to every connection it accepts."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if sndbuf:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, sndbuf)
    for name, value in (
        ("TCP_KEEPIDLE", KEEPALIVE_IDLE),
        ("TCP_KEEPINTVL", KEEPALIVE_INTERVAL),
        ("TCP_KEEPCNT", KEEPALIVE_PROBES),
    ):
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def spread_keepalive(sock: socket.socket, number: int) -> None:
    """Have the kernel probe this connection a little sooner than `KEEPALIVE_IDLE`, by its number.

    Thousands that came together would be probed together, for ever: over loopback a burst of more
    than net.core.netdev_max_backlog is dropped, four times alike, and all of them are "gone".
    """
    if hasattr(socket, "TCP_KEEPIDLE"):
        sooner = number % max(1, KEEPALIVE_IDLE // 2)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_IDLE - sooner)


def set_user_timeout(sock: socket.socket, stall: float) -> None:
    """Have the kernel give up a peer no sooner than our own deadline of `stall` seconds does.

    TCP_USER_TIMEOUT goes on counting while a peer answers with a shut window (tcp_probe_timer
    in Linux): one that is alive and does not read would be "timed out".  So with a longer
    deadline, or with 0 for none, it is off: then keepalive counts its probes, and what is not
    acknowledged at all is given up by the system (tcp_retries2), in a quarter of an hour.
    """
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        seconds = USER_TIMEOUT if 0 < stall <= USER_TIMEOUT else 0
        with suppress(OSError):        # a socket that is closing has nothing to wait for
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, seconds * 1000)


def raise_descriptor_limit() -> int:
    """Raise RLIMIT_NOFILE as far as we may; returns how many descriptors we can have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        wanted = hard if hard != resource.RLIM_INFINITY else max(soft, 1 << 16)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):
            return soft
        return wanted
    return soft


def host_of(address: object) -> str:
    """The address of a peer alone, without its scope, and an IPv4 one as such even if it came
    through an IPv6 socket (RFC 4291, 2.5.5.2); `-` for a peer without an address.
    """
    if not isinstance(address, tuple) or len(address) < 2:
        return "-"
    host = str(address[0]).partition("%")[0]
    return host.removeprefix("::ffff:") if "." in host else host


def peer_text(address: object) -> str:
    """`127.0.0.1:50131`, `[fe80::1%eth0]:50131`; `-` for a peer without an address."""
    if isinstance(address, tuple) and len(address) >= 2:
        host = host_with_zone(address)
        return with_port(host if "%" in host else host_of(address), address[1])
    return "-"


def host_with_zone(address: tuple[object, ...]) -> str:
    """The host of a socket address, with its zone: a link-local one is none without
    (RFC 4007), and the kernel gives that as a number of its own.
    """
    host = str(address[0])
    scope = address[3] if len(address) > 3 else 0
    if "%" in host or not isinstance(scope, int) or not scope:
        return host
    try:
        return f"{host}%{socket.if_indextoname(scope)}"
    except OSError:                # an interface that has gone meanwhile
        return f"{host}%{scope}"


def address_text(address: tuple[object, ...]) -> str:
    """`127.0.0.1:9999`, `[fe80::1%eth0]:9999`: as it is printed for people."""
    port = address[1]
    assert isinstance(port, int)
    return with_port(host_with_zone(address), port)
