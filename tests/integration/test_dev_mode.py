"""The server under `python -X dev`: whatever clients do, nothing is left for the collector."""

from __future__ import annotations

import signal
from collections.abc import Callable

from tests.integration.harness import Served
from tests.integration.talk import numbered, say_and_hear


def test_python_in_development_mode_has_nothing_to_complain_about(
        served: Callable[..., Served]) -> None:
    server = served("--max-clients", "12", "--outbox", "64K", "--sndbuf", "4K",
                    program=("-X", "dev", "-m", "chatops"))
    server.must_live = False
    speaker, reader = server.client(), server.client()
    for n in range(30):
        passer = server.client(rcvbuf=4096)
        passer.say("hello", "/join tea", *numbered(0, 20, 300))
        match n % 3:
            case 0:
                passer.reset()
            case 1:
                passer.say("/quit")
                passer.to_the_end()
                passer.close()
            case 2:
                passer.close()
    reader.heard()
    deaf = [server.client(rcvbuf=4096, greeted=False) for _ in range(20)]
    say_and_hear(speaker, numbered(0, 300, 1000), [reader])
    assert len(deaf) == 20
    server.signal(signal.SIGTERM)
    assert server.status() == 0
    complaints = [line for line in server.lines if "Warning" in line or "Traceback" in line]
    assert complaints == []
