"""Questions to an engine, or to those who know where it is, that wait for their answers.

Not for the reactor's thread.
"""

from __future__ import annotations

import socket
import ssl
from typing import Any

from hiredis import HiredisError, Reader, ReplyError

from chatops.cluster.engine import ClusterError, EngineAddress, Keys, pack
from chatops.system.addresses import with_port

PATIENCE = 2.0                 # seconds that an answer may take
SENTINEL = 0.5                 # and one of a sentinel: there are others


class Asking:
    """A connection that waits for its answers, for a moment.  Raises OSError, EOFError and
    `hiredis.HiredisError`.
    """

    def __init__(self, engine: EngineAddress, patience: float = PATIENCE) -> None:
        if engine.path:
            self._sock = socket.socket(socket.AF_UNIX)
            self._sock.settimeout(patience)
            try:
                self._sock.connect(engine.path)
            except OSError:
                self._sock.close()
                raise
        else:
            self._sock = socket.create_connection((engine.host, engine.port), patience)
            if engine.tls:
                with self._sock as plain:      # closed, unless the handshake takes it over
                    self._sock = ssl.create_default_context().wrap_socket(
                        plain, server_hostname=engine.host)
        self._reader = Reader()
        self._greeting = Keys("", "").greeting(engine)

    def __enter__(self) -> Asking:
        try:
            for command in self._greeting:
                self(command)
        except BaseException:
            self._sock.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._sock.close()

    def __call__(self, command: bytes) -> Any:
        self._sock.sendall(command)
        while (answer := self._reader.gets()) is False:
            data = self._sock.recv(1 << 16)
            if not data:
                raise EOFError
            self._reader.feed(data)
        if isinstance(answer, ReplyError):
            raise answer
        return answer


def located(engine: EngineAddress) -> EngineAddress:
    """The same, at the host and port where it is now: sentinels are asked in turn, as one of them
    may be away, or know nothing.

    Raises OSError when none answers the question, and `ClusterError` when none knows of it.
    Source: "Guidelines for Redis clients with support for Redis Sentinel".
    """
    if not engine.sentinels:
        return engine
    question = pack(b"SENTINEL", b"GET-MASTER-ADDR-BY-NAME", engine.master)
    answered, why = False, "no sentinel answers"
    for host, port in engine.sentinels:
        try:
            with Asking(EngineAddress(host, port, "", 0, "", ""), SENTINEL) as asking:
                found = asking(question)
        except ReplyError as error:        # it wants a password, or is none
            why = f"the sentinel at {with_port(host, port)} says: {error}"
            continue
        except (OSError, EOFError, HiredisError):
            continue
        answered = True
        if found:
            return engine._replace(host=found[0].decode(), port=int(found[1]))
    if answered:
        raise ClusterError(f"--cluster {engine}: no sentinel knows of {engine.master}")
    raise ConnectionError(why)
