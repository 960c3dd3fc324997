"""The engine that keeps the log: where it is, what its keys are called, what is asked of it.

Redis 6.2 and later, or any Valkey: streams, keys with an expiry and EVAL, nothing else; no
module, no function, no pub/sub.  All keys are in one hash slot.
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from hiredis import Reader, pack_command

from chatops.cluster import scripts
from chatops.cluster.claims import Claim
from chatops.system.addresses import with_port
from chatops.system.errors import ChatopsError

LENGTH = 10_000                # entries of the log that are kept, about
SECURE = ("rediss", "valkeys")  # schemes that are spoken over TLS
ASKED = ("redis+sentinel", "valkey+sentinel")  # and of one that others know where to find
PORT, SENTINEL_PORT = 6379, 26379
AT_ONCE = 64                   # frames in one answer

Moment = tuple[int, int]       # milliseconds of the engine's clock, and a number within these


class ClusterError(ChatopsError):
    """Nodes cannot be brought together as asked; one line for the operator."""


class EngineAddress(NamedTuple):
    """Where it listens, and as whom it is spoken to.  `path` is a Unix socket.

    Where there are `sentinels`, they know: then it is called `master`, and `host` is "".
    """

    host: str
    port: int
    path: str
    db: int
    user: str
    password: str
    tls: bool = False
    sentinels: tuple[tuple[str, int], ...] = ()
    master: str = ""

    def __str__(self) -> str:
        """As it may be shown to everybody."""
        if self.sentinels:
            asked = ",".join([with_port(*each) for each in self.sentinels])
            return f"{self.master}/{self.db} of {asked}"
        return f"{self.path or with_port(self.host, self.port)}/{self.db}"

    @property
    def is_here(self) -> bool:
        """Whether nobody but this machine can speak to it as it is named."""
        if self.path or self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def engine_of(url: str) -> EngineAddress:
    """The one at `redis://[USER:PASSWORD@]HOST[:PORT][/DB]`, at `rediss://…`, which is TLS, at
    `unix:///PATH[?db=DB]`, or which is called NAME by one of the sentinels of
    `redis+sentinel://[USER:PASSWORD@]HOST[:PORT][,HOST[:PORT]…]/NAME[/DB]`.

    Raises `ClusterError`, which never repeats what may be a password.
    """
    try:
        parts = urlsplit(url)
        if parts.scheme in ASKED:
            return _known_to_others(parts)
        port = parts.port or PORT
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        if parts.scheme == "unix" and parts.path and not parts.netloc:
            db = parse_qs(parts.query).get("db", ["0"])[0]
            return EngineAddress("", 0, parts.path, int(db), user, password)
        if parts.scheme in ("redis", "valkey", *SECURE) and parts.hostname:
            return EngineAddress(parts.hostname, port, "", int(parts.path.strip("/") or "0"), user,
                                 password, parts.scheme in SECURE)
    except ValueError:
        pass
    raise ClusterError("--cluster: not redis://HOST:PORT/DB, rediss://…, unix:///PATH nor "
                       "redis+sentinel://HOST:PORT,HOST:PORT/NAME")


def _known_to_others(parts: SplitResult) -> EngineAddress:
    """Raises ValueError."""
    who, _, hosts = parts.netloc.rpartition("@")
    user, _, password = who.partition(":")
    sentinels = []
    for each in hosts.split(","):
        one = urlsplit(f"//{each}")
        if not one.hostname:
            raise ValueError
        sentinels.append((one.hostname, one.port or SENTINEL_PORT))
    master, _, db = parts.path.strip("/").partition("/")
    if not master:
        raise ValueError
    return EngineAddress("", 0, "", int(db or "0"), unquote(user), unquote(password),
                         sentinels=tuple(sentinels), master=unquote(master))


class Keys:
    """What things are called in the engine, and the commands on them, packed."""

    def __init__(self, node: str, boot: str) -> None:
        self.log = b"{chatops}:log"
        self.epoch = b"{chatops}:epoch"
        self.nicks = b"{chatops}:nicks"
        self.rulings = b"{chatops}:rulings"
        self.accounts = b"{chatops}:accounts"
        self.leases = b"{chatops}:node:"
        self.nodes = b"{chatops}:nodes"
        self._node = node.encode()
        self._boot = boot.encode()
        self._lease = self.leases + node.encode()
        self._owner = f"{node}/{boot}/".encode()
        # All but what is another each time, which comes last.
        self._read: tuple[float, bytes] = 0.0, b""
        self._write = _but_last(b"XADD", self.log, b"NOMKSTREAM", b"MAXLEN", b"~", LENGTH, b"*",
                                b"f")

    def greeting(self, engine: EngineAddress) -> list[bytes]:
        """What is said first on each connection; each of these answers with OK."""
        said = []
        if engine.password:
            who = (engine.user,) if engine.user else ()
            said.append(pack(b"AUTH", *who, engine.password))
        if engine.db:
            said.append(pack(b"SELECT", engine.db))
        return said

    def hold(self, seconds: float, epoch: str = "") -> bytes:
        """Take or renew the lease: 1 is kept, 2 taken anew or of another log, else whose it is."""
        return pack(b"EVAL", scripts.LEASE, 3, self._lease, self.nodes, self.epoch, self._boot,
                    int(seconds * 1000), self._node, epoch)

    def release(self) -> bytes:
        """Give the lease back, if it is still ours."""
        return pack(b"EVAL", scripts.RELEASE, 2, self._lease, self.nodes, self._boot, self._node)

    def living(self, seconds: float) -> bytes:
        """Which nodes hold a lease for so long at least, this one among them."""
        return pack(b"EVAL", scripts.LIVING, 1, self.nodes, self.leases, int(seconds * 1000))

    def left(self) -> bytes:
        """Milliseconds that the lease still has, whoever holds it; -2 where nobody does."""
        return pack(b"PTTL", self._lease)

    def roll(self, nodes: Iterable[str]) -> bytes:
        """Which boots of these nodes hold a lease, b"" for none, and milliseconds left of it."""
        keys = [self.leases + node.encode() for node in nodes]
        return pack(b"EVAL", scripts.ROLL, len(keys), *keys)

    def begin(self) -> bytes:
        """Have a log, if there is none; what it is called."""
        return pack(b"EVAL", scripts.BEGIN, 2, self.log, self.epoch, secrets.token_hex(8))

    def end(self) -> bytes:
        """The last entry of the log."""
        return pack(b"XREVRANGE", self.log, b"+", b"-", b"COUNT", 1)

    def first(self) -> bytes:
        """The first entry of the log that is still there."""
        return pack(b"XRANGE", self.log, b"-", b"+", b"COUNT", 1)

    def write(self, frame: bytes) -> bytes:
        """Add to the log.  Answers with the entry, or nothing where there is no log."""
        return b"%b$%d\r\n%b\r\n" % (self._write, len(frame), frame)

    def ruled(self) -> bytes:
        """All rulings, by their networks."""
        return pack(b"HGETALL", self.rulings)

    def rule(self, rulings: Iterable[tuple[str, bytes]], *, over: bool = False) -> bytes:
        """Keep these, networks and what is decided about them, or (`over`) do so no more."""
        words = [word for ruling in rulings for word in ruling]
        return pack(b"EVAL", scripts.OVER if over else scripts.RULE, 1, self.rulings, *words)

    def accounts_of(self, names: Sequence[str]) -> bytes:
        """What is kept under these folded names."""
        return pack(b"HMGET", self.accounts, *names)

    def accounts_from(self, cursor: bytes, about: int) -> bytes:
        """So many accounts, more or less, from where an answer to this ended: a cursor, which is
        "0" at the beginning and after the last, names and what is kept under them.
        """
        return pack(b"HSCAN", self.accounts, cursor, b"COUNT", about)

    def change_accounts(self, changes: Iterable[tuple[str, bytes, bytes]]) -> bytes:
        """Names, what was found there and what is to be, b"" for nothing.  Answers with those
        names where something else has come meanwhile, which stays.
        """
        words = [word for change in changes for word in change]
        return pack(b"EVAL", scripts.CHANGE, 1, self.accounts, *words)

    def read(self, cursor: str, seconds: float) -> bytes:
        """What is in the log after `cursor`; waits so long for it to come."""
        if seconds != self._read[0]:
            self._read = seconds, _but_last(b"XREAD", b"COUNT", AT_ONCE, b"BLOCK",
                                            int(seconds * 1000), b"STREAMS", self.log)
        return b"%b$%d\r\n%b\r\n" % (self._read[1], len(cursor), cursor.encode())

    def claim(self, claims: Sequence[Claim]) -> bytes:
        """Have these nicks, by their looks, or give them up.
        Answers with looks and owners of those that others have.
        """
        words = [part for look, id, owner in claims  # noqa: A001
                 for part in (look, "" if id is None else str(id), "1" if owner else "")]
        return pack(b"EVAL", scripts.CLAIM, 1, self.nicks, self.leases, self._owner, *words)

    def sweep_nicks(self, cursor: bytes, about: int) -> bytes:
        """Forget those, of so many, that are of nodes which are over.  Answers with the cursor to
        go on from, "0" at the end.
        """
        return pack(b"EVAL", scripts.SWEEP, 1, self.nicks, self.leases, cursor, about)


def pack(*words: bytes | str | int) -> bytes:
    """A command as it is sent (RESP)."""
    packed: bytes = pack_command(words)  # type: ignore[arg-type]  # its stub: of one word
    return packed


def _but_last(*words: bytes | str | int) -> bytes:
    """A command up to its last word: packing it is most of what the shorter ones cost."""
    return pack(*words, b"").removesuffix(b"$0\r\n\r\n")


TIME = pack(b"TIME")


def seconds(answer: Any) -> float:
    """Since the Unix epoch, in the answer to TIME."""
    whole, micros = answer
    return int(whole) + int(micros) / 1e6


def moment(entry: str) -> Moment:
    """Milliseconds and number of an entry's id, to be compared."""
    milliseconds, _, number = entry.partition("-")
    return int(milliseconds), int(number or 0)


def readable(word: bytes) -> str:
    """What somebody has called something: whatever was written there can be read."""
    return word.decode("utf-8", "backslashreplace")


def refusal(answer: Exception, command: bytes) -> str:
    """Why the engine did not do it; of a key that holds something else than ours it does not say
    which that is.
    """
    text = str(answer)
    if "WRONGTYPE" not in text:
        return text
    reader = Reader()
    reader.feed(command)
    words = reader.gets()
    keys = (words[3:3 + int(words[2])] if words[0] == b"EVAL"
            else [word for word in words if word.startswith(b"{chatops}:")][:1])
    return f"{' or '.join(map(readable, keys))} is not what chatops keeps there: {text}"


def begins(answer: Any) -> str:
    """What the log is called, if the answer to `Keys.read` begins where it does; else ""."""
    fields = answer[0][1][0][1] if answer else None
    return readable(fields[1]) if fields and fields[0] == b"log" else ""


def entries(answer: Any) -> list[tuple[str, bytes]]:
    """Ids and frames in the answer to `Keys.read`; b"" for an entry that has none."""
    if not answer:
        return []
    return [(ident.decode(), fields[1] if fields and fields[0] == b"f" else b"")
            for ident, fields in answer[0][1]]
