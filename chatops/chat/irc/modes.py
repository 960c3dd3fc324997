"""MODE, of channels and of oneself.

Source: Modern IRC, "MODE message" and "Channel Modes"; extbans by ISUPPORT's EXTBAN.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from chatops.chat import abroad, ranks
from chatops.chat.elsewhere import Person
from chatops.chat.irc import limits, others
from chatops.chat.irc import numerics as n
from chatops.chat.irc.channels import is_op, unseen
from chatops.chat.irc.client import Client
from chatops.chat.irc.context import Commands, Irc, IrcCommand, as_middle
from chatops.chat.irc.message import Message
from chatops.chat.masks import fold, normalise
from chatops.chat.moderation import ACCOUNT, FLAGS, LISTS, MUTE, MaskEntry
from chatops.chat.session import Room

_SHOWN = {"b": (n.RPL_BANLIST, n.RPL_ENDOFBANLIST),
          "e": (n.RPL_EXCEPTLIST, n.RPL_ENDOFEXCEPTLIST),
          "I": (n.RPL_INVEXLIST, n.RPL_ENDOFINVEXLIST)}
OWN = "iwB"                    # that a user may set on itself
LONGEST = 200                  # characters of a mask
ROOM = 350                     # bytes of changes in a line


class ModeChange(NamedTuple):
    """One letter with its sign, and what belongs to it."""

    adding: bool
    letter: str
    parameter: str = ""


def mode(irc: Irc, client: Client, message: Message) -> None:
    target = message.params[0]
    if not target.startswith("#"):
        _own(irc, client, target, message.params[1:])
        return
    room = irc.room(target)
    if room is None or unseen(client, room):
        irc.reply(client, n.ERR_NOSUCHCHANNEL, as_middle(target))
    elif len(message.params) == 1:
        _shown(irc, client, room)
    else:
        _changed(irc, client, room, message.params[1], message.params[2:])


def _shown(irc: Irc, client: Client, room: Room) -> None:
    rules = room.rules
    letters = "".join(sorted(rules.flags))
    parameters = []
    if rules.key:
        letters += "k"
        parameters.append(rules.key if client.id in room.members else "*")
    if rules.limit:
        letters += "l"
        parameters.append(str(rules.limit))
    irc.reply(client, n.RPL_CHANNELMODEIS, f"#{room.name}", f"+{letters}", *parameters)
    irc.reply(client, n.RPL_CREATIONTIME, f"#{room.name}", str(int(rules.created_at)))


# -- of channels

def _changed(irc: Irc, client: Client, room: Room, letters: str, parameters: list[str]) -> None:
    done: list[ModeChange] = []
    refused = False
    for change in _changes(irc, client, letters, parameters):
        if change.letter in LISTS and not change.parameter:
            _list_shown(irc, client, room, change.letter)
        elif not is_op(client, room):
            if not refused:
                irc.reply(client, n.ERR_NOTONCHANNEL if client.id not in room.members
                          else n.ERR_CHANOPRIVSNEEDED, f"#{room.name}")
            refused = True
        elif (made := _apply(irc, client, room, change)) is not None:
            done.append(made)
    told: list[ModeChange] = []
    for change in done:                # in as many lines as they need
        if told and len(_written([*told, change]).encode()) > ROOM:
            irc.hub.set_modes(client.sender, room, _written(told))
            told = []
        told.append(change)
    if told:
        irc.hub.set_modes(client.sender, room, _written(told))


def _changes(irc: Irc, client: Client, letters: str, parameters: list[str]) -> Iterator[ModeChange]:
    """Each letter with what belongs to it; what is no mode is said to be none."""
    left = iter(parameters[:limits.MODES])
    adding = True
    for letter in letters:
        if letter in "+-":
            adding = letter == "+"
        elif letter in LISTS:
            yield ModeChange(adding, letter, next(left, ""))
        elif letter in "ov" or letter == "k" or (letter == "l" and adding):
            parameter = next(left, None)
            if parameter is None and not (letter == "k" and not adding):
                irc.reply(client, n.ERR_NEEDMOREPARAMS, "MODE")
            else:
                yield ModeChange(adding, letter, parameter or "")
        elif letter in FLAGS or letter == "l":
            yield ModeChange(adding, letter)
        else:
            irc.reply(client, n.ERR_UNKNOWNMODE, letter)


def _apply(irc: Irc, client: Client, room: Room, change: ModeChange) -> ModeChange | None:
    """Do it, if that changes anything; returns it as it is to be told."""
    letter = change.letter
    if letter in "ov":
        return _ranked(irc, client, room, change)
    if letter in LISTS:
        return _listed(irc, client, room, change)
    if letter == "k":
        return _keyed(irc, client, room, change)
    rules = room.rules
    if letter == "l":
        number = change.parameter
        if change.adding and not (number.isascii() and number.isdecimal()
                                  and int(number[:9]) > 0 and len(number) < 10):
            irc.reply(client, n.ERR_INVALIDMODEPARAM, f"#{room.name}", "l",
                      number.split(" ")[0] or "*", "a limit is a number above 0")
            return None
        before, rules.limit = rules.limit, int(number) if change.adding else 0
        return change if before != rules.limit else None
    if (letter in rules.flags) == change.adding:
        return None
    (rules.flags.add if change.adding else rules.flags.discard)(letter)
    return change


def _ranked(irc: Irc, client: Client, room: Room, change: ModeChange) -> ModeChange | None:
    other = irc.find(change.parameter)
    if other is None and (person := others.find(irc, change.parameter)) is not None:
        return _ranked_there(irc, client, room, change, person)
    if other is None:
        irc.reply(client, n.ERR_NOSUCHNICK, change.parameter.split(" ")[0] or "*")
        return None
    if other.id not in room.members:
        irc.reply(client, n.ERR_USERNOTINCHANNEL, other.nick, f"#{room.name}")
        return None
    written = f"{'+' if change.adding else '-'}{change.letter}"
    if not ranks.change(irc.hub, other, room, written):
        return None
    return change._replace(parameter=other.nick)


def _ranked_there(irc: Irc, client: Client, room: Room, change: ModeChange, person: Person
                  ) -> ModeChange | None:
    """The same, of somebody on another node, which does it."""
    nick = person.who.nick
    if room.name not in person.rooms:
        irc.reply(client, n.ERR_USERNOTINCHANNEL, nick, f"#{room.name}")
        return None
    if (abroad.RANKS[change.letter] in person.prefixes(room.name)) == change.adding:
        return None
    others.rank(irc, person, room, f"{'+' if change.adding else '-'}{change.letter}")
    return change._replace(parameter=nick)


def _listed(irc: Irc, client: Client, room: Room, change: ModeChange) -> ModeChange | None:
    mask = _full(change.parameter)[:LONGEST]
    entries = room.rules.lists.setdefault(change.letter, {})
    known = next((one for one in entries if fold(one) == fold(mask)), None)
    if not change.adding:
        if known is None:
            return None
        del entries[known]
        return change._replace(parameter=known)
    if known is not None:
        return None
    kind = mask.removeprefix(MUTE)
    if kind.startswith("~") and not kind.startswith(ACCOUNT):      # no nick begins so
        irc.reply(client, n.ERR_INVALIDMODEPARAM, f"#{room.name}", change.letter, mask,
                  f"of these there are {ACCOUNT}ACCOUNT and {MUTE}MASK")
        return None
    if sum(map(len, room.rules.lists.values())) >= limits.LISTED:
        irc.reply(client, n.ERR_BANLISTFULL, f"#{room.name}", change.letter)
        return None
    entries[mask] = MaskEntry(mask, irc.source(client), irc.hub.at)
    return change._replace(parameter=mask)


def _full(mask: str) -> str:
    """`bob` as `bob!*@*`; an extban keeps its beginning."""
    mask = mask.replace(" ", "").lstrip(":")       # which would begin the last parameter
    if mask.startswith(MUTE):
        return MUTE + _full(mask.removeprefix(MUTE))
    return mask if mask.startswith(ACCOUNT) else normalise(mask)


def _keyed(irc: Irc, client: Client, room: Room, change: ModeChange) -> ModeChange | None:
    rules, key = room.rules, change.parameter
    if not change.adding:
        old, rules.key = rules.key, ""
        return change._replace(parameter="*") if old else None
    if not 0 < len(key) <= limits.KEY or not key.isascii() or any(char in " ,:" for char in key):
        irc.reply(client, n.ERR_INVALIDMODEPARAM, f"#{room.name}", "k", "*",
                  f"a key is 1 to {limits.KEY} letters without spaces, commas and colons")
        return None
    old, rules.key = rules.key, key
    return change if old != key else None


def _list_shown(irc: Irc, client: Client, room: Room, letter: str) -> None:
    """Bans are for everybody to see; who is let in in spite of them is for operators."""
    if letter != "b" and not is_op(client, room):
        irc.reply(client, n.ERR_CHANOPRIVSNEEDED, f"#{room.name}")
        return
    entry_numeric, end = _SHOWN[letter]
    irc.send(client, [*[irc.numeric(client, entry_numeric, f"#{room.name}", entry.mask, entry.by,
                                    str(int(entry.at)))
                        for entry in room.rules.lists.get(letter, {}).values()],
                      irc.numeric(client, end, f"#{room.name}")])


def _written(changes: list[ModeChange]) -> str:
    """`+ov-b ada bob *!*@x`"""
    letters, parameters, sign = "", [], None
    for change in changes:
        if change.adding is not sign:
            sign = change.adding
            letters += "+" if sign else "-"
        letters += change.letter
        if change.parameter:
            parameters.append(change.parameter)
    return " ".join([letters, *parameters])


# -- of oneself

def _own(irc: Irc, client: Client, target: str, given: list[str]) -> None:
    other = irc.find(target)
    if other is None:
        irc.reply(client, n.ERR_NOSUCHNICK, target or "*")
        return
    if other is not client:
        irc.reply(client, n.ERR_USERSDONTMATCH)
        return
    if not given:
        irc.reply(client, n.RPL_UMODEIS, f"+{''.join(sorted(client.modes))}")
        return
    done: list[ModeChange] = []
    adding, unknown = True, False
    for letter in given[0]:
        if letter in "+-":
            adding = letter == "+"
        elif letter in OWN or (letter == "o" and not adding):
            if irc.set_mode(client, letter, adding):
                done.append(ModeChange(adding, letter))
        elif letter != "o":            # nobody makes itself an operator, and none is told
            unknown = True
    if unknown:
        irc.reply(client, n.ERR_UMODEUNKNOWNFLAG)
    if done:
        irc.message(client, "MODE", client.nick, _written(done), source=irc.source(client))


COMMANDS: Commands = {"MODE": IrcCommand(mode, 1)}
