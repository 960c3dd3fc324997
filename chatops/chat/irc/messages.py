"""PRIVMSG, NOTICE and TAGMSG, to channels, their operators, and people.

Source: Modern IRC, "Sending Messages"; IRCv3 message-tags; draft-oakley-irc-ctcp-02.
"""

from __future__ import annotations

from chatops.chat import abroad
from chatops.chat.formatting import DELIMITER, ctcp, strip
from chatops.chat.groups import Kind
from chatops.chat.irc import limits, others
from chatops.chat.irc import numerics as n
from chatops.chat.irc.accounts import nickserv
from chatops.chat.irc.client import Client
from chatops.chat.irc.context import MUTED, Commands, Irc, IrcCommand
from chatops.chat.irc.message import BODY, Message, format_tags
from chatops.chat.masks import fold
from chatops.chat.session import Room, Session


class Words:
    """One message, whomever it is for."""

    __slots__ = ("kind", "plain", "quiet", "tags", "text")

    def __init__(self, client: Client, message: Message) -> None:
        self.quiet = message.command == "NOTICE"   # nobody answers one, not even with an error
        self.text = message.param(1)
        self.kind: Kind = "talk"
        found = ctcp(self.text) if message.command != "TAGMSG" else None
        if message.command == "TAGMSG":
            self.kind, self.text = "tag", ""
        elif found is not None and found[0] == "ACTION" and not self.quiet:
            self.kind, self.text = "action", found[1].strip(DELIMITER)
        elif found is not None and not self.quiet:
            self.kind = "ctcp"
        elif self.quiet:
            self.kind = "notice"
        bare = strip(self.text)
        self.plain = None if bare == self.text else bare
        tags = {key: value for key, value in message.tags.items() if key.startswith("+")}
        if client.is_bot:
            tags["bot"] = ""
        self.tags = format_tags(tags)[1:-1].encode() if tags else b""


def say(irc: Irc, client: Client, message: Message) -> None:
    words = Words(client, message)
    if not message.param(0):
        if not words.quiet:
            irc.reply(client, n.ERR_NORECIPIENT, f"No recipient given ({message.command})")
        return
    if message.command != "TAGMSG" and not message.param(1):
        if not words.quiet:
            irc.reply(client, n.ERR_NOTEXTTOSEND)
        return
    if message.command == "TAGMSG" and "message-tags" not in client.capabilities:
        irc.reply(client, n.ERR_UNKNOWNCOMMAND, "TAGMSG")
        return
    targets = message.params[0].split(",")
    if len(targets) > limits.TARGETS:
        if not words.quiet:
            irc.reply(client, n.ERR_TOOMANYTARGETS, targets[limits.TARGETS])
        targets = targets[:limits.TARGETS]
    if words.kind != "tag":
        client.last_spoke = irc.hub.at
    for target in targets:
        if target.lstrip("@+").startswith("#"):
            _to_channel(irc, client, target, words)
        elif target:
            _to_person(irc, client, target, words)


def _to_channel(irc: Irc, client: Client, target: str, words: Words) -> None:
    channel = target.lstrip("@+")
    room = irc.room(channel)
    if room is None:
        _refuse(irc, client, words, n.ERR_NOSUCHCHANNEL, channel)
        return
    why = _refusal(irc, client, room, words)
    if why:
        _refuse(irc, client, words, n.ERR_CANNOTSENDTOCHAN, f"#{room.name}", why)
        return
    if _too_long(irc, client, target, words):
        return
    if channel != target:
        _to_ranks(irc, client, room, target[0], words)
    elif words.kind == "talk" and not words.tags and words.plain is None:
        irc.hub.talk(client, words.text.encode(), room=room)
    else:
        irc.hub.say(client, room, words.kind, words.text, plain=words.plain, tags=words.tags)


def _refusal(irc: Irc, client: Client, room: Room, words: Words) -> str:
    """Why this cannot be said in that channel; "" if it can."""
    if irc.is_muted(client):
        return MUTED
    rules = room.rules
    if "n" in rules.flags and client.id not in room.members:
        return "Cannot send to channel (+n): you are not in it"
    if "C" in rules.flags and words.kind == "ctcp":
        return "Cannot send CTCP to channel (+C)"
    return irc.silenced(client, room)


def _to_ranks(irc: Irc, client: Client, room: Room, rank: str, words: Words) -> None:
    """STATUSMSG: to the operators of a channel, or to those and the voices."""
    hub, rules = irc.hub, room.rules
    group = hub.group(client.sender, words.kind, words.text, target=f"{rank}#{room.name}",
                      tags=words.tags, plain=words.plain)
    heard = rules.ops if rank == "@" else rules.ops | rules.voices
    for member in list(room.members.values()):
        if member.id in heard and member is not client:
            hub.tell(member, member.dialect.private(member.sender, group))
    hub.tell(client, client.dialect.copy(client.sender, group))


def _to_person(irc: Irc, client: Client, nick: str, words: Words) -> None:
    if irc.gate is not None and fold(nick.partition("@")[0]) == "nickserv":
        if not words.quiet:
            nickserv(irc, client, words.text)
        return
    other = irc.find(nick)
    if other is None:
        _to_another_node(irc, client, nick, words)
        return
    if irc.is_muted(client):
        _refuse(irc, client, words, n.ERR_CANNOTSENDTOCHAN, other.nick, MUTED)
        return
    if _too_long(irc, client, other.nick, words):
        return
    if other is client:
        _to_itself(irc, client, words)
    elif words.kind != "tag" or "message-tags" in other.capabilities:
        irc.hub.whisper(client, other, words.text, words.kind, plain=words.plain,
                        tags=words.tags)
    _away(irc, client, other, words)


def _to_another_node(irc: Irc, client: Client, nick: str, words: Words) -> None:
    there = others.find(irc, nick)
    if there is None:
        _refuse(irc, client, words, n.ERR_NOSUCHNICK, nick.split(" ")[0])
    elif irc.is_muted(client):
        _refuse(irc, client, words, n.ERR_CANNOTSENDTOCHAN, there.who.nick, MUTED)
    elif not _too_long(irc, client, there.who.nick, words):
        abroad.whisper(irc.hub, client, there, words.text, words.kind, plain=words.plain,
                       tags=words.tags)
        if there.away and words.kind in ("talk", "action"):
            irc.reply(client, n.RPL_AWAY, there.who.nick, there.away)


def _to_itself(irc: Irc, client: Client, words: Words) -> None:
    group = irc.hub.group(client.sender, words.kind, words.text, target=client.nick,
                          tags=words.tags, plain=words.plain)
    irc.aside(client, client.dialect.private(client.sender, group))
    irc.hub.tell(client, client.dialect.copy(client.sender, group))


def _too_long(irc: Irc, client: Client, target: str, words: Words) -> bool:
    """Whether it would not fit into a line once its source is in front of it: cutting it would
    change what it says, so it is refused.
    """
    command = "NOTICE" if words.quiet else "PRIVMSG"
    text = f"\x01ACTION {words.text}\x01" if words.kind == "action" else words.text
    size = len(f":{irc.source(client)} {command} {target} :{text}".encode())
    if size > BODY:
        irc.reply(client, n.ERR_INPUTTOOLONG)
    return size > BODY


def _away(irc: Irc, client: Client, other: Session, words: Words) -> None:
    if other.away and words.kind in ("talk", "action"):
        irc.reply(client, n.RPL_AWAY, other.nick, other.away)


def _refuse(irc: Irc, client: Client, words: Words, numeric: n.Numeric, *params: str) -> None:
    if not words.quiet:
        irc.reply(client, numeric, *params)


COMMANDS: Commands = {"PRIVMSG": IrcCommand(say), "NOTICE": IrcCommand(say),
                      "TAGMSG": IrcCommand(say)}
