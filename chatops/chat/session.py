"""Who is here, and where: the state that the hub decides upon."""

from __future__ import annotations

from collections.abc import Collection
from math import inf
from secrets import token_hex
from typing import Protocol

from msgspec.structs import replace

from chatops.chat.dialect import Dialect
from chatops.chat.framing import Framer
from chatops.chat.groups import Group, Sender
from chatops.chat.moderation import Rules
from chatops.chat.telnet import TelnetFilter


class Room:
    """People who hear each other, and what they are to hear at the end of this turn."""

    __slots__ = ("elsewhere", "followers", "guarded", "kept_as", "lines", "members", "name",
                 "notices", "notices_at", "pending", "pending_lines", "rules")

    def __init__(self, name: str) -> None:
        self.name = name
        self.members: dict[int, Session] = {}
        self.followers = 0             # members whose dialect follows who is there
        self.elsewhere = 0             # members on other nodes
        self.rules = Rules()
        self.guarded = False           # `rules.guarded`, kept here: it is asked for each chunk
        self.kept_as = name            # where its history is
        self.pending: list[Group] = []
        self.pending_lines = 0
        self.lines = 0                 # said here so far
        self.notices = 0.0             # of the budget for joins and leaves, spent
        self.notices_at = 0.0

    def __repr__(self) -> str:
        return f"<Room {self.name} {len(self.members)} members>"

    @property
    def population(self) -> int:
        """Members on all nodes."""
        return len(self.members) + self.elsewhere

    def apply_rules(self) -> None:
        """Its rules are others now.

        Once not everybody may come in, what is said goes to a history of its own: whoever makes
        a room of this name anew, when all have gone or the server has been restarted, would else
        read it.  Opened again it goes on there, for its members know what they open.  No room's
        name has a space in it.
        """
        self.guarded = self.rules.guarded
        if self.rules.closed and self.kept_as == self.name:
            self.kept_as = f"{self.name} {token_hex(8)}"

    def may_announce(self, now: float, largest: int, rate: float) -> bool:
        """Whether a join or leave is told here: not in large rooms, where N newcomers would
        cost N² lines, and not more than `rate` a second in small ones.
        """
        if len(self.members) + self.elsewhere > largest:
            return False
        self.notices = max(0.0, self.notices - (now - self.notices_at) * rate)
        self.notices_at = now
        if self.notices >= 2 * rate:
            return False
        self.notices += 1
        return True


class Session:
    """One client, as the chat sees it."""

    registered = True              # it is somebody to others: an IRC client has to say who first
    realname = ""
    capabilities: Collection[str] = ()     # of IRCv3, that it has asked for

    __slots__ = ("account_made", "again", "announced", "away", "bad", "certificate", "dialect",
                 "door", "echo", "framer", "guest", "held", "id", "introduction", "lines_in",
                 "mid_line", "muted_until", "nick", "parked", "peer", "room", "rooms", "secure",
                 "sender", "telnet", "tls", "tokens", "tokens_at", "warned")

    def __init__(self, id: int, peer: str, door: Door) -> None:  # noqa: A002
        self.id = id
        self.peer = peer
        self.door = door
        self.dialect = door.dialect
        self.echo = True               # it hears what it says itself
        self.rooms: dict[str, Room] = {}
        self.room: Room | None = None  # where it speaks if it does not say where: one of `rooms`,
                                       # or where it was last
        self.framer = Framer(door.line_limit)
        self.mid_line = False          # the framer has the beginning of a line
        self.telnet: TelnetFilter | None = None
        self.guest = True
        self.announced = True          # its room has been told of it, or was not to be
        self.lines_in = 0
        self.introduction = b""       # its first line, if an IRC client may have begun with it
        self.muted_until = 0.0         # monotonic; infinity is for ever
        self.tokens = inf              # of its rate: all there can be, until it first speaks
        self.tokens_at = 0.0
        self.held = b""                # lines that came faster than its rate allows
        self.parked = False            # it waits for an answer of ours; so does what it has sent
        self.again = False             # and the line that it sent last is to be read again then
        self.tls = False
        self.certificate = ""          # fingerprint of the one that it has shown over TLS
        self.secure = False            # nobody else can read what passes: TLS, or this machine
        self.warned = False            # it has been told so, and not been quiet since
        self.bad: dict[str, int] | None = None
        self.away = ""                 # why it does not answer; "" while it does
        self.nick = f"guest-{id}"
        self.sender = Sender(id, self.nick)    # as others see it; another one when that changes
        self.account_made = 0.0        # when its account was: one made anew is another's

    def __repr__(self) -> str:
        return f"<Session #{self.id} {self.nick} in {', '.join(self.rooms) or 'no room'}>"

    @property
    def hidden(self) -> bool:
        """Whether it is not to be listed for who shares no room with it."""
        return False

    @property
    def is_oper(self) -> bool:
        """Whether it is an operator of the server, as IRC has them."""
        return False

    @property
    def is_bot(self) -> bool:
        """Whether it has said that it is a program."""
        return False

    @property
    def hushed(self) -> bool:
        """Whether it is in a room that may not read what it writes."""
        return any(room.guarded and room.rules.hushed(self.sender)
                   for room in self.rooms.values())

    @property
    def way_to_log_in(self) -> str:
        """What its user types to log in to the account of its nick."""
        return f"/login {self.nick} PASSWORD"

    @property
    def where(self) -> str:
        """The name of the room it is in, or was in last; "" if there has been none."""
        return self.room.name if self.room is not None else ""

    def rename(self, nick: str) -> None:
        """Take a name."""
        self.nick = nick
        self.sender = replace(self.sender, nick=nick)


class Door(Protocol):
    """Where a client's bytes come in: what it is spoken to in, and who understands it."""

    protocol: str                  # as consoles show it
    dialect: Dialect               # of newcomers

    @property
    def line_limit(self) -> int:
        """Bytes of a line before its newline."""

    def connect(self, id: int, fd: int, peer: str) -> Session:  # noqa: A002
        """A newcomer has come in."""

    def receive(self, session: Session, data: bytes) -> None:
        """Bytes came in from a client that is not held."""

    def resume(self, session: Session) -> bool:
        """The hold is over: go on with what was held.  Whether it may be read again."""

    def hear_out(self, session: Session) -> None:
        """Let it say what was held, whatever its rate: a turn's worth, where it is costly."""

    def end(self, session: Session) -> None:
        """The client has sent all it will send: what is left is its last line."""
