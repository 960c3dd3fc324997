"""Items as they are opened: what another node tells passes here before anything is done with it.

It is made safe for terminals and lines, as what clients say is at the entrance (`chat.sanitize`);
what no node says means nothing: a name that nobody may have, text that is not UTF-8, a time that
is none.  How much there may be of each the decoder looks at (`chat.bounds`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from chatops.api import commands
from chatops.chat import names
from chatops.chat.bounds import FAR, TEXT
from chatops.chat.effects import Kill, Wallops
from chatops.chat.elsewhere import Person
from chatops.chat.formatting import DELIMITER, clean
from chatops.chat.groups import Group, Kind, Sender
from chatops.chat.irc.limits import LISTED
from chatops.chat.irc.message import CLIENT_TAGS
from chatops.chat.room_state import RoomState
from chatops.chat.sanitize import PRINTED, clean_text, is_clean
from chatops.cluster.frames import (
    AccountsChanged,
    BadFrame,
    Changed,
    Heard,
    Here,
    Item,
    NickTaken,
    NodeFrame,
    Order,
    OrderDone,
    RoomsStand,
    Roster,
    Whisper,
)
from chatops.server import bans
from chatops.server.orders import Ordered, Rulings
from chatops.server.rulings import Ruling

WRONG = 100                    # items of one frame that mean nothing, until the rest of it does
CENTURY = 100 * 366 * 86_400.0     # seconds

NAMES: frozenset[Kind] = frozenset({"nick", "account", "move", "host"})    # `text` is one
LONG: frozenset[Kind] = frozenset({"talk", "action", "notice", "ctcp"})   # else it is a few words
ONE_LINE = PRINTED[:10] + b"?" + PRINTED[11:]      # no newline either
RUN = 1 << 15                  # lines of talk in one go

T = TypeVar("T", bound=msgspec.Struct)

_items: msgspec.msgpack.Decoder[Item] = msgspec.msgpack.Decoder(Item)


def unpack(raw: msgspec.Raw) -> Item:
    """The item in it, safe.  Raises `BadFrame`."""
    try:
        item = _items.decode(raw)
        if type(item) is Heard:        # most are
            return _heard(item)
        check = _CHECKS.get(type(item))
        return item if check is None else check(item)
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
        raise BadFrame(f"an item that means nothing: {clean_text(str(error))[:TEXT]}") from None


def items_of(frame: NodeFrame) -> tuple[list[Item], BadFrame | None]:
    """What it says, in its order, and what is wrong with those items that mean nothing: they are
    left out, and cost no other; but after `WRONG` of them the rest is.
    """
    items, bad, wrong = list[Item](), None, 0
    for raw in frame.items:
        try:
            items.append(unpack(raw))
        except BadFrame as error:
            bad = error
            wrong += 1
            if wrong == WRONG:
                break
    return items, bad


# -- names

@lru_cache(maxsize=4096)
def _is_room(name: str) -> bool:
    try:
        return names.check_room(name) == name
    except names.InvalidName:
        return False


@lru_cache(maxsize=4096)
def _is_word(word: str) -> bool:
    """Whether it can stand in a line of IRC as one of its words, and is safe."""
    return word[:1] != ":" and _is_safe(word)


def _is_safe(part: str) -> bool:
    return " " not in part and clean_text(part) == part


@lru_cache(maxsize=4096)
def _is_nick(nick: str) -> bool:
    """Whether it stands in a source, `nick!user@host`, as what it is; "" is the server's."""
    return (_is_word(nick) and len(nick.encode()) <= names.NICK_BYTES
            and not any(char in nick for char in "!@,*?#"))


@lru_cache(maxsize=4096)
def _is_sender(sender: Sender) -> bool:
    user, host = sender.user, sender.host
    return (_is_nick(sender.nick) and _is_word(sender.account) and _is_safe(f"{user}{host}")
            and not any(char in user or char in host for char in "!@"))


def _need(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(what)


def _rooms(rooms: tuple[str, ...]) -> None:
    _need(len(set(rooms)) == len(rooms), "one room twice")
    for room in rooms:
        _need(_is_room(room), "a room that nobody may call so")


def _words(text: str) -> str:
    """In one line; colours are for IRC clients and stay, as `formatting.clean` has it."""
    return text if text.isascii() and text.isprintable() else clean(text)


# -- what is said and done

def _group(group: Group) -> Group:
    text = group.text
    if not (_is_sender(group.sender) and (not group.target or _is_word(group.target))):
        raise ValueError("a name that nobody may have")
    if (group.kind == "talk" and (text.translate(PRINTED) == text or is_clean(text))
            and 1 <= group.lines <= RUN and group.lines == 1 + text.count(b"\n")
            and group.plain is None and not group.tags):
        return group
    return _cleaned(group)


def _cleaned(group: Group) -> Group:
    """Its text as a client of ours may say it."""
    kind = group.kind
    _need(len(group.text) <= 4 * TEXT or kind in LONG, "too many words")
    _need(group.text.count(b"\n") < RUN, "too many lines")
    text, lines = group.text.decode(), 1
    tags, plain = group.tags.decode(), group.plain
    if kind == "talk":
        each = text.split("\n")
        text, lines = "\n".join([_words(line) for line in each]), len(each)
    elif text.startswith(DELIMITER):
        text = f"{DELIMITER}{_words(text.strip(DELIMITER))}{DELIMITER}"
    else:
        text = _words(text)
    if kind in NAMES:
        _need(_is_word(text), "a name that nobody may have")
    if len(tags) > CLIENT_TAGS or not _is_word(tags):
        tags = ""
    if plain is not None:
        plain = b"\n".join([clean_text(line.decode()).encode() for line in plain.split(b"\n")]
                           if kind == "talk" else [clean_text(plain.decode()).encode()])
    return replace(group, text=text.encode(), lines=lines, plain=plain, tags=tags.encode())


def _heard(heard: Heard) -> Heard:
    if not (_is_room(heard.room) and (not heard.kept_as or _is_kept(heard.kept_as))):
        raise ValueError("a room that nobody may call so")
    groups = heard.groups
    for n, group in enumerate(groups):
        text = group.text              # of most it is seen at once, without a call, that it is well
        if not (group.kind == "talk" and group.lines == 1 and text.translate(ONE_LINE) == text
                and group.plain is None and not group.tags and not group.target
                and _is_sender(group.sender)):
            groups[n] = _group(group)
    return heard


def _is_kept(name: str) -> bool:
    """Whether a history can be called so (`Room.kept_as`)."""
    room, _, token = name.partition(" ")
    return _is_room(room) and (not token or token.isalnum())


def _changed(changed: Changed) -> Changed:
    _rooms(changed.rooms)
    return Changed(changed.rooms, _group(changed.group))


def _whisper(whisper: Whisper) -> Whisper:
    return Whisper(whisper.node, whisper.id, _group(whisper.group))


def _taken(taken: NickTaken) -> NickTaken:
    _need(_is_nick(taken.nick) and _is_word(taken.account), "a name that nobody may have")
    return taken


# -- who is there, and how rooms stand

def _person(person: Person) -> Person:
    _need(bool(person.who.nick) and _is_sender(person.who), "a name that nobody may have")
    _need(person.muted_until >= 0.0, "a time that is none")
    _rooms(person.rooms)
    for room, prefixes in person.ranks:
        _need(room in person.rooms and set(prefixes) <= {"@", "+"}, "a rank that is none")
    away, realname = _words(person.away), _words(person.realname)
    if (away, realname) == (person.away, person.realname):
        return person
    return replace(person, away=away, realname=realname)


def _here(here: Here) -> Here:
    return Here(_person(here.person))


def _roster(roster: Roster) -> Roster:
    return Roster([_person(person) for person in roster.people], roster.first, roster.last)


def _state(state: RoomState) -> RoomState:
    _need(_is_room(state.room), "a room that nobody may call so")
    _need(all(_is_word(word) for word in (state.maker, state.topic_by, state.flags, state.key,
                                          *state.op_accounts)), "a name that nobody may have")
    _need(len(state.op_since) in (0, len(state.op_accounts)), "times of others than there are")
    _need(sum(map(len, state.lists.values())) <= 2 * LISTED, "too long a list")
    for entries in state.lists.values():
        for entry in entries:
            _need(_is_word(entry.mask) and _is_word(entry.by), "a mask that is none")
    return replace(state, topic=_words(state.topic))


def _stand(stand: RoomsStand) -> RoomsStand:
    return RoomsStand([_state(state) for state in stand.states])


# -- orders

def _holds(ruling: Ruling) -> bool:
    """Whether it can be held to: of another one nobody knows what it would have said."""
    try:
        bans.network_of(ruling.network)
    except bans.BanError:
        return False
    return -FAR < ruling.at < FAR and (ruling.lifted or 0.0 <= ruling.until < FAR)


def _rulings(rulings: Rulings) -> Rulings:
    held = tuple([replace(ruling, reason=clean_text(ruling.reason)[:TEXT])
                  for ruling in rulings.rulings if _holds(ruling)])
    _need(bool(held) or not rulings.rulings, "a ruling about no network, or at no time")
    return Rulings(held)


def _what(what: Ordered) -> Ordered:
    match what:
        case Rulings():
            return _rulings(what)
        case commands.Mute(seconds=seconds):
            _need(0.0 <= seconds < CENTURY, "a time that is none")
        case Kill(_, by, reason):
            _need(_is_sender(by), "a name that nobody may have")
            return replace(what, reason=_words(reason)[:TEXT])
        case Wallops(by, text):
            _need(_is_sender(by), "a name that nobody may have")
            return replace(what, text=_words(text)[:TEXT])
    return what


def _order(order: Order) -> Order:
    return replace(order, what=_what(order.what))


def _done(done: OrderDone) -> OrderDone:
    return replace(done, text=clean_text(done.text))


def _accounts(changed: AccountsChanged) -> AccountsChanged:
    _need(all(_is_word(name) for name in changed.names), "a name that nobody may have")
    return changed


_CHECKS: dict[type, Callable[[Any], Item]] = {
    Changed: _changed, Here: _here, Roster: _roster, Whisper: _whisper, NickTaken: _taken,
    RoomsStand: _stand, Order: _order, OrderDone: _done, AccountsChanged: _accounts}
