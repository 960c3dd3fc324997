"""What a room hears before it is bytes: who, what kind of thing, and the words.

The hub gathers these, and a dialect (`chatops.chat.dialect`) renders a turn's worth of them at
once.  They are plain data, with identities and no sessions, so that they can be kept, or sent
to another node and heard there, where their sender has no session.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import msgspec
from msgspec.structs import replace

from chatops.chat.bounds import Moment, Name

Kind = Literal[
    # said, by one who hears it too unless its client asked not to:
    "talk", "action", "notice", "tag", "ctcp",
    # somebody comes, goes or is somebody else; `text` is the reason, the new nick, account or
    # `user@host`, or of a join who it is in real life:
    "join", "part", "move", "quit", "nick", "kick", "account", "away", "setname", "host",
    # the room itself; `text` is the topic, or the modes as they are written:
    "topic", "mode", "invite",
    # from the server: words for a room, and the admin's for everybody
    "server", "broadcast",
]

# What a client without echo-message is not to hear of itself.
SAID: frozenset[Kind] = frozenset({"talk", "action", "notice", "tag", "ctcp"})


class Sender(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Who it was at that moment: a later nick does not change what was said before it.

    `user`, `host` and `account` are what others may see; a plain client has none.  `id` is its
    connection's at its `node`; "" is this one.
    """

    id: int
    nick: Name
    user: Name = ""
    host: Name = ""
    account: Name = ""
    node: Name = ""


SERVER = Sender(0, "")             # the server itself
ADMIN = Sender(0, "admin")


class Group(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One thing that a sender did, or a run of lines that it said in one go.

    `text` is clean UTF-8 without a newline at its end; a run of talk has one between two of
    its `lines`.  Lines are numbered through, from `number` on, so that each has an id of its own.
    """

    sender: Sender
    kind: Kind
    text: bytes = b""
    lines: int = 1
    at: Moment = 0.0               # wall clock, seconds
    number: int = 0                # of its first line, among all this hub has made
    target: Name = ""              # nick of who was kicked or invited, or is written to
    quiet: bool = False            # only for dialects that follow who is there
    repeats: bool = False          # those hear of it by another room, or have been told
    tags: bytes = b""              # client-only tags, as they stand in a message (IRCv3)
    plain: bytes | None = None     # `text` without formatting, where that is another one
    late: bool = False             # said a while ago: who is not told the time reads it before
                                   # the words (`dated`)


def dated(group: Group) -> Group:
    """With the time before each of its lines, as bouncers have it: `[12:34] hello`."""
    mark = f"{datetime.fromtimestamp(group.at, UTC).astimezone():[%H:%M] }".encode()
    text, plain = [words if words is None else mark + words.replace(b"\n", b"\n" + mark)
                   for words in (group.text, group.plain)]
    return replace(group, text=text, plain=plain, late=False)
