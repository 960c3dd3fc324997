"""A web server in a process of its own: `python -m chatops.bench.served` prints its port.

uvicorn with h11 on asyncio's loop, an application that says hello, and nothing logged.
"""

from __future__ import annotations

import importlib
import socket
import sys
from typing import Any


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Five bytes for whoever asks."""
    await send({"type": "http.response.start", "status": 200,
                "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})


def main() -> None:
    """Serve until it is told to end."""
    uvicorn: Any = importlib.import_module("uvicorn")
    # With the protocol, without which asyncio does not set TCP_NODELAY on what it accepts, and
    # a head and a body that are sent apart wait for a delayed ACK of 40 ms.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        sys.stdout.write(f"port {listener.getsockname()[1]}\n")
        sys.stdout.flush()
        config = uvicorn.Config(app, http="h11", loop="asyncio", lifespan="off",
                                log_level="critical", access_log=False)
        uvicorn.Server(config).run([listener])


if __name__ == "__main__":
    main()
