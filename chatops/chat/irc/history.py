"""CHATHISTORY: what was said before, as it was said.

Source: IRCv3 draft/chathistory (https://ircv3.net/specs/extensions/chathistory), batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import get_args

from chatops.chat.effects import LookUp
from chatops.chat.groups import Sender
from chatops.chat.irc import limits
from chatops.chat.irc import numerics as n
from chatops.chat.irc.capabilities import Form, form_of
from chatops.chat.irc.client import Client
from chatops.chat.irc.context import Commands, Irc, IrcCommand
from chatops.chat.irc.labels import tagged
from chatops.chat.irc.message import BODY, Message, escape, split_text
from chatops.chat.irc.tongue import time_of
from chatops.chat.parking import park, pour
from chatops.chat.past import Found, How, PastMessage, Reference, Selection

HOWS: dict[str, How] = {how.upper(): how for how in get_args(How)}
UNAVAILABLE = "Messages could not be retrieved"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _RefusedError(Exception):
    """What a FAIL says: its code, its context, and its words."""

    def __init__(self, code: str, *context: str, text: str) -> None:
        super().__init__(code)
        self.code = code
        self.context = context
        self.text = text


def chathistory(irc: Irc, client: Client, message: Message) -> None:
    if not irc.keeps_history:
        irc.reply(client, n.ERR_UNKNOWNCOMMAND, "CHATHISTORY")
        return
    command, *params = message.params or [""]
    command = command.upper()
    try:
        if command == "TARGETS":
            _targets(irc, client, params)
        elif command in HOWS:
            _messages(irc, client, command, params)
        else:
            raise _RefusedError("INVALID_PARAMS", command, text="Unknown command")
    except _RefusedError as refused:
        # A word of no length, or with a space in it, cannot stand in the middle.
        context = [word.split(" ")[0].lstrip(":") or "*" for word in refused.context]
        irc.fail(client, "CHATHISTORY", refused.code, *context, text=refused.text, always=True)


# -- messages

def _messages(irc: Irc, client: Client, command: str, params: list[str]) -> None:
    ends = 2 if command == "BETWEEN" else 1
    _counted(command, params, ends + 2)
    target, *references, limit = params
    room = irc.room(target)
    if room is None or client.id not in room.members:
        raise _RefusedError("INVALID_TARGET", command, target, text=UNAVAILABLE)
    first, *second = [
        None if command == "LATEST" and reference == "*"
        else _reference(command, target, reference) for reference in references]
    selection = Selection(room.kept_as, HOWS[command], _limit(command, limit), first,
                          second[0] if second else None)
    label = irc.take_label()

    def found(messages: Found) -> None:
        if messages is None:
            line = irc.message_text("FAIL", "CHATHISTORY", "MESSAGE_ERROR", command,
                                    f"#{room.name}", UNAVAILABLE)
            _send(irc, client, label, [line.encode()])
        else:
            _send(irc, client, label, _batch(
                irc, client, f"chathistory #{room.name}",
                _lines(irc, client, room.name, messages)))

    answer = park(irc.hub, client, found)
    irc.hub.send_off(client)           # what its rooms hear in this turn is to be found, too
    irc.hub.effects.append(LookUp(client.id, lambda past: past.select(selection, answer)))


def _lines(irc: Irc, client: Client, room: str,
           messages: Sequence[PastMessage]) -> list[tuple[str, str]]:
    """Each as its tags and what follows these.  What many have alike is looked up once."""
    form = form_of(client.capabilities)
    timed, tagged_too = bool(form & Form.TIME), bool(form & Form.TAGS)
    accounts = bool(form & Form.ACCOUNT_TAG)
    heads: dict[tuple[Sender, str], tuple[str, int, str]] = {}
    lines = []
    for message in messages:
        by = message.sender, "NOTICE" if message.kind == "notice" else "PRIVMSG"
        known = heads.get(by)
        if known is None:
            known = heads[by] = _head(irc, room, *by, accounts)
        head, left, account = known
        tags = [f"time={time_of(message.at)}"] if timed else []
        if tagged_too and message.tags:
            tags.append(message.tags)
        if account:
            tags.append(account)
        if message.kind == "action":
            pieces = [f"\x01ACTION {message.text}\x01"]
        else:
            pieces = split_text(message.text, left)
        for number, piece in enumerate(pieces):
            msgid = ([f"msgid={message.msgid}" + (f"-{number}" if number else "")]
                     if tagged_too else [])
            lines.append((";".join(tags + msgid), head + piece))
    return lines


def _head(irc: Irc, room: str, sender: Sender, command: str,
          accounts: bool) -> tuple[str, int, str]:
    """What stands before the text, how many bytes are left for it, and the tag of the account."""
    head = f":{irc.tongue.source(sender)} {command} #{room} :"
    account = f"account={escape(sender.account)}" if accounts and sender.account else ""
    return head, BODY - len(head.encode()), account


# -- targets

def _targets(irc: Irc, client: Client, params: list[str]) -> None:
    _counted("TARGETS", params, 3)
    ends = [_moment("TARGETS", param.removeprefix("timestamp="), param) for param in params[:2]]
    limit = _limit("TARGETS", params[2])
    label = irc.take_label()

    def found(newest: Mapping[str, float] | None) -> None:
        if newest is None:
            line = irc.message_text("FAIL", "CHATHISTORY", "MESSAGE_ERROR", "TARGETS", UNAVAILABLE)
            _send(irc, client, label, [line.encode()])
            return
        between = sorted((at, names[kept_as]) for kept_as, at in newest.items()
                         if min(ends) < int(at * 1000) < max(ends))
        chosen = between[:limit] if ends[0] < ends[1] else between[-limit:]
        _send(irc, client, label, _batch(
            irc, client, "draft/chathistory-targets",
            [("", f":{irc.network.server} CHATHISTORY TARGETS #{room} {time_of(at)}")
             for at, room in chosen]))

    names = {room.kept_as: room.name for room in client.rooms.values()}
    answer = park(irc.hub, client, found)
    irc.hub.send_off(client)           # what its rooms hear in this turn is to be found, too
    irc.hub.effects.append(LookUp(client.id, lambda past: past.newest(list(names), answer)))


# -- what was asked

def _counted(command: str, params: list[str], wanted: int) -> None:
    if len(params) != wanted:
        raise _RefusedError("INVALID_PARAMS", command, text="Insufficient parameters"
                       if len(params) < wanted else "Too many parameters")


def _limit(command: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 19 and int(text)):
        raise _RefusedError("INVALID_PARAMS", command, text, text="Invalid limit")
    return min(int(text), limits.HISTORY)


def _reference(command: str, target: str, text: str) -> Reference:
    kind, equals, value = text.partition("=")
    if kind == "timestamp" and equals:
        return Reference(at=_moment(command, value, text))
    if kind == "msgid" and value:
        return Reference(value)
    if equals and value:
        raise _RefusedError("INVALID_MSGREFTYPE", command, target, text,
                       text="There are references by msgid and by timestamp")
    raise _RefusedError("INVALID_PARAMS", command, text, text="Invalid reference")


def _moment(command: str, value: str, text: str) -> int:
    """Milliseconds since the Unix epoch."""
    for form in ("%Y-%m-%dT%H:%M:%S.%fZ", "%Y-%m-%dT%H:%M:%SZ"):
        try:
            when = datetime.strptime(value, form).replace(tzinfo=UTC)
        except ValueError:
            continue
        return (when - EPOCH) // timedelta(milliseconds=1)
    raise _RefusedError("INVALID_PARAMS", command, text, text="Invalid timestamp")


# -- what is answered

def _batch(irc: Irc, client: Client, kind: str, lines: list[tuple[str, str]]) -> list[bytes]:
    """Lines in a batch of this kind, or as they are for who does not know batches."""
    name = f"h{irc.hub.lines_in:x}"
    batched = "batch" in client.capabilities
    written = []
    for tags, line in lines:
        if batched:
            tags = f"batch={name};{tags}".rstrip(";")
        written.append(f"@{tags} {line}\r\n" if tags else f"{line}\r\n")
    if batched:
        written.insert(0, f":{irc.network.server} BATCH +{name} {kind}\r\n")
        written.append(f":{irc.network.server} BATCH -{name}\r\n")
    return [line.encode() for line in written]


def _send(irc: Irc, client: Client, label: str, lines: list[bytes]) -> None:
    """The answer, whose first line bears the label: all others are in its batch."""
    if label and not lines:
        lines = [f":{irc.network.server} ACK\r\n".encode()]
    if label:
        lines[0] = tagged(f"label={escape(label)}", lines[0])
    mark = len(irc.hub.effects)
    irc.hub.tell(client, b"".join(lines))
    pour(irc.hub, client, mark)


COMMANDS: Commands = {"CHATHISTORY": IrcCommand(chathistory)}
