"""What an IRC server says of itself, and what it was set up with."""

from __future__ import annotations

import msgspec


class Network(msgspec.Struct, frozen=True):
    """Set by the operator, or found out at the start."""

    server: str = "chatops.local"      # its name, as in the source of what it says
    name: str = "chatops"              # of the network, as in 005
    description: str = "a chat you can see inside"
    version: str = "chatops"
    started_at: float = 0.0            # wall clock
    token: str = "m"                   # begins each message id; another one after each start
    password: str = ""                 # that PASS has to give; "" is none
    oper: str = ""                     # name:password, for OPER; "" is nobody
    motd: tuple[str, ...] = ()
    admin: str = ""                    # how to reach who runs it
    sts: int | None = None             # seconds for which clients are to come over TLS alone
    tls_port: int = 0                  # where they come so; 0: nowhere
    line_port: int = 0                 # where `nc` is at the right door; 0: nowhere
