"""Joining the other nodes: what can go wrong is said before anything runs.

The one place here that waits, on the thread that starts the server.
"""

from __future__ import annotations

import ipaddress
import secrets
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from hiredis import HiredisError, Reader, ReplyError

from chatops.cluster.engine import ClusterError, EngineAddress, Keys, engine_of
from chatops.cluster.link import Pace
from chatops.cluster.member import Member
from chatops.cluster.pipe import Address, trusting
from chatops.server.state import ServerState
from chatops.settings import Settings
from chatops.storage.worker import Journal
from chatops.system import files
from chatops.system.streams import say

PATIENCE = 2.0                 # seconds that the engine may take, before it starts without
LOOK = 0.25                    # seconds between two looks at a lease that somebody has
LEAST_SECRET = 16              # bytes
# What the operator has to put right; anything else may pass by itself.
WRONG = ("NOAUTH", "WRONGPASS", "NOPERM", "ERR AUTH", "ERR DB", "ERR invalid")

PACE = Pace()


class Joining(NamedTuple):
    """A node that holds its lease, or could not ask for it yet."""

    engine: EngineAddress
    node: str
    boot: str
    secret: bytes
    tls: ssl.SSLContext | None = None

    def give_up(self) -> None:
        """It does not start after all."""
        try:
            with _Asking(self.engine) as asking:
                asking(Keys(self.node, self.boot).release())
        except (OSError, HiredisError, EOFError):
            pass

    def member(self, state: ServerState, journal: Journal,
               hand_over: Callable[[Callable[[], None]], None]) -> Member:
        """Make the server one of several; `Member.begin` is still to be called."""
        return Member(state, self.engine, self.node, self.boot, self.secret, pace=PACE,
                      resolve=_resolver(self.engine, journal, hand_over), tls=self.tls)


def join(settings: Settings) -> Joining:
    """Take the lease of the node that these settings name, if the engine can be reached.

    Raises `ClusterError`: another node of this name lives, or the settings cannot be.
    """
    engine = engine_of(settings.cluster)
    if not settings.node:
        raise ClusterError("--cluster needs --node NAME, another one for each node")
    secret = _secret(settings.cluster_secret)
    if not secret and not engine.is_here:
        raise ClusterError(f"--cluster {engine} is another machine, and whoever writes there "
                           "could speak as anybody: --cluster-secret FILE is needed")
    joining = Joining(engine, settings.node, secrets.token_hex(8), secret,
                      trusting() if engine.tls else None)
    _take_lease(joining)
    return joining


def _secret(path: str) -> bytes:
    if not path:
        return b""
    try:
        secret = files.read(path).strip()
    except OSError as error:
        raise ClusterError(f"--cluster-secret {path}: {error.strerror}") from None
    if len(secret) < LEAST_SECRET:
        raise ClusterError(f"--cluster-secret {path}: a secret has at least {LEAST_SECRET} bytes")
    return secret


def _take_lease(joining: Joining) -> None:
    """One that is renewed while we look is another node's; one that runs out was our own, of
    before a crash.
    """
    try:
        with _Asking(joining.engine) as asking:
            keys = Keys(joining.node, joining.boot)
            left, told = 1 << 62, False
            while isinstance(owner := asking(keys.hold(PACE.lease)), bytes):
                now = asking(keys.left())
                if now > left:
                    raise ClusterError(f"another node called {joining.node} lives on "
                                       f"{joining.engine}; give this one another --node")
                left = now
                if not told:
                    told = True
                    say(f"chatops: node {joining.node} was here before; waiting for up to "
                        f"{PACE.lease:.0f} s to see that it is gone")
                time.sleep(LOOK)
            del owner
    except ReplyError as error:
        if str(error).startswith(WRONG):
            raise ClusterError(f"--cluster {joining.engine}: {error}") from None
    except HiredisError as error:
        raise ClusterError(f"--cluster {joining.engine}: it does not speak the protocol of "
                           f"Redis: {error}") from None
    except ssl.SSLCertVerificationError as error:
        raise ClusterError(f"--cluster {joining.engine}: {error.verify_message}; SSL_CERT_FILE "
                           "names a file of those who are trusted") from None
    except (OSError, EOFError):
        pass                           # then it begins alone


class _Asking:
    """A connection that waits for its answers, for a moment.  Raises OSError, EOFError and
    `hiredis.HiredisError`.
    """

    def __init__(self, engine: EngineAddress) -> None:
        if engine.path:
            self._sock = socket.socket(socket.AF_UNIX)
            self._sock.settimeout(PATIENCE)
            try:
                self._sock.connect(engine.path)
            except OSError:
                self._sock.close()
                raise
        else:
            self._sock = socket.create_connection((engine.host, engine.port), PATIENCE)
            if engine.tls:
                with self._sock as plain:      # closed, unless the handshake takes it over
                    self._sock = ssl.create_default_context().wrap_socket(
                        plain, server_hostname=engine.host)
        self._reader = Reader()
        self._greeting = Keys("", "").greeting(engine)

    def __enter__(self) -> _Asking:
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


def _resolver(engine: EngineAddress, journal: Journal,
              hand_over: Callable[[Callable[[], None]], None]
              ) -> Callable[[Callable[[Sequence[Address] | str], None]], None]:
    """Finds the engine's addresses; a name is looked up on the journal's thread, which may wait."""
    def look_up() -> list[Address]:
        found = socket.getaddrinfo(engine.host, engine.port, type=socket.SOCK_STREAM)
        return [(family, where) for family, _, _, _, where in found]

    def resolve(told: Callable[[Sequence[Address] | str], None]) -> None:
        if engine.path:
            told([(socket.AF_UNIX, engine.path)])
        elif _is_number(engine.host):
            told(look_up())
        else:
            def job() -> None:
                try:
                    found: Sequence[Address] | str = look_up()
                except (OSError, UnicodeError) as error:
                    found = f"{engine.host}: {getattr(error, 'strerror', None) or error}"
                hand_over(lambda: told(found))

            journal.later(job, f"look up {engine.host}",
                          lambda error: hand_over(lambda: told(str(error))))

    return resolve


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
