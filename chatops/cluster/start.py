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
from typing import NamedTuple

from hiredis import HiredisError, ReplyError

from chatops.cluster.asking import Asking, located
from chatops.cluster.catching_up import Archive
from chatops.cluster.engine import ClusterError, EngineAddress, Keys, engine_of
from chatops.cluster.member import Member
from chatops.cluster.pace import Pace
from chatops.cluster.pipe import Address, trusting
from chatops.server.logins import Logins
from chatops.server.state import ServerState
from chatops.settings import Settings
from chatops.storage.chat_history import Cursor
from chatops.storage.worker import Journal
from chatops.system import files
from chatops.system.streams import say

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
            with Asking(located(self.engine)) as asking:
                asking(Keys(self.node, self.boot).release())
        except (OSError, HiredisError, EOFError, ClusterError):
            pass

    def member(self, state: ServerState, journal: Journal,
               hand_over: Callable[[Callable[[], None]], None],
               archive: Archive | None = None, since: Cursor | None = None,
               logins: Logins | None = None) -> Member:
        """Make the server one of several; `Member.begin` is still to be called.  `archive` gets
        what was said while this node was away, from `since` on.  Whoever may log in by `logins`
        may do so on all nodes.
        """
        member = Member(state, self.engine, self.node, self.boot, self.secret, pace=PACE,
                        resolve=_resolver(self.engine, journal, hand_over), tls=self.tls,
                        archive=archive, since=since)
        if logins is not None:
            member.share(logins)
        return member


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
        with Asking(located(joining.engine)) as asking:
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


def _resolver(engine: EngineAddress, journal: Journal,
              hand_over: Callable[[Callable[[], None]], None]
              ) -> Callable[[Callable[[Sequence[Address] | str], None]], None]:
    """Finds the engine's addresses; names are looked up and sentinels asked on the journal's
    thread, which may wait.
    """
    def look_up() -> list[Address]:
        now = located(engine)
        found = socket.getaddrinfo(now.host, now.port, type=socket.SOCK_STREAM)
        return [(family, where) for family, _, _, _, where in found]

    def tried() -> Sequence[Address] | str:
        try:
            return look_up()
        except ClusterError as error:
            return str(error)
        except (OSError, UnicodeError) as error:
            return str(getattr(error, "strerror", None) or error)

    def resolve(told: Callable[[Sequence[Address] | str], None]) -> None:
        if engine.path:
            told([(socket.AF_UNIX, engine.path)])
        elif _is_number(engine.host):
            told(tried())
        else:
            def job() -> None:
                found = tried()
                hand_over(lambda: told(found))

            journal.later(job, f"look up {engine}",
                          lambda error: hand_over(lambda: told(str(error))))

    return resolve


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
