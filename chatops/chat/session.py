"""Who is here, and where: the state that the hub decides upon."""

from __future__ import annotations

from math import inf

from chatops.chat.framing import Framer
from chatops.chat.telnet import TelnetFilter


class Room:
    """People who hear each other, and what they are to hear at the end of this turn."""

    __slots__ = ("lines", "members", "name", "notices", "notices_at", "pending", "pending_lines")

    def __init__(self, name: str) -> None:
        self.name = name
        self.members: dict[int, Session] = {}
        self.pending: list[bytes] = []
        self.pending_lines = 0
        self.lines = 0                 # said here so far
        self.notices = 0.0             # of the budget for joins and leaves, spent
        self.notices_at = 0.0

    def __repr__(self) -> str:
        return f"<Room {self.name} {len(self.members)} members>"

    def may_announce(self, now: float, largest: int, rate: float) -> bool:
        """Whether a join or leave is told here: not in large rooms, where N newcomers would
        cost N² lines, and not more than `rate` a second in small ones.
        """
        if len(self.members) > largest:
            return False
        self.notices = max(0.0, self.notices - (now - self.notices_at) * rate)
        self.notices_at = now
        if self.notices >= 2 * rate:
            return False
        self.notices += 1
        return True


class Session:
    """One client, as the chat sees it."""

    __slots__ = ("announced", "bad", "framer", "guest", "held", "id", "lines_in", "muted_until",
                 "nick", "peer", "prefix", "room", "separator", "telnet", "tokens", "tokens_at",
                 "warned")

    def __init__(self, id: int, peer: str, room: Room, limit: int) -> None:  # noqa: A002
        self.id = id
        self.peer = peer
        self.room = room
        self.framer = Framer(limit)
        self.telnet: TelnetFilter | None = None
        self.guest = True
        self.announced = True          # its room has been told of it, or was not to be
        self.lines_in = 0
        self.muted_until = 0.0         # monotonic; infinity is for ever
        self.tokens = inf              # of its rate: all there can be, until it first speaks
        self.tokens_at = 0.0
        self.held = b""                # lines that came faster than its rate allows
        self.warned = False            # it has been told so, and not been quiet since
        self.bad: dict[str, int] | None = None
        self.nick = ""
        self.prefix = self.separator = b""
        self.rename(f"guest-{id}")

    def __repr__(self) -> str:
        return f"<Session #{self.id} {self.nick} in {self.room.name}>"

    def rename(self, nick: str) -> None:
        """Take a name, and prepare what stands before each of its lines."""
        self.nick = nick
        self.prefix = f"{nick}: ".encode()
        self.separator = b"\n" + self.prefix

    def refill(self, now: float, rate: float, burst: float) -> float:
        """Tokens it has now; a token bucket, full at first (RFC 2698 calls it a meter)."""
        self.tokens = min(burst, self.tokens + (now - self.tokens_at) * rate)
        self.tokens_at = now
        return self.tokens
