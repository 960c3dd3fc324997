"""Peers that vanish without a FIN (K01, K03): the kernel finds out, because it was asked to.

A socket whose filter drops every packet that comes in for it is what a host is after its
plug was pulled: nothing is acknowledged, nothing is refused, nothing is said.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import socket
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chatops.net import kernel
from tests.integration.bystanders import talking_on
from tests.integration.client import Client
from tests.integration.harness import Served
from tests.integration.until import until

StartProcess = Callable[..., Served]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks Linux's kernel")

SO_ATTACH_FILTER = 26
PIDFD_GETFD = 438              # the number of a system call, the same on every architecture
KEEPALIVE_TIMER = "02"         # in /proc/net/tcp
# What a minute is in the code, so that the test is over in seconds: all else is as it ships.
HURRIED = """
from chatops import cli
from chatops.net import kernel
kernel.KEEPALIVE_IDLE = kernel.KEEPALIVE_INTERVAL = 1
kernel.USER_TIMEOUT = 2
cli.main()
"""


def vanish(client: Client) -> None:
    """Pull the plug: from now on nothing reaches this client, and it answers nothing."""
    drop_everything = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))  # RET 0
    program = struct.pack("HP", 1, ctypes.addressof(drop_everything))
    client.sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)


@pytest.mark.parametrize("room", ["apart", "lobby"], ids=["no-traffic", "traffic"])
def test_k03_a_peer_that_vanished_is_reaped_by_the_kernels_timers_and_named(
        served: StartProcess, room: str) -> None:
    chat = served("--stall", "1s", program=("-c", HURRIED))
    open_before = chat.descriptors()
    with talking_on(chat.address), Client(chat.address) as goner:
        if room != "lobby":
            goner.join(room)
        vanish(goner)
        chat.wait_for_line(rf'Disconnected id={goner.id} .*reason="peer vanished"')
        goner.reset()
    until(lambda: chat.descriptors() == open_before)


def test_k03_a_peer_that_is_only_silent_is_left_alone_by_the_same_timers(
        served: StartProcess) -> None:
    chat = served("--stall", "1s", program=("-c", HURRIED))
    silent, goner = chat.client(), chat.client()
    for client in (silent, goner):
        client.join("apart")
    vanish(goner)
    chat.wait_for_line(rf"Disconnected id={goner.id} ")
    assert not any(f"Disconnected id={silent.id} " in line for line in chat.lines)
    assert silent.heard()[-1] == f"*** {goner.nick} left (peer vanished)"


def outside(server: Served, client: Client) -> tuple[socket.socket, int]:
    """The server's end of a connection, taken from outside its process, and its flags there."""
    pidfd = os.pidfd_open(server.pid)
    try:
        for name in os.listdir(f"/proc/{server.pid}/fd"):
            fd = ctypes.CDLL(None, use_errno=True).syscall(PIDFD_GETFD, pidfd, int(name), 0)
            if fd < 0 and ctypes.get_errno() == errno.EBADF:       # closed meanwhile
                continue
            if fd < 0:
                pytest.skip(f"pidfd_getfd: {os.strerror(ctypes.get_errno())}")
            try:
                sock = socket.socket(fileno=fd)
            except OSError:            # something else
                os.close(fd)
                continue
            if sock.family == socket.AF_INET and _peer(sock) == client.sock.getsockname():
                flags = Path(f"/proc/{server.pid}/fdinfo/{name}").read_text("ascii")
                found = re.search(r"^flags:\s+(\d+)$", flags, re.MULTILINE)
                assert found is not None
                return sock, int(found[1], 8)
            sock.close()
    finally:
        os.close(pidfd)
    raise AssertionError("the server has no such connection")


def _peer(sock: socket.socket) -> object:
    try:
        return sock.getpeername()
    except OSError:
        return None


def test_k01_the_sockets_of_clients_are_as_they_should_be_seen_from_outside(
        served: StartProcess) -> None:
    chat = served("--sndbuf", "64K")
    client = chat.client()
    sock, flags = outside(chat, client)
    with sock:
        def tcp(name: str) -> int:
            return sock.getsockopt(socket.IPPROTO_TCP, getattr(socket, f"TCP_{name}"))

        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == 2 * (64 << 10)
        assert tcp("NODELAY") == 1
        assert (tcp("KEEPIDLE"), tcp("KEEPINTVL"), tcp("KEEPCNT")) == (
            kernel.KEEPALIVE_IDLE, kernel.KEEPALIVE_INTERVAL, kernel.KEEPALIVE_PROBES)
        assert tcp("USER_TIMEOUT") == kernel.USER_TIMEOUT * 1000
    assert kernel.KEEPALIVE_IDLE <= 300
    assert max(kernel.KEEPALIVE_IDLE + kernel.KEEPALIVE_INTERVAL * kernel.KEEPALIVE_PROBES,
               kernel.USER_TIMEOUT) <= 120
    assert flags & os.O_NONBLOCK
    assert flags & os.O_CLOEXEC


def test_k01_the_kernel_counts_down_to_the_first_probe_of_an_idle_client(
        served: StartProcess) -> None:
    chat = served()
    client = chat.client()
    ours, theirs = f":{chat.address[1]:04X}", f":{client.sock.getsockname()[1]:04X}"

    def row() -> list[str]:
        rows = Path("/proc/net/tcp").read_text("ascii").split("\n")[1:-1]
        return next(fields for fields in map(str.split, rows)
                    if fields[1].endswith(ours) and fields[2].endswith(theirs))

    until(lambda: row()[5].startswith(KEEPALIVE_TIMER))    # once the welcome is acknowledged
    ticks = int(row()[5].partition(":")[2], 16)
    assert 0 < ticks <= kernel.KEEPALIVE_IDLE * os.sysconf("SC_CLK_TCK")
