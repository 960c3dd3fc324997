"""What a room notices while many log in at the IRC door with their passwords.

Three servers in turn: nobody comes; so many come, without passwords; so many come and log in,
each of which costs an Argon2id hash of some 20 ms.  A room talks on each, and its delay is what
is looked at.  The reactor is on one CPU, everything else on another: the thread that hashes, which
yields to everybody, beside clients that are on machines of their own in life.
"""

from __future__ import annotations

import base64
import os
import socket
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import msgspec

from chatops.accounts.passwords import hasher
from chatops.accounts.store import AccountError, AccountStore
from chatops.bench import usage
from chatops.bench.contenders import IRC
from chatops.bench.crowd import LoadError
from chatops.bench.figures import median
from chatops.bench.flow import Latency
from chatops.bench.load import LoadSpec, main
from chatops.bench.ready import ready_set
from chatops.bench.runner import BenchError, Load, ServerProcess, run_load

LOGINS = 200
SPREAD = 9.0                   # seconds over which they come
ROOM = 100                     # clients of the room that talks
PATIENCE = 20.0                # seconds after the last has come
PASSWORD = "a password of the benchmark's"
LETTERS = "bcdfghkmpq"         # for digits: a nick that looks like another's is refused


class LoginSpec(msgspec.Struct, frozen=True):
    """Who is to come to which server.  Times in seconds."""

    port: int
    clients: int = LOGINS
    spread: float = SPREAD
    passwords: bool = True     # False: they come, and do not log in
    cpu: int | None = None


class LoginResult(msgspec.Struct, frozen=True):
    """How many were let in, and how many seconds after the first came."""

    done: int
    seconds: float


class LoginRound(msgspec.Struct, frozen=True):
    """The room's delay while nobody comes, while newcomers do, and while they log in."""

    quiet: Latency
    newcomers: Latency
    logins: Latency
    done: int                  # logins
    seconds: float             # from the first of them to the last


def name_of(number: int) -> str:
    """An account, and the nick of whom it is of."""
    return "w" + "".join([LETTERS[int(digit)] for digit in f"{number:04d}"])


def come(spec: LoginSpec) -> LoginResult:
    """Connect so many, evenly spread, and wait until all have been let in."""
    wanted = b" 903 " if spec.passwords else b" 376 "      # logged in; the end of the greeting
    began = time.monotonic()
    last = began + spec.spread + PATIENCE
    sockets: dict[int, socket.socket] = {}
    heard: dict[int, bytes] = {}
    done = come_so_far = 0
    with closing(ready_set()) as ready, usage.yielding([os.getpid()]), ExitStack() as stack:
        while done < spec.clients:
            now = time.monotonic()
            if now > last:
                raise LoadError(f"{spec.clients - done} of {spec.clients} were never let in")
            if come_so_far < min(spec.clients, (now - began) * spec.clients / spec.spread):
                sock = stack.enter_context(socket.create_connection(("127.0.0.1", spec.port)))
                sock.sendall(_hello(name_of(come_so_far), spec.passwords))
                sockets[sock.fileno()], heard[sock.fileno()] = sock, b""
                ready.add(sock.fileno())
                come_so_far += 1
            for fd in ready.poll(0.01):
                data = sockets[fd].recv(1 << 16)
                if not data:
                    raise LoadError(f"one was turned away: {heard[fd][-200:]!r}")
                was_done = wanted in heard[fd]
                heard[fd] += data
                done += wanted in heard[fd] and not was_done
        return LoginResult(done, time.monotonic() - began)


def _hello(name: str, password: bool) -> bytes:
    """Everything at once, as clients do: what follows waits until the password is looked at."""
    lines = ["CAP LS 302", f"NICK {name}", "USER u 0 * :u", "CAP REQ :sasl"]
    if password:
        secret = base64.b64encode(f"\0{name}\0{PASSWORD}".encode()).decode()
        lines += ["AUTHENTICATE PLAIN", f"AUTHENTICATE {secret}"]
    return "".join([f"{line}\r\n" for line in (*lines, "CAP END")]).encode()


def lacking() -> str:
    """Why this cannot be measured here; "" if it can."""
    try:
        hasher()
    except AccountError as error:
        return str(error)
    return ""


def measure_logins(rounds: int, seconds: float = SPREAD) -> list[LoginRound]:
    """So many rounds of the three in turn, each of so many seconds, in which as many come as there
    is a share of `SPREAD` for.  Raises `BenchError`.
    """
    clients = round(LOGINS * seconds / SPREAD)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "accounts.db"
        hashes = hasher()
        with closing(AccountStore(str(path))) as store:
            for number in range(clients):      # each of its own: what was right is remembered
                store.add(name_of(number), hashes.hash(PASSWORD))
        return [_round(path, clients, seconds) for _ in range(rounds)]


def _round(path: Path, clients: int, seconds: float) -> LoginRound:
    quiet, _ = _once(path, None, seconds)
    newcomers, _ = _once(path, LoginSpec(0, clients, seconds, passwords=False), seconds)
    logins, result = _once(path, LoginSpec(0, clients, seconds), seconds)
    assert result is not None
    return LoginRound(quiet, newcomers, logins, result.done, result.seconds)


def _once(path: Path, coming: LoginSpec | None, seconds: float
          ) -> tuple[Latency, LoginResult | None]:
    """What a room's lines took, and what became of those who came meanwhile."""
    server = replace(IRC, command=(*IRC.command, "--accounts", str(path), "--connect-rate", "off"))
    served_on, others_on = usage.choose_cpus() or (None, None)
    with ServerProcess(server, served_on) as process, ExitStack() as stack:
        usage.pin_threads(usage.yielding_threads(process.pid), others_on)
        come_in = None if coming is None else stack.enter_context(Load(
            "chatops.bench.logins", msgspec.structs.replace(coming, port=process.port,
                                                            cpu=others_on), LoginResult))
        result = run_load(LoadSpec(port=process.port, spoken="irc", clients=ROOM, seconds=0.0,
                                   latency_seconds=seconds, cpu=others_on))
        process.check()
        if result.latency is None or result.closed or result.lost:
            raise BenchError(f"of {ROOM} in the room {result.closed} were closed, and "
                             f"{result.lost} deliveries were lost")
        return result.latency, come_in.result() if come_in is not None else None


def login_lines(rounds: Sequence[LoginRound]) -> list[str]:
    """As it is printed: medians, those of ratios within each round."""
    quiets, newcomers, logins = ([each.quiet for each in rounds],
                                 [each.newcomers for each in rounds],
                                 [each.logins for each in rounds])

    def over(ways: Sequence[Latency], others: Sequence[Latency]) -> float:
        return median([way.p99 / other.p99 for way, other in zip(ways, others, strict=True)]) or 0

    def p99(ways: Sequence[Latency]) -> str:
        return f"{median([way.p99 for way in ways]) or 0:>8,.0f}"

    longest = max([each.seconds for each in rounds])
    return [f"a room of {ROOM} while others come{'':<9}p99 us",
            f"  nobody comes              {p99(quiets)}",
            f"  they have no passwords    {p99(newcomers)}{over(newcomers, quiets):>7.2f} x",
            f"  they log in               {p99(logins)}{over(logins, quiets):>7.2f} x, "
            f"{over(logins, newcomers):.2f} x of without passwords; the last of "
            f"{min([each.done for each in rounds])} was let in after {longest:.1f} s", ""]


if __name__ == "__main__":
    raise SystemExit(main(LoginSpec, come))
