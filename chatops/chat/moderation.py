"""What rules a room has, and whom they keep out or quiet: the same for every client.

Source: Modern IRC, "Channel Modes"; plain clients have no commands for these but obey them.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from msgspec.structs import replace

from chatops.chat.bounds import Moment, Name, Text
from chatops.chat.groups import Sender
from chatops.chat.masks import fold, matches

LISTS = "beI"                  # bans, exceptions from them, and who needs no invitation
FLAGS = "imnstC"               # switches without a parameter
MUTE = "~m:"                   # a ban that only quiets
ACCOUNT = "~a:"                # a ban of an account, wherever it comes from
INVITED = 1000                 # to a room, at most: nobody says that one has gone without coming
KEPT = 50                      # accounts of a room that are its operators again when they return
CLOCKS = 60.0                  # seconds by which clocks of two machines may differ unnoticed

Barred = Literal["banned", "uninvited", "wrong key", "full"]
Hushed = Literal["moderated", "banned"]


class MaskEntry(NamedTuple):
    """One mask of a list, who set it, and when (wall clock)."""

    mask: Name
    by: Text
    at: Moment


class Rules:
    """Of one room: topic, modes, lists, and who is above them.  Members are known by their id."""

    __slots__ = ("created_at", "flags", "invited", "key", "limit", "lists", "maker", "modes_at",
                 "op_accounts", "ops", "ops_at", "topic", "topic_at", "topic_by", "voices")

    def __init__(self) -> None:
        self.created_at = 0.0
        self.maker = ""                # its node and id, if a client made it and nodes are told
        self.topic = ""
        self.topic_by = ""
        self.topic_at = 0.0            # also when it was taken away; 0: there was none
        self.modes_at = 0.0            # when what follows was changed last; 0: never
        self.flags = {"n", "t"}
        self.key = ""
        self.limit = 0                 # members at most; 0 is no limit
        self.lists: dict[str, dict[str, MaskEntry]] = {}
        self.ops: set[int] = set()
        self.op_accounts: dict[str, float] = {}    # folded, the latest last, and since when
        self.ops_at = 0.0              # when those were changed last; 0: never
        self.voices: set[int] = set()
        self.invited: dict[int, None] = {}     # the latest last

    @property
    def guarded(self) -> bool:
        """Whether there may be members who are not to speak."""
        return "m" in self.flags or bool(self.lists.get("b"))

    @property
    def closed(self) -> bool:
        """Whether one must have been invited, or know a key."""
        return bool(self.key) or "i" in self.flags

    def forget(self, member: int) -> None:
        """It is no member any more."""
        self.ops.discard(member)
        self.voices.discard(member)
        self.invited.pop(member, None)

    def invite(self, guest: int) -> None:
        """It may come in, once; of too many who have not, the one that was invited first may not.
        """
        self.invited.pop(guest, None)
        self.invited[guest] = None
        if len(self.invited) > INVITED:
            del self.invited[next(iter(self.invited))]

    def promote(self, sender: Sender, at: float) -> None:
        """It is an operator, and its account will be one again."""
        self.ops.add(sender.id)
        if sender.account:
            self.op_accounts.pop(fold(sender.account), None)
            self.op_accounts[fold(sender.account)] = at
            self.ops_at = at
            if len(self.op_accounts) > KEPT:
                self.op_accounts.pop(next(iter(self.op_accounts)))

    def demote(self, sender: Sender, at: float) -> None:
        """It is no operator any more, nor will its account be."""
        self.ops.discard(sender.id)
        self.disown(sender.account, at)

    def disown(self, account: str, at: float) -> bool:
        """Whoever comes in with this account is no operator for that; whether it would have been.
        """
        listed = self.is_op_account(account)
        if listed:
            del self.op_accounts[fold(account)]
            self.ops_at = at
        return listed

    def is_op_account(self, account: str, made_at: float = 0.0) -> bool:
        """Whether whoever comes in with it is an operator.  Not if it was made later than one of
        its name became one here: that one was removed, and this is another's.
        """
        since = self.op_accounts.get(fold(account)) if account else None
        return since is not None and made_at <= since + CLOCKS

    def prefixes(self, member: int) -> str:
        """What stands before its nick: `@` for an operator, `+` for a voice."""
        return ("@" if member in self.ops else "") + ("+" if member in self.voices else "")

    def barred(self, sender: Sender, members: int, key: str = "") -> Barred | None:
        """Why somebody may not come in, or None."""
        invited = sender.id in self.invited
        if self.key and key != self.key:
            return "wrong key"
        if self.limit and members >= self.limit and not invited:
            return "full"
        if "i" in self.flags and not invited and not self._listed("I", sender):
            return "uninvited"
        if not invited and self._banned(sender, mute=False):
            return "banned"
        return None

    def hushed(self, sender: Sender) -> Hushed | None:
        """Why a member, or somebody outside, may not speak here, or None."""
        if sender.id in self.ops or sender.id in self.voices:
            return None
        if "m" in self.flags:
            return "moderated"
        return "banned" if self._banned(sender, mute=True) else None

    def evades(self, sender: Sender, nick: str) -> bool:
        """Whether a member that a ban quiets would speak again if it took this nick."""
        return (sender.id not in self.ops and sender.id not in self.voices
                and self._banned(sender, mute=True)
                and not self._banned(replace(sender, nick=nick), mute=True))

    def _banned(self, sender: Sender, *, mute: bool) -> bool:
        """By an entry that keeps out, or (`mute`) one that at least quiets."""
        return (self._listed("b", sender, mute=mute)
                and not self._listed("e", sender, mute=mute))

    def _listed(self, which: str, sender: Sender, *, mute: bool = False) -> bool:
        entries = self.lists.get(which)
        if not entries:
            return False
        who = f"{sender.nick}!{sender.user}@{sender.host}"
        for mask in entries:
            if mask.startswith(MUTE):
                if not mute:
                    continue
                mask = mask.removeprefix(MUTE)
            if mask.startswith(ACCOUNT):
                if sender.account and matches(mask.removeprefix(ACCOUNT), sender.account):
                    return True
            elif matches(mask, who):
                return True
        return False
