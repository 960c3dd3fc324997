"""An IRC client, as the chat sees it: a session with what only IRC has."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from chatops.chat.groups import Sender
from chatops.chat.session import Door, Room, Session


class Aim(msgspec.Struct, frozen=True):
    """Where a client has spoken, and as whom: what it says next most often begins alike."""

    head: bytes                    # what stands before its words
    room: Room
    sender: Sender
    longest: int                   # bytes of a line of words that others can be sent


class Client(Session):
    """Before it has registered it is nobody to others, and `*` to itself."""

    __slots__ = ("aim", "cap_version", "capabilities", "last_spoke", "mechanism", "modes",
                 "monitored", "negotiating", "oper_by_account", "password", "realname",
                 "registered", "sasl", "signed_on", "strikes", "taken", "user", "wanted")

    def __init__(self, id: int, peer: str, door: Door) -> None:  # noqa: A002
        super().__init__(id, peer, door)
        self.registered = False
        self.aim: Aim | None = None    # where it spoke last
        self.wanted = ""               # the nick it has asked for
        self.taken = ""                # the last one that it could not have
        self.user = ""
        self.realname = ""
        self.password = ""             # what it has given with PASS
        self.capabilities: set[str] = set()
        self.cap_version = 0           # of what it understands: 302 is the first with values
        self.negotiating = False       # until CAP END
        self.modes: set[str] = set()   # of the user's: i, o, w, B
        self.oper_by_account = False   # it has `o` for as long as it is logged in
        self.monitored: dict[str, str] = {}    # folded, and as it wrote them
        self.signed_on = 0.0           # wall clock
        self.last_spoke = 0.0
        self.sasl: str | None = None   # what it has given so far, while it authenticates
        self.mechanism = ""            # by which it does
        self.strikes = 0               # lines before it was registered
        self.sender = Sender(id, "*")

    def identify(self, user: str, realname: str) -> None:
        """What USER says, which nobody has proved: hence the `~`."""
        self.user, self.realname = f"~{user}", realname
        self.sender = replace(self.sender, user=self.user)

    @property
    def way_to_log_in(self) -> str:
        return "/msg NickServ IDENTIFY PASSWORD"

    @property
    def is_oper(self) -> bool:
        return "o" in self.modes

    @property
    def hidden(self) -> bool:
        return "i" in self.modes

    @property
    def is_bot(self) -> bool:
        return "B" in self.modes
