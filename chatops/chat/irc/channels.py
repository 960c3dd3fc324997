"""Coming into channels, leaving them, and what they are about: JOIN PART TOPIC NAMES LIST
INVITE KICK.

Source: Modern IRC, "Channel Operations"; RFC 2812, section 3.2.
"""

from __future__ import annotations

from chatops.api import events
from chatops.chat import abroad, names, ranks
from chatops.chat.effects import Forward, Replay
from chatops.chat.elsewhere import Person
from chatops.chat.formatting import clean
from chatops.chat.groups import Group
from chatops.chat.hub import LOBBY
from chatops.chat.irc import limits, others
from chatops.chat.irc import numerics as n
from chatops.chat.irc.client import Client
from chatops.chat.irc.context import Commands, Irc, IrcCommand, as_middle, joined
from chatops.chat.irc.listing import wanted
from chatops.chat.irc.message import BODY, Message
from chatops.chat.irc.tongue import IrcDialect
from chatops.chat.parking import charge
from chatops.chat.session import Room, Session

COMPARED = 12                  # rooms with a mask, in the time of a line
_BARRED = {"banned": n.ERR_BANNEDFROMCHAN, "uninvited": n.ERR_INVITEONLYCHAN,
           "wrong key": n.ERR_BADCHANNELKEY, "full": n.ERR_CHANNELISFULL}


# -- JOIN and PART

def join(irc: Irc, client: Client, message: Message) -> None:
    if message.params[0] == "0":
        for room in list(client.rooms.values()):
            _leave(irc, client, room, "")
        return
    keys = message.param(1).split(",")
    for number, channel in enumerate(message.params[0].split(",")):
        if channel and not client.parked:
            _join(irc, client, channel, keys[number] if number < len(keys) else "")


def _join(irc: Irc, client: Client, channel: str, key: str) -> None:
    hub = irc.hub
    try:
        if not channel.startswith("#"):
            raise names.InvalidName("its name begins with #")
        name = names.check_room(channel)
    except names.InvalidName as error:
        irc.reply(client, n.ERR_NOCHANNELNAME, as_middle(channel), f"No such channel: {error}")
        return
    if name in client.rooms:
        return
    if abroad.must_wait(hub, client):
        irc.take_label()               # of the line that is read again
        return
    if len(client.rooms) >= limits.CHANNELS or (
            name not in hub.rooms and len(hub.rooms) >= hub.limits.rooms):
        irc.reply(client, n.ERR_TOOMANYCHANNELS, f"#{name}")
        return
    rules, there = hub.rules_of(name)
    why = rules.barred(client.sender, there, key) if rules is not None else None
    if why is not None:
        irc.reply(client, _BARRED[why], f"#{name}")
        return
    room = hub.rooms.open(name)
    hub.effects.append(events.Joined(hub.at, client.id, client.nick, name))
    hub.enter(client, room)
    if client.away:                    # those who ask to be told did not hear of it earlier
        _away_told(irc, client, room)
    _tell(irc, client, room, "join", client.realname)
    ranks.restore(hub, client, room)
    if room.rules.topic:
        _topic_shown(irc, client, room)
    if "no-implicit-names" not in client.capabilities:
        names_of(irc, client, room)
    if "draft/chathistory" not in client.capabilities and not client.is_bot:
        hub.effects.append(Replay(client.id, room.name, room.kept_as))


def _away_told(irc: Irc, client: Client, room: Room) -> None:
    group = irc.hub.group(client.sender, "away", client.away)
    for member in room.members.values():
        if member is not client and isinstance(member.dialect, IrcDialect):
            irc.hub.tell(member, member.dialect.render(room.name, (group,)).chunk)


def _tell(irc: Irc, client: Client, room: Room, kind: str, text: str) -> None:
    """What it has done itself, as its peers hear it."""
    group = irc.hub.group(client.sender, kind, text)  # type: ignore[arg-type]  # a Kind
    irc.hub.tell(client, client.dialect.render(room.name, (group,)).chunk)


def part(irc: Irc, client: Client, message: Message) -> None:
    reason = clean(message.param(1))[:limits.KICK]
    for channel in message.params[0].split(","):
        room = joined_room(irc, client, channel)
        if room is not None:
            _leave(irc, client, room, "" if irc.silenced(client, room) else reason)


def _leave(irc: Irc, client: Client, room: Room, reason: str) -> None:
    hub = irc.hub
    hub.part(client, room, reason)
    _tell(irc, client, room, "part", reason)
    hub.effects.append(events.Parted(hub.at, client.id, client.nick, room.name, reason))


def joined_room(irc: Irc, client: Client, channel: str) -> Room | None:
    """A channel that it is in; it is told if it is not."""
    room = irc.room(channel)
    if room is None or unseen(client, room):
        irc.reply(client, n.ERR_NOSUCHCHANNEL, as_middle(channel))
    elif client.id not in room.members:
        irc.reply(client, n.ERR_NOTONCHANNEL, f"#{room.name}")
    else:
        return room
    return None


def unseen(client: Client, room: Room) -> bool:
    """Whether there is no such channel for it: a secret one (+s), as long as it is outside."""
    return "s" in room.rules.flags and client.id not in room.members


def is_op(client: Client, room: Room) -> bool:
    """Of the channel; an IRC operator is one where it is a member."""
    return client.id in room.rules.ops or (client.is_oper and client.id in room.members)


# -- NAMES and LIST

def names_of(irc: Irc, client: Client, room: Room) -> None:
    """353 and 366: prefixes and nicks, as its capabilities have them."""
    _named(irc, client, room)
    irc.reply(client, n.RPL_ENDOFNAMES, f"#{room.name}")


def _named(irc: Irc, client: Client, room: Room) -> None:
    channel = f"#{room.name}"
    inside = client.id in room.members
    head = irc.numeric(client, n.RPL_NAMREPLY, "@" if "s" in room.rules.flags else "=",
                       channel, "")[:-2]
    if inside or "s" not in room.rules.flags:
        shown = [_name(irc, client, room, member) for member in room.members.values()
                 if inside or not (isinstance(member, Client) and "i" in member.modes)]
        shown += others.names(irc, client, room)
        irc.send(client, [f"{head}{line}\r\n"
                          for line in joined(shown, BODY - len(head.encode()))])


def _name(irc: Irc, client: Client, room: Room, member: Session) -> str:
    prefixes = room.rules.prefixes(member.id)
    if "multi-prefix" not in client.capabilities:
        prefixes = prefixes[:1]
    return prefixes + (irc.source(member) if "userhost-in-names" in client.capabilities
                       else member.nick)


def names_(irc: Irc, client: Client, message: Message) -> None:
    if not message.params:             # of all channels, it would be everybody: Modern IRC allows
        irc.reply(client, n.RPL_ENDOFNAMES, "*")       # not to answer that
        return
    channels = [channel for channel in dict.fromkeys(message.params[0].split(",")) if channel]
    for channel in channels:
        room = irc.room(channel)
        if room is not None:
            _named(irc, client, room)
    for line in joined(channels, BODY // 2, ",") or ["*"]:
        irc.reply(client, n.RPL_ENDOFNAMES, line)


def list_(irc: Irc, client: Client, message: Message) -> None:
    asked = wanted(message.param(0), irc.hub.at)
    masks = len(set(message.param(0).split(",")))
    charge(irc.hub, client, len(irc.hub.rooms) * masks // COMPARED)
    rooms = [room for room in irc.hub.rooms.values() if room.population and asked(room)
             and ("s" not in room.rules.flags or client.id in room.members)]
    irc.send(client, [
        irc.numeric(client, n.RPL_LISTSTART, "Channel"),
        *[irc.numeric(client, n.RPL_LIST, f"#{room.name}", str(room.population),
                      room.rules.topic) for room in rooms],
        irc.numeric(client, n.RPL_LISTEND)])


# -- TOPIC

def topic(irc: Irc, client: Client, message: Message) -> None:
    if len(message.params) < 2:
        _topic_asked(irc, client, message.params[0])
        return
    room = joined_room(irc, client, message.params[0])
    if room is None:
        return
    if "t" in room.rules.flags and not is_op(client, room):
        irc.reply(client, n.ERR_CHANOPRIVSNEEDED, f"#{room.name}")
    elif why := irc.silenced(client, room):
        irc.reply(client, n.ERR_CANNOTSENDTOCHAN, f"#{room.name}", why)
    else:
        irc.hub.set_topic(client, room, message.params[1][:limits.TOPIC])


def _topic_asked(irc: Irc, client: Client, channel: str) -> None:
    room = irc.room(channel)
    if room is None or unseen(client, room):
        irc.reply(client, n.ERR_NOSUCHCHANNEL, as_middle(channel))
    elif room.rules.topic:
        _topic_shown(irc, client, room)
    else:
        irc.reply(client, n.RPL_NOTOPIC, f"#{room.name}")


def _topic_shown(irc: Irc, client: Client, room: Room) -> None:
    rules = room.rules
    irc.reply(client, n.RPL_TOPIC, f"#{room.name}", rules.topic)
    irc.reply(client, n.RPL_TOPICWHOTIME, f"#{room.name}", rules.topic_by,
              str(int(rules.topic_at)))


# -- INVITE and KICK

def invite(irc: Irc, client: Client, message: Message) -> None:
    if not message.params:
        rooms = [room for room in irc.hub.rooms.values() if client.id in room.rules.invited]
        irc.send(client, [*[irc.numeric(client, n.RPL_INVITELIST, f"#{room.name}")
                            for room in rooms],
                          irc.numeric(client, n.RPL_ENDOFINVITELIST)])
        return
    if len(message.params) < 2:
        irc.reply(client, n.ERR_NEEDMOREPARAMS, "INVITE")
        return
    nick, channel = message.params[:2]
    other = irc.find(nick)
    room = joined_room(irc, client, channel)
    if room is None:
        return
    person = others.find(irc, nick) if other is None else None
    if other is None and person is None:
        irc.reply(client, n.ERR_NOSUCHNICK, nick)
    elif "i" in room.rules.flags and not is_op(client, room):
        irc.reply(client, n.ERR_CHANOPRIVSNEEDED, f"#{room.name}")
    elif person is not None:
        _invite_there(irc, client, person, room)
    elif other is None or other.id in room.members:
        irc.reply(client, n.ERR_USERONCHANNEL, nick, f"#{room.name}")
    else:
        _invite(irc, client, other, room)


def _invite(irc: Irc, client: Client, other: Session, room: Room) -> None:
    hub = irc.hub
    room.rules.invite(other.id)
    irc.reply(client, n.RPL_INVITING, other.nick, f"#{room.name}")
    if other.away:
        irc.reply(client, n.RPL_AWAY, other.nick, other.away)
    group = hub.group(client.sender, "invite", room.name, target=other.nick)
    hub.tell(other, other.dialect.private(other.sender, group))
    _invited(irc, client, room, group)


def _invite_there(irc: Irc, client: Client, person: Person, room: Room) -> None:
    nick = person.who.nick
    if room.name in person.rooms:
        irc.reply(client, n.ERR_USERONCHANNEL, nick, f"#{room.name}")
        return
    irc.reply(client, n.RPL_INVITING, nick, f"#{room.name}")
    if person.away:
        irc.reply(client, n.RPL_AWAY, nick, person.away)
    group = irc.hub.group(client.sender, "invite", room.name, target=nick)
    irc.hub.effects.append(Forward(person.who.node, person.who.id, group))
    _invited(irc, client, room, group)


def _invited(irc: Irc, client: Client, room: Room, group: Group) -> None:
    """The members here that ask to be told."""
    hub = irc.hub
    for member in room.members.values():
        if member is not client and isinstance(member.dialect, IrcDialect):
            hub.tell(member, member.dialect.render(room.name, (group,)).chunk)


def kick(irc: Irc, client: Client, message: Message) -> None:
    """Several nicks of one channel, or as many channels as nicks."""
    channels, nicks = message.params[0].split(","), message.params[1].split(",")
    if len(channels) == 1:
        channels *= len(nicks)
    reason = "" if irc.is_muted(client) else message.param(2)[:limits.KICK]
    for channel, nick in zip(channels, nicks, strict=False):
        room = joined_room(irc, client, channel)
        if room is None:
            continue
        if is_op(client, room):
            _kick(irc, client, room, nick, reason or client.nick)
        else:
            irc.reply(client, n.ERR_CHANOPRIVSNEEDED, f"#{room.name}")


def _kick(irc: Irc, client: Client, room: Room, nick: str, reason: str) -> None:
    other = irc.find(nick)
    person = others.find(irc, nick) if other is None else None
    if person is not None:
        _kick_there(irc, client, room, person, reason)
    elif other is None:
        irc.reply(client, n.ERR_NOSUCHNICK, nick or "*")
    elif other.id not in room.members:
        irc.reply(client, n.ERR_USERNOTINCHANNEL, nick, f"#{room.name}")
    elif room.name == LOBBY and not isinstance(other, Client):
        irc.reply(client, n.ERR_CHANOPRIVSNEEDED, f"#{room.name}")     # there is nowhere below
    else:
        irc.hub.kick(other, room, client.sender, reason)


def _kick_there(irc: Irc, client: Client, room: Room, person: Person, reason: str) -> None:
    if room.name not in person.rooms:
        irc.reply(client, n.ERR_USERNOTINCHANNEL, person.who.nick, f"#{room.name}")
    elif room.name == LOBBY:           # what it is spoken to in is not known here
        irc.reply(client, n.ERR_CHANOPRIVSNEEDED, f"#{room.name}")
    else:
        others.put_out(irc, person, room, client.sender, reason)


COMMANDS: Commands = {
    "JOIN": IrcCommand(join, 1), "PART": IrcCommand(part, 1), "NAMES": IrcCommand(names_),
    "LIST": IrcCommand(list_), "TOPIC": IrcCommand(topic, 1), "INVITE": IrcCommand(invite),
    "KICK": IrcCommand(kick, 2),
}
