"""What this machine has of IPv6."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest


def has_six() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def link_local() -> str:
    """An address of this machine that needs its zone, with it; "" where there is none."""
    try:
        lines = Path("/proc/net/if_inet6").read_text("ascii").splitlines()
    except OSError:
        return ""
    for line in lines:
        digits, *_, flags, name = line.split()
        if digits.startswith("fe80") and not int(flags, 16) & 0x40:    # not tentative
            return f"{socket.inet_ntop(socket.AF_INET6, bytes.fromhex(digits))}%{name}"
    return ""


six = pytest.mark.skipif(not has_six(), reason="needs IPv6")
